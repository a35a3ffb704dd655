# SPDX-License-Identifier: MIT
# The protocols of slabs and of chunks as Promela models: all their
# interleavings are gone through, and each variant with a step broken must be
# seen to fail.

.PHONY: spin
spin: | build/setup-spin build/setup-build ## models of the protocols, and their broken variants
	$(Q)CC="$(CC)" tests/spin/run
