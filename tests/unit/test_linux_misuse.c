// SPDX-License-Identifier: MIT
/*
 * The shim's answers to bad use: sections that are unbalanced, that a thread
 * forks or exits in; CPUs that are not possible; handles that are dereferenced.
 */
#define LIBPCPU_CHECKED
#include "tests/linux_kinds.h"

#include <pthread.h>

/* --- bad use -------------------------------------------------------------- */

static void end_alone(void *arg)
{
	((const struct kind *)arg)->out();
}

static const struct kind *other_kind;

/* There is a pin, but of another kind. */
static void end_other(void *arg)
{
	other_kind->in();
	((const struct kind *)arg)->out();
}

static void fork_inside(void *arg)
{
	((const struct kind *)arg)->in();
	fork();
}

static void *begin_for_ever(void *arg)
{
	((const struct kind *)arg)->in();
	return NULL;
}

static void exit_inside(void *arg)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, begin_for_ever, arg))
		pthread_join(thread, NULL);
}

static void bad_use(void)
{
	int i;

	for (i = 0; i < NR_KINDS; i++) {
		void *kind = (void *)(uintptr_t)&kinds[i];

		support_expect_abort(fork_inside, kind, NULL,
				     "fork() inside a pinned section");
		support_expect_abort(exit_inside, kind, NULL,
				     "exits inside a pinned section");
		if (!kinds[i].complaint)
			continue;
		support_expect_abort(end_alone, kind, NULL, kinds[i].complaint);
		other_kind = kinds[i].in == bh_in ? &kinds[0] : &kinds[4];
		support_expect_abort(end_other, kind, NULL, kinds[i].complaint);
	}
}

/* --- a checked build ------------------------------------------------------ */

static void far_copy(void *unused)
{
	(void)unused;
	(void)per_cpu_ptr(counter, nr_cpu_ids);
}

static void negative_copy(void *unused)
{
	(void)unused;
	(void)per_cpu(locked, -1);
}

static void checked(void)
{
	support_expect_abort(far_copy, NULL, NULL, "is not possible");
	support_expect_abort(negative_copy, NULL, NULL,
			     "CPU -1 is not possible");
}

static void read_cookie(void *cookie)
{
	(void)*(volatile long *)cookie;
}

static void *cookie_read;

static void tell_address(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	_exit(info->si_addr == cookie_read ? 42 : 43);
}

static void read_and_tell(void *cookie)
{
	struct sigaction action = {.sa_sigaction = tell_address,
				   .sa_flags = SA_SIGINFO};

	cookie_read = cookie;
	sigaction(SIGSEGV, &action, NULL);
	read_cookie(cookie);
}

/* Of either window. */
static void cookie(void)
{
	void *cookies[] = {counter, __alloc_percpu(64, 4096)};
	struct support_child child;
	int i;

	for (i = 0; i < 2; i++) {
		support_fork(read_and_tell, cookies[i], &child);
		require(WIFEXITED(child.status) &&
				WEXITSTATUS(child.status) == 42,
			"status %#x: %s", (unsigned)child.status, child.text);
		free_percpu(cookies[i]);
	}
}

/* -------------------------------------------------------------------------- */

static const char *const environments[][4] = {
	{NULL},
	{"GLIBC_TUNABLES=glibc.pthread.rseq=0", NULL},
	{"PCPU_CONTEXT=mm_cid", NULL},
};
#define NR_ENVIRONMENTS ((int)(sizeof(environments) / sizeof(environments[0])))

START_TEST(bad_use__of_each_kind__one_line_and_abort)
{
	support_run_job("bad_use", environments[_i]);
}
END_TEST

START_TEST(per_cpu_ptr__impossible_cpu_in_a_checked_build__aborts)
{
	support_run_job("checked", environments[_i]);
}
END_TEST

START_TEST(handle__dereferenced__faults_at_its_address)
{
	support_run_job("cookie", environments[_i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("linux_misuse");
	TCase *tc = tcase_create("misuse");

	tcase_set_timeout(tc, 60);
#define LOOP(test) tcase_add_loop_test(tc, test, 0, NR_ENVIRONMENTS)
	LOOP(bad_use__of_each_kind__one_line_and_abort);
	LOOP(per_cpu_ptr__impossible_cpu_in_a_checked_build__aborts);
	LOOP(handle__dereferenced__faults_at_its_address);
#undef LOOP
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"bad_use", bad_use},
	{"checked", checked},
	{"cookie", cookie},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	counter = alloc_percpu(long);
	return support_main(argc, argv, suite, jobs);
}
