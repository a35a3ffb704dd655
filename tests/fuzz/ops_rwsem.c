// SPDX-License-Identifier: MIT
/*
 * Read-write semaphores: a whole life as one operation. One thread reads or
 * writes; now and then another one waits for it.
 */
#include "pcpu/rwsem_abi.h"

#include <sched.h>

#include "fuzz.h"

struct life {
	struct libpcpu_rwsem sem; /* first */
	struct fuzz *fuzz;
	unsigned nr_readers;
	bool writes;
	uint32_t came; /* another thread is inside, or was */
};

static void down_read(struct life *life, bool only_try)
{
	if (life->writes) {
		require(!libpcpu_rwsem_try_read(&life->sem),
			"a reader beside a writer");
		return;
	}
	if (only_try)
		require(libpcpu_rwsem_try_read(&life->sem), "not let in");
	else
		libpcpu_rwsem_down_read(&life->sem);
	life->nr_readers++;
}

static void up_read(struct life *life)
{
	if (!life->nr_readers)
		return;
	life->nr_readers--;
	libpcpu_rwsem_up_read(&life->sem);
}

static void write_or_end(struct life *life)
{
	if (life->writes)
		libpcpu_rwsem_up_write(&life->sem);
	else if (!life->nr_readers)
		libpcpu_rwsem_down_write(&life->sem);
	else
		return;
	life->writes = !life->writes;
}

/* --- another thread ------------------------------------------------------- */

static void *read_there(void *arg)
{
	struct life *life = arg;

	libpcpu_rwsem_down_read(&life->sem);
	__atomic_store_n(&life->came, 1, __ATOMIC_RELEASE);
	libpcpu_rwsem_up_read(&life->sem);
	return NULL;
}

static void *write_there(void *arg)
{
	struct life *life = arg;

	libpcpu_rwsem_down_write(&life->sem);
	__atomic_store_n(&life->came, 1, __ATOMIC_RELEASE);
	libpcpu_rwsem_up_write(&life->sem);
	return NULL;
}

/* It comes to where it has to wait, and does. */
static void let_wait(struct life *life)
{
	unsigned ms;

	for (ms = 0; ms < 3; ms++) {
		require(!__atomic_load_n(&life->came, __ATOMIC_ACQUIRE),
			"another one is inside");
		usleep(1000);
	}
}

static void leave(struct life *life)
{
	if (life->writes)
		write_or_end(life);
	while (life->nr_readers)
		up_read(life);
}

static void another(struct life *life, bool to_write)
{
	pthread_t thread;

	if (!life->writes && (!life->nr_readers || !to_write))
		return;
	life->came = 0;
	if (!fuzz_begin_thread(life->fuzz, &thread,
			       to_write ? write_there : read_there, life))
		return;
	let_wait(life);
	leave(life);
	fuzz_end_thread(life->fuzz, thread);
	require(life->came, "it never came inside");
}

/* --- wrong use ------------------------------------------------------------ */

static void wrong_free(void *sem)
{
	libpcpu_rwsem_free(sem);
}

static void wrong_up_write(void *sem)
{
	libpcpu_rwsem_up_write(sem);
}

static void down_write_of_none(void *sem)
{
	libpcpu_rwsem_up_read(sem);
	libpcpu_rwsem_down_write(sem);
}

static void wrong(struct life *life, void (*call)(void *), const char *words)
{
	require(fuzz_aborts(call, &life->sem), "no \"%s\"", words);
	fuzz_expect_heard("libpcpu: read-write semaphore ");
	fuzz_expect_heard(words);
}

/* Each is refused behind what it has done by then. */
static void misuse(struct life *life)
{
	if (life->writes) {
		wrong(life, wrong_free, ": freed with 0 readers, a writer\n");
		return;
	}
	wrong(life, wrong_up_write, ": up_write() without down_write()\n");
	pthread_mutex_unlock(&life->sem.lock);
	if (life->nr_readers) {
		wrong(life, wrong_free, " readers, no writer\n");
		return;
	}
	wrong(life, down_write_of_none, ": up_read() without down_read()\n");
	__atomic_fetch_add(&life->sem.slow, 1, __ATOMIC_RELAXED);
	life->writes = true;
}

/* --- a life --------------------------------------------------------------- */

static void step(struct life *life)
{
	unsigned how = take_byte(life->fuzz);

	switch (how % 8) {
	case 0:
	case 1:
		down_read(life, how & 1);
		break;
	case 2:
		up_read(life);
		break;
	case 3:
		write_or_end(life);
		break;
	case 4:
	case 5:
		another(life, how & 1);
		break;
	case 6:
		fuzz_go(life->fuzz, take_cpu(life->fuzz));
		break;
	default:
		misuse(life);
	}
	require(libpcpu_rwsem_is_write_locked(&life->sem) == life->writes,
		"a writer: %d", life->writes);
	require(libpcpu_rwsem_is_read_locked(&life->sem) ==
			(life->nr_readers > 0),
		"%u readers", life->nr_readers);
}

/* how: 1, steps: 1, and what these take. In a child of fork() nobody waits for
 * readers, and there is no sum without membarrier(). */
static void rwsem_life(struct fuzz *fuzz)
{
	unsigned how = take_byte(fuzz), nr = take_byte(fuzz) % 64;
	struct life life = {.sem = LIBPCPU_RWSEM_INIT, .fuzz = fuzz};

	if (fuzz->is_child || fuzz->failing)
		return;
	errno = 0;
	if (how & 1 && libpcpu_rwsem_init(&life.sem)) {
		require(errno == ENOMEM, "errno %d", errno);
		fuzz_refused(fuzz, 8, 8, 0, 1);
		return;
	}
	fuzz_charge(fuzz);
	while (nr-- && fuzz->left)
		step(&life);
	leave(&life);
	libpcpu_rwsem_free(&life.sem);
}

static const struct fuzz_op ops[] = {
	{"rwsem_life", 0xb0, 4, rwsem_life},
};
FUZZ_OPS(ops)
