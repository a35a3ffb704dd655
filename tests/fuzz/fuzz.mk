# SPDX-License-Identifier: MIT
# The fuzzers. libFuzzer and AFL++ run the same harness; test_corpus is that
# harness without either, and runs what they found (tests/fuzz/corpus).
#
#	build/gcc-release/tests/test_corpus MACHINE FILE	repeats an input

FUZZ_SECONDS := 60## seconds that `make fuzz` and `make fuzz-afl` run
FUZZ_MACHINES := all## the simulated machines they run on, see machine.c

# What test programs other than their own source are made of.
FUZZOBJ := $(patsubst %.c,$B/%.o,$(filter-out tests/fuzz/engine.c, \
	$(wildcard tests/fuzz/*.c)) tests/model/invariants.c tests/inject.c)
$B/tests/test_corpus: $(FUZZOBJ)
$B/tests/test_corpus.o $B/tests/fuzz/engine.o $(FUZZOBJ): \
	CPPFLAGS += -Itests/model
# They are called before a sanitizer is ready.
ifneq ($(MODE),tsan)
$B/tests/inject.o $B/tests/fuzz/catch.o $B/tests/fuzz/machine.o: \
	CFLAGS += -fno-sanitize=all
endif
$B/tests/fuzz/engine.o $(FUZZOBJ): | build/setup-check

# The fuzzers are to look at the library, not at us.
HARNESS_CC := $(CC)
HARNESS_FLAGS :=
$B/tests/fuzz/engine.o $(FUZZOBJ): override CC := $(HARNESS_CC)
$B/tests/fuzz/engine.o $(FUZZOBJ): CFLAGS += $(HARNESS_FLAGS)

$B/fuzz: $B/tests/fuzz/engine.o $(FUZZOBJ) $(OBJ)
	$(call say,FUZZ,$@)
	$(Q)$(CC) $(MODEFLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

LIBFUZZER := build/libfuzzer
AFL := build/afl

.PHONY: fuzz fuzz-afl
fuzz: | build/setup-check build/setup-build ## libFuzzer against a shadow map, FUZZ_SECONDS long
	$(Q)$(MAKE) --no-print-directory CC=clang B=$(LIBFUZZER) \
		MODEFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined \
			-fno-sanitize-recover=all" \
		HARNESS_FLAGS="-O2 -fno-sanitize=all" $(LIBFUZZER)/fuzz
	$(Q)tests/fuzz/run-fuzz libfuzzer $(LIBFUZZER)/fuzz $(FUZZ_SECONDS) \
		$(FUZZ_MACHINES)

fuzz-afl: | build/setup-check build/setup-build build/setup-afl ## the same with AFL++
	$(Q)AFL_QUIET=1 $(MAKE) --no-print-directory CC=afl-clang-fast \
		HARNESS_CC=clang B=$(AFL) MODEFLAGS="-O2 -g" $(AFL)/fuzz
	$(Q)tests/fuzz/run-fuzz afl $(AFL)/fuzz $(FUZZ_SECONDS) \
		$(FUZZ_MACHINES)
