/* SPDX-License-Identifier: MIT */
/* module.c's variables and functions. */
#ifndef MODULE_H
#define MODULE_H

#include <linux/percpu.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pair {
	long a, b;
};

DECLARE_PER_CPU(struct pair, module_pair);
long module_sum(void);

#ifdef __cplusplus
}
#endif

#endif /* MODULE_H */
