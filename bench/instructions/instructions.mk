# SPDX-License-Identifier: MIT
# count-instructions: the search-* cases where no processor needs to count: in
# a machine that QEMU emulates, whose clock advances by 1 ns an instruction. It
# has one CPU, as several that count do not come up, and simulates another.

COUNTKERNEL := build/numa/vmlinuz-6.1
COUNTLOG := build/bench/instructions.log

$B/bench/instructions.gz: $B/bench/pcpu-bench-static bench/instructions/init \
		tests/numa/initramfs | build/setup-numa
	$(call say,CPIO,$@)
	$(Q)INIT=bench/instructions/init tests/numa/initramfs $@ $<

.PHONY: count-instructions
count-instructions: $B/bench/instructions.gz $(COUNTKERNEL) ## instructions per replace, by how many objects live
	@mkdir -p $(dir $(COUNTLOG))
	$(Q)TCG_THREADS=single tests/numa/boot $(COUNTKERNEL) $< $(COUNTLOG) 600 \
		-smp 1 -m 2048M -icount shift=0 -append "console=ttyS0 quiet \
		panic=-1 no_timer_check TICKS_ARE_INSTRUCTIONS=1"
	$(Q)grep -q '^GUEST-END' $(COUNTLOG)
