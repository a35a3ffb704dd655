// SPDX-License-Identifier: MIT
/*
 * A table of packet filters, as the kernel's tc has: threads insert filters in
 * parallel, others classify packets meanwhile without a lock, and the table is
 * torn down beside them. Each filter counts its hits per CPU; its memory goes
 * back after a grace period, when no packet can be on its way through it.
 *
 *	filters [THREADS]
 */
#define _LGPL_SOURCE
#define URCU_API_MAP
#include <pcpu.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <urcu/urcu-bp.h>

#define NR_BUCKETS 256
#define NR_FILTERS 4096 /* of each inserting thread */
#define BATCH 64

struct hits {
	long packets, bytes;
};

struct filter {
	struct filter *next;
	unsigned key;
	struct hits *hits; /* a handle */
	struct rcu_head rcu;
};

static struct filter *buckets[NR_BUCKETS];
static atomic_bool done;
static atomic_long freed, counted; /* filters, and the packets that they hit */

/* --- inserting ------------------------------------------------------------ */

static void insert(struct filter *filter)
{
	struct filter **bucket = &buckets[filter->key % NR_BUCKETS];
	struct filter *first;

	do {
		first = rcu_dereference(*bucket);
		filter->next = first;
	} while (uatomic_cmpxchg(bucket, first, filter) != first);
}

/* Statistics for a batch of filters come from one call. */
static void *insert_many(void *arg)
{
	unsigned base = (unsigned)(size_t)arg * NR_FILTERS, i;
	void *hits[BATCH];

	for (i = 0; i < NR_FILTERS; i++) {
		struct filter *filter = malloc(sizeof(*filter));

		if (!filter ||
		    (i % BATCH == 0 &&
		     pcpu_alloc_bulk(sizeof(struct hits), sizeof(long), 0,
				     BATCH, hits))) {
			perror("filters");
			exit(EXIT_FAILURE);
		}
		filter->key = base + i;
		filter->hits = hits[i % BATCH];
		insert(filter);
	}
	return NULL;
}

/* --- classifying ---------------------------------------------------------- */

/* Returns whether a filter took the packet. */
static bool classify(unsigned key, long bytes)
{
	struct filter *filter;

	rcu_read_lock();
	filter = rcu_dereference(buckets[key % NR_BUCKETS]);
	while (filter && filter->key != key)
		filter = rcu_dereference(filter->next);
	if (filter) {
		pcpu_this_inc(filter->hits->packets);
		pcpu_this_add(filter->hits->bytes, bytes);
	}
	rcu_read_unlock();
	return filter;
}

static void *classify_many(void *arg)
{
	unsigned seed = (unsigned)(size_t)arg;
	long hits = 0;

	while (!done)
		hits += classify((unsigned)rand_r(&seed) % NR_FILTERS, 100);
	return (void *)(size_t)hits;
}

/* --- tearing down --------------------------------------------------------- */

static void reclaim(struct rcu_head *rcu)
{
	struct filter *filter = caa_container_of(rcu, struct filter, rcu);
	long packets = 0;
	int cpu;

	pcpu_for_each_cpu (cpu)
		packets += pcpu_ptr(filter->hits, cpu)->packets;
	counted += packets;
	freed++;
	pcpu_free(filter->hits);
	free(filter);
}

static void tear_down(void)
{
	unsigned i;

	for (i = 0; i < NR_BUCKETS; i++) {
		struct filter *filter = uatomic_xchg(&buckets[i], NULL);

		while (filter) {
			struct filter *next = filter->next;

			call_rcu(&filter->rcu, reclaim);
			filter = next;
		}
	}
	rcu_barrier(); /* all callbacks have run */
}

/* --- the program ---------------------------------------------------------- */

int main(int argc, char **argv)
{
	size_t i, nr = argc > 1 ? (size_t)atoi(argv[1]) : 2;
	pthread_t *inserting = calloc(nr, sizeof(pthread_t));
	pthread_t *classifying = calloc(nr, sizeof(pthread_t));
	long hits = 0;
	void *result;

	for (i = 0; i < nr; i++) {
		pthread_create(&classifying[i], NULL, classify_many,
			       (void *)(i + 1));
		pthread_create(&inserting[i], NULL, insert_many, (void *)i);
	}
	for (i = 0; i < nr; i++)
		pthread_join(inserting[i], NULL);
	tear_down();
	done = true;
	for (i = 0; i < nr; i++) {
		pthread_join(classifying[i], &result);
		hits += (long)(size_t)result;
	}
	free(inserting);
	free(classifying);
	printf("%ld filters, %ld packets hit one, %ld were counted\n", freed,
	       hits, counted);
	return freed == (long)nr * NR_FILTERS && hits == counted ? EXIT_SUCCESS
								 : EXIT_FAILURE;
}
