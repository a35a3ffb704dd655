// SPDX-License-Identifier: MIT
/*
 * The <linux/percpu.h> shim: the three families of operations, alike in all.
 * Each case is a macro that is expanded with the family's prefix, on memory and
 * on a static variable, outside and inside of a section.
 */
#include <linux/percpu.h>

#include <check.h>
#include <sched.h>
#include <stdint.h>

#include "tests/run_suite.h"

struct values {
	uint8_t u8;
	int8_t s8;
	uint16_t u16;
	int32_t s32;
	uint32_t u32;
	long l;
	unsigned long ul;
	bool b;
	void *p;
	long array[3];
	enum { RED, GREEN } colour;
};

static DEFINE_PER_CPU(struct values, statics);
static struct values __percpu *v; /* of this case */

static void set_up(void)
{
	v = alloc_percpu(struct values);
	ck_assert_ptr_nonnull(v);
}

static void tear_down(void)
{
	free_percpu(v);
}

/* Where a case runs: results must be the same. */
enum { OUTSIDE, IN_SECTION, ON_STATIC, NR_PLACES };

/* All on one CPU, also outside of sections. */
static void enter(int where)
{
	struct values *copy;

	if (where == ON_STATIC) {
		free_percpu(v);
		v = &statics;
	}
	preempt_disable();
	copy = this_cpu_ptr(v);
	memset(copy, 0, sizeof(*copy));
	if (where == OUTSIDE) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((size_t)smp_processor_id(), &set);
		sched_setaffinity(0, sizeof(set), &set);
		preempt_enable();
	}
}

static void leave(int where)
{
	if (where != OUTSIDE)
		preempt_enable();
	if (where == ON_STATIC)
		v = NULL;
}

/* One test for each family; `op(name)` is the family's name for it. */
#define FAMILIES(test) test(this_cpu_) test(__this_cpu_) test(raw_cpu_)

/* --- plain ---------------------------------------------------------------- */

