// SPDX-License-Identifier: MIT
/*
 * Reference counters: changes of mode against who gets and puts. The library's
 * worker is one of the threads.
 */
#include <pcpu.h>
#include <pcpu/ref.h>

#include "explore.h"

static struct pcpu_ref ref;
static atom32 nr_released, nr_confirmed, nr_holders;

static void released(struct pcpu_ref *it)
{
	(void)it;
	explore_expect(!load_relaxed(&nr_holders), "released, but held");
	fetch_add_relaxed(&nr_released, 1);
}

static void confirmed(struct pcpu_ref *it)
{
	explore_expect(!pcpu_ref_is_zero(it) && !load_relaxed(&nr_released),
		       "confirmed after the end");
	fetch_add_relaxed(&nr_confirmed, 1);
}

static void begin(unsigned nr)
{
	explore_want_worker();
	store_relaxed(&nr_released, 0);
	store_relaxed(&nr_confirmed, 0);
	store_relaxed(&nr_holders, 0);
	explore_expect(!pcpu_ref_init(&ref, released, PCPU_REF_ALLOW_REINIT),
		       "no memory");
	explore_leave_unowned(libpcpu_gate_handle(ref.core.gate));
	pcpu_ref_get_many(&ref, nr - 1);
}

static void begin_with_one(void)
{
	begin(1);
}

static void begin_with_two(void)
{
	begin(2);
}

static unsigned one_object(void)
{
	return 1;
}

/* --- what threads do ------------------------------------------------------ */

static bool is_released(const void *unused)
{
	(void)unused;
	return nr_released.v;
}

static void kill(void)
{
	pcpu_ref_kill_and_confirm(&ref, confirmed);
	explore_wait(is_released, NULL);
	explore_expect(nr_confirmed.v == 1, "%u confirmations", nr_confirmed.v);
}

static void kill_twice(void)
{
	pcpu_ref_kill(&ref);
	pcpu_ref_kill(&ref);
}

static void hold(bool got)
{
	if (!got)
		return;
	fetch_add_relaxed(&nr_holders, 1);
	fetch_add_relaxed(&nr_holders, UINT32_MAX);
	pcpu_ref_put(&ref);
}

static void use(void)
{
	hold(pcpu_ref_tryget_live(&ref));
}

static void use_pinned(void)
{
	pcpu_pin();
	use();
	pcpu_unpin();
}

static void use_twice(void)
{
	use();
	hold(pcpu_ref_tryget(&ref));
}

/* Of the two at the start: the mode does not matter to who has one. */
static void get_and_put(void)
{
	pcpu_ref_get(&ref);
	pcpu_ref_put(&ref);
}

static void put_ours(void)
{
	pcpu_ref_put(&ref);
}

static void get_and_put_elsewhere(void)
{
	pcpu_ref_get(&ref);
	explore_on_cpu(3);
	pcpu_ref_put(&ref);
}

static void switch_and_back(void)
{
	pcpu_ref_switch_to_atomic_sync(&ref);
	pcpu_ref_switch_to_percpu(&ref);
}

static void kill_and_undo(void)
{
	pcpu_ref_kill(&ref);
	pcpu_ref_resurrect(&ref);
}

/* --- what is true then ---------------------------------------------------- */

static void expect_end(void)
{
	explore_expect(nr_released.v == 1, "released %u times", nr_released.v);
	explore_expect(pcpu_ref_is_zero(&ref), "%ld references",
		       (long)libpcpu_ref_sum(&ref.core));
}

static void expect_two(void)
{
	int64_t sum = libpcpu_ref_sum(&ref.core);
	bool open = !(libpcpu_ref_word(&ref.core) & LIBPCPU_REF_ATOMIC);

	/* The switch may have one a moment longer. */
	explore_expect(sum == 2 || sum == 3, "%ld references", (long)sum);
	explore_expect(open, "still in atomic mode");
	explore_expect(!nr_released.v, "released %u times", nr_released.v);
}

#define WORKER_IS_2 4
#define WORKER_IS_1 2

SCENARIO(ref_kill_use) = {
	.name = "reference: killed while another gets and puts",
	.prepare = begin_with_one,
	.thread = {kill, use_twice, explore_worker},
	.daemons = WORKER_IS_2,
	.nr_others = one_object,
	.after = expect_end,
	.nr_least = 50,
};

SCENARIO(ref_kill_use_here) = {
	.name = "reference: killed while two of one CPU get and put",
	.prepare = begin_with_one,
	.thread = {kill, use, explore_worker, use},
	.cpu = {1, 2, 3, 2},
	.daemons = WORKER_IS_2,
	.nr_others = one_object,
	.after = expect_end,
	.bound = 1,
	.nr_least = 50,
};

SCENARIO(ref_kill_pinned) = {
	.name = "reference: killed while a pinned thread gets and puts",
	.prepare = begin_with_one,
	.thread = {kill, use_pinned, explore_worker},
	.daemons = WORKER_IS_2,
	.nr_others = one_object,
	.after = expect_end,
	.nr_least = 50,
};

SCENARIO(ref_kill_put) = {
	.name = "reference: killed while another puts the last",
	.prepare = begin_with_two,
	.thread = {kill, put_ours, explore_worker},
	.daemons = WORKER_IS_2,
	.nr_others = one_object,
	.after = expect_end,
	.nr_least = 20,
};

SCENARIO(ref_kill_kill) = {
	.name = "reference: killed twice",
	.prepare = begin_with_two,
	.thread = {kill_twice, explore_worker},
	.daemons = WORKER_IS_1,
	.nr_others = one_object,
	.refusal = "killed twice",
};

SCENARIO(ref_switch_use) = {
	.name = "reference: to atomic mode and back beside get and put",
	.prepare = begin_with_two,
	.thread = {switch_and_back, get_and_put_elsewhere, explore_worker},
	.daemons = WORKER_IS_2,
	.nr_others = one_object,
	.after = expect_two,
	.nr_least = 50,
};

SCENARIO(ref_undo_use) = {
	.name = "reference: killed and resurrected beside get and put",
	.prepare = begin_with_two,
	.thread = {kill_and_undo, get_and_put, explore_worker},
	.daemons = WORKER_IS_2,
	.nr_others = one_object,
	.after = expect_two,
	.nr_least = 50,
};
