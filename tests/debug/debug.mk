# SPDX-License-Identifier: MIT
# Debug mode: the test programs that do not look into the library, run in it,
# and programs under AddressSanitizer and valgrind that make one wrong access.

# test_debug enters it by itself, test_stats counts every byte of live objects,
# which have redzones here. Of the unit tests those that do not look inside.
DEBUGTEST := $(filter-out %/test_debug %/test_stats,\
	$(filter $B/tests/test_%,$(TESTBIN))) \
	$(addprefix $B/tests/unit/,test_linux_alloc test_linux_limits \
		test_linux_pointers test_arena test_reclaim test_cache \
		test_cache_end test_cache_shrink test_cache_threads)

# Beside threads, whoever looks at the whole heap sees it change.
WHOLETEST := $(addprefix $B/tests/,test_stress test_model)

.PHONY: check-debug check-access
check-debug: $(DEBUGTEST) check-access ## the tests of the interface with PCPU_DEBUG=1, and those of debug mode
	$(Q)PCPU_DEBUG=1 tools/run-tests $B $(DEBUGTEST)
	$(Q)PCPU_DEBUG=2 tools/run-tests $B $(WHOLETEST)

check-access: lib | build/setup-check ## ASan and valgrind report wrong accesses to per-CPU memory
	$(Q)CC="$(CC)" tests/debug/access.sh $B