#define ADDS(op)                                              \
	START_TEST(op##add_and_its_like__any_type__as_in_c)   \
	{                                                     \
		enter(_i);                                    \
		op##write(v->u8, 250);                        \
		op##add(v->u8, 10);                           \
		ck_assert_int_eq(op##read(v->u8), 4);         \
		op##sub(v->u8, 5);                            \
		ck_assert_int_eq(op##read(v->u8), 255);       \
		op##inc(v->u8);                               \
		ck_assert_int_eq(op##read(v->u8), 0);         \
		op##dec(v->s8);                               \
		ck_assert_int_eq(op##read(v->s8), -1);        \
		op##add(v->s32, -7);                          \
		op##inc(v->s32);                              \
		ck_assert_int_eq(op##read(v->s32), -6);       \
		op##write(v->u16, 0xff0f);                    \
		op## and (v->u16, 0x0fff);                    \
		op## or (v->u16, 0x1000);                     \
		ck_assert_int_eq(op##read(v->u16), 0x1f0f);   \
		op##add(v->array[2], 1l << 40);               \
		ck_assert(op##read(v->array[2]) == 1l << 40); \
		op##write(v->b, 2);                           \
		ck_assert(op##read(v->b) == true);            \
		op##write(v->p, &statics);                    \
		ck_assert_ptr_eq(op##read(v->p), &statics);   \
		op##write(v->colour, GREEN);                  \
		ck_assert(op##read(v->colour) == GREEN);      \
		leave(_i);                                    \
	}                                                     \
	END_TEST
FAMILIES(ADDS)

/*
 * What is subtracted is what the counter's type makes of it: an unsigned int's
 * negative is no large number. And what is added is sign-extended before.
 */
#define SUBS(op)                                                     \
	START_TEST(op##sub__of_other_types__negates_in_the_counters) \
	{                                                            \
		volatile unsigned int ui_one = 1;                    \
		volatile int minus_two = -2;                         \
		volatile unsigned char uc = 3;                       \
                                                                     \
		enter(_i);                                           \
		op##sub(v->ul, ui_one);                              \
		ck_assert(op##read(v->ul) == ~0ul);                  \
		op##write(v->ul, 0);                                 \
		ck_assert(op##sub_return(v->ul, ui_one) == ~0ul);    \
		op##sub(v->l, ui_one);                               \
		ck_assert_int_eq(op##read(v->l), -1);                \
		ck_assert_int_eq(op##sub_return(v->l, ui_one), -2);  \
		op##sub(v->l, minus_two);                            \
		ck_assert_int_eq(op##read(v->l), 0);                 \
		op##add(v->ul, minus_two);                           \
		ck_assert(op##read(v->ul) == ~2ul);                  \
		op##sub(v->l, uc);                                   \
		ck_assert_int_eq(op##read(v->l), -3);                \
		op##add(v->l, -ui_one);                              \
		ck_assert(op##read(v->l) == -3 + (long)UINT32_MAX);  \
		op##sub(v->u32, -1);                                 \
		ck_assert_uint_eq(op##read(v->u32), 1);              \
		leave(_i);                                           \
	}                                                            \
	END_TEST
FAMILIES(SUBS)

/* --- with a result -------------------------------------------------------- */

#define RETURNS(op)                                                \
	START_TEST(op##return__any_size__what_is_there_now_or_was) \
	{                                                          \
		enter(_i);                                         \
		ck_assert_int_eq(op##add_return(v->u8, 255), 255); \
		ck_assert_int_eq(op##inc_return(v->u8), 0);        \
		ck_assert_int_eq(op##dec_return(v->u8), 255);      \
		ck_assert_int_eq(op##add_return(v->s32, -5), -5);  \
		ck_assert_int_eq(op##sub_return(v->s32, 5), -10);  \
		ck_assert_int_eq(op##dec_return(v->l), -1);        \
		ck_assert_int_eq(op##xchg(v->l, 9), -1);           \
		ck_assert_int_eq(op##xchg(v->l, 8), 9);            \
		ck_assert_ptr_eq(op##xchg(v->p, v), NULL);         \
		ck_assert_ptr_eq(op##cmpxchg(v->p, v, NULL), v);   \
		ck_assert_ptr_eq(op##read(v->p), NULL);            \
		ck_assert_int_eq(op##cmpxchg(v->l, 7, 1), 8);      \
		ck_assert_int_eq(op##cmpxchg(v->l, 8, 1), 8);      \
		ck_assert_int_eq(op##read(v->l), 1);               \
		leave(_i);                                         \
	}                                                          \
	END_TEST
FAMILIES(RETURNS)

#define TRIES(op)                                                       \
	START_TEST(op##try_cmpxchg__as_expected_or_not__tells_what_was) \
	{                                                               \
		long expected = 3;                                      \
		uint8_t small = 1;                                      \
                                                                        \
		enter(_i);                                              \
		op##write(v->l, 5);                                     \
		ck_assert(!op##try_cmpxchg(v->l, &expected, 6));        \
		ck_assert_int_eq(expected, 5);                          \
		ck_assert_int_eq(op##read(v->l), 5);                    \
		ck_assert(op##try_cmpxchg(v->l, &expected, 6));         \
		ck_assert_int_eq(expected, 5);                          \
		ck_assert_int_eq(op##read(v->l), 6);                    \
		ck_assert(!op##try_cmpxchg(v->u8, &small, 2));          \
		ck_assert_int_eq(small, 0);                             \
		leave(_i);                                              \
	}                                                               \
	END_TEST
FAMILIES(TRIES)

#define DOUBLES(op)                                                      \
	START_TEST(op##cmpxchg_double__one_is_not_as_expected__neither)  \
	{                                                                \
		enter(_i);                                               \
		op##write(v->l, 1);                                      \
		op##write(v->ul, 2);                                     \
		ck_assert(!op##cmpxchg_double(v->l, v->ul, 1, 3, 8, 9)); \
		ck_assert(!op##cmpxchg_double(v->l, v->ul, 3, 2, 8, 9)); \
		ck_assert_int_eq(op##read(v->l), 1);                     \
		ck_assert_int_eq((long)op##read(v->ul), 2);              \
		ck_assert(op##cmpxchg_double(v->l, v->ul, 1, 2, 8, 9));  \
		ck_assert_int_eq(op##read(v->l), 8);                     \
		ck_assert_int_eq((long)op##read(v->ul), 9);              \
		leave(_i);                                               \
	}                                                                \
	END_TEST
FAMILIES(DOUBLES)

/* --- arguments ------------------------------------------------------------ */

static int calls;

static long *handle(void)
{
	calls++;
	return &v->l;
}

static long value(long result)
{
	calls++;
	return result;
}

#define ONCE(op)                                                           \
	START_TEST(op##arguments__with_side_effects__evaluated_once)       \
	{                                                                  \
		long expected = 0;                                         \
                                                                           \
		enter(_i);                                                 \
		calls = 0;                                                 \
		op##add(*handle(), value(1));                              \
		ck_assert_int_eq(calls, 2);                                \
		op##sub(*handle(), value(1));                              \
		op##write(*handle(), value(0));                            \
		op## and (*handle(), value(0));                            \
		op## or (*handle(), value(0));                             \
		ck_assert_int_eq(calls, 10);                               \
		op##add_return(*handle(), value(1));                       \
		op##sub_return(*handle(), value(1));                       \
		op##xchg(*handle(), value(0));                             \
		ck_assert_int_eq(calls, 16);                               \
		op##cmpxchg(*handle(), value(0), value(0));                \
		ck_assert_int_eq(calls, 19);                               \
		ck_assert(op##try_cmpxchg(*handle(), (calls++, &expected), \
					  value(0)));                      \
		ck_assert_int_eq(calls, 22);                               \
		op##inc(*handle());                                        \
		op##dec(*handle());                                        \
		(void)op##read(*handle());                                 \
		ck_assert_int_eq(calls, 25);                               \
		leave(_i);                                                 \
	}                                                                  \
	END_TEST
FAMILIES(ONCE)

START_TEST(verify_pcpu_ptr__any_pointer__evaluates_nothing)
{
	const volatile long *cv = NULL;

	calls = 0;
	__verify_pcpu_ptr(handle());
	__verify_pcpu_ptr(cv);
	__verify_pcpu_ptr(statics.array);
	ck_assert_int_eq(calls, 0);
}
END_TEST

/* --- one CPU's, and the running one's ------------------------------------- */

START_TEST(per_cpu__any_variable__an_lvalue_on_that_cpu)
{
	int cpu;

	for_each_possible_cpu (cpu) {
		per_cpu(statics.l, cpu) = cpu + 1;
		per_cpu(statics, cpu).array[1] = cpu + 2;
	}
	for_each_possible_cpu (cpu) {
		ck_assert_int_eq(*per_cpu_ptr(&statics.l, cpu), cpu + 1);
		ck_assert_int_eq(per_cpu(statics.array[1], cpu), cpu + 2);
	}
}
END_TEST

START_TEST(get_cpu_var_and_ptr__this_copy__until_it_is_put)
{
	struct values *copy;
	int cpu;

	copy = get_cpu_ptr(v);
	cpu = smp_processor_id();
	ck_assert_ptr_eq(copy, per_cpu_ptr(v, cpu));
	ck_assert_ptr_eq(this_cpu_ptr(v), copy);
	ck_assert_ptr_eq(raw_cpu_ptr(v), copy);
	ck_assert_int_eq(preempt_count(), 1);
	get_cpu_var(statics).l = 77;
	ck_assert_int_eq(per_cpu(statics, cpu).l, 77);
	ck_assert_int_eq(preempt_count(), 2);
	put_cpu_var(statics);
	put_cpu_ptr(v);
	ck_assert_int_eq(preempt_count(), 0);
	cpu = get_cpu();
	ck_assert_int_eq(raw_smp_processor_id(), cpu);
	put_cpu();
	ck_assert_int_eq(preempt_count(), 0);
}
END_TEST

/* --- helpers -------------------------------------------------------------- */

struct device_stats {
	uint64_t packets;
	struct {
	} syncp;
};

START_TEST(netdev_alloc_pcpu_stats__any_type__zero_on_each_cpu)
{
	struct device_stats __percpu *stats =
		netdev_alloc_pcpu_stats(struct device_stats);
	struct device_stats __percpu *more =
		__netdev_alloc_pcpu_stats(struct device_stats, GFP_ATOMIC);
	int cpu;

	ck_assert(stats && more);
	for_each_possible_cpu (cpu)
		ck_assert_uint_eq(per_cpu_ptr(stats, cpu)->packets, 0);
	free_percpu(stats);
	free_percpu(more);
}
END_TEST

/* -------------------------------------------------------------------------- */

#define LOOP(op, name) tcase_add_loop_test(tc, op##name, 0, NR_PLACES);
#define ADD_ALL(op)                                               \
	LOOP(op, add_and_its_like__any_type__as_in_c)             \
	LOOP(op, sub__of_other_types__negates_in_the_counters)    \
	LOOP(op, return__any_size__what_is_there_now_or_was)      \
	LOOP(op, try_cmpxchg__as_expected_or_not__tells_what_was) \
	LOOP(op, cmpxchg_double__one_is_not_as_expected__neither) \
	LOOP(op, arguments__with_side_effects__evaluated_once)

static TCase *case_operations(void)
{
	TCase *tc = tcase_create("operations");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	FAMILIES(ADD_ALL)
	tcase_add_test(tc, verify_pcpu_ptr__any_pointer__evaluates_nothing);
	tcase_add_test(tc, per_cpu__any_variable__an_lvalue_on_that_cpu);
	tcase_add_test(tc, get_cpu_var_and_ptr__this_copy__until_it_is_put);
	tcase_add_test(tc, netdev_alloc_pcpu_stats__any_type__zero_on_each_cpu);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("linux_ops");

	suite_add_tcase(suite, case_operations());
	return run_suite(suite);
}
