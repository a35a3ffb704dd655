// SPDX-License-Identifier: MIT
/*
 * The front with many threads a CPU, thrown out of sequences by signals, by a
 * debugger's single steps and by drains; threads without rseq; fork.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <pcpu.h>

#include "front_cpus.h"
#include "owned.h"
#include "support.h"

static bool have_front;

START_TEST(no_front_or_one_cpu__nothing_to_test)
{
}
END_TEST

#if FRONT_SUPPORTED

#define NR_PER_CPU 4u
#define NR_HELD 24u
#define A_LINE (FIRST_CLASS(WINDOW_SKEWED) + 15)

static atomic_bool stop, drains;
static _Thread_local unsigned serial;

/* --- being thrown out ----------------------------------------------------- */

/* What the linker calls the section of who is thrown out. */
extern const char __start___rseq_failure[], __stop___rseq_failure[];

static atomic_uint nr_signals, nr_thrown_out;

static uintptr_t interrupted_at(const ucontext_t *c)
{
#ifdef __x86_64__
	return (uintptr_t)c->uc_mcontext.gregs[REG_RIP];
#else
	return (uintptr_t)c->uc_mcontext.pc;
#endif
}

/* The kernel has thrown us out before it calls the handler. */
static void count_signal(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = interrupted_at(context);

	(void)sig, (void)info;
	atomic_fetch_add(&nr_signals, 1);
	if (at >= (uintptr_t)__start___rseq_failure &&
	    at < (uintptr_t)__stop___rseq_failure)
		atomic_fetch_add(&nr_thrown_out, 1);
}

static void handle(int sig)
{
	struct sigaction action = {.sa_sigaction = count_signal,
				   .sa_flags = SA_SIGINFO | SA_RESTART};

	ck_assert_int_eq(sigaction(sig, &action, NULL), 0);
}

#ifdef __x86_64__
/* A trap after each instruction, or no more. */
static void single_step(bool on)
{
	__asm__ __volatile__("leaq -128(%%rsp), %%rsp\n\t"
			     "pushfq\n\t"
			     "andl $~0x100, (%%rsp)\n\t"
			     "orl %0, (%%rsp)\n\t"
			     "popfq\n\t"
			     "leaq 128(%%rsp), %%rsp"
			     :
			     : "r"(on ? 0x100 : 0)
			     : "cc", "memory");
}

START_TEST(single_steps__all_is_refused_and_the_same_work_is_done)
{
	void *held[8];
	unsigned i;

	handle(SIGTRAP);
	front_pin(0);
	single_step(true);
	for (i = 0; i < 100; i++) {
		if (i >= 8)
			owned_free(held[i % 8]);
		held[i % 8] = owned_alloc(i % 3 ? 64 : 8, 0, i + 1);
	}
	single_step(false);
	for (i = 0; i < 8; i++)
		owned_free(held[i]);
	printf("%u steps, thrown out %u times\n", nr_signals, nr_thrown_out);
	ck_assert_uint_ge(nr_thrown_out, 100 + 92);
	support_expect_none_live();
}
END_TEST
#endif

static void protect_slots(int protection)
{
	ck_assert_int_eq(mprotect(&arena_slots[front_cpus[0]],
				  sizeof(*arena_slots), protection),
			 0);
}

static void allow_again(int sig, siginfo_t *info, void *context)
{
	count_signal(sig, info, context);
	protect_slots(PROT_READ | PROT_WRITE);
}

/* A signal hits the very instruction that stores the slot. */
START_TEST(signal_at_the_last_store__thrown_out_and_nothing_is_stored)
{
	struct sigaction action = {.sa_sigaction = allow_again,
				   .sa_flags = SA_SIGINFO};
	const struct size_class *class = &size_classes[A_LINE];
	const struct slot *slot = front_slot(0, A_LINE);
	struct object object = {{77}, 5};
	word_id none = {0};
	struct claimed claimed;

	ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
	front_pin(0);
	protect_slots(PROT_READ);
	ck_assert(!front_install(front_cpus[0], class, none, object.word, 1));
	ck_assert(!slot->word.v && !slot->free.v);
	ck_assert(FRONT_TRY(
		front_install(front_cpus[0], class, none, object.word, 1)));
	protect_slots(PROT_READ);
	ck_assert(!front_unclaim(class, object));
	ck_assert_uint_eq(slot->free.v, 1);
	protect_slots(PROT_READ);
	ck_assert(!front_claim(class, &claimed));
	ck_assert_uint_eq(slot->free.v, 1);
	protect_slots(PROT_READ | PROT_WRITE);
	ck_assert_uint_le(nr_signals, 3);
	ck_assert_uint_eq(nr_thrown_out, nr_signals);
}
END_TEST

