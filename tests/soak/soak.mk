# SPDX-License-Identifier: MIT
# The soak: all clients at once and for long, see tests/soak/soak.h.
#
#	PCPU_TEST_SEED=N	the random numbers of another run
#	PCPU_POSSIBLE_CPUS, PCPU_NODES	on another machine

MINUTES := 30## minutes that `make soak` runs

SOAKBIN := $B/tests/soak/soak
SOAKOBJ := $(patsubst %.c,$B/%.o,$(wildcard tests/soak/*.c))

.PHONY: soak soak-quick
soak: SOAK_SECONDS := $(shell echo $$(($(MINUTES) * 60)))
soak-quick: SOAK_SECONDS := 30
soak: ## all clients, faults, forks, trims for MINUTES: constant memory and rates
soak-quick: ## the same for 30 s
soak soak-quick: $(SOAKBIN) | build/setup-bench
	$(Q)mkdir -p build/soak
	$(Q)$(RUNNER) $(SOAKBIN) $(SOAK_SECONDS) build/soak

$(SOAKOBJ): | build/setup-check
$(SOAKBIN): $(SOAKOBJ) $(OBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(MODEFLAGS) -Wl,--wrap=mmap -Wl,--wrap=madvise \
		-Wl,--wrap=syscall -Wl,--wrap=pthread_create -o $@ $^ $(LIBS) \
		$(CHECKLIBS)
