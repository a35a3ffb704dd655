// SPDX-License-Identifier: MIT
#include "tests/statics/objects.h"

#pragma GCC visibility push(default)

DECLARE_PER_CPU_PAGE_ALIGNED(char, paged_text[100]);

DEFINE_PER_CPU_PAGE_ALIGNED(char, paged_text[100]) = PAGED_TEXT;
