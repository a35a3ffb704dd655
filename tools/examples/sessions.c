// SPDX-License-Identifier: MIT
/*
 * A server's table of sessions. Any thread may serve any session, so each has
 * statistics per CPU; and since sessions come and go, the objects with what is
 * tied to them come from a cache: statistics are allocated once for many
 * sessions, and nobody zeroes copies that were never used.
 *
 *	sessions [THREADS]
 */
#include <errno.h>
#include <pcpu/cache.h>
#include <pcpu/counter.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define NR_SESSIONS 64
#define NR_STEPS 20000
#define NR_REQUESTS 8 /* that a session is good for, between two looks */

struct stats {
	long requests, bytes;
};

struct session {
	unsigned id;
	struct stats *stats; /* a handle */
};

static struct {
	pthread_rwlock_t lock;
	struct session *session;
} table[NR_SESSIONS];

static struct pcpu_cache *cache;
static struct pcpu_counter opened;
static struct stats closed; /* the sums of all sessions that have ended */
static pthread_mutex_t closed_lock = PTHREAD_MUTEX_INITIALIZER;

/* --- an object's life ----------------------------------------------------- */

static int construct(void *object)
{
	struct session *session = object;

	session->stats = pcpu_alloc(sizeof(struct stats), sizeof(long));
	return session->stats ? 0 : ENOMEM;
}

static void destruct(void *object)
{
	struct session *session = object;

	pcpu_free(session->stats);
}

/* For debug mode: is a session that is given back as it was made? */
static bool is_as_made(const void *object)
{
	const struct session *session = object;
	int cpu;

	pcpu_for_each_cpu (cpu) {
		const struct stats *copy = pcpu_ptr(session->stats, cpu);

		if (copy->requests || copy->bytes)
			return false;
	}
	return true;
}

/* --- sessions ------------------------------------------------------------- */

static struct session *open_session(unsigned id)
{
	struct session *session = pcpu_cache_alloc(cache);

	if (!session) {
		perror("sessions");
		exit(EXIT_FAILURE);
	}
	session->id = id;
	pcpu_counter_inc(&opened);
	return session;
}

/* Sums up, and leaves the copies as they were made. */
static void close_session(struct session *session)
{
	struct stats sum = {0, 0}, zero = {0, 0};
	int cpu;

	pcpu_for_each_cpu (cpu) {
		struct stats *copy = pcpu_ptr(session->stats, cpu);

		if (!copy->requests)
			continue; /* this CPU has served none */
		sum.requests += copy->requests;
		sum.bytes += copy->bytes;
		*copy = zero;
	}
	pcpu_cache_free(cache, session);
	pthread_mutex_lock(&closed_lock);
	closed.requests += sum.requests;
	closed.bytes += sum.bytes;
	pthread_mutex_unlock(&closed_lock);
}

static void open_or_close(unsigned nr)
{
	struct session *old, *new = NULL;

	pthread_rwlock_wrlock(&table[nr].lock);
	old = table[nr].session;
	if (!old)
		new = open_session(nr);
	table[nr].session = new;
	pthread_rwlock_unlock(&table[nr].lock);
	if (old)
		close_session(old);
}

/* Returns the requests that were served. */
static long serve(unsigned nr)
{
	struct session *session;
	long i, served = 0;

	pthread_rwlock_rdlock(&table[nr].lock);
	session = table[nr].session;
	for (i = 0; session && i < NR_REQUESTS; i++) {
		pcpu_this_inc(session->stats->requests);
		pcpu_this_add(session->stats->bytes, 100 + i);
		served++;
	}
	pthread_rwlock_unlock(&table[nr].lock);
	return served;
}

static void *work(void *arg)
{
	unsigned seed = (unsigned)(size_t)arg, step;
	long served = 0;

	for (step = 0; step < NR_STEPS; step++) {
		unsigned nr = (unsigned)rand_r(&seed) % NR_SESSIONS;

		if (step % 8 == 0)
			open_or_close(nr);
		else
			served += serve(nr);
	}
	return (void *)(size_t)served;
}

/* --- the program ---------------------------------------------------------- */

static long run(unsigned nr_threads)
{
	pthread_t *threads = calloc(nr_threads, sizeof(*threads));
	long served = 0;
	void *result;
	unsigned i;

	for (i = 0; i < nr_threads; i++)
		pthread_create(&threads[i], NULL, work,
			       (void *)(size_t)(i + 1));
	for (i = 0; i < nr_threads; i++) {
		pthread_join(threads[i], &result);
		served += (long)(size_t)result;
	}
	free(threads);
	return served;
}

int main(int argc, char **argv)
{
	unsigned i, nr_threads = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
	struct pcpu_cache_info info;
	long served;

	cache = pcpu_cache_create("session", sizeof(struct session), 8,
				  construct, destruct, 0);
	if (!cache || pcpu_counter_init(&opened, 0, PCPU_COUNTER_SHARED)) {
		perror("sessions");
		return EXIT_FAILURE;
	}
	pcpu_cache_set_tied(cache, sizeof(struct stats));
	pcpu_cache_set_check(cache, is_as_made);
	for (i = 0; i < NR_SESSIONS; i++)
		pthread_rwlock_init(&table[i].lock, NULL);
	served = run(nr_threads);
	for (i = 0; i < NR_SESSIONS; i++)
		if (table[i].session)
			close_session(table[i].session);
	pcpu_cache_stats(cache, &info);
	printf("%ld sessions from %lu objects, %ld requests, %ld bytes\n",
	       (long)pcpu_counter_sum(&opened),
	       (unsigned long)info.nr_constructed, closed.requests,
	       closed.bytes);
	pcpu_counter_destroy(&opened);
	if (pcpu_cache_destroy(cache))
		return EXIT_FAILURE;
	return closed.requests == served ? EXIT_SUCCESS : EXIT_FAILURE;
}
