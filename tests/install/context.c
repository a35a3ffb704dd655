// SPDX-License-Identifier: MIT
/*
 * A program that says itself in which context it wants to work, for
 * tests/install.sh: CHOICE is what it says, EXPECTED what it should get. Valid
 * C11 and C++17.
 */
#include <pcpu.h>

PCPU_CONTEXT_DEFAULT(CHOICE);

int main(void)
{
	if (pcpu_context() == EXPECTED)
		return 0;
	fprintf(stderr, "the context is %d\n", pcpu_context());
	return 1;
}
