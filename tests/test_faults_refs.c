// SPDX-License-Identifier: MIT
/*
 * Reference counters, and read-write semaphores, when membarrier() is refused
 * later in the process's life (row 32 of the table of faults). Their copies
 * cannot be summed then: who is to change to atomic mode says so and aborts, so
 * that nothing is released by a sum that is wrong. All else goes on, and loses
 * nothing by the time that the call works again.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <urcu/urcu-bp.h>

#include "inject.h"
#include "pcpu/rwsem_abi.h"
#include "pins.h"
#include "unit/ref_life.h"

/* --- what is refused ------------------------------------------------------ */

/* By the kernel, for all threads there are, and for good. */
static bool filter_calls(void)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]),
		.filter = code,
	};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			SECCOMP_FILTER_FLAG_TSYNC, &program);
}

/* From now on, or once. */
static void refuse(bool once)
{
	inject_plan(once ? "membarrier:1" : "membarrier:1+");
}

/* --- a change that needs a fence ------------------------------------------ */

static void kill_refused(void)
{
	refuse(false);
	pcpu_ref_kill(&ref);
	pcpu_ref_put(&ref);
}

static void kill_refused_once(void)
{
	refuse(true);
	pcpu_ref_kill(&ref);
	pcpu_ref_put(&ref);
}

/* Without sequences the users are readers, for whom liburcu needs the call. */
static void kill_filtered(void)
{
	if (!libpcpu_has_sequences() || !filter_calls())
		refuse(false);
	pcpu_ref_put(&ref);
	pcpu_ref_kill(&ref);
}

/* The change has begun, and waits for us. */
static void refused_meanwhile(void)
{
	urcu_bp_read_lock();
	pcpu_ref_kill_and_confirm(&ref, confirmed);
	pcpu_ref_put(&ref);
	refuse(false);
	urcu_bp_read_unlock();
}

static void switch_refused(void)
{
	refuse(false);
	pcpu_ref_switch_to_atomic(&ref, confirmed);
}

static void switch_refused_sync(void)
{
	refuse(false);
	pcpu_ref_switch_to_atomic_sync(&ref);
	confirmed(&ref);
}

static void write_refused(void)
{
	struct libpcpu_rwsem sem;

	require(!libpcpu_rwsem_init(&sem), "errno %d", errno);
	libpcpu_rwsem_down_read(&sem);
	libpcpu_rwsem_up_read(&sem);
	refuse(false);
	libpcpu_rwsem_down_write(&sem);
	confirmed(&ref);
}

static void (*const changes[])(void) = {
	kill_refused,   kill_refused_once,   kill_filtered, refused_meanwhile,
	switch_refused, switch_refused_sync, write_refused,
};
#define NR_CHANGES ((int)(sizeof(changes) / sizeof(changes[0])))

/* Gets and puts go on beside it. */
static void *use(void *unused)
{
	for (;;) {
		if (pcpu_ref_tryget_live(&ref))
			pcpu_ref_put(&ref);
		sched_yield();
	}
	return unused;
}

#define DONE 3

static void change(void *number)
{
	pthread_t thread;
	int ms;

	init(0);
	pcpu_ref_get(&ref);
	require(!pthread_create(&thread, NULL, use, NULL), "no thread");
	changes[*(int *)number]();
	for (ms = 0; ms < 20000 && !nr_confirmed && !nr_released; ms++)
		usleep(1000);
	_exit(nr_confirmed || nr_released ? DONE : 1);
}

/* Without sequences there is nobody to throw out: all is as ever. */
static void expect_done(int number)
{
	struct support_child child;

	support_fork(change, &number, &child);
	require(WIFEXITED(child.status) && WEXITSTATUS(child.status) == DONE,
		"status %#x: %s", (unsigned)child.status, child.text);
}

START_TEST(
	membarrier_refused_later__copies_are_to_be_summed__one_line_and_abort)
{
	/* liburcu says so itself if there are readers. */
	if (libpcpu_has_sequences())
		support_expect_abort(change, &_i, NULL,
				     "copies cannot be summed without "
				     "membarrier(), and it is refused now|"
				     ") Unrecoverable error: Operation not "
				     "permitted");
	else
		expect_done(_i);
}
END_TEST

/* --- what needs none ------------------------------------------------------ */

#define NR_USERS 4
#define NR_ROUNDS SUPPORT_SCALE(20000)

static atomic_int nr_kept;

