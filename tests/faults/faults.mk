# SPDX-License-Identifier: MIT
# Whole test programs for which the system refuses calls. (Rows 26, 31 and 32 of
# the table of faults; FAULTS.md says which test is for which.)

REFUSE := $B/tests/faults/refuse
REFUSED := $(filter-out %/test_stats %/test_faults_inject,\
	$(filter $B/tests/test_%,$(TESTBIN))) $B/tests/unit/test_alloc \
	$B/tests/unit/test_bulk $B/tests/unit/test_reclaim \
	$B/tests/unit/test_cache $B/tests/unit/test_cache_end \
	$B/tests/unit/test_cache_threads

.PHONY: check-refused
$(REFUSE): tests/faults/refuse.c | build/setup-build
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O1 $(WARN) -o $@ $<

check-refused: tests $(REFUSE) ## the tests without rseq, without membarrier, without mbind and madvise
	$(Q)RUNNER="$(REFUSE) rseq,membarrier,mbind=1,get_mempolicy=1" \
		tools/run-tests $B $(REFUSED)
	$(Q)RUNNER="$(REFUSE) membarrier" \
		tools/run-tests $B $(REFUSED)
	$(Q)RUNNER="$(REFUSE) madvise=12,mbind=22" \
		tools/run-tests $B $(filter-out %/test_reclaim,$(REFUSED))
