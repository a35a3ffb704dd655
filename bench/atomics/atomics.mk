# SPDX-License-Identifier: MIT
# count-atomics: the library's sources once more, with a count in front of each
# shared access, and the baseline's, with a call in front of each access at
# all: gcc writes those for a sanitizer whose place bench/atomics takes.

ATOMICSBIN := $B/atomics/count-atomics
ATOMICSOBJ := $(patsubst %.c,$B/atomics/%.o,$(SRC) \
	$(wildcard bench/atomics/*.c) bench/crew.c bench/mix.c bench/machine.c)
TRACEDOBJ := $(BASELINE:%.c=$B/traced/%.o)
# The counts are the same in all modes, and a sanitizer's are its own.
COUNTFLAGS = $(filter-out $(MODEFLAGS),$(CFLAGS)) $(release_FLAGS)

$B/atomics/%.o: %.c GNUmakefile bench/atomics/atomics.mk | build/setup-build \
		build/setup-bench
	@mkdir -p $(@D)
	$(call say,COUNT,$<)
	$(Q)$(CC) -DCOUNT_ATOMICS $(CPPFLAGS) -Ibench $(COUNTFLAGS) -c -o $@ $<

# Compiled for a sanitizer that is then not linked, see coherence.h.
$B/traced/%.o: %.c GNUmakefile bench/atomics/atomics.mk | build/setup-build
	@mkdir -p $(@D)
	$(call say,COUNT,$<)
	$(Q)$(CC) $(CPPFLAGS) $(COUNTFLAGS) -fsanitize=thread -c -o $@ $<

$(ATOMICSBIN): $(ATOMICSOBJ) $(TRACEDOBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(release_FLAGS) -o $@ $^ $(LIBS) -lck -ljansson

.PHONY: count-atomics
count-atomics: $(ATOMICSBIN) ## locked instructions per pair, by whose cache line
	@mkdir -p build/bench
	$(Q)$(ATOMICSBIN) --out build/bench
