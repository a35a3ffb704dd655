// SPDX-License-Identifier: MIT
/*
 * What pins and contexts promise to one thread, or to few in a known order: bad
 * use, fork and exit, signal handlers at every instruction, waiting, and the
 * places of threads that come and go.
 */
#include <pthread.h>
#include <sched.h>

#define PCPU_CHECKED
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

static void expect_all_free(void)
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

/* --- bad use -------------------------------------------------------------- */

static void expect_death(void (*fn)(void *), const char *words)
{
	struct support_child child;

	support_fork(fn, NULL, &child);
	require(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGABRT,
		"status %#x; %s", (unsigned)child.status, child.text);
	require(strchr(child.text, '\n') == child.text + child.nr_text - 1,
		"not one line: %s", child.text);
	require(strstr(child.text, words), "no \"%s\" in: %s", words,
		child.text);
}

static void unpin_alone(void *unused)
{
	(void)unused;
	pcpu_unpin();
}

static void unpin_once_more(void *unused)
{
	(void)unused;
	pcpu_pin();
	pcpu_pin();
	pcpu_unpin();
	pcpu_unpin();
	pcpu_unpin();
}

static void fork_pinned(void *unused)
{
	(void)unused;
	pcpu_pin();
	fork();
}

static void *pin_for_ever(void *unused)
{
	(void)unused;
	pcpu_pin();
	return NULL;
}

static void exit_pinned(void *unused)
{
	pthread_t thread;

	(void)unused;
	if (!pthread_create(&thread, NULL, pin_for_ever, NULL))
		pthread_join(thread, NULL);
}

static void far_cpu(void *unused)
{
	(void)unused;
	(void)pcpu_ptr((char *)NULL, (int)pcpu_nr_cpus());
}

static void negative_cpu(void *unused)
{
	(void)unused;
	(void)pcpu_ptr((char *)NULL, -1);
}

static void bad_use(void)
{
	expect_death(unpin_alone, "pcpu_unpin() without pcpu_pin()");
	expect_death(unpin_once_more, "pcpu_unpin() without pcpu_pin()");
	expect_death(fork_pinned, "fork() inside a pinned section");
	expect_death(exit_pinned, "exits inside a pinned section");
	expect_death(far_cpu, "is not possible");
	expect_death(negative_cpu, "CPU -1 is not possible");
}

START_TEST(bad_use__any_context__one_line_and_abort)
{
	support_run_job("bad_use", environments[_i]);
}
END_TEST

static void unknown_context(void)
{
	require(pcpu_context() == PCPU_CONTEXT_CPU, "context %d",
		pcpu_context());
}

START_TEST(unknown_context__one_line_and_the_default)
{
	static const char *const environment[] = {"PCPU_CONTEXT=unknown", NULL};
	struct support_exec exec = {.job = "unknown", .env = environment};
	struct support_child child;

	support_exec_job(&exec, &child);
	support_expect_success(&child, &exec);
	ck_assert_str_eq(child.text, "libpcpu: PCPU_CONTEXT: no such context; "
				     "\"cpu\" is used\n");
}
END_TEST

/* --- fork ----------------------------------------------------------------- */

static int stage; /* of a thread that pins while we do something */

static void reach(int next)
{
	__atomic_store_n(&stage, next, __ATOMIC_RELEASE);
}

static void await(int wanted)
{
	while (__atomic_load_n(&stage, __ATOMIC_ACQUIRE) < wanted)
		sched_yield();
}

static void *hold_a_pin(void *unused)
{
	(void)unused;
	pcpu_pin();
	reach(1);
	await(2);
	pcpu_unpin();
	return NULL;
}

static void use_all_copies(void *handle)
{
	long *p = handle;
	int i;

	for (i = 0; i < 1000; i++) {
		pcpu_this_inc(*p);
		pcpu_pin();
		++*pcpu_this_ptr(p);
		pcpu_unpin();
	}
	expect_all_free();
}

