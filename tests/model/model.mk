# SPDX-License-Identifier: MIT
# The interleaving explorer: the library's sources once more, with a call in
# front of each shared access, and programs that preempt them there.
#
#	PCPU_TEST_SEED=N	test_interleave: repeat a run
#	EXPLORE_EVERY_POINT=1	test_pairs: also schedules known to be equal

# One thread plays all: there is nothing for TSan to see.
MODELTEST := $(if $(filter tsan,$(MODE)),,$(wildcard tests/model/test_*.c))
MODELBIN := $(MODELTEST:tests/model/%.c=$B/model/%)
MODELOBJ := $(SRC:%.c=$B/model/%.o) \
	$(patsubst %.c,$B/model/%.o,$(filter-out tests/model/test_%, \
		$(wildcard tests/model/*.c)))

.PHONY: explore
explore: $(MODELBIN) ## preempt every shared access: what the hints must survive
	$(Q)tools/run-tests $B $(MODELBIN)

$B/model/%.o: %.c GNUmakefile tests/model/model.mk | build/setup-build \
		build/setup-check
	@mkdir -p $(@D)
	$(call say,MODEL,$<)
	$(Q)$(CC) -DMODEL_CHECK $(CPPFLAGS) -Itests -Itests/model $(CFLAGS) \
		-c -o $@ $<

# No worker runs by itself, the CPU is what the test says; see schedule.c.
$(MODELBIN): $B/model/%: $B/model/tests/model/%.o $(MODELOBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(MODEFLAGS) -Wl,--wrap=pthread_create \
		-Wl,--wrap=sched_getcpu -Wl,--wrap=madvise \
		-Wl,--wrap=syscall -Wl,--wrap=urcu_bp_synchronize_rcu \
		-o $@ $^ $(LIBS) -lcheck_pic -lsubunit -lrt -lm
