/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's files take for granted and is not per-CPU, as far as those
 * need it that are compiled here. Included in front of each of them; the names
 * under which they include it are empty files, see callers.mk.
 */
#ifndef CALLERS_KERNEL_H
#define CALLERS_KERNEL_H

#include <asm/errno.h>
#include <asm/types.h>
#include <limits.h>
#include <linux/types.h>
#include <stdlib.h>
#include <string.h>

#include <linux/local_lock.h>
#include <linux/percpu.h>

#include "callers/support.h"

#ifdef CALLERS_BROKEN
#include "callers/broken.h"
#endif

/* --- types and the compiler ----------------------------------------------- */

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

/* What <linux/list.h> works on. */
struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

#define BITS_PER_LONG 64
#define U64_MAX UINT64_MAX
#define PAGE_SIZE 4096ul
#define THREAD_ALIGN (4 * PAGE_SIZE)
#define HZ 1000

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define noinline __attribute__((noinline))
#define __always_inline inline __attribute__((always_inline))
#define __aligned(x) __attribute__((aligned(x)))
#define __must_check __attribute__((warn_unused_result))
#define __maybe_unused __attribute__((unused))
#define ____cacheline_aligned_in_smp __aligned(64)
#define __read_mostly
#define __force
#define __rcu
#define __sched
#define __init
#define __exit
#define __acquires(x)
#define IS_ENABLED(option) 0
#define _RET_IP_ 0ul

#define offsetof(type, member) __builtin_offsetof(type, member)
#define container_of(p, type, member) \
	((type *)((char *)(p)-offsetof(type, member)))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define BUILD_BUG_ON(condition) _Static_assert(!(condition), #condition)
#define compiletime_assert_atomic_type(x) ((void)0)

/* --- numbers -------------------------------------------------------------- */

#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define clamp_t(type, x, low, high) min_t(type, max_t(type, x, low), high)
#define clamp(x, low, high) min(max(x, low), high)
#define clamp_val(x, low, high) clamp_t(__typeof__(x), x, low, high)
#define abs(x) ((x) < 0 ? -(x) : (x))
#define swap(a, b)                        \
	do {                              \
		__typeof__(a) old_ = (a); \
		(a) = (b);                \
		(b) = old_;               \
	} while (0)
#define BIT(nr) (1ul << (nr))
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define div_u64(n, d) ((u64)(n) / (d))
#define do_div(n, d) ((n) /= (d))
#define fls(x) ((x) ? 32 - __builtin_clz(x) : 0)
#define ilog2(x) (63 - __builtin_clzll(x))

#include "callers/atomic.h"
#include "callers/task.h"

/* --- messages, modules ---------------------------------------------------- */

#define pr_info(...) callers_print(__VA_ARGS__)
#define pr_err(...) callers_print(__VA_ARGS__)
#define pr_debug(...) ((void)0)
#define mem_dump_obj(p) ((void)(p))
#define WARN_ON(condition)                                            \
	__extension__({                                               \
		bool warn_ = !!(condition);                           \
		if (warn_)                                            \
			callers_warn(__FILE__, __LINE__, #condition); \
		warn_;                                                \
	})
#define WARN_ON_ONCE(condition) WARN_ON(condition)
#define WARN(condition, ...) WARN_ON(condition)
#define WARN_ONCE(condition, ...) WARN_ON(condition)
#define BUG_ON(condition) WARN_ON(condition)

#define EXPORT_SYMBOL(name) extern int callers_no_symbol
#define EXPORT_SYMBOL_GPL(name) EXPORT_SYMBOL(name)
#define MODULE_LICENSE(text) EXPORT_SYMBOL()
#define MODULE_AUTHOR(text) EXPORT_SYMBOL()
#define MODULE_DESCRIPTION(text) EXPORT_SYMBOL()
#define MODULE_PARM_DESC(name, text) EXPORT_SYMBOL()
/* A driver includes nothing of the module, but may set what it declares. */
#define module_param(name, type, mode)   \
	type *callers_param_##name(void) \
	{                                \
		return &name;            \
	}
#define module_init(fn)        \
	int callers_init(void) \
	{                      \
		return fn();   \
	}
#define module_exit(fn)         \
	void callers_exit(void) \
	{                       \
		fn();           \
	}
int callers_init(void);
void callers_exit(void);

/* --- memory --------------------------------------------------------------- */

#define kzalloc(size, gfp) ((void)(gfp), calloc(1, size))
#define kzalloc_node(size, gfp, node) kzalloc(size, gfp)
#define kvzalloc_node(size, gfp, node) kzalloc(size, gfp)
#define kvcalloc(n, size, gfp) ((void)(gfp), calloc(n, size))
#define kfree(p) free(p)
#define kvfree(p) free(p)
#define vmalloc(size) malloc(size)
#define vfree(p) free(p)

static inline void *kmemdup(const void *from, size_t size, gfp_t gfp)
{
	void *p = kzalloc(size, gfp);

	return p ? memcpy(p, from, size) : NULL;
}

#define callers_first(p, ...) (p)
#define kvfree_rcu(...) \
	(callers_synchronize(), free(callers_first(__VA_ARGS__, 0)))

/* Alignments are not what is tested. */
static inline void *__vmalloc_node(size_t size, size_t align, gfp_t gfp,
				   int node, const void *caller)
{
	(void)align, (void)node, (void)caller;
	return kzalloc(size, gfp);
}

/* --- hotplug: there is none ----------------------------------------------- */

#define CPUHP_AP_ONLINE_DYN 0
#define CPUHP_PERCPU_CNT_DEAD 1
#define cpuhp_setup_state(state, name, startup, teardown) (startup(0))
#define cpuhp_setup_state_nocalls(state, name, startup, teardown) \
	((void)(teardown), 0)

/* --- random numbers, time, output ----------------------------------------- */

#define prandom_u32_max(limit) ((u32)((u64)callers_random() * (limit) >> 32))
#define get_random_u8() ((u8)callers_random())
#define jiffies (callers_ns() / 1000000)
#define time_after(a, b) ((long)((b) - (a)) < 0)
#define get_cycles() ((unsigned long)callers_ns())
typedef s64 ktime_t;
#define ktime_get() ((ktime_t)callers_ns())
#define ktime_us_delta(later, earlier) (((later) - (earlier)) / 1000)
#define msleep(ms) callers_sleep_ms(ms)

struct seq_file;
#define seq_printf(file, ...) ((void)(file), callers_print(__VA_ARGS__))
#define seq_puts(file, text) seq_printf(file, "%s", text)
#define seq_putc(file, c) seq_printf(file, "%c", c)

#endif /* CALLERS_KERNEL_H */
