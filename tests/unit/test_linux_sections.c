// SPDX-License-Identifier: MIT
/*
 * The shim's sections: what they nest to, what they say of themselves, and that
 * each kind keeps other threads away.
 */
#include "tests/linux_kinds.h"

#include <pthread.h>
#include <sched.h>

/* --- exclusion ------------------------------------------------------------ */

static int stage;

static void reach(int next)
{
	__atomic_store_n(&stage, next, __ATOMIC_RELEASE);
}

static void await(int wanted)
{
	while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) < wanted)
		sched_yield();
}

static void stay_on_cpu_0(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* A load, a long time, a store. */
static void *hold(void *arg)
{
	const struct kind *kind = arg;
	volatile long *own;
	long value;

	stay_on_cpu_0();
	kind->in();
	own = this_cpu_ptr(counter);
	value = *own;
	reach(1);
	usleep(20000);
	*own = value + 1;
	kind->out();
	return NULL;
}

/* While a thread has a section of a kind, another one's of any waits for it. */
static void expect_exclusion(const struct kind *one, const struct kind *other)
{
	pthread_t thread;

	stage = 0;
	*per_cpu_ptr(counter, 0) = 0;
	require(!pthread_create(&thread, NULL, hold, (void *)(uintptr_t)one),
		"thread");
	await(1);
	if (other) {
		other->in();
		++*this_cpu_ptr(counter);
		other->out();
	} else {
		this_cpu_inc(*counter);
	}
	pthread_join(thread, NULL);
	require(*per_cpu_ptr(counter, 0) == 2, "%ld of 2: kinds %zd, %zd",
		*per_cpu_ptr(counter, 0), one - kinds,
		other ? other - kinds : -1);
}

static void exclusion(void)
{
	int i;

	stay_on_cpu_0();
	for (i = 0; i < NR_KINDS; i++) {
		expect_exclusion(&kinds[i], NULL);
		expect_exclusion(&kinds[i], &kinds[(i + 1) % NR_KINDS]);
	}
}

/* --- nesting -------------------------------------------------------------- */

static bool is_pinned(void)
{
	return libpcpu_self.place;
}

/* Each kind in each other, ended in either order. */
static void nesting(void)
{
	int i, j;

	for (i = 0; i < NR_KINDS; i++)
		for (j = 0; j < NR_KINDS; j++) {
			unsigned long outer;

			kinds[i].in();
			outer = flags;
			kinds[j].in();
			require(is_pinned(), "%d, %d", i, j);
			kinds[j].out();
			/* Enabled interrupts are enabled for all. */
			require(is_pinned() || !kinds[j].complaint, "%d, %d", i,
				j);
			flags = outer;
			kinds[i].out();
			require(!is_pinned() && preempt_count() == 0 &&
					!irqs_disabled(),
				"%d, %d", i, j);
		}
}

static void irq_flags(void)
{
	unsigned long before, inner, now;

	require(!irqs_disabled(), "disabled");
	before = 0;
	local_irq_restore(before); /* enabled already */
	local_irq_save(before);
	require(irqs_disabled() && !irqs_disabled_flags(before), "save");
	local_irq_save(inner);
	require(irqs_disabled_flags(inner), "nested save");
	local_irq_restore(inner);
	require(irqs_disabled() && is_pinned(), "nested restore");
	local_irq_disable();
	local_save_flags(now);
	require(irqs_disabled_flags(now), "save_flags");
	local_irq_restore(before);
	require(!irqs_disabled() && !is_pinned(), "restore");
	local_irq_disable();
	local_irq_disable();
	local_irq_enable();
	require(!irqs_disabled() && !is_pinned(), "enable nests");
	local_irq_restore(now);
	require(irqs_disabled() && is_pinned(), "restore disables");
	local_irq_enable();
}

static void whereabouts(void)
{
	require(in_task() && !in_nmi() && !in_irq() && !in_hardirq() &&
			!in_interrupt() && !in_softirq() && !in_atomic() &&
			preemptible(),
		"outside");
	preempt_disable();
	preempt_disable();
	require(preempt_count() == 2 && in_atomic() && !preemptible() &&
			!in_interrupt(),
		"preempt_count %d", preempt_count());
	local_bh_disable();
	require(in_softirq() && in_interrupt() && !in_serving_softirq() &&
			softirq_count() == SOFTIRQ_DISABLE_OFFSET,
		"local_bh_disable");
	local_bh_enable();
	preempt_enable();
	preempt_enable();
	local_irq_disable();
	require(!preemptible() && preempt_count() == 0, "irqs");
	local_irq_enable();
	migrate_disable();
	require(preempt_count() == 0 && preemptible(), "migrate");
	migrate_enable();
}

/* -------------------------------------------------------------------------- */

static const char *const environments[][4] = {
	{NULL},
	{"GLIBC_TUNABLES=glibc.pthread.rseq=0", NULL},
	{"PCPU_CONTEXT=mm_cid", NULL},
};
#define NR_ENVIRONMENTS ((int)(sizeof(environments) / sizeof(environments[0])))

START_TEST(section__of_each_kind__keeps_others_and_operations_away)
{
	support_run_job("exclusion", environments[_i]);
}
END_TEST

START_TEST(sections__each_in_each__pinned_until_the_last_ends)
{
	support_run_job("nesting", environments[_i]);
}
END_TEST

START_TEST(irq_flags__saved_and_restored__on_or_off_as_before)
{
	support_run_job("irq_flags", environments[_i]);
}
END_TEST

START_TEST(counts__in_sections__say_where_we_are)
{
	support_run_job("whereabouts", environments[_i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("linux_sections");
	TCase *tc = tcase_create("sections");

	tcase_set_timeout(tc, 60);
#define LOOP(test) tcase_add_loop_test(tc, test, 0, NR_ENVIRONMENTS)
	LOOP(section__of_each_kind__keeps_others_and_operations_away);
	LOOP(sections__each_in_each__pinned_until_the_last_ends);
	LOOP(irq_flags__saved_and_restored__on_or_off_as_before);
	LOOP(counts__in_sections__say_where_we_are);
#undef LOOP
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"exclusion", exclusion},
	{"nesting", nesting},
	{"irq_flags", irq_flags},
	{"whereabouts", whereabouts},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	counter = alloc_percpu(long);
	return support_main(argc, argv, suite, jobs);
}
