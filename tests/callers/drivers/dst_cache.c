// SPDX-License-Identifier: MIT
/* net/core/dst_cache.c: a route's address comes with it; references agree. */
#include <callers/net.h>
#include <net/dst_cache.h>

#define NR_THREADS 8
#define NR_ROUTES 4

static struct dst_entry *check(struct dst_entry *dst, u32 cookie)
{
	(void)cookie;
	return dst;
}

static const struct dst_ops ops = {.check = check};
static struct rtable routes[NR_ROUTES];
static struct dst_cache cache;

/* As a tunnel does for each packet. */
static void send_packet(unsigned thread, unsigned long nr)
{
	struct rtable *route;
	__be32 address;

	local_bh_disable();
	route = dst_cache_get_ip4(&cache, &address);
	if (route) {
		require(route >= routes && route < routes + NR_ROUTES);
		require(address == (u32)(route - routes));
		require(atomic_read(&route->dst.refcnt) > 1);
		dst_release(&route->dst);
	}
	if (!route || nr % 4 == 0) {
		unsigned i = (thread + (unsigned)nr / 4) % NR_ROUTES;

		dst_cache_set_ip4(&cache, &routes[i].dst, i);
	}
	local_bh_enable();
	if (thread == 0 && nr % 10000 == 0)
		dst_cache_reset(&cache);
}

void drive(void)
{
	int i;

	for (i = 0; i < NR_ROUTES; i++) {
		routes[i].dst.ops = &ops;
		atomic_set(&routes[i].dst.refcnt, 1);
	}
	require(dst_cache_init(&cache, GFP_KERNEL) == 0);
	stress(send_packet, NR_THREADS);
	dst_cache_reset_now(&cache);
	for (i = 0; i < NR_ROUTES; i++)
		require(atomic_read(&routes[i].dst.refcnt) == 1);
	require(!dst_cache_get(&cache));
	dst_cache_destroy(&cache);
}
