// SPDX-License-Identifier: MIT
/*
 * Reference counters: a whole life as one operation. What is said of a counter
 * after each step, and when release() comes, follows from how many references
 * there are.
 */
#include <pcpu/ref.h>
#include <stdatomic.h>
#include <urcu/urcu-bp.h>

#include "fuzz.h"

struct life {
	struct pcpu_ref ref; /* first */
	struct fuzz *fuzz;
	unsigned flags;
	uint64_t held; /* references besides the maker's */
	bool dead;     /* the maker's is put */
	bool forced;   /* to stay in atomic mode */
	bool percpu;   /* mode, as soon as no change is under way */
	atomic_uint nr_released, nr_confirmed;
};

static void released(struct pcpu_ref *ref)
{
	struct life *life = (struct life *)ref;

	require(pcpu_ref_is_zero(ref), "released with references");
	life->nr_released++;
}

static void confirmed(struct pcpu_ref *ref)
{
	struct life *life = (struct life *)ref;

	life->nr_confirmed++;
}

static uint64_t references(const struct life *life)
{
	return life->held + !life->dead;
}

static bool is_settled(struct life *life)
{
	return (uint64_t)libpcpu_ref_sum(&life->ref.core) == references(life) &&
	       (references(life) || life->nr_released);
}

/* The worker has one for a moment longer than a change takes. */
static void settle(struct life *life)
{
	unsigned ms;

	libpcpu_ref_settle(&life->ref.core);
	for (ms = 0; !is_settled(life); ms++) {
		require(ms < 20000, "%ld references, not %lu",
			(long)libpcpu_ref_sum(&life->ref.core),
			(unsigned long)references(life));
		usleep(1000);
	}
}

/* --- right use ------------------------------------------------------------ */

static void get(struct life *life, unsigned how)
{
	unsigned nr = 1 + how / 8 % 4;
	bool got = references(life) > 0;

	if (!got)
		settle(life);
	switch (how % 4) {
	case 0:
		if (got)
			pcpu_ref_get_many(&life->ref, nr);
		break;
	case 1:
		require(pcpu_ref_tryget_many(&life->ref, nr) == got, "got %d",
			!got);
		break;
	case 2:
		got = !life->dead;
		require(libpcpu_ref_tryget_live(&life->ref.core, nr) == got,
			"got %d", !got);
		break;
	default:
		/* The sum is taken in a section, too. */
		if (got) {
			pcpu_pin();
			pcpu_ref_get_many(&life->ref, nr);
			pcpu_unpin();
		}
	}
	life->held += got ? nr : 0;
}

static void put(struct life *life, unsigned how)
{
	uint64_t nr = 1 + how % 8;

	nr = nr < life->held ? nr : life->held;
	if (!nr)
		return;
	life->held -= nr;
	pcpu_ref_put_many(&life->ref, nr);
}

static void kill_it(struct life *life)
{
	if (life->dead)
		return;
	life->dead = true;
	life->percpu = false;
	pcpu_ref_kill_and_confirm(&life->ref, confirmed);
	require(pcpu_ref_is_dying(&life->ref), "killed");
}

static void leave_percpu(struct life *life, bool wait)
{
	unsigned before;

	settle(life);
	before = life->nr_confirmed;
	life->forced = true;
	life->percpu = false;
	if (wait) {
		pcpu_ref_switch_to_atomic_sync(&life->ref);
		return;
	}
	pcpu_ref_switch_to_atomic(&life->ref, confirmed);
	settle(life);
	require(life->nr_confirmed == before + 1, "not confirmed");
}

static bool may_return(const struct life *life)
{
	return life->flags & (PCPU_REF_ALLOW_REINIT | PCPU_REF_INIT_ATOMIC |
			      PCPU_REF_INIT_DEAD);
}

static void enter_percpu(struct life *life)
{
	if (!may_return(life))
		return;
	life->forced = false;
	life->percpu = !life->dead;
	pcpu_ref_switch_to_percpu(&life->ref);
}

static void live_again(struct life *life)
{
	if (!life->dead || !may_return(life))
		return;
	settle(life); /* it may be released for the last time */
	if (life->held)
		pcpu_ref_resurrect(&life->ref);
	else
		pcpu_ref_reinit(&life->ref);
	life->dead = false;
	life->percpu = !life->forced;
	life->nr_released = 0;
}

/* --- wrong use ------------------------------------------------------------ */

static void wrong_kill(void *ref)
{
	pcpu_ref_kill(ref);
}

static void wrong_get(void *ref)
{
	pcpu_ref_get(ref);
}

static void wrong_put(void *ref)
{
	pcpu_ref_put_many(ref, 1000);
}

static void wrong_exit(void *ref)
{
	pcpu_ref_exit(ref);
}

static void wrong_reinit(void *ref)
{
	pcpu_ref_reinit(ref);
}

