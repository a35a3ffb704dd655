# SPDX-License-Identifier: MIT
# Real NUMA: guests with several nodes under QEMU, which emulates all of it, so
# that any machine will do. Kernels stay in build/numa, the log of a boot in
# $B/numa/log.

NUMA_KERNELS := 6.1 6.12## Debian kernels that check-numa boots
NUMA_CASES := main memoryless uneven late## machines that check-numa boots, see tests/numa/run

NUMATEST := $(wildcard tests/numa/test_*.c)
NUMABIN := $(NUMATEST:%.c=$B/%)
# Programs of the ordinary suite that run in a guest, too.
GUESTBIN := $(addprefix $B/tests/,unit/test_topology unit/test_layout \
	unit/test_arena)
KERNELS := $(NUMA_KERNELS:%=build/numa/vmlinuz-%)

$(NUMATEST:%.c=$B/%.o): | build/setup-check

# One that apt does not have is a failure, but only its own.
build/numa/vmlinuz-%: | build/setup-numa
	$(call say,KERNEL,$@)
	$(Q)tests/numa/kernel $* $@ || true

$B/numa/initramfs.gz: $(NUMABIN) $(GUESTBIN) tests/numa/init \
		tests/numa/initramfs tools/run-tests | build/setup-numa
	$(call say,CPIO,$@)
	$(Q)tests/numa/initramfs $@ $(NUMABIN) $(GUESTBIN)

.PHONY: check-numa
check-numa: $B/numa/initramfs.gz $(KERNELS) ## on emulated machines with several nodes, two kernels
	$(Q)tests/numa/run $B/numa "$(NUMA_CASES)" "$(KERNELS)"