/* In the child the owner of a place may not exist. */
static void fork_beside_a_pin(void)
{
	long *p = pcpu_alloc(sizeof(*p), 8);
	struct support_child child;
	pthread_t thread;

	require(p, "errno %d", errno);
	require(pthread_create(&thread, NULL, hold_a_pin, NULL) == 0, "thread");
	await(1);
	support_fork(use_all_copies, p, &child);
	require(support_succeeded(&child), "status %#x: %s",
		(unsigned)child.status, child.text);
	reach(2);
	pthread_join(thread, NULL);
	use_all_copies(p);
}

START_TEST(fork__beside_a_pinned_thread__child_has_all_copies)
{
	support_run_job("fork", environments[_i]);
}
END_TEST

/* --- waiting -------------------------------------------------------------- */

static long *shared;

/* Sleeps inside its section. */
static void *hold_and_sleep(void *unused)
{
	long *own;

	(void)unused;
	pcpu_pin();
	own = pcpu_this_ptr(shared);
	reach(1);
	usleep(50000);
	*own = 100;
	pcpu_unpin();
	return NULL;
}

static void stay_on_cpu_0(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Operation and pin wait for a section that blocks; both see what it did. */
static void wait_for_section(void)
{
	pthread_t thread;

	shared = pcpu_alloc(sizeof(*shared), 8);
	require(shared, "errno %d", errno);
	stay_on_cpu_0(); /* the thread, too */
	require(pthread_create(&thread, NULL, hold_and_sleep, NULL) == 0,
		"thread");
	await(1);
	require(pcpu_this_add_return(*shared, 1) == 101,
		"did not wait, or was not waited for");
	pthread_join(thread, NULL);
	expect_all_free();
}

START_TEST(operation__on_a_copy_whose_owner_sleeps__waits)
{
	/* Threads with places of their own do not meet. */
	static const int meet[] = {0, 1};

	support_run_job("wait", environments[meet[_i]]);
}
END_TEST

/* --- places of threads ---------------------------------------------------- */

#define CROWD 8

static pthread_barrier_t barrier;

static void *use_a_place(void *arg)
{
	int *cpu = arg;

	pcpu_this_inc(*shared);
	*cpu = pcpu_cpu();
	pthread_barrier_wait(&barrier);
	require(pcpu_cpu() == *cpu, "the place has changed");
	++*pcpu_this_ptr(shared); /* nobody else is there */
	return NULL;
}

/* As many at a time as have places of their own, many times as many in all. */
static void places(void)
{
	pthread_t thread[CROWD];
	int cpu[CROWD], round, i, j;
	long sum = 0;

	shared = pcpu_alloc(sizeof(*shared), 8);
	require(shared, "errno %d", errno);
	pthread_barrier_init(&barrier, NULL, CROWD);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < CROWD; i++)
			require(pthread_create(&thread[i], NULL, use_a_place,
					       &cpu[i]) == 0,
				"thread %d", i);
		for (i = 0; i < CROWD; i++)
			pthread_join(thread[i], NULL);
		for (i = 0; i < CROWD; i++)
			for (j = 0; j < i; j++)
				require(cpu[i] != cpu[j], "%d twice", cpu[i]);
	}
	pcpu_for_each_cpu (i)
		sum += *pcpu_ptr(shared, i);
	require(sum == 2 * 50 * CROWD, "%ld", sum);
	expect_all_free();
}

START_TEST(places_of_threads__are_their_own_and_used_again)
{
	support_run_job("places", environments[2 + _i]);
}
END_TEST

/* --- signal handlers at every instruction ----------------------------------
 */

#if defined(__x86_64__) && !SUPPORT_SANITIZED

#define TRAP_FLAG 0x100ull

static void set_trap_flag(void)
{
	__asm__ __volatile__("pushfq\n\torq %0, (%%rsp)\n\tpopfq"
			     :
			     : "i"(TRAP_FLAG)
			     : "cc", "memory");
}

static void clear_trap_flag(void)
{
	__asm__ __volatile__("pushfq\n\tandq %0, (%%rsp)\n\tpopfq"
			     :
			     : "i"(~(int)TRAP_FLAG)
			     : "cc", "memory");
}

/*
 * Handlers of three levels run in front of an instruction each, counted since
 * their level began: the first in the program, the second in the first, and so
 * on. Each does what the program does.
 */
#define LEVELS 3
static int level;
static unsigned long left[LEVELS], strike[LEVELS];
static unsigned long not_reached; /* of the first level */
static uint64_t nr_done, nr_struck;

