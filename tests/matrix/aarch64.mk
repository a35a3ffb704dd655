# SPDX-License-Identifier: MIT
# TARGET=aarch64: cross compiled against Debian's arm64 packages, which lie
# below build/, and run by qemu's emulation of a process. An emulator on x86
# does not show what weaker memory order does; it shows all the rest that is
# different: no front, the CPU by system call, LL/SC atomics, layout.

CC := aarch64-linux-gnu-gcc
LD := aarch64-linux-gnu-ld
AR := aarch64-linux-gnu-ar
OBJCOPY := aarch64-linux-gnu-objcopy
ROOT := $(CURDIR)/build/aarch64-root
MODEFLAGS += --sysroot=$(ROOT) -DSUPPORT_SLOWDOWN=20

export RUNNER := tests/matrix/emulate $(ROOT) build/aarch64-again.so
TARGET_ROOT := $(ROOT)/.stamp
check-fast: build/aarch64-again.so

$(ROOT)/.stamp: tools/packages tests/matrix/fetch-root | build/setup-aarch64
	$(call say,ROOT,$(@D))
	$(Q)tests/matrix/fetch-root arm64 $(@D)
	@touch $@

build/aarch64-again.so: tests/matrix/again.c | $(ROOT)/.stamp
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -std=c11 $(WARN) --sysroot=$(ROOT) -O2 -fPIC \
		-shared -o $@ $<
