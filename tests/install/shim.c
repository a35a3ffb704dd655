// SPDX-License-Identifier: MIT
/*
 * A port of kernel code, for tests/install.sh: valid C11 and C++17. It has
 * functions of its own with the names of libpcpu's, which the library must
 * neither clash with nor call.
 */
#include <linux/percpu.h>

#include <stdio.h>
#include <stdlib.h>

#define EXPECT(condition)                                            \
	do {                                                         \
		if (!(condition)) {                                  \
			fprintf(stderr, "%s: not so\n", #condition); \
			exit(1);                                     \
		}                                                    \
	} while (0)

#ifdef __cplusplus
extern "C" {
#endif
int pcpu_init(void);
int pcpu_alloc(const char *name);
void pcpu_free(int number, int how);
long pcpu_usable_size(void);
#ifdef __cplusplus
}
#endif

static int called;

int pcpu_init(void)
{
	called++;
	return 0;
}

int pcpu_alloc(const char *name)
{
	called += name != NULL;
	return 3;
}

void pcpu_free(int number, int how)
{
	called += number == 3 && how == 0;
}

long pcpu_usable_size(void)
{
	called++;
	return -1;
}

struct counters {
	unsigned long hits;
	char tail[3];
};

static void check_counters(struct counters __percpu *handle)
{
	unsigned long sum = 0;
	unsigned int copies = 0;
	int cpu;

	for_each_possible_cpu (cpu) {
		EXPECT(per_cpu_ptr(handle, cpu)->hits == 0);
		per_cpu_ptr(handle, cpu)->hits = 2;
		*per_cpu_ptr(&handle->tail[1], cpu) = 'x';
		copies++;
	}
	get_cpu_ptr(handle)->hits++;
	put_cpu_ptr(handle);
	this_cpu_sub(handle->hits, 1);
	this_cpu_inc(handle->hits);
	for_each_possible_cpu (cpu)
		sum += per_cpu_ptr(handle, cpu)->hits;
	EXPECT(copies == num_possible_cpus() && copies <= nr_cpu_ids);
	EXPECT(sum == 2ul * copies + 1);
}

int main(void)
{
	struct counters __percpu *handle = alloc_percpu(struct counters);
	void __percpu *page = __alloc_percpu_gfp(4096, 4096, GFP_ATOMIC);

	EXPECT(handle);
	check_counters(handle);
	EXPECT(pcpu_alloc_size(handle) >= sizeof(struct counters));
	EXPECT(!__alloc_percpu_gfp(0, 4, GFP_KERNEL | __GFP_NOWARN));
	free_percpu(handle);
	free_percpu(page);
	free_percpu(NULL);

	EXPECT(called == 0);
	pcpu_init();
	pcpu_free(pcpu_alloc("mine"), 0);
	EXPECT(pcpu_usable_size() == -1);
	EXPECT(called == 4);
	return 0;
}
