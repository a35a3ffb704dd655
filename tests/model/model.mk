# SPDX-License-Identifier: MIT
# The interleaving explorer: the library's sources once more, with a call in
# front of each shared access, and programs that let threads meet there.
#
#	EXPLORE_ONLY=TEXT	scenarios whose name has this in it
#	EXPLORE_BOUND=N		preemptions, in place of the scenarios'; 7: any
#	EXPLORE_MORE=N		so many more of them than the scenarios'
#	EXPLORE_SECONDS=N	give a scenario up after so long
#	EXPLORE_ARENAS=N	arenas a node, in place of one; a power of two
#	EXPLORE_REPLAY=TEXT	run what a failed scenario printed, and tell
#	PCPU_TEST_SEED=N	test_threads: repeat a run

# One thread plays all: there is nothing for TSan to see. And sequences are among
# what it plays, of which musl has no declarations.
MODELTEST := $(if $(filter tsan musl,$(MODE) $(TARGET)),, \
	$(wildcard tests/model/test_*.c))
MODELBIN := $(MODELTEST:tests/model/%.c=$B/model/%)
MODELOBJ := $(SRC:%.c=$B/model/%.o) \
	$(patsubst %.c,$B/model/%.o,$(filter-out tests/model/test_%, \
		$(wildcard tests/model/*.c)))

.PHONY: explore explore-arenas explore-deep fuzz-threads
explore: $(MODELBIN) ## every interleaving of small scenarios, SC and x86-TSO
	$(Q)tools/run-tests $B $(MODELBIN)

# CPUs 0 and 2 have one, 1 and 3 the other.
explore-arenas: $(MODELBIN) ## the same with two arenas a node
	$(Q)EXPLORE_ARENAS=2 tools/run-tests $B $(MODELBIN)

explore-deep: $(MODELBIN) ## the same with a preemption more, a minute each
	$(Q)EXPLORE_MORE=1 EXPLORE_SECONDS=60 $B/model/test_explore

fuzz-threads: $(MODELBIN) ## random threads and schedules, FUZZ_SECONDS long
	$(Q)FUZZ_SECONDS=$(FUZZ_SECONDS) $B/model/test_threads

$B/model/%.o: %.c GNUmakefile tests/model/model.mk | build/setup-build \
		build/setup-check $(TARGET_ROOT)
	@mkdir -p $(@D)
	$(call say,MODEL,$<)
	$(Q)$(CC) -DMODEL_CHECK $(CPPFLAGS) -Itests -Itests/model \
		$(filter-out -flto%,$(CFLAGS)) -c -o $@ $<

# What the library asks the system for is played: see kernel.c, world.c. Calls
# that are optimised across files would pass by that.
MODELWRAP := pthread_create pthread_setname_np pthread_mutex_lock \
	pthread_mutex_trylock pthread_mutex_unlock nanosleep sched_getcpu \
	sched_yield syscall aligned_alloc free madvise open sysfile_read \
	urcu_bp_synchronize_rcu urcu_bp_read_lock urcu_bp_read_unlock panic \
	copies_zero_run layout_depopulate
$(MODELBIN): $B/model/%: $B/model/tests/model/%.o $(MODELOBJ)
	$(call say,LD,$@)
	$(Q)$(CC) $(filter-out -flto%,$(MODEFLAGS)) $(MODELWRAP:%=-Wl,--wrap=%) \
		-o $@ $^ $(LIBS) $(CHECKLIBS)
