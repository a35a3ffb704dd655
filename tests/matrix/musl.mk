# SPDX-License-Identifier: MIT
# TARGET=musl: compiled against musl in place of glibc. The libraries that this
# one stands on are built from Debian's sources, below build/. musl registers no
# rseq area, so there is no front.

ifneq ($(filter asan tsan,$(MODE)),)
$(error MODE=$(MODE): the sanitizers are for glibc, not for TARGET=musl)
endif
CC := musl-gcc
ROOT := $(CURDIR)/build/musl-root
MODEFLAGS += -isystem $(ROOT)/include -L$(ROOT)/lib -Wl,-rpath,$(ROOT)/lib
CHECKLIBS := -lcheck

TARGET_ROOT := $(ROOT)/.stamp

$(ROOT)/.stamp: tools/packages tests/matrix/build-root | build/setup-musl
	$(call say,ROOT,$(@D))
	$(Q)tests/matrix/build-root $(@D)
	@touch $@
