# SPDX-License-Identifier: MIT
# Seeded bugs: each patch here breaks the library somewhere, and the tests must
# notice. A patch's head says what is broken (Breaks), what should notice
# (Noticed), which programs must (Try), and whether `make mutants-quick` has it
# (Quick). "Expect: WHAT" marks one that waits for means not there yet.
#
#	MUTANTS='slab-* pool-*'	only those; shell patterns of their names
#	MUTANTS_ALL=1		run every test on each, for the table of all who
#				notice it
#	MUTANTS_JOBS=2		mutants at a time

MUTANTS := *
MUTANTS_ALL :=
MUTANTS_JOBS := 2

# Threads at work, for what only TSan sees.
TSANTESTS := tests/test_stress tests/unit/test_pages_race tests/test_model \
	tests/unit/test_reclaim tests/unit/test_bulk tests/unit/test_alloc \
	tests/unit/test_cache_threads
MUTANTRUN = CC="$(CC)" MUTANTS_MODE="$(MODE)" MUTANTS='$(MUTANTS)' \
	MUTANTS_ALL="$(MUTANTS_ALL)" MUTANTS_JOBS="$(MUTANTS_JOBS)" \
	tests/mutants/run
MUTANTPROGRAMS = $(patsubst $B/%,%,$(TESTBIN) $(MODELBIN)) \
	$(TSANTESTS:%=tsan:%)

.PHONY: mutants mutants-quick mutants-objects
mutants: | build/setup-build build/setup-check ## seeded bugs: the tests must notice each
	$(Q)$(MUTANTRUN) $(MUTANTPROGRAMS)

mutants-quick: | build/setup-build build/setup-check ## the most telling of them, in 3 minutes
	$(Q)MUTANTS_QUICK=1 $(MUTANTRUN) $(MUTANTPROGRAMS)

# What a scratch copy is seeded with, so that it compiles only what changed.
mutants-objects: $(OBJ) $(BASEOBJ) $(TESTS:%.c=$B/%.o) $(MODELOBJ) \
	$(MODELTEST:%.c=$B/model/%.o)
