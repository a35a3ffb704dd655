# SPDX-License-Identifier: MIT
# Line and branch coverage of the library by gcov and gcovr, as a table: of the
# fuzzers' corpus alone, then of corpus and test programs. Fails if either is
# below the thresholds. Nothing of the library is excluded; the explorer's
# programs, which are other builds of the sources, do not count.

COVERAGE_LINE := 95## per cent of lines that `make coverage` asks for
COVERAGE_BRANCH := 85## per cent of branches

COV := build/coverage
COVDUMP := $(COV)/tests/coverage/dump.o
COVMAKE = $(MAKE) --no-print-directory CC=gcc B=$(COV) \
	MODEFLAGS="-O0 -g --coverage -fprofile-update=atomic" \
	LIBS="$(LIBS) -Wl,--wrap=_exit -Wl,--wrap=abort $(COVDUMP)"

# Where most aborts are caught it is enough to write things down at the end.
ifeq ($B,$(COV))
$B/tests/test_corpus: override LIBS := $(filter-out %--wrap=abort,$(LIBS))
endif

.PHONY: coverage
coverage: | build/setup-check build/setup-build build/setup-bench build/setup-coverage
coverage: ## line and branch coverage of the library
	$(Q)mkdir -p $(dir $(COVDUMP))
	$(Q)gcc -O2 -fPIC -c -o $(COVDUMP) tests/coverage/dump.c
	$(Q)$(COVMAKE) tests
	$(Q)find $(COV) -name '*.gcda' -delete
	$(Q)tools/run-tests $(COV) $(COV)/tests/test_corpus
	$(Q)tests/coverage/report "by the corpus alone" \
		$(COVERAGE_LINE) $(COVERAGE_BRANCH)
	$(Q)tools/run-tests $(COV) \
		$(filter-out %/test_corpus,$(TESTS:%.c=$(COV)/%)); failed=$$?; \
	tests/coverage/report "by corpus and tests" \
		$(COVERAGE_LINE) $(COVERAGE_BRANCH) && exit $$failed
