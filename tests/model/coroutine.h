/* SPDX-License-Identifier: MIT */
/*
 * Stacks to switch between, without system calls.
 */
#ifndef TESTS_MODEL_COROUTINE_H
#define TESTS_MODEL_COROUTINE_H

#include <stddef.h>

struct coroutine {
	void *sp; /* while another runs */
	void *stack;
	size_t stack_bytes;
	void *context; /* where there is no switch in assembler */
};

/* Let it begin anew with entry(), which never returns, at the next switch. */
void coroutine_prepare(struct coroutine *coroutine, void (*entry)(void));

/* Leave the running one, go on with another. */
void coroutine_switch(struct coroutine *from, struct coroutine *to);

#endif /* TESTS_MODEL_COROUTINE_H */
