// SPDX-License-Identifier: MIT
/*
 * include/pcpu/this_cpu.h: each operation on each size and shape of lvalue, by
 * a thread that is pinned and one that is not, in each context, with and
 * without restartable sequences. What plain C does to a variable is what has to
 * come out; the neighbours of the lvalue must stay as they are.
 */
#include <sched.h>

#include "tests/support.h"

#define PATTERN 0x5a5a5a5a5a5a5a5aull

/* One thread is all there is: where the thread works, the sum is. */
static uint64_t nr_checked;

/*
 * Do `operation` to member `m` of the object, and `plain` to a variable x; both
 * have values to begin with. Compare member, neighbours and results.
 */
#define CHECK(type, start, operation, plain)                                \
	do {                                                                \
		struct shape {                                              \
			uint64_t before;                                    \
			type m;                                             \
			type after;                                         \
		} *p = pcpu_alloc(sizeof(struct shape), 8), *copy;          \
		type x = (type)(start);                                     \
		require(p, "errno %d", errno);                              \
		copy = pcpu_this_ptr(p);                                    \
		copy->before = PATTERN;                                     \
		copy->m = x;                                                \
		copy->after = (type)(start);                                \
		require((operation) == (plain), "%s: results differ",       \
			#operation " of " #type);                           \
		require(copy->m == x, "%s: effects differ",                 \
			#operation " of " #type);                           \
		require(copy->before == PATTERN &&                          \
				copy->after == (type)(start),               \
			"%s: neighbours changed", #operation " of " #type); \
		pcpu_free(p);                                               \
		nr_checked++;                                               \
	} while (0)

/* Operations without a result, and statements. */
#define VOID(statement) ((statement), 0)

/* What xchg and cmpxchg do, and what they return. */
#define XCHG(type, new) (swapped = (uint64_t)x, x = (type)(new), (type)swapped)
#define CMPXCHG(type, old, new)                                         \
	(swapped = (uint64_t)x, x = x == (type)(old) ? (type)(new) : x, \
	 (type)swapped)

/* --- integers ------------------------------------------------------------- */

#define CHECK_VALUES(name, type)                                            \
	static void name(uint64_t start, uint64_t v)                        \
	{                                                                   \
		uint64_t swapped;                                           \
		type a = (type)v;                                           \
                                                                            \
		CHECK(type, start, pcpu_this_read(p->m), x);                \
		CHECK(type, start, VOID(pcpu_this_write(p->m, a)),          \
		      VOID(x = a));                                         \
		CHECK(type, start, VOID(pcpu_this_add(p->m, a)),            \
		      VOID(x = (type)((uint64_t)x + v)));                   \
		CHECK(type, start, VOID(pcpu_this_sub(p->m, a)),            \
		      VOID(x = (type)((uint64_t)x - v)));                   \
		CHECK(type, start, VOID(pcpu_this_inc(p->m)),               \
		      VOID(x = (type)((uint64_t)x + 1)));                   \
		CHECK(type, start, VOID(pcpu_this_dec(p->m)),               \
		      VOID(x = (type)((uint64_t)x - 1)));                   \
		CHECK(type, start, VOID(pcpu_this_and(p->m, a)),            \
		      VOID(x = (type)(x & a)));                             \
		CHECK(type, start, VOID(pcpu_this_or(p->m, a)),             \
		      VOID(x = (type)(x | a)));                             \
		CHECK(type, start, pcpu_this_xchg(p->m, a), XCHG(type, a)); \
		CHECK(type, start, pcpu_this_cmpxchg(p->m, (type)start, a), \
		      CMPXCHG(type, start, a));                             \
		CHECK(type, start, pcpu_this_cmpxchg(p->m, a, (type)3),     \
		      CMPXCHG(type, a, 3));                                 \
		CHECK(type, start, pcpu_this_add_return(p->m, a),           \
		      (x = (type)((uint64_t)x + v)));                       \
	}

CHECK_VALUES(check_i8, int8_t)
CHECK_VALUES(check_u8, uint8_t)
CHECK_VALUES(check_i16, int16_t)
CHECK_VALUES(check_u16, uint16_t)
CHECK_VALUES(check_i32, int32_t)
CHECK_VALUES(check_u32, uint32_t)
CHECK_VALUES(check_i64, int64_t)
CHECK_VALUES(check_u64, uint64_t)

static const uint64_t values[] = {
	0,          1,          2,         0x7f,       0x80,
	0xff,       0x7fff,     0x8000,    0xffff,     0x7fffffff,
	0x80000000, 0xffffffff, INT64_MAX, UINT64_MAX, 0x123456789abcdef0};

static void check_integers(void)
{
	const size_t nr = sizeof(values) / sizeof(values[0]);
	size_t i, j;

	for (i = 0; i < nr; i++)
		for (j = 0; j < nr; j++) {
			check_i8(values[i], values[j]);
			check_u8(values[i], values[j]);
			check_i16(values[i], values[j]);
			check_u16(values[i], values[j]);
			check_i32(values[i], values[j]);
			check_u32(values[i], values[j]);
			check_i64(values[i], values[j]);
			check_u64(values[i], values[j]);
		}
}

/* --- other types ---------------------------------------------------------- */

/* What is subtracted is what the lvalue's type makes of it. */
static void check_conversions(void)
{
	uint32_t one = 1;
	int minus = -1;

	CHECK(int64_t, 5, VOID(pcpu_this_sub(p->m, one)), VOID(x -= 1));
	CHECK(int64_t, 5, VOID(pcpu_this_add(p->m, minus)), VOID(x -= 1));
	CHECK(uint64_t, 5, VOID(pcpu_this_add(p->m, minus)), VOID(x -= 1));
	CHECK(uint8_t, 5, pcpu_this_add_return(p->m, 256 + 3), (x = 8));
	CHECK(bool, false, VOID(pcpu_this_write(p->m, 2)), VOID(x = true));
	CHECK(bool, true, pcpu_this_xchg(p->m, 0), (x = false, true));
}

enum colour { RED, GREEN = 1000000, BLUE };

static void check_other_types(void)
{
	static int a, b;

	CHECK(enum colour, RED, VOID(pcpu_this_write(p->m, BLUE)),
	      VOID(x = BLUE));
	CHECK(enum colour, RED, pcpu_this_cmpxchg(p->m, RED, GREEN),
	      (x = GREEN, RED));
	CHECK(int *, &a, pcpu_this_read(p->m), x);
	CHECK(int *, &a, VOID(pcpu_this_write(p->m, &b)), VOID(x = &b));
	CHECK(int *, &a, VOID(pcpu_this_write(p->m, NULL)), VOID(x = NULL));
	CHECK(int *, &a, pcpu_this_xchg(p->m, &b), (x = &b, &a));
	CHECK(int *, &a, pcpu_this_cmpxchg(p->m, &a, &b), (x = &b, &a));
	CHECK(int *, &a, pcpu_this_cmpxchg(p->m, NULL, &b), &a);
}

/* --- lvalues -------------------------------------------------------------- */

static int nr_evaluations;

static uint16_t *evaluated(uint16_t *p)
{
	nr_evaluations++;
	return p;
}

static void check_evaluations(uint16_t *p)
{
	int x = 0, y = 0;

	pcpu_this_add(*evaluated(p), ++x);
	pcpu_this_xchg(*evaluated(p), ++x);
	pcpu_this_cmpxchg(*evaluated(p), ++y, ++x);
	pcpu_this_add_return(*evaluated(p), ++x);
	require(nr_evaluations == 4 && x == 4 && y == 1,
		"%d and %d evaluations", nr_evaluations, x);
}

static void check_lvalues(void)
{
	struct pair {
		const char *name;
		struct {
			uint32_t deep[3];
		} in;
	} *pair = pcpu_alloc(sizeof(*pair), 8);
	uint16_t *array = pcpu_alloc(8 * sizeof(*array), 2);
	volatile uint64_t *page = pcpu_alloc(8192, 4096);
	int i;

	require(pair && array && page, "errno %d", errno);
	pcpu_this_write(pair->name, "name");
	pcpu_this_add(pair->in.deep[2], 7);
	require(pcpu_this_read(pair->in.deep[2]) == 7 &&
			!strcmp(pcpu_this_read(pair->name), "name"),
		"members");
	for (i = 0; i < 8; i++)
		pcpu_this_add(array[i], (uint16_t)i);
	pcpu_this_add(*(array + 3), 100);
	for (i = 0; i < 8; i++)
		require(pcpu_this_ptr(array)[i] == i + (i == 3) * 100,
			"element %d", i);
	pcpu_this_or(page[1023], 5);
	require(pcpu_this_read(page[1023]) == 5 && pcpu_this_read(*page) == 0,
		"the other window");
	check_evaluations(array);
	pcpu_free(pair);
	pcpu_free(array);
	pcpu_free((void *)(uintptr_t)page);
}

/* --- in each context ------------------------------------------------------ */

static void check_all(void)
{
	check_integers();
	check_conversions();
	check_other_types();
	nr_evaluations = 0;
	check_lvalues();
}

/* Unpinned, we must stay on one CPU to see what we did. */
static void operations(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)sched_getcpu(), &set);
	require(sched_setaffinity(0, sizeof(set), &set) == 0, "errno %d",
		errno);
	check_all();
	pcpu_pin();
	check_all();
	pcpu_unpin();
	require(nr_checked > 40000, "%llu checks",
		(unsigned long long)nr_checked);
	support_expect_none_live();
}

static const char no_rseq[] = "GLIBC_TUNABLES=glibc.pthread.rseq=0";

START_TEST(operation__any_size_and_lvalue__does_what_plain_c_does)
{
	static const char *const environment[][3] = {
		{NULL},
		{no_rseq, NULL},
		{"PCPU_CONTEXT=thread", "PCPU_POSSIBLE_CPUS=8", NULL},
		{"PCPU_CONTEXT=thread", no_rseq, NULL},
		{"PCPU_CONTEXT=mm_cid", NULL},
	};

	support_run_job("operations", environment[_i]);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("this_cpu");
	TCase *tc = tcase_create("this_cpu");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
		tc, operation__any_size_and_lvalue__does_what_plain_c_does, 0,
		5);
	suite_add_tcase(s, tc);
	return s;
}

static const struct support_job jobs[] = {
	{"operations", operations},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	return support_main(argc, argv, suite, jobs);
}
