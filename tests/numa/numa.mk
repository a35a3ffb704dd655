# SPDX-License-Identifier: MIT
# Real NUMA: guests with several nodes under QEMU, which emulates all of it, so
# that any machine will do. Kernels stay in build/numa, the log of each boot in
# $B/numa/log. The machines are in tests/numa/run.

NUMA_KERNELS := 6.1 6.12## Debian kernels that check-numa boots
NUMA_CASES := main memoryless sparse uneven late## machines that it boots
NUMA_LARGE := large-16 large-64

NUMATEST := $(wildcard tests/numa/test_*.c)
NUMABIN := $(NUMATEST:%.c=$B/%)
# Of the ordinary suite what fits into a guest's time and memory: no simulated
# machines of a thousand CPUs, no threads that wait for each other's turns.
GUESTBIN := $(addprefix $B/tests/,$(addprefix unit/test_,topology nodes layout \
	bind arena alloc alloc_copies chunk front) test_arguments)
GUESTKERNELS := $(NUMA_KERNELS:%=build/numa/vmlinuz-%)

$(NUMATEST:%.c=$B/%.o): | build/setup-check

# One that apt does not have is a failure, but only its own.
build/numa/vmlinuz-%: | build/setup-numa
	$(call say,KERNEL,$@)
	$(Q)tests/numa/kernel $* $@ || true

$B/numa/initramfs.gz: $(NUMABIN) $(GUESTBIN) tests/numa/init \
		tests/numa/initramfs tests/numa/numa.mk tools/run-tests \
		| build/setup-numa
	$(call say,CPIO,$@)
	$(Q)tests/numa/initramfs $@ $(NUMABIN) $(GUESTBIN)

.PHONY: check-numa check-numa-large
check-numa: $B/numa/initramfs.gz $(GUESTKERNELS) ## on emulated machines with several nodes, two kernels
	$(Q)tests/numa/run $B/numa "$(NUMA_CASES)" "$(GUESTKERNELS)"

check-numa-large: ## the same with 16 and with 64 CPUs on 4 nodes
	$(Q)$(MAKE) --no-print-directory NUMA_CASES="$(NUMA_LARGE)" check-numa