static void get_one(int i)
{
	if (i % 64)
		pcpu_ref_get(&ref);
	else {
		pcpu_pin();
		sched_yield(); /* others come, and wait for us */
		pcpu_ref_get(&ref);
		pcpu_unpin();
	}
}

/* What one keeps another one puts. */
static void *use_and_keep(void *unused)
{
	int i;

	for (i = 0; i < NR_ROUNDS; i++) {
		get_one(i);
		if (i % 4 == 0)
			nr_kept++;
		else
			pcpu_ref_put(&ref);
		if (i % 8 == 7) {
			nr_kept--;
			pcpu_ref_put(&ref);
		}
	}
	return unused;
}

static void *keep_while_live(void *unused)
{
	while (pcpu_ref_tryget_live(&ref)) {
		nr_kept++;
		if (nr_kept > 1000) {
			nr_kept--;
			pcpu_ref_put(&ref);
		}
	}
	return unused;
}

static void begin_threads(pthread_t *threads, void *(*run)(void *))
{
	int i;

	for (i = 0; i < NR_USERS; i++)
		require(!pthread_create(&threads[i], NULL, run, NULL), "%d", i);
}

static void end_threads(const pthread_t *threads)
{
	int i;

	for (i = 0; i < NR_USERS; i++)
		pthread_join(threads[i], NULL);
}

/* All that are kept are put, and the last put is the release. */
static void expect_end(void)
{
	wait_for(&nr_confirmed, 1);
	libpcpu_ref_settle(&ref.core);
	expect_references(nr_kept);
	require(nr_kept > 1 && !nr_released, "%d kept, released %d", nr_kept,
		nr_released);
	pcpu_ref_put_many(&ref, (size_t)nr_kept - 1);
	usleep(1000);
	require(!nr_released, "released with a reference");
	pcpu_ref_put(&ref);
	wait_for(&nr_released, 1);
	pcpu_ref_exit(&ref);
}

static void job_users(void)
{
	pthread_t threads[NR_USERS];

	init(0);
	refuse(false);
	begin_threads(threads, use_and_keep);
	end_threads(threads);
	expect_references(1 + nr_kept);
	begin_threads(threads, keep_while_live);
	usleep(1000);
	inject_plan(NULL);
	pcpu_ref_kill_and_confirm(&ref, confirmed);
	end_threads(threads);
	expect_end();
}

START_TEST(membarrier_refused_for_a_while__no_reference_is_lost)
{
	support_run_job("users", environments[_i]);
}
END_TEST

/* A life from atomic mode to per-CPU mode, and back when that can be done. */
static void job_modes(void)
{
	init(PCPU_REF_INIT_ATOMIC);
	refuse(false);
	pcpu_ref_get_many(&ref, 3);
	pcpu_ref_switch_to_percpu(&ref);
	require(!(libpcpu_ref_word(&ref.core) & LIBPCPU_REF_ATOMIC), "atomic");
	pcpu_ref_put(&ref);
	pcpu_ref_get_many(&ref, 5);
	expect_references(8);
	inject_plan(NULL);
	pcpu_ref_switch_to_atomic_sync(&ref);
	expect_references(8);
	refuse(false);
	pcpu_ref_kill_and_confirm(&ref, confirmed);
	nr_kept = 7;
	expect_end();

	init(0); /* it ends as it began */
	pcpu_ref_get(&ref);
	pcpu_ref_put(&ref);
	pcpu_ref_exit(&ref);
	require(!nr_released, "released");
	support_expect_none_live();
}

START_TEST(membarrier_refused_later__other_changes_of_mode_are_done)
{
	support_run_job("modes", environments[_i]);
}
END_TEST

static const struct support_job jobs[] = {
	{"users", job_users},
	{"modes", job_modes},
	{NULL, NULL},
};

static Suite *make_suite(void)
{
	Suite *suite = suite_create("faults_refs");
	TCase *tcase = tcase_create("membarrier");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(
		tcase,
		membarrier_refused_later__copies_are_to_be_summed__one_line_and_abort,
		0, NR_CHANGES);
	tcase_add_loop_test(
		tcase, membarrier_refused_for_a_while__no_reference_is_lost, 0,
		NR_ENVIRONMENTS);
	tcase_add_loop_test(
		tcase, membarrier_refused_later__other_changes_of_mode_are_done,
		0, NR_ENVIRONMENTS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(int argc, char **argv)
{
	return support_main(argc, argv, make_suite, jobs);
}
