// SPDX-License-Identifier: MIT
/* lib/sbitmap.c: no bit has two owners; who waits for one is woken. */
#include <linux/sbitmap.h>

#define NR_THREADS 8
#define DEPTH 203
#define DEPTH_QUEUE 5

static struct sbitmap map;
static struct sbitmap_queue queue;
static int owned[DEPTH], owned_tag[DEPTH_QUEUE];
static atomic_t wait_index;

static void own(int *owner)
{
	require(!__atomic_exchange_n(owner, 1, __ATOMIC_SEQ_CST));
}

static void disown(int *owner)
{
	require(__atomic_exchange_n(owner, 0, __ATOMIC_SEQ_CST));
}

static void get_and_put(unsigned long nr)
{
	int bit = nr % 3 ? sbitmap_get(&map) : sbitmap_get_shallow(&map, 20);

	if (bit < 0)
		return;
	own(&owned[bit]);
	if (nr % 16 == 0)
		callers_yield();
	disown(&owned[bit]);
	sbitmap_put(&map, (unsigned)bit);
}

static int get_tag(unsigned *cpu)
{
	struct sbq_wait_state *ws = sbq_wait_ptr(&queue, &wait_index);
	DEFINE_SBQ_WAIT(wait);
	int tag;

	for (;;) {
		sbitmap_prepare_to_wait(&queue, ws, &wait,
					TASK_UNINTERRUPTIBLE);
		tag = sbitmap_queue_get(&queue, cpu);
		if (tag >= 0)
			break;
		schedule();
		sbitmap_finish_wait(&queue, ws, &wait);
		ws = sbq_wait_ptr(&queue, &wait_index);
	}
	sbitmap_finish_wait(&queue, ws, &wait);
	return tag;
}

static void get_and_wait(unsigned thread, unsigned long nr)
{
	unsigned cpu;
	int tag;

	get_and_put(thread + nr);
	tag = sbitmap_queue_get(&queue, &cpu);
	if (tag < 0)
		tag = get_tag(&cpu);
	own(&owned_tag[tag]);
	if (nr % 4 == 0)
		callers_yield();
	disown(&owned_tag[tag]);
	sbitmap_queue_clear(&queue, (unsigned)tag, cpu);
}

void drive(void)
{
	require(!sbitmap_init_node(&map, DEPTH, -1, GFP_KERNEL, 0, false,
				   true));
	require(!sbitmap_queue_init_node(&queue, DEPTH_QUEUE, -1, false,
					 GFP_KERNEL, 0));
	stress(get_and_wait, NR_THREADS);
	require(sbitmap_weight(&map) == 0 && !sbitmap_any_bit_set(&map));
	require(sbitmap_weight(&queue.sb) == 0);
	require(atomic_read(&queue.ws_active) == 0);
	sbitmap_queue_show(&queue, NULL);
	sbitmap_queue_free(&queue);
	sbitmap_free(&map);
}
