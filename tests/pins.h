/* SPDX-License-Identifier: MIT */
/* What the tests of pins share: the contexts, and that nothing stays pinned. */
#ifndef TESTS_PINS_H
#define TESTS_PINS_H

#include "tests/support.h"

#define NO_RSEQ "GLIBC_TUNABLES=glibc.pthread.rseq=0"

/* Of the tests below, in each context. */
static const char *const environments[][4] = {
	{NULL},
	{NO_RSEQ, NULL},
	{"PCPU_CONTEXT=thread", "PCPU_POSSIBLE_CPUS=16", NULL},
	{"PCPU_CONTEXT=thread", "PCPU_POSSIBLE_CPUS=16", NO_RSEQ, NULL},
	{"PCPU_CONTEXT=mm_cid", NULL},
};
#define NR_ENVIRONMENTS ((int)(sizeof(environments) / sizeof(environments[0])))

static inline void expect_all_free(void)
{
	unsigned i;

	for (i = 0; i < pcpu_nr_cpus(); i++) {
		uint64_t owner = libpcpu_place0[i].owner;
		bool slot = &libpcpu_place0[i] == libpcpu_self.place;

		require(slot == (owner != 0), "place %u: owner %#llx", i,
			(unsigned long long)owner);
	}
	require(libpcpu_self.nest == 0, "nest %u", libpcpu_self.nest);
	require(pcpu_context() == PCPU_CONTEXT_THREAD || !libpcpu_self.place,
		"still pinned");
}

#endif /* TESTS_PINS_H */
