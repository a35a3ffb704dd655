// SPDX-License-Identifier: MIT
/* kernel/bpf/percpu_freelist.c: each element has one owner, none is lost. */
#include "percpu_freelist.h"

#define NR_THREADS 8
#define NR_ELEMENTS 20

struct element {
	struct pcpu_freelist_node node;
	int owned;
};

static struct element elements[NR_ELEMENTS];
static struct pcpu_freelist list;

static void pop_and_push(unsigned thread, unsigned long nr)
{
	struct pcpu_freelist_node *node = pcpu_freelist_pop(&list);
	struct element *element;

	if (!node)
		return;
	element = container_of(node, struct element, node);
	require(!__atomic_exchange_n(&element->owned, 1, __ATOMIC_SEQ_CST));
	if ((thread + nr) % 8 == 0)
		callers_yield();
	require(__atomic_exchange_n(&element->owned, 0, __ATOMIC_SEQ_CST));
	pcpu_freelist_push(&list, node);
}

void drive(void)
{
	unsigned nr = 0;

	require(pcpu_freelist_init(&list) == 0);
	pcpu_freelist_populate(&list, elements, sizeof(elements[0]),
			       NR_ELEMENTS);
	stress(pop_and_push, NR_THREADS);
	while (pcpu_freelist_pop(&list))
		nr++;
	require(nr == NR_ELEMENTS);
	pcpu_freelist_destroy(&list);
}
