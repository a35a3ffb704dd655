/* SPDX-License-Identifier: MIT */
/* What programs with static variables run in. */
#ifndef TESTS_STATICS_ENVIRONMENTS_H
#define TESTS_STATICS_ENVIRONMENTS_H

#include <stddef.h>

static const char *const environments[][4] = {
	{NULL},
	{"PCPU_POSSIBLE_CPUS=37", "PCPU_NODES=3", NULL},
	{"GLIBC_TUNABLES=glibc.pthread.rseq=0", NULL},
	{"PCPU_CONTEXT=thread", "PCPU_POSSIBLE_CPUS=16", NULL},
	{"PCPU_DEBUG=1", NULL},
};
#define NR_ENVIRONMENTS ((int)(sizeof(environments) / sizeof(environments[0])))

#endif /* TESTS_STATICS_ENVIRONMENTS_H */
