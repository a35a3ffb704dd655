// SPDX-License-Identifier: MIT
/* net/core/gen_stats.c: the sums of all CPUs are those of what was counted. */
#include <callers/net.h>

#define NR_THREADS 8

static struct gnet_stats_basic_sync __percpu *basic;
static struct gnet_stats_queue __percpu *queue;

/* As a queueing discipline does for each packet. */
static void count_packet(unsigned thread, unsigned long nr)
{
	(void)thread, (void)nr;
	local_bh_disable();
	_bstats_update(this_cpu_ptr(basic), 1500, 1);
	this_cpu_inc(queue->drops);
	this_cpu_ptr(queue)->backlog += 3;
	local_bh_enable();
}

/* The attributes are in the first one, but for the last two. */
static const struct nlattr *find(const struct sk_buff *skb, int type)
{
	unsigned at = 0;

	while (at < skb->len) {
		const struct nlattr *attr = (void *)(skb->data + at);

		if (attr->nla_type == type)
			return attr;
		at += attr->nla_type == TCA_STATS2 ? NLA_HDRLEN
						   : NLA_ALIGN(attr->nla_len);
	}
	return NULL;
}

static void check_dump(u64 packets)
{
	static struct sk_buff skb;
	static spinlock_t lock;
	struct gnet_stats_basic sent;
	struct gnet_stats_queue queued;
	struct gnet_dump dump;

	require(!gnet_stats_start_copy_compat(&skb, TCA_STATS2, TCA_STATS,
					      TCA_XSTATS, &lock, &dump,
					      TCA_PAD));
	require(!gnet_stats_copy_basic(&dump, basic, NULL, false));
	require(!gnet_stats_copy_queue(&dump, queue, NULL, 7));
	require(!gnet_stats_copy_app(&dump, "abc", 4));
	require(!gnet_stats_finish_copy(&dump));
	require(find(&skb, TCA_STATS2) && find(&skb, TCA_STATS));
	memcpy(&sent, find(&skb, TCA_STATS_BASIC) + 1, sizeof(sent));
	require(sent.bytes == 1500 * packets && sent.packets == (u32)packets);
	memcpy(&queued, find(&skb, TCA_STATS_QUEUE) + 1, sizeof(queued));
	require(queued.drops == (u32)packets && queued.qlen == 7);
}

void drive(void)
{
	struct gnet_stats_basic_sync sum;
	struct gnet_stats_queue queued = {0};
	u64 packets;
	int cpu;

	basic = netdev_alloc_pcpu_stats(struct gnet_stats_basic_sync);
	queue = alloc_percpu(struct gnet_stats_queue);
	require(basic && queue);
	for_each_possible_cpu (cpu)
		gnet_stats_basic_sync_init(per_cpu_ptr(basic, cpu));
	packets = stress_total(stress(count_packet, NR_THREADS), NR_THREADS);
	gnet_stats_basic_sync_init(&sum);
	gnet_stats_add_basic(&sum, basic, NULL, false);
	gnet_stats_add_queue(&queued, queue, NULL);
	pr_info("%llu packets of %llu, %u drops, %u of backlog\n",
		(unsigned long long)u64_stats_read(&sum.packets),
		(unsigned long long)packets, queued.drops, queued.backlog);
	require(u64_stats_read(&sum.packets) == packets);
	require(u64_stats_read(&sum.bytes) == 1500 * packets);
	require(queued.drops == (u32)packets);
	require(queued.backlog == (u32)(3 * packets));
	check_dump(packets);
	free_percpu(basic);
	free_percpu(queue);
}
