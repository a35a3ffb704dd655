// SPDX-License-Identifier: MIT
/*
 * Pins, and operations on the copy where the thread works: a program of its
 * own on one object, of which the sum over all copies is known.
 */
#include "arena/context.h"
#include "fuzz.h"
#include "tests/inject.h"
#include "tests/played_cpu.h"

struct cell {
	uint64_t eight;
	uint32_t four;
	uint16_t two;
	uint8_t one;
};

struct play {
	struct fuzz *fuzz;
	struct cell *cell;
	struct cell sum;
	unsigned nr_pins;
	struct libpcpu_place *waited; /* that another thread wants */
};

static struct cell sum_of(const struct cell *cell)
{
	struct cell sum = {0};
	int cpu;

	pcpu_for_each_cpu (cpu) {
		const struct cell *copy = pcpu_ptr(cell, cpu);

		sum.eight += copy->eight;
		sum.four += copy->four;
		sum.two = (uint16_t)(sum.two + copy->two);
		sum.one = (uint8_t)(sum.one + copy->one);
	}
	return sum;
}

static void check(const struct play *play)
{
	struct cell sum = sum_of(play->cell);

	require(sum.eight == play->sum.eight && sum.four == play->sum.four &&
			sum.two == play->sum.two && sum.one == play->sum.one,
		"%lx %x %x %x", (unsigned long)sum.eight, sum.four, sum.two,
		sum.one);
}

/* --- operations ----------------------------------------------------------- */

/* An operation on one field: what it changes the sum by is known from what was
 * there, wherever we are. */
#define OPERATE(type, field)                                                 \
	static void operate_##field(struct play *play, unsigned how, type x) \
	{                                                                    \
		type change = x, old;                                        \
                                                                             \
		switch (how % 8) {                                           \
		case 0:                                                      \
			pcpu_this_add(play->cell->field, x);                 \
			break;                                               \
		case 1:                                                      \
			old = pcpu_this_xchg(play->cell->field, x);          \
			change = (type)(x - old);                            \
			break;                                               \
		case 2:                                                      \
		case 3: /* most often what is not there */                   \
			old = pcpu_this_read(play->cell->field);             \
			old = (type)(old + how % 2);                         \
			if (pcpu_this_cmpxchg(play->cell->field, old, x) !=  \
			    old)                                             \
				x = old;                                     \
			change = (type)(x - old);                            \
			break;                                               \
		case 4:                                                      \
			pcpu_this_sub(play->cell->field, x);                 \
			change = (type)(0 - x);                              \
			break;                                               \
		default:                                                     \
			(void)pcpu_this_add_return(play->cell->field, x);    \
		}                                                            \
		play->sum.field = (type)(play->sum.field + change);          \
	}

OPERATE(uint64_t, eight)
OPERATE(uint32_t, four)
OPERATE(uint16_t, two)
OPERATE(uint8_t, one)

static void operate(struct play *play, unsigned how, unsigned x)
{
	switch (how / 8 % 4) {
	case 0:
		operate_eight(play, how, x);
		break;
	case 1:
		operate_four(play, how, x);
		break;
	case 2:
		operate_two(play, how, (uint16_t)x);
		break;
	default:
		operate_one(play, how, (uint8_t)x);
	}
}

/* Bits come and go, and what is written is read, if we are where we were. */
static void operate_bits(struct play *play, uint64_t x)
{
	int cpu = pcpu_cpu();
	uint64_t *copy = &pcpu_ptr(play->cell, cpu)->eight, old = *copy;

	/* Only a thread that stays can tell what is there after it. */
	if (pcpu_context() == PCPU_CONTEXT_MM_CID)
		return;
	pcpu_this_or(play->cell->eight, x);
	require(pcpu_this_read(play->cell->eight) == (old | x), "no bits");
	pcpu_this_and(play->cell->eight, ~x);
	require(*copy == (old & ~x), "bits are left");
	pcpu_this_write(play->cell->eight, x);
	require(*copy == x, "not written");
	play->sum.eight += x - old;
}

/* --- pins ----------------------------------------------------------------- */

static void pin(struct play *play)
{
	pcpu_pin();
	play->nr_pins++;
	require(libpcpu_self.place, "no place");
	++pcpu_this_ptr(play->cell)->eight;
	play->sum.eight++;
}

