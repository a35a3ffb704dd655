// SPDX-License-Identifier: MIT
/*
 * A program of a user of the installed library, for tests/install.sh: valid
 * C11 and C++17. Says what went wrong and exits with 1 if something did.
 */
#include <pcpu.h>

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
	if (check_bulk())
		return 1;
	pcpu_trim();
	EXPECT(pcpu_stats_get(&stats) == 0);
	EXPECT(stats.nr_cur_alloc == 0);
	return 0;
}
