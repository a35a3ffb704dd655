// SPDX-License-Identifier: MIT
#include "coroutine.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define STACK_BYTES ((size_t)256 << 10)

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1 /* as gcc says it */
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

/* Frames that were left behind are no longer there. */
static void forget_frames(const struct coroutine *coroutine)
{
	__asan_unpoison_memory_region(coroutine->stack, coroutine->stack_bytes);
}

static void leave(const struct coroutine *to)
{
	static void *fake;

	__sanitizer_start_switch_fiber(&fake, to->stack, to->stack_bytes);
}

/* The first stack is the system's; where it is we learn when we leave it. */
static void arrive(struct coroutine *from)
{
	const void *stack;
	size_t bytes;

	__sanitizer_finish_switch_fiber(NULL, &stack, &bytes);
	if (!from->stack) {
		from->stack = (void *)(uintptr_t)stack;
		from->stack_bytes = bytes;
	}
}
#else
static void forget_frames(const struct coroutine *coroutine)
{
	(void)coroutine;
}

static void leave(const struct coroutine *to)
{
	(void)to;
}

static void arrive(struct coroutine *from)
{
	(void)from;
}
#endif

static struct coroutine *left; /* by the last switch */
static void (*first_entry)(void);

static void begin(void)
{
	arrive(left);
	first_entry();
	abort(); /* entries never return */
}

static void make_stack(struct coroutine *coroutine)
{
	void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stack == MAP_FAILED)
		abort();
	coroutine->stack = stack;
	coroutine->stack_bytes = STACK_BYTES;
}

#ifdef __x86_64__

/* What a call preserves goes to the old stack, and comes from the new one. */
void coroutine_swap(void **from, void *to);
__asm__(".text\n"
	".p2align 4\n"
	".hidden coroutine_swap\n"
	".globl coroutine_swap\n"
	".type coroutine_swap, @function\n"
	"coroutine_swap:\n\t"
	"pushq %rbp\n\t"
	"pushq %rbx\n\t"
	"pushq %r12\n\t"
	"pushq %r13\n\t"
	"pushq %r14\n\t"
	"pushq %r15\n\t"
	"movq %rsp, (%rdi)\n\t"
	"movq %rsi, %rsp\n\t"
	"popq %r15\n\t"
	"popq %r14\n\t"
	"popq %r13\n\t"
	"popq %r12\n\t"
	"popq %rbx\n\t"
	"popq %rbp\n\t"
	"ret\n\t"
	".size coroutine_swap, . - coroutine_swap\n");

#define NR_SAVED 6

void coroutine_prepare(struct coroutine *coroutine, void (*entry)(void))
{
	uintptr_t *sp;
	unsigned i;

	if (!coroutine->stack)
		make_stack(coroutine);
	forget_frames(coroutine);
	sp = (uintptr_t *)(void *)((char *)coroutine->stack + STACK_BYTES);
	*--sp = 0; /* begin() finds the stack as after a call */
	*--sp = (uintptr_t)begin;
	for (i = 0; i < NR_SAVED; i++)
		*--sp = 0;
	coroutine->sp = sp;
	first_entry = entry;
}

static void swap(struct coroutine *from, struct coroutine *to)
{
	coroutine_swap(&from->sp, to->sp);
}

#else

#include <ucontext.h>

void coroutine_prepare(struct coroutine *coroutine, void (*entry)(void))
{
	ucontext_t *context = coroutine->context;

	if (!coroutine->stack)
		make_stack(coroutine);
	if (!context)
		coroutine->context = context = calloc(1, sizeof(*context));
	if (!context || getcontext(context))
		abort();
	forget_frames(coroutine);
	context->uc_stack.ss_sp = coroutine->stack;
	context->uc_stack.ss_size = coroutine->stack_bytes;
	makecontext(context, begin, 0);
	first_entry = entry;
}

static void swap(struct coroutine *from, struct coroutine *to)
{
	if (!from->context)
		from->context = calloc(1, sizeof(ucontext_t));
	if (!from->context || swapcontext(from->context, to->context))
		abort();
}

#endif

void coroutine_switch(struct coroutine *from, struct coroutine *to)
{
	left = from;
	leave(to);
	swap(from, to);
	arrive(left);
}
