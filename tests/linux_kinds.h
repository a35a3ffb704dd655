/* SPDX-License-Identifier: MIT */
/* The shim's kinds of sections, for tests that go through all of them. */
#ifndef TESTS_LINUX_KINDS_H
#define TESTS_LINUX_KINDS_H

#include <linux/local_lock.h>
#include <linux/percpu.h>

#include "tests/support.h"

struct locked {
	local_lock_t lock;
	long count;
};
static DEFINE_PER_CPU(struct locked, locked) = {.lock = INIT_LOCAL_LOCK(lock)};

static long __percpu *counter;
static _Thread_local unsigned long flags;

static void preempt_in(void)
{
	preempt_disable();
}

static void preempt_out(void)
{
	preempt_enable();
}

static void notrace_in(void)
{
	preempt_disable_notrace();
}

static void notrace_out(void)
{
	preempt_enable_no_resched_notrace();
}

static void nested_in(void)
{
	preempt_disable_nested();
}

static void nested_out(void)
{
	preempt_enable_nested();
}

static void migrate_in(void)
{
	migrate_disable();
}

static void migrate_out(void)
{
	migrate_enable();
}

static void bh_in(void)
{
	local_bh_disable();
}

static void bh_out(void)
{
	local_bh_enable();
}

static void irq_in(void)
{
	local_irq_disable();
}

static void irq_out(void)
{
	local_irq_enable();
}

static void irqsave_in(void)
{
	local_irq_save(flags);
}

static void irqsave_out(void)
{
	local_irq_restore(flags);
}

static void get_cpu_in(void)
{
	(void)get_cpu();
}

static void get_cpu_out(void)
{
	put_cpu();
}

static void get_ptr_in(void)
{
	(void)get_cpu_ptr(counter);
}

static void get_ptr_out(void)
{
	put_cpu_ptr(counter);
}

static void get_var_in(void)
{
	(void)get_cpu_var(locked);
}

static void get_var_out(void)
{
	put_cpu_var(locked);
}

static void lock_in(void)
{
	local_lock(&locked.lock);
}

static void lock_out(void)
{
	local_unlock(&locked.lock);
}

static void lock_irq_in(void)
{
	local_lock_irq(&locked.lock);
}

static void lock_irq_out(void)
{
	local_unlock_irq(&locked.lock);
}

static void lock_irqsave_in(void)
{
	local_lock_irqsave(&locked.lock, flags);
}

static void lock_irqsave_out(void)
{
	local_unlock_irqrestore(&locked.lock, flags);
}

static const struct kind {
	void (*in)(void), (*out)(void);
	const char *complaint; /* of an end without a beginning, if it counts */
} kinds[] = {
	{preempt_in, preempt_out, "preempt_enable() without preempt_disable()"},
	{notrace_in, notrace_out, "preempt_enable() without preempt_disable()"},
	{nested_in, nested_out, "preempt_enable() without preempt_disable()"},
	{migrate_in, migrate_out, "migrate_enable() without migrate_disable()"},
	{bh_in, bh_out, "local_bh_enable() without local_bh_disable()"},
	{get_cpu_in, get_cpu_out, "put_cpu() without get_cpu()"},
	{get_ptr_in, get_ptr_out, "put_cpu_ptr() without get_cpu_ptr()"},
	{get_var_in, get_var_out, "put_cpu_var() without get_cpu_var()"},
	{lock_in, lock_out, "local_unlock() without local_lock()"},
	{irq_in, irq_out, NULL},
	{irqsave_in, irqsave_out, NULL},
	{lock_irq_in, lock_irq_out, NULL},
	{lock_irqsave_in, lock_irqsave_out, NULL},
};

#define NR_KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

#endif /* TESTS_LINUX_KINDS_H */
