// SPDX-License-Identifier: MIT
/*
 * A test of test_linux_stress.c: the same with a shim that maps the kernel's
 * sections to nothing, as they may seem to be in user space. It must be seen to
 * lose counts.
 */
#include <linux/local_lock.h>
#include <linux/percpu.h>

#undef preempt_disable
#undef preempt_enable
#undef migrate_disable
#undef migrate_enable
#undef local_irq_disable
#undef local_irq_enable
#undef local_irq_save
#undef local_irq_restore
#undef put_cpu
#undef put_cpu_ptr
#undef put_cpu_var
#undef local_unlock
#define preempt_disable() ((void)0)
#define preempt_enable() ((void)0)
#define migrate_disable() ((void)0)
#define migrate_enable() ((void)0)
#define local_bh_disable() ((void)0)
#define local_bh_enable() ((void)0)
#define local_irq_disable() ((void)0)
#define local_irq_enable() ((void)0)
#define local_irq_save(flags) ((void)((flags) = 0))
#define local_irq_restore(flags) ((void)(flags))
#define put_cpu() ((void)0)
#define put_cpu_ptr(var) ((void)(var))
#define put_cpu_var(var) ((void)sizeof(var))
#define local_unlock(lock) ((void)(lock))

#include "tests/linux_stress.h"

static void broken(void)
{
	const unsigned long nr = (unsigned long)THREADS * ROUNDS;
	struct traffic all;

	run_threads();
	all = sum();
	require(all.packets < nr, "nothing was lost of %lu", nr);
	require(all.drops == nr, "operations: %u of %lu", all.drops, nr);
	printf("lost %lu of %lu\n", nr - all.packets, nr);
	free_percpu(traffic);
}

START_TEST(sections_that_are_nothing__are_seen_to_lose_counts)
{
	/* ThreadSanitizer sees the races, and is right. */
	static const char *const environment[] = {
		"TSAN_OPTIONS=report_bugs=0:atexit_sleep_ms=0", NULL};

	support_run_job("broken", environment);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("linux_broken");
	TCase *tc = tcase_create("broken");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, sections_that_are_nothing__are_seen_to_lose_counts);
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"broken", broken},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