static void unpin(struct play *play)
{
	if (!play->nr_pins)
		return;
	play->nr_pins--;
	pcpu_unpin();
}

static void *count_there(void *arg)
{
	struct play *play = arg;

	fuzz_go(play->fuzz, play->fuzz->cpu);
	pcpu_this_inc(play->cell->eight);
	return NULL;
}

/* A thread on our CPU has to wait until we have unpinned. */
static void let_wait(struct play *play)
{
	uint64_t *owner = &libpcpu_self.place->owner;
	pthread_t thread;
	unsigned ms;

	if (!fuzz_begin_thread(play->fuzz, &thread, count_there, play))
		return;
	for (ms = 0; ms < 20; ms++) {
		if (__atomic_load_n(owner, __ATOMIC_RELAXED) & OWNER_WAITED)
			break;
		usleep(1000);
	}
	while (play->nr_pins)
		unpin(play);
	fuzz_end_thread(play->fuzz, thread);
	play->sum.eight++;
}

/* What a signal handler does in the middle of somebody's claim. */
static _Thread_local struct play *interrupted;

static void interrupt(void)
{
	struct cell *cell = interrupted->cell;

	pcpu_pin();
	++pcpu_this_ptr(cell)->eight;
	pcpu_unpin();
	pcpu_this_inc(cell->eight);
	interrupted->sum.eight += 2;
}

static void pin_twice(void *arg)
{
	struct play *play = arg;

	(pcpu_pin)(); /* the function, for who cannot use the macro */
	++pcpu_this_ptr(play->cell)->eight;
	pcpu_pin();
	pcpu_unpin();
	(pcpu_unpin)();
	pcpu_this_inc(play->cell->eight);
	play->sum.eight += 2;
}

/* The kernel no longer knows its CPU: it pins without a sequence, unless
 * membarrier() was refused at any time before. */
static void *pin_unknown(void *arg)
{
	if (play_cpus())
		play_cpu(UINT32_MAX);
	interrupted = arg;
	inject_at_fence(interrupt);
	if (fuzz_aborts(pin_twice, arg))
		fuzz_expect_heard(" needs membarrier() to pin a copy");
	inject_at_fence(NULL);
	return NULL;
}

static void pin_in_thread(struct play *play)
{
	if (!play->nr_pins)
		fuzz_in_thread(play->fuzz, pin_unknown, play);
}

static void wrong_unpin(void *unused)
{
	(void)unused;
	pcpu_unpin();
}

static void unpin_too_much(void)
{
	struct libpcpu_place *place = libpcpu_self.place;

	require(fuzz_aborts(wrong_unpin, NULL), "unpinned what was not");
	fuzz_expect_heard("libpcpu: pcpu_unpin() without pcpu_pin()\n");
	libpcpu_self.place = place;
}

/* --- a program ------------------------------------------------------------ */

static void rare_step(struct play *play, unsigned how)
{
	switch (how / 32 % 4) {
	case 0:
		if (!play->nr_pins)
			fuzz_go(play->fuzz, take_cpu(play->fuzz));
		break;
	case 1:
		pin_in_thread(play);
		break;
	case 2:
		if (play->nr_pins)
			let_wait(play);
		break;
	default:
		if (!play->nr_pins)
			unpin_too_much();
	}
}

static void step(struct play *play)
{
	unsigned how = take_byte(play->fuzz);

	if (how < 96)
		operate(play, how, take_two(play->fuzz));
	else if (how < 112)
		operate_bits(play, take_two(play->fuzz));
	else if (how < 128)
		pin(play);
	else if (how % 2)
		unpin(play);
	else
		rare_step(play, how);
	check(play);
}

/* steps: 1, and what these take */
static void pins(struct fuzz *fuzz)
{
	struct play play = {.fuzz = fuzz};
	unsigned nr = take_byte(fuzz) % 64;

	play.cell = pcpu_alloc(sizeof(*play.cell), 8);
	if (!play.cell) {
		fuzz_refused(fuzz, sizeof(*play.cell), 8, 0, 1);
		return;
	}
	fuzz_charge(fuzz);
	while (nr-- && fuzz->left)
		step(&play);
	while (play.nr_pins)
		unpin(&play);
	pcpu_free(play.cell);
}

static const struct fuzz_op ops[] = {
	{"pins", 0xb4, 8, pins},
};
FUZZ_OPS(ops)
