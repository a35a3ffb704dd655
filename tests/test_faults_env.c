// SPDX-License-Identifier: MIT
/*
 * Poor surroundings: bad environment values, no rseq, a system call filter as
 * in containers. The same work must be done. (Rows 31, 32 and 41 of the table
 * of faults.)
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <pcpu.h>
#include <pcpu/this_cpu.h>

#include "owned.h"
#include "smoke.h"
#include "support.h"

/* --- 41: bad environment values
 * ------------------------------------------------ */

static void job_topology(void)
{
	struct pcpu_stats stats;
	void *p = owned_alloc(8, 0, 1);

	require(pcpu_stats_get(&stats) == 0, "errno %d", errno);
	/* The size tells whether it is debug mode. */
	printf("topology: %u CPUs, %u units, %u nodes, %u bytes\n",
	       pcpu_nr_cpus(), stats.nr_units, stats.nr_nodes,
	       (unsigned)stats.min_alloc_size);
	owned_free(p);
}

/* What the job says under the variable, "" for none. */
static void read_topology(const char *variable, struct support_child *child)
{
	const char *env[] = {*variable ? variable : NULL, NULL};
	struct support_exec exec = {.job = "topology", .env = env};

	support_exec_job(&exec, child);
	support_expect_success(child, &exec);
	ck_assert_ptr_nonnull(strstr(child->text, "topology: "));
}

static const char *const bad_values[] = {
	"PCPU_POSSIBLE_CPUS=abc",
	"PCPU_POSSIBLE_CPUS=-1",
	"PCPU_POSSIBLE_CPUS=0",
	"PCPU_POSSIBLE_CPUS=99999999",
	"PCPU_POSSIBLE_CPUS=18446744073709551618",
	"PCPU_POSSIBLE_CPUS=",
	"PCPU_POSSIBLE_CPUS=64x",
	"PCPU_POSSIBLE_CPUS=1e3",
	"PCPU_POSSIBLE_CPUS=%s%n",
	"PCPU_NODES=abc",
	"PCPU_NODES=-1",
	"PCPU_NODES=0",
	"PCPU_NODES=99999999",
	"PCPU_NODES=",
	"PCPU_NODES=2,",
	"PCPU_ARENAS=two",
	"PCPU_ARENAS=0",
	"PCPU_ARENAS=9",
	"PCPU_DEBUG=3",
	"PCPU_DEBUG=-1",
	"PCPU_DEBUG=yes",
	"PCPU_DEBUG=",
	"PCPU_DEBUG=1 ",
};
#define NR_BAD_VALUES ((int)(sizeof(bad_values) / sizeof(bad_values[0])))

static void expect_default(const char *variable)
{
	struct support_child plain, child;
	char name[64];
	const char *at, *newline;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(variable, "="),
		 variable);
	read_topology("", &plain);
	read_topology(variable, &child);
	at = strstr(child.text, name);
	ck_assert_msg(at != NULL, "%s: no message: %s", variable, child.text);
	newline = strchr(at, '\n');
	ck_assert_msg(newline && !strstr(newline, name),
		      "%s: more than one message: %s", variable, child.text);
	ck_assert_msg(strcmp(strstr(plain.text, "topology: "),
			     strstr(child.text, "topology: ")) == 0,
		      "%s: %s instead of %s", variable, child.text, plain.text);
}

START_TEST(bad_environment_value__one_message_and_the_default)
{
	/* The default is what nobody has asked for. */
	unsetenv("PCPU_DEBUG");
	expect_default(bad_values[_i]);
}
END_TEST

START_TEST(fewer_possible_cpus_than_real__one_message_and_the_default)
{
	char variable[64];

	snprintf(variable, sizeof(variable), "PCPU_POSSIBLE_CPUS=%ld",
		 sysconf(_SC_NPROCESSORS_CONF) - 1);
	expect_default(variable);
}
END_TEST

