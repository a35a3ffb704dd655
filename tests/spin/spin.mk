# SPDX-License-Identifier: MIT
# The protocol of slabs as a Promela model: all its interleavings are gone
# through, and each variant with a step broken must be seen to fail.

.PHONY: spin
spin: | build/setup-spin build/setup-build ## a model of the protocol, and its broken variants
	$(Q)CC="$(CC)" tests/spin/run
