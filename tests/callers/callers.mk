# SPDX-License-Identifier: MIT
# Files of the kernel, unmodified, on the shim: taken from Debian's source
# package into the build folder, compiled with stubs of ours for what is not
# per-CPU, and driven under load by drivers/*.c, one for each.
#
#	CALLERS_MS=N	load each for so long, in milliseconds
#
# check-callers compiles them once more with a shim whose sections are nothing
# (callers/broken.h): the drivers in CALLERS_NOTICE must fail then.

CALLERS_TAR := /usr/src/linux-source-6.1.tar.xz
CALLERS_LINUX := build/callers/linux
CALLERS_DRIVERS := $(patsubst tests/callers/drivers/%.c,%, \
	$(wildcard tests/callers/drivers/*.c))
CALLERS_NOTICE := percpu_counter gen_stats dst_cache

# Of the kernel, by driver, and what all of them need.
CALLERS_SRC_percpu_counter := lib/percpu_counter
CALLERS_SRC_percpu-refcount := lib/percpu-refcount
CALLERS_SRC_percpu_test := lib/percpu_test
CALLERS_SRC_flex_proportions := lib/flex_proportions lib/percpu_counter
CALLERS_SRC_sbitmap := lib/sbitmap
CALLERS_SRC_percpu-rwsem := kernel/locking/percpu-rwsem kernel/rcu/sync
CALLERS_SRC_percpu_freelist := kernel/bpf/percpu_freelist
CALLERS_SRC_gen_stats := net/core/gen_stats
CALLERS_SRC_dst_cache := net/core/dst_cache
CALLERS_SRC_test_vmalloc := lib/test_vmalloc
CALLERS_COMMON := kernel/sched/wait

CALLERSBIN := $(CALLERS_DRIVERS:%=$B/callers/%)
CALLERSBAD := $(CALLERS_NOTICE:%=$B/callers-broken/%)

ROWS += check-callers
.PHONY: check-callers
check-callers: $(CALLERSBIN) $(CALLERSBAD) ## files of the kernel, unmodified, on the shim, under load
	$(Q)tools/run-tests $B $(CALLERSBIN)
	$(Q)tests/callers/must-fail $(CALLERSBAD)

build/callers/sources: tests/callers/sources tests/callers/empty \
		tests/callers/extract | build/setup-callers
	$(Q)tests/callers/extract $(CALLERS_TAR) $(@D)
	@touch $@

# Said here, lest make looks for a way to make other things in that folder.
CALLERS_SOURCES := $(shell sed -n 's,^[^\#].*\.c$$,$(CALLERS_LINUX)/&,p' \
	tests/callers/sources)
$(CALLERS_SOURCES): build/callers/sources ;

# The kernel's code is not ours to warn about.
CALLERSFLAGS = -D_GNU_SOURCE -DCONFIG_SMP -Itests/callers/include \
	-Iinclude/compat -Iinclude -Ibuild/callers/include \
	-I$(CALLERS_LINUX)/include -I$(CALLERS_LINUX)/kernel/bpf \
	-include callers/kernel.h \
	-std=gnu11 -w -Werror=implicit-function-declaration \
	-fno-strict-aliasing -fno-strict-overflow $(MODEFLAGS) -fPIE -MMD -MP

define callers_rules
$B/$1/%.o: $(CALLERS_LINUX)/%.c tests/callers/callers.mk
	@mkdir -p $$(@D)
	$$(call say,CC,$$(@:$B/%=%))
	$$(Q)$$(CC) $$(CALLERSFLAGS) $2 $$(if $$(findstring /net/,$$@), \
		-include callers/net.h) -c -o $$@ $$<

# Ours that see the kernel's headers.
$B/$1/ours/%.o: tests/callers/%.c build/callers/sources \
		tests/callers/callers.mk
	@mkdir -p $$(@D)
	$$(call say,CC,$$(@:$B/%=%))
	$$(Q)$$(CC) $$(CALLERSFLAGS) $2 -c -o $$@ $$<

$(3:%=$B/$1/%): $B/$1/%: $B/$1/ours/drivers/%.o $B/$1/ours/glue.o $B/tests/callers/support.o \
		$B/tests/callers/stress.o $B/tests/callers/main.o \
		$B/libpcpu.a
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(MODEFLAGS) -o $$@ $$(filter %.o,$$^) $B/libpcpu.a \
		$$(LIBS) -lcheck_pic -lsubunit -lrt -lm
endef
$(eval $(call callers_rules,callers,,$(CALLERS_DRIVERS)))
$(eval $(call callers_rules,callers-broken,-DCALLERS_BROKEN,$(CALLERS_NOTICE)))

callers_needs = $(foreach d,$2,$(eval $B/$1/$d: \
	$(patsubst %,$B/$1/%.o,$(CALLERS_SRC_$d) $(CALLERS_COMMON))))
$(call callers_needs,callers,$(CALLERS_DRIVERS))
$(call callers_needs,callers-broken,$(CALLERS_NOTICE))

$B/tests/callers/%.o: CPPFLAGS += -Itests/callers/include
