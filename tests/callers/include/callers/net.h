/* SPDX-License-Identifier: MIT */
/*
 * Routes and statistics of network devices, as far as net/core/dst_cache.c and
 * gen_stats.c look into them.
 */
#ifndef CALLERS_NET_H
#define CALLERS_NET_H

#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <linux/u64_stats_sync.h>

/* --- routes --------------------------------------------------------------- */

struct dst_entry;
struct dst_ops {
	struct dst_entry *(*check)(struct dst_entry *dst, u32 cookie);
};

struct dst_entry {
	const struct dst_ops *ops;
	short obsolete;
	atomic_t refcnt;
};

struct rtable {
	struct dst_entry dst;
};

#define dst_hold(dst) atomic_inc(&(dst)->refcnt)
static inline void dst_release(struct dst_entry *dst)
{
	if (dst)
		atomic_dec(&dst->refcnt);
}

/* --- statistics ----------------------------------------------------------- */

struct sk_buff {
	unsigned char data[4096];
	unsigned len;
};

#define skb_tail_pointer(skb) ((skb)->data + (skb)->len)

/* An attribute with the value; the kernel's puts padding in front at times. */
static inline int nla_put_64bit(struct sk_buff *skb, int type, int size,
				const void *value, int padattr)
{
	struct nlattr *attr = (struct nlattr *)skb_tail_pointer(skb);
	unsigned bytes = NLA_ALIGN(NLA_HDRLEN + (unsigned)size);

	(void)padattr;
	if (skb->len + bytes > sizeof(skb->data))
		return -EMSGSIZE;
	attr->nla_type = (u16)type;
	attr->nla_len = (u16)(NLA_HDRLEN + size);
	if (size)
		memcpy(attr + 1, value, (size_t)size);
	skb->len += bytes;
	return 0;
}

#include <net/gen_stats.h>

/* As include/net/sch_generic.h has it. */
static inline void _bstats_update(struct gnet_stats_basic_sync *stats,
				  u64 bytes, u64 packets)
{
	u64_stats_update_begin(&stats->syncp);
	u64_stats_add(&stats->bytes, bytes);
	u64_stats_add(&stats->packets, packets);
	u64_stats_update_end(&stats->syncp);
}

#endif /* CALLERS_NET_H */