static void wrong_resurrect(void *ref)
{
	pcpu_ref_resurrect(ref);
}

/* What is wrong with the counter as it is, and how much the call adds to the
 * count before it sees that. */
static void wrong(struct life *life, void (*call)(void *), const char *words,
		  int64_t added)
{
	require(fuzz_aborts(call, &life->ref), "no \"%s\"", words);
	fuzz_expect_heard("libpcpu: reference counter ");
	fuzz_expect_heard(words);
	__atomic_fetch_sub(&life->ref.core.count, (uint64_t)added,
			   __ATOMIC_RELAXED);
}

static void misuse(struct life *life, unsigned how)
{
	settle(life);
	if (life->dead && how % 2)
		wrong(life, wrong_kill, ": killed twice\n", 0);
	if (life->held)
		wrong(life, wrong_exit, ": exit with ", 0);
	if (references(life))
		wrong(life, wrong_reinit, ": reinit with ", 0);
	else
		wrong(life, wrong_get, ": got after the last put\n", 1);
	if (!life->dead)
		wrong(life, wrong_resurrect, ": resurrected, but alive\n", 0);
	else if (!may_return(life))
		wrong(life, wrong_resurrect, ": not made for a second life\n",
		      0);
	if (!life->percpu)
		wrong(life, wrong_put, ": put 1000, had ", -1000);
}

/* A reader keeps a change under way. */
static void exit_in_change(struct life *life)
{
	settle(life);
	if (!life->percpu)
		return;
	urcu_bp_read_lock();
	kill_it(life);
	require(fuzz_aborts(wrong_exit, &life->ref), "exit in a change");
	urcu_bp_read_unlock();
}

/* --- a life --------------------------------------------------------------- */

static void step(struct life *life)
{
	unsigned how = take_byte(life->fuzz);

	switch (how / 16 % 8) {
	case 0:
	case 1:
		get(life, how);
		break;
	case 2:
		put(life, how);
		break;
	case 3:
		kill_it(life);
		break;
	case 4:
		leave_percpu(life, how & 1);
		break;
	case 5:
		enter_percpu(life);
		break;
	case 6:
		live_again(life);
		break;
	default:
		if (how % 16 == 15)
			exit_in_change(life);
		else if (how % 16 == 14)
			fuzz_go(life->fuzz, take_cpu(life->fuzz));
		else
			misuse(life, how);
	}
}

static void check(struct life *life)
{
	uint64_t word;

	settle(life);
	word = libpcpu_ref_word(&life->ref.core);
	require(life->percpu == !(word & LIBPCPU_REF_ATOMIC), "mode %#lx",
		(unsigned long)word);
	require(life->nr_released == !references(life),
		"%u releases, %lu references", life->nr_released,
		(unsigned long)references(life));
	require(pcpu_ref_is_zero(&life->ref) == !references(life),
		"%lu references", (unsigned long)references(life));
}

static void end(struct life *life)
{
	put(life, 0);
	if (!life->dead && life->held == 0) {
		pcpu_ref_exit(&life->ref);
		return;
	}
	kill_it(life);
	while (life->held)
		put(life, 7);
	check(life);
	pcpu_ref_exit(&life->ref);
}

static bool init(struct life *life)
{
	errno = 0;
	require(pcpu_ref_init(&life->ref, released, 1u << 30) == -1 &&
			errno == EINVAL,
		"errno %d", errno);
	if (!pcpu_ref_init(&life->ref, released, life->flags))
		return true;
	if (errno == ENOMEM)
		fuzz_refused(life->fuzz, 8, 8, 0, 1);
	else
		require(errno == EAGAIN &&
				(!fuzz_machine->worker || life->fuzz->failing),
			"errno %d", errno);
	return false;
}

/* flags: 1, steps: 1, and what these take. In a child of fork() a change may
 * never be done, and it is none without membarrier(). */
static void ref_life(struct fuzz *fuzz)
{
	unsigned how = take_byte(fuzz), nr = take_byte(fuzz) % 64;
	struct life life = {.fuzz = fuzz};

	if (how & 1)
		life.flags |= PCPU_REF_INIT_ATOMIC;
	if (how & 2)
		life.flags |= PCPU_REF_INIT_DEAD;
	if (how & 4)
		life.flags |= PCPU_REF_ALLOW_REINIT;
	if (fuzz->is_child || fuzz->failing || !init(&life))
		return;
	life.dead = how & 2;
	life.nr_released = life.dead;
	life.forced = how & 1;
	life.percpu = !(how & 3);
	fuzz_charge(fuzz);
	while (nr-- && fuzz->left) {
		step(&life);
		if (how & 8)
			check(&life);
	}
	end(&life);
}

static const struct fuzz_op ops[] = {
	{"ref_life", 0xac, 4, ref_life},
};
FUZZ_OPS(ops)