static void do_section(void)
{
	volatile uint64_t *own;

	pcpu_pin();
	own = (volatile uint64_t *)pcpu_this_ptr(shared);
	pcpu_this_inc(shared[1]);
	require(own == (volatile uint64_t *)pcpu_this_ptr(shared), "moved");
	pcpu_unpin();
	pcpu_this_inc(*shared);
	nr_done++;
}

static void on_trap(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)info, (void)context;
	if (!left[level] || --left[level])
		return;
	nr_struck++;
	if (++level < LEVELS && strike[level]) {
		left[level] = strike[level];
		set_trap_flag();
		do_section();
		clear_trap_flag();
	} else {
		do_section();
	}
	level--;
}

static void strike_at(unsigned long first, unsigned long second,
		      unsigned long third)
{
	strike[1] = second;
	strike[2] = third;
	left[0] = first;
	level = 0;
	set_trap_flag();
	do_section();
	clear_trap_flag();
	not_reached = left[0];
	left[0] = 0;
	expect_all_free();
}

static unsigned long count_instructions(void)
{
	unsigned long many = 1000000;

	strike_at(many, 0, 0);
	return many - not_reached;
}

/* So many in all, about; a million takes ten seconds. */
static unsigned long steps(void)
{
	const char *text = getenv("PCPU_TEST_STEPS");

	return text ? strtoul(text, NULL, 0) : 30000;
}

static uint64_t sum_of(int member)
{
	uint64_t sum = 0;
	int cpu;

	pcpu_for_each_cpu (cpu)
		sum += (uint64_t)pcpu_ptr(shared, cpu)[member];
	return sum;
}

static void step(void)
{
	struct sigaction action = {.sa_sigaction = on_trap,
				   .sa_flags = SA_SIGINFO | SA_NODEFER};
	struct rng rng = {support_seed()};
	unsigned long nr, i;

	shared = pcpu_alloc(2 * sizeof(*shared), 8);
	require(shared, "errno %d", errno);
	do_section();
	require(sigaction(SIGTRAP, &action, NULL) == 0, "errno %d", errno);
	nr = count_instructions();
	for (i = 0; i < steps() / nr; i++)
		strike_at(1 + rng_below(&rng, nr), 1 + rng_below(&rng, nr),
			  1 + rng_below(&rng, nr));
	require(nr_struck > i, "%llu handlers", (unsigned long long)nr_struck);
	require(sum_of(0) == nr_done && sum_of(1) == nr_done,
		"%llu and %llu of %llu sections", (unsigned long long)sum_of(0),
		(unsigned long long)sum_of(1), (unsigned long long)nr_done);
	printf("%lu instructions, %llu handlers\n", nr,
	       (unsigned long long)nr_struck);
}

START_TEST(signal_handler__at_any_instruction_of_a_section__may_pin)
{
	support_run_job("step", environments[_i]);
}
END_TEST

#endif

/* -------------------------------------------------------------------------- */

static Suite *suite(void)
{
	Suite *s = suite_create("pins");
	TCase *tc = tcase_create("pins");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, bad_use__any_context__one_line_and_abort, 0,
			    NR_ENVIRONMENTS);
	tcase_add_test(tc, unknown_context__one_line_and_the_default);
	tcase_add_loop_test(tc,
			    fork__beside_a_pinned_thread__child_has_all_copies,
			    0, NR_ENVIRONMENTS);
	tcase_add_loop_test(tc, operation__on_a_copy_whose_owner_sleeps__waits,
			    0, 2);
	tcase_add_loop_test(tc, places_of_threads__are_their_own_and_used_again,
			    0, 2);
#if defined(__x86_64__) && !SUPPORT_SANITIZED
	tcase_add_loop_test(
		tc, signal_handler__at_any_instruction_of_a_section__may_pin, 0,
		NR_ENVIRONMENTS);
#endif
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"bad_use", bad_use},
	{"unknown", unknown_context},
	{"fork", fork_beside_a_pin},
	{"wait", wait_for_section},
	{"places", places},
#if defined(__x86_64__) && !SUPPORT_SANITIZED
	{"step", step},
#endif
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
