// SPDX-License-Identifier: MIT
/*
 * Signal handlers that pin and operate in front of any instruction of a pinned
 * section, of the way into it and out of it, and of each other: by the
 * processor's single steps. A sequence is thrown out at each of them, so this
 * is about all that is done then, and about the lock; test_places plays the
 * rest.
 */
#include "tests/pins.h"

/* Not through a sanitizer's own code. */
#if defined(__x86_64__) && !SUPPORT_SANITIZED
#define CAN_STEP 1
#else
#define CAN_STEP 0
#endif

#if CAN_STEP

static uint64_t *shared;

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
	/* A handler may come in the middle of an increment, too. */
	__atomic_fetch_add(&nr_done, 1, __ATOMIC_RELAXED);
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

#else

static void step(void)
{
}

START_TEST(signal_handler__on_this_build__is_not_tried)
{
	(void)_i;
	step();
}
END_TEST

#endif

static Suite *suite(void)
{
	Suite *s = suite_create("pins_signals");
	TCase *tc = tcase_create("pins_signals");

	tcase_set_timeout(tc, 60);
#if CAN_STEP
	tcase_add_loop_test(
		tc, signal_handler__at_any_instruction_of_a_section__may_pin, 0,
		NR_ENVIRONMENTS);
#else
	tcase_add_test(tc, signal_handler__on_this_build__is_not_tried);
#endif
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"step", step},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
