# SPDX-License-Identifier: MIT
# aarch64 as a whole machine: guests under QEMU with kernels of Debian's, for
# what the emulation of a process has not: restartable sequences, membarrier(),
# real preemption, all of the address space. The machines are those of cases
# "ordinary" and "turns" in tests/numa/run. Kernels lie in build/aarch64-image,
# the log of each boot in $B/guest/log.
#
# Where emulated CPUs run side by side, a page fault takes milliseconds, as each
# change of a mapping waits until all of them stand still. They do so for tests
# whose threads are to meet; what fills memory runs where they take turns, 5 to
# 20 times sooner. test_stress has cases of both kinds.

ifeq ($(TARGET),aarch64)
GUEST_KERNELS := 6.1 6.12## kernels that check-aarch64-guest boots
GUEST_CASES := ordinary turns
guest-6.1: GUEST_CPU := cortex-a72
guest-6.12: GUEST_CPU := neoverse-n1# with atomic instructions (LSE)
GUEST_TESTS := test_this_cpu test_contexts test_pins test_pins_signals \
	test_front test_front_frees test_front_threads test_counter \
	test_counter_tree test_lazy test_gate test_ref test_ref_threads \
	test_cache test_cache_end test_cache_shrink test_cache_threads \
	test_cache_debug \
	test_linux_ops test_linux_local test_linux_counter test_linux_rwsem \
	test_linux_refcount test_linux_sections test_linux_stress \
	test_alloc test_stress test_stopped test_traced test_stats \
	test_faults_async test_faults_fork
GUEST_TURNS := $(filter-out $(GUEST_TESTS),$(AARCH64_EXCEPT)) test_stress
GUEST_BIN := $(filter $(patsubst %,\%/%,$(GUEST_TESTS) $(GUEST_TURNS)), \
	$(TESTBIN))
IMAGE := build/aarch64-image

$(IMAGE)/.stamp: tools/packages tests/matrix/fetch-root | build/setup-aarch64
	$(call say,ROOT,$(@D))
	$(Q)tests/matrix/fetch-root arm64 $(@D) image
	@touch $@

build/guest/vmlinuz-%: $(IMAGE)/.stamp
	@mkdir -p $(@D)
	$(Q)cp $(IMAGE)/boot/vmlinuz-$*.* $@

$B/guest/initramfs.gz: $(GUEST_BIN) $(IMAGE)/.stamp tests/numa/init \
		tests/numa/initramfs tests/matrix/guest.mk tools/run-tests
	$(call say,CPIO,$@)
	$(Q)BUSYBOX=$(IMAGE)/bin/busybox SYSROOT=$(ROOT) \
		LDD="qemu-aarch64 -L $(ROOT) -E LD_TRACE_LOADED_OBJECTS=1" \
		STRIP=aarch64-linux-gnu-strip \
		tests/numa/initramfs $@ $(GUEST_BIN)

.PHONY: guest $(GUEST_KERNELS:%=guest-%)
guest: $(GUEST_KERNELS:%=guest-%)
$(GUEST_KERNELS:%=guest-%): guest-%: $B/guest/initramfs.gz \
		build/guest/vmlinuz-%
	$(Q)QEMU="qemu-system-aarch64 -M virt -cpu $(GUEST_CPU)" \
		GUEST_CONSOLE=ttyAMA0 \
		GUEST_ORDINARY="$(strip $(GUEST_TESTS))" \
		GUEST_TURNS="$(strip $(GUEST_TURNS))" \
		tests/numa/run $B/guest "$(GUEST_CASES)" \
		build/guest/vmlinuz-$*
endif
