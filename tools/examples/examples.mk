# SPDX-License-Identifier: MIT
# Programs that show the library at work, as its users would write them. Each
# checks its own result.

EXAMPLEBIN := $(patsubst %.c,$B/%,$(wildcard tools/examples/*.c))

.PHONY: check-examples
$(EXAMPLEBIN): $B/%: $B/%.o $B/libpcpu.a
	$(call say,LD,$@)
	$(Q)$(CC) $(MODEFLAGS) -o $@ $^ $(LIBS)

check-examples: $(EXAMPLEBIN) ## the programs of tools/examples, as they are and in debug mode
	$(Q)for program in $^; do \
		printf '  %s: ' "$${program##*/}" && "$$program" 4 && \
		PCPU_DEBUG=1 "$$program" 4 >/dev/null || exit 1; \
	done
