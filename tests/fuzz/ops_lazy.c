// SPDX-License-Identifier: MIT
/*
 * Copies on demand: an object's whole life, as one operation.
 */
#include <pcpu/lazy.h>

#include "fuzz.h"

struct life {
	struct fuzz *fuzz;
	struct pcpu_lazy *lazy;
	size_t size;
	bool fails;    /* the next to be made */
	unsigned made; /* copies */
	uint8_t ready[LIBPCPU_CPUS_MAX];
};

static char stamp_of(int cpu)
{
	return (char)(1 + cpu % 100);
}

/* The copy is zero whatever it was before, also after a failure. */
static int make(void *copy, int cpu, void *arg)
{
	struct life *life = arg;
	const char *bytes = copy;
	size_t i;

	require(!life->ready[cpu], "CPU %d's copy is made twice", cpu);
	for (i = 0; i < life->size; i++)
		require(!bytes[i], "CPU %d's copy has %d at %zu", cpu, bytes[i],
			i);
	memset(copy, stamp_of(cpu), life->size);
	if (life->fails)
		return EAGAIN;
	life->ready[cpu] = 1;
	life->made++;
	return 0;
}

static bool is_possible(int cpu)
{
	int possible;

	pcpu_for_each_cpu (possible)
		if (possible == cpu)
			return true;
	return false;
}

/* What a visit has found. */
static void expect_visited(const struct life *life, int cpu, const char *copy)
{
	if (!is_possible(cpu)) {
		require(!copy && errno == EINVAL, "errno %d", errno);
	} else if (!copy) {
		require(life->fails && errno == EAGAIN, "errno %d", errno);
	} else {
		require(life->ready[cpu] && copy[0] == stamp_of(cpu) &&
				copy[life->size - 1] == stamp_of(cpu),
			"CPU %d: %d", cpu, copy[0]);
	}
}

/* CPU: 2, of the possible ones or of any */
static void visit(struct life *life, bool any)
{
	int cpu =
		any ? (int16_t)take_two(life->fuzz) : (int)take_cpu(life->fuzz);

	errno = 0;
	expect_visited(life, cpu, pcpu_lazy_visit(life->lazy, cpu));
}

static void visit_here(struct life *life)
{
	char *copy;

	errno = 0;
	copy = pcpu_lazy_this(life->lazy);
	if (copy)
		require(*copy >= 1 && *copy <= 100, "%d", *copy);
	else
		require(life->fails && errno == EAGAIN, "errno %d", errno);
}

static void step(struct life *life)
{
	switch (take_byte(life->fuzz) % 8) {
	case 0:
		visit(life, true);
		break;
	case 1:
		life->fails = !life->fails;
		break;
	case 2:
		fuzz_go(life->fuzz, take_cpu(life->fuzz));
		break;
	case 3:
	case 4:
		visit_here(life);
		break;
	default:
		visit(life, false);
	}
}

/* Those that are ready are found, and no others. */
static void check(const struct life *life)
{
	unsigned nr = 0;
	int cpu, last = -1;

	pcpu_lazy_for_each(cpu, life->lazy)
	{
		const char *copy = pcpu_lazy_ptr(life->lazy, cpu);

		require(cpu > last && life->ready[cpu] && copy &&
				*copy == stamp_of(cpu),
			"CPU %d behind %d", cpu, last);
		last = cpu;
		nr++;
	}
	require(nr == life->made, "%u of %u copies", nr, life->made);
	pcpu_for_each_cpu (cpu)
		require(life->ready[cpu] || !pcpu_lazy_ptr(life->lazy, cpu),
			"CPU %d", cpu);
}

/* size: 2, alignment: 1, steps: 1, and what these take */
static void lazy_life(struct fuzz *fuzz)
{
	struct life life = {
		.fuzz = fuzz,
		.size = 1 + take_two(fuzz) % PCPU_SIZE_MAX,
	};
	size_t align = (size_t)1 << take_byte(fuzz) % 13;
	unsigned nr = take_byte(fuzz) % 64;

	errno = 0;
	life.lazy = pcpu_lazy_create(life.size, align, make, &life);
	if (!life.lazy) {
		require(errno == ENOMEM, "errno %d", errno);
		fuzz_refused(fuzz, life.size, align, 0, 1);
		return;
	}
	while (nr-- && fuzz->left)
		step(&life);
	check(&life);
	fuzz->shadow->touched += 2 * life.size * life.made;
	pcpu_lazy_destroy(life.lazy);
	pcpu_lazy_destroy(NULL);
}

static const struct fuzz_op ops[] = {
	{"lazy_life", 0xa8, 4, lazy_life},
};
FUZZ_OPS(ops)