/* --- many threads --------------------------------------------------------- */

/* Up to NR_HELD objects of two classes; between them bare pairs, which signals
 * hit best. */
static void *churn_until_stopped(void *arg)
{
	unsigned id = (unsigned)(uintptr_t)arg + 1, i;
	struct rng rng = {.state = id};
	void *held[NR_HELD] = {NULL};

	front_pin(id % 2);
	while (!stop) {
		i = (unsigned)rng_below(&rng, NR_HELD);
		if (held[i])
			owned_free(held[i]);
		serial = (serial + 1) & 0xffffff;
		held[i] = rng_below(&rng, 2) ? owned_alloc(i % 2 ? 8 : 64, 0,
							   id << 24 | serial)
					     : NULL;
		for (i = 0; i < 16; i++)
			pcpu_free(pcpu_alloc(8, 8));
	}
	for (i = 0; i < NR_HELD; i++)
		if (held[i])
			owned_free(held[i]);
	return NULL;
}

static void start_threads(pthread_t *threads)
{
	uintptr_t i;

	for (i = 0; i < 2 * NR_PER_CPU; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL,
						churn_until_stopped, (void *)i),
				 0);
}

static void join_threads(pthread_t *threads)
{
	unsigned i;

	stop = true;
	for (i = 0; i < 2 * NR_PER_CPU; i++)
		pthread_join(threads[i], NULL);
	support_expect_none_live();
	ck_assert(front_is_on());
	pcpu_trim();
	support_expect_none_live();
}

START_TEST(threads_beside_drains__never_share_an_object)
{
	pthread_t threads[2 * NR_PER_CPU];
	unsigned i;

	start_threads(threads);
	for (i = 0; i < SUPPORT_SCALE(4000u); i++) {
		if (i % 64)
			slots_drain(WINDOW_SKEWED);
		else
			pcpu_trim();
		if (i % 16 == 0)
			usleep(100);
	}
	join_threads(threads);
}
END_TEST

START_TEST(threads_beside_signals__are_thrown_out_and_never_share_an_object)
{
	pthread_t threads[2 * NR_PER_CPU];
	unsigned i;

	handle(SIGUSR1);
	start_threads(threads);
	for (i = 0; i < 4000 && nr_thrown_out < 50; i++) {
		pthread_kill(threads[i % (2 * NR_PER_CPU)], SIGUSR1);
		usleep(i % 8 ? 20 : 1000);
		if (i % 256 == 0)
			slots_drain(WINDOW_SKEWED);
	}
	join_threads(threads);
	printf("%u signals, thrown out %u times\n", nr_signals, nr_thrown_out);
	ck_assert_uint_gt(nr_thrown_out, 0);
}
END_TEST

/* --- without rseq --------------------------------------------------------- */

/* As a program may that wants the area for itself. */
static void *unregister_and_work(void *arg)
{
	struct claimed claimed;
	void *held[100];
	unsigned i;

	front_pin(0);
	ck_assert_int_eq(syscall(SYS_rseq, libpcpu_rseq_area(),
				 __rseq_size < 32 ? 32 : __rseq_size,
				 RSEQ_FLAG_UNREGISTER, RSEQ_SIG),
			 0);
	for (i = 0; i < 100; i++)
		held[i] = owned_alloc(64, 0, i + 1);
	ck_assert(!FRONT_TRY(front_claim(&size_classes[A_LINE], &claimed)));
	for (i = 0; i < 100; i++)
		owned_free(held[i]);
	return arg;
}

START_TEST(thread_without_rseq__works_without_front)
{
	pthread_t thread;
	void *p;

	front_pin(0);
	p = owned_alloc(64, 0, 1000);
	pthread_create(&thread, NULL, unregister_and_work, NULL);
	pthread_join(thread, NULL);
	owned_free(p);
	support_expect_none_live();
}
END_TEST

