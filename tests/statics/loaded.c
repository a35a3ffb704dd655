// SPDX-License-Identifier: MIT
#include "tests/statics/objects.h"

#pragma GCC visibility push(default)

DECLARE_PER_CPU(long, loaded_value);
DECLARE_PER_CPU(char, loaded_large[3 * 4096]);

DEFINE_PER_CPU(long, loaded_value) = LOADED_VALUE;
DEFINE_PER_CPU(char, loaded_large[3 * 4096]);
