// SPDX-License-Identifier: MIT
/*
 * A program of a user of the installed library, for tests/install.sh: valid
 * C11 and C++17. Says what went wrong and exits with 1 if something did.
 */
#include <pcpu.h>
#include <pcpu/cache.h>

#define EXPECT(condition)                                            \
	do {                                                         \
		if (!(condition)) {                                  \
			fprintf(stderr, "%s: not so\n", #condition); \
			return 1;                                    \
		}                                                    \
	} while (0)

struct counters {
	long hits;
	short misses;
};

static int check_object(struct counters *handle)
{
	long sum = 0;
	int cpu;

	pcpu_for_each_cpu (cpu) {
		EXPECT(pcpu_ptr(handle, cpu)->hits == 0);
		pcpu_ptr(handle, cpu)->hits = cpu + 1;
		*pcpu_ptr(&handle->misses, cpu) = 1;
	}
	pcpu_this_ptr(handle)->misses = 2;
	pcpu_for_each_cpu (cpu) {
		const struct counters *copy = pcpu_ptr(handle, cpu);

		EXPECT(copy->hits == cpu + 1);
		sum += copy->misses;
	}
	EXPECT(sum > 1 && sum <= (long)pcpu_nr_cpus() + 1);
	return 0;
}

static int check_bulk(void)
{
	void *handles[100];
	int i;

	EXPECT(pcpu_alloc_bulk(0, 8, 0, 100, handles) == -1);
	EXPECT(pcpu_alloc_bulk(sizeof(struct counters), 8, 0, 100, handles) ==
	       0);
	for (i = 0; i < 100; i++)
		if (check_object((struct counters *)handles[i]))
			return 1;
	pcpu_free(handles[50]);
	handles[50] = NULL;
	pcpu_free_bulk(100, handles);
	return 0;
}

/* In C++ in a function that the linker may find in several files. */
#ifdef __cplusplus
template <typename type> type add_to(type *handle, type x)
{
	return pcpu_this_add_return(*handle, x);
}
#else
#define add_to(handle, x) pcpu_this_add_return(*(handle), x)
#endif

static int check_operations(void)
{
	struct counters *handle =
		(struct counters *)pcpu_alloc(sizeof(*handle), 8);
	void **pointer = (void **)pcpu_alloc(sizeof(*pointer), 8);

	EXPECT(handle != NULL && pointer != NULL);
	pcpu_pin();
	pcpu_this_inc(handle->hits);
	pcpu_this_add(handle[0].misses, (short)3);
	pcpu_this_sub(handle->misses, 1);
	EXPECT(add_to(&handle->hits, 4l) == 5);
	EXPECT(add_to(&handle->misses, (short)1) == 3);
	EXPECT(pcpu_this_xchg(handle->hits, 7) == 5);
	EXPECT(pcpu_this_cmpxchg(handle->hits, 7, 8) == 7);
	pcpu_this_write(*pointer, handle);
	EXPECT(pcpu_this_cmpxchg(*pointer, NULL, NULL) == handle);
	EXPECT(pcpu_this_read(*pointer) == handle);
	pcpu_this_or(handle->hits, 1);
	pcpu_this_and(handle->hits, ~8l);
	EXPECT(pcpu_this_ptr(handle)->hits == 1);
	pcpu_this_dec(handle->hits);
	pcpu_unpin();
	EXPECT(pcpu_context() == PCPU_CONTEXT_CPU);
	pcpu_free(handle);
	pcpu_free(pointer);
	return 0;
}

static int check_cache(void)
{
	struct pcpu_cache *cache =
		pcpu_cache_create("counters", sizeof(struct counters), 8, NULL,
				  NULL, PCPU_CACHE_PERCPU);
	struct counters *handle;

	EXPECT(cache != NULL);
	handle = (struct counters *)pcpu_cache_alloc(cache);
	pcpu_ptr(handle, 0)->hits = 5;
	pcpu_cache_free(cache, handle);
	EXPECT(pcpu_cache_shrink(cache) >= sizeof(struct counters));
	EXPECT(pcpu_cache_destroy(cache) == 0);
	return 0;
}

int main(void)
{
	struct counters *handle;
	struct pcpu_stats stats;

	EXPECT(pcpu_nr_cpus() > 0);
	EXPECT(pcpu_cpu() >= 0 && (unsigned)pcpu_cpu() < pcpu_nr_cpus());
	EXPECT(pcpu_alloc(0, 8) == NULL);
	handle = (struct counters *)pcpu_alloc(sizeof(*handle), 8);
	EXPECT(handle != NULL);
	EXPECT(pcpu_usable_size(handle) >= sizeof(*handle));
	if (check_object(handle))
		return 1;
	EXPECT(pcpu_stats_get(&stats) == 0);
	EXPECT(stats.nr_cur_alloc == 1);
	pcpu_free(handle);
	handle = (struct counters *)pcpu_alloc_flags(4096, 4096, PCPU_NOWAIT);
	pcpu_free(handle);
	if (check_bulk() || check_operations() || check_cache())
		return 1;
	pcpu_trim();
	EXPECT(pcpu_stats_get(&stats) == 0);
	EXPECT(stats.nr_cur_alloc == 0);
	return 0;
}