/* --- fork ----------------------------------------------------------------- */

static void *drain_until_stopped(void *arg)
{
	for (; !stop; drains = true)
		slots_drain(WINDOW_SKEWED);
	return arg;
}

/* The front is on, also if it was off, and can be switched off. */
static void use_the_front(void *kept)
{
	pthread_t threads[2 * NR_PER_CPU];
	struct claimed claimed;
	unsigned nr = 0;
	void *p[20];

	require(front_is_on(), "%#lx", load_relaxed(&front_limit));
	/* Filling the slot is tried once, and a preemption throws it out. */
	do
		p[nr++] = owned_alloc(64, 0, 1);
	while (!FRONT_TRY(front_claim(&size_classes[A_LINE], &claimed)) &&
	       nr < 20);
	require(nr < 20, "no object in the slot");
	slots_drain(WINDOW_SKEWED);
	require(!front_slot(0, A_LINE)->free.v, "not drained");
	start_threads(threads);
	usleep(1000);
	slots_drain(WINDOW_SKEWED);
	stop = true;
	for (unsigned i = 0; i < 2 * NR_PER_CPU; i++)
		pthread_join(threads[i], NULL);
	while (nr > 0)
		owned_free(p[--nr]);
	owned_free(kept);
}

START_TEST(fork_while_others_drain__child_has_the_front)
{
	struct support_child child;
	pthread_t drainer;

	front_pin(0);
	pthread_create(&drainer, NULL, drain_until_stopped, NULL);
	while (!drains) /* at its start it may be in ASan's allocator */
		usleep(100);
	for (unsigned round = 0; round < 20; round++) {
		void *kept = owned_alloc(64, 0, 7);

		support_fork(use_the_front, kept, &child);
		ck_assert_msg(support_succeeded(&child), "status %#x: %s",
			      (unsigned)child.status, child.text);
		owned_free(kept);
	}
	stop = true;
	pthread_join(drainer, NULL);
}
END_TEST

static void *stop_once(void *arg)
{
	require(front_stop(), "no fence");
	return arg;
}

/* As a signal handler may do that interrupts a drain. */
static void go_then_use_the_front(void *kept)
{
	require(!front_is_on(), "%#lx", load_relaxed(&front_limit));
	front_go();
	require(load_relaxed(&front_limit) == libpcpu_nr_cpu_ids, "%#lx",
		load_relaxed(&front_limit));
	use_the_front(kept);
}

START_TEST(fork_by_a_thread_that_has_stopped_it__child_goes_on_where_it_was)
{
	struct support_child child;
	pthread_t other;
	void *kept;

	front_pin(0);
	kept = owned_alloc(64, 0, 7);
	pthread_create(&other, NULL, stop_once, NULL);
	pthread_join(other, NULL);
	ck_assert(front_stop());
	support_fork(go_then_use_the_front, kept, &child);
	ck_assert_msg(support_succeeded(&child), "status %#x: %s",
		      (unsigned)child.status, child.text);
	front_go();
	ck_assert(!front_is_on());
}
END_TEST

#endif /* FRONT_SUPPORTED */

static Suite *make_suite(void)
{
	Suite *suite = suite_create("front_threads");
	TCase *tc = tcase_create("front_threads");

	suite_add_tcase(suite, tc);
	tcase_set_timeout(tc, 60);
#define ADD(name) tcase_add_test(tc, name)
	ADD(no_front_or_one_cpu__nothing_to_test);
	if (!have_front)
		return suite;
#if FRONT_SUPPORTED
#ifdef __x86_64__ /* elsewhere only a debugger can */
	ADD(single_steps__all_is_refused_and_the_same_work_is_done);
#endif
	ADD(signal_at_the_last_store__thrown_out_and_nothing_is_stored);
	ADD(threads_beside_drains__never_share_an_object);
	ADD(threads_beside_signals__are_thrown_out_and_never_share_an_object);
	ADD(thread_without_rseq__works_without_front);
	ADD(fork_while_others_drain__child_has_the_front);
	ADD(fork_by_a_thread_that_has_stopped_it__child_goes_on_where_it_was);
#endif
	return suite;
}

int main(int argc, char **argv)
{
	have_front = front_find_cpus();
	return support_main(argc, argv, make_suite, NULL);
}
