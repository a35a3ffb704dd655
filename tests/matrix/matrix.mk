# SPDX-License-Identifier: MIT
# The matrix: compilers, modes, machines. A row is a target of its own; other
# makefiles add theirs by ROWS += target. Each builds in a folder of its own.

ROWS += check-musl
ROWS += lint check check-clang check-o0 check-clang-o0 check-lto \
	check-clang-lto asan tsan check-no-rseq check-cpus check-possible \
	check-aarch64 check-aarch64-guest check-valgrind soak-quick fuzz \
	fuzz-afl fuzz-threads coverage explore-arenas explore-deep mutants \
	spin check-debug check-access check-refused check-numa check-old-cpu

AGAIN := $(MAKE) --no-print-directory

.PHONY: check-all $(ROWS)
check-all: ## every row of the matrix, and a table: hours
	$(Q)MAKE="$(MAKE)" tests/matrix/check-all $(sort $(ROWS))

check-clang: ## the tests, compiled by clang
	$(Q)$(AGAIN) CC=clang check-fast
check-o0: ## the tests with -O0
	$(Q)$(AGAIN) MODE=debug check-fast
check-clang-o0: ## the tests with -O0 by clang
	$(Q)$(AGAIN) CC=clang MODE=debug check-fast
check-lto: ## the tests with -O3, optimised across files
	$(Q)$(AGAIN) MODE=lto check-fast
check-clang-lto: | build/setup-lto ## the same by clang
	$(Q)$(AGAIN) CC=clang MODE=lto check-fast

check-no-rseq: ## the tests where the C library registers no rseq area
	$(Q)GLIBC_TUNABLES=glibc.pthread.rseq=0 $(AGAIN) check-fast

# What takes the machine as it finds it; all others simulate their own.
CPUS_TESTS := test_arguments test_faults test_stopped test_linux_alloc \
	test_linux_pointers test_sizeclass
check-cpus: ## 1 to 1,024 simulated CPUs on 1, 2 and 8 nodes
	$(Q)$(AGAIN) tests $(SOAKBIN)
	$(Q)tests/matrix/cpus $B $(SOAKBIN) $(call chosen,$(CPUS_TESTS),)

check-possible: ## all tests on a machine with 1, and with 16 CPUs as far as it says
	$(Q)$(AGAIN) tests lib $(MODELBIN)
	$(Q)tests/matrix/possible 1 $(AGAIN) check-fast
	$(Q)tests/matrix/possible 16 $(AGAIN) check-fast

# Those that it suits: it runs one thread at a time, some 50 times slower.
VALGRIND_TESTS := test_alloc test_alloc_copies test_arena test_arguments \
	test_bulk_faults test_idle test_linux_limits test_linux_pointers \
	test_pages test_pick test_pool test_registry test_reserve \
	test_trim test_panic test_stats
check-valgrind: build/again.so ## the tests of single threads under memcheck: no error
	$(Q)rm -rf build/valgrind && mkdir -p build/valgrind
	$(Q)CK_TIMEOUT_MULTIPLIER=60 \
		RUNNER="tests/matrix/memcheck $(CURDIR)/build/valgrind" \
		$(AGAIN) ONLY="$(VALGRIND_TESTS)" check-fast
	$(Q)tests/matrix/memcheck-errors build/valgrind

build/again.so: tests/matrix/again.c | build/setup-check
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -std=c11 $(WARN) -O2 -fPIC -shared -o $@ $<

# Those of the words that need no process of their own: in the emulator a fork
# takes seconds.
OLD_TESTS := test_word test_slab test_pages test_trim
check-old-cpu: | build/setup-emulator ## the tests of words on an x86-64 processor that cannot count bits
	$(Q)CK_FORK=no RUNNER="qemu-x86_64 -cpu qemu64,-popcnt" \
		$(AGAIN) ONLY="$(OLD_TESTS)" check-fast

# Left out: what needs more address space than the emulator's tables allow, or
# uses it up, and threads in a child of fork(), where qemu 7.2 aborts by an
# assertion. Guests run these, but for those that load files beside them.
AARCH64_EXCEPT := test_layout test_pick test_near test_arenas \
	test_linux_limits test_bulk \
	test_arena test_alloc_copies test_reclaim test_faults_fork \
	test_faults_inject test_faults_refs test_ref_threads \
	test_cache_threads test_reclaim_fork test_limits test_model
AARCH64_FILES := test_corpus test_statics_loaded test_statics_pages
check-aarch64: ## the tests on aarch64, cross compiled and emulated by qemu
	$(Q)CK_TIMEOUT_MULTIPLIER=60 CK_EXCLUDE_TAGS=memory \
		$(AGAIN) TARGET=aarch64 \
		EXCEPT="$(AARCH64_EXCEPT) $(AARCH64_FILES)" check-fast

check-musl: ## the tests against musl in place of glibc
	$(Q)$(AGAIN) TARGET=musl check-fast
	$(Q)$(AGAIN) TARGET=musl check-install
check-aarch64-guest: | build/setup-guest ## those about sequences, and these, in whole emulated aarch64 machines
	$(Q)$(AGAIN) TARGET=aarch64 guest

include tests/matrix/guest.mk