START_TEST(bad_value_beside_a_good_one__only_the_bad_one_is_ignored)
{
	static const char *const env[] = {"PCPU_POSSIBLE_CPUS=1024",
					  "PCPU_NODES=many", NULL};
	struct support_exec exec = {.job = "topology", .env = env};
	struct support_child child;

	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
	ck_assert_msg(strstr(child.text, "1024 CPUs, 1024 units") != NULL, "%s",
		      child.text);
	ck_assert_msg(strstr(child.text, "PCPU_NODES") != NULL, "%s",
		      child.text);
	ck_assert_msg(!strstr(child.text, "PCPU_POSSIBLE_CPUS"), "%s",
		      child.text);
}
END_TEST

/* --- 31, 32: what containers take away
 * --------------------------------------------- */

START_TEST(no_rseq__the_same_work_is_done)
{
	static const char *const env[] = {"GLIBC_TUNABLES=glibc.pthread.rseq=0",
					  NULL};

	support_run_job("smoke", env);
}
END_TEST

#define NR_CHANGES 40
#define NR_ADDS 200

static long *adds;

#ifdef LIBPCPU_HAVE_RSEQ

static void change_rseq(bool on)
{
	char *thread = __builtin_thread_pointer();

	if (!__rseq_size)
		return;
	require(syscall(SYS_rseq, thread + __rseq_offset,
			__rseq_size < 32 ? 32 : __rseq_size,
			on ? 0 : RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0,
		"errno %d", errno);
}

#else /* it never came */

static void change_rseq(bool on)
{
	(void)on;
}

#endif

static void *lose_rseq_and_get_it_back(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg, change;
	struct rng rng = {.state = id};
	int i;

	for (change = 0; change < NR_CHANGES; change++) {
		change_rseq(change % 2);
		owned_churn(id, 300, &rng);
		for (i = 0; i < NR_ADDS; i++)
			pcpu_this_inc(*adds);
	}
	return NULL;
}

static void job_rseq_changes(void)
{
	pthread_t threads[4];
	uintptr_t i;
	long sum = 0;
	int cpu;

	adds = pcpu_alloc(sizeof(*adds), sizeof(*adds));
	for (i = 0; i < 4; i++)
		require(pthread_create(&threads[i], NULL,
				       lose_rseq_and_get_it_back,
				       (void *)(i + 1)) == 0,
			"thread %d", (int)i);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	pcpu_for_each_cpu (cpu)
		sum += *pcpu_ptr(adds, cpu);
	require(sum == 4l * NR_CHANGES * NR_ADDS, "%ld", sum);
	pcpu_free(adds);
	support_expect_none_live();
}

START_TEST(rseq_comes_and_goes_in_each_thread__nothing_is_lost)
{
	support_run_job("rseq_changes", NULL);
}
END_TEST

#define DENY(call, error)                                      \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))

static void forbid_system_calls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		DENY(rseq, ENOSYS),
		DENY(membarrier, ENOSYS),
		DENY(mbind, EPERM),
		DENY(set_mempolicy, EPERM),
		DENY(get_mempolicy, EPERM),
		DENY(move_pages, EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "errno %d", errno);
	/* Without filters in the kernel the job runs as it is. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		printf("no seccomp here: errno %d\n", errno);
}

START_TEST(no_rseq_membarrier_or_mbind__the_same_work_is_done)
{
	static const char *const env[] = {"PCPU_NODES=2", NULL};
	struct support_exec exec = {
		.job = "smoke", .env = env, .prepare = forbid_system_calls};
	struct support_child child;

	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
}
END_TEST

static const struct support_job jobs[] = {
	{"rseq_changes", job_rseq_changes},
	{"smoke", job_smoke},
	{"topology", job_topology},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("faults_env");
	TCase *tcase = tcase_create("surroundings");

#define ADD(name) tcase_add_test(tcase, name)
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
			    bad_environment_value__one_message_and_the_default,
			    0, NR_BAD_VALUES);
	ADD(fewer_possible_cpus_than_real__one_message_and_the_default);
	ADD(bad_value_beside_a_good_one__only_the_bad_one_is_ignored);
	ADD(no_rseq__the_same_work_is_done);
	ADD(rseq_comes_and_goes_in_each_thread__nothing_is_lost);
	ADD(no_rseq_membarrier_or_mbind__the_same_work_is_done);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
