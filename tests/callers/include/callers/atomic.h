/* SPDX-License-Identifier: MIT */
/*
 * Atomic accesses, bits, barriers and locks, by the compiler's builtins. Those
 * that return something order all memory; a lock disables preemption, as in the
 * kernel.
 */
#ifndef CALLERS_ATOMIC_H
#define CALLERS_ATOMIC_H

#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
#define data_race(x) (x)
#define barrier() __asm__ __volatile__("" : : : "memory")
#define smp_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_mb__before_atomic() smp_mb()
#define smp_mb__after_atomic() smp_mb()
#define smp_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, x) __atomic_store_n(p, x, __ATOMIC_RELEASE)
#define smp_store_mb(x, value) \
	((void)__atomic_exchange_n(&(x), value, __ATOMIC_SEQ_CST))
#define xchg(p, x) __atomic_exchange_n(p, x, __ATOMIC_SEQ_CST)

/* --- integers ------------------------------------------------------------- */

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

#define ATOMIC_INIT(x) \
	{              \
		(x)    \
	}
#define atomic_read(v) __atomic_load_n(&(v)->counter, __ATOMIC_RELAXED)
#define atomic_read_acquire(v) __atomic_load_n(&(v)->counter, __ATOMIC_ACQUIRE)
#define atomic_set(v, x) __atomic_store_n(&(v)->counter, x, __ATOMIC_RELAXED)
#define atomic_set_release(v, x) \
	__atomic_store_n(&(v)->counter, x, __ATOMIC_RELEASE)
#define atomic_xchg(v, x) xchg(&(v)->counter, x)
#define callers_add(x, v) __atomic_add_fetch(&(v)->counter, x, __ATOMIC_SEQ_CST)
#define atomic_add(x, v) ((void)callers_add(x, v))
#define atomic_inc(v) atomic_add(1, v)
#define atomic_dec(v) atomic_add(-1, v)
#define atomic_inc_return(v) callers_add(1, v)
#define atomic_dec_and_test(v) (callers_add(-1, v) == 0)
#define atomic_try_cmpxchg(v, old, new)                                      \
	__atomic_compare_exchange_n(&(v)->counter, (int *)(old), new, false, \
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define atomic_cmpxchg(v, old, new) \
	((void)atomic_try_cmpxchg(v, (&(int){old}), new))

#define atomic_long_read(v) atomic_read(v)
#define atomic_long_set(v, x) atomic_set(v, x)
#define atomic_long_add(x, v) ((void)callers_add((long)(x), v))
#define atomic_long_inc(v) atomic_long_add(1, v)
#define atomic_long_sub_and_test(x, v) (callers_add(-(long)(x), v) == 0)
#define atomic_long_andnot(x, v) \
	((void)__atomic_and_fetch(&(v)->counter, ~(x), __ATOMIC_SEQ_CST))
#define atomic_long_try_cmpxchg(v, old, new)                                  \
	__atomic_compare_exchange_n(&(v)->counter, (long *)(old), new, false, \
				    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

static inline bool atomic_long_add_unless(atomic_long_t *v, long x, long u)
{
	long old = atomic_long_read(v);

	while (old != u)
		if (atomic_long_try_cmpxchg(v, &old, old + x))
			return true;
	return false;
}

#define atomic_long_inc_not_zero(v) atomic_long_add_unless(v, 1, 0)

/* --- bits ----------------------------------------------------------------- */

#define test_bit(nr, p) (READ_ONCE(*(p)) >> (nr)&1)
#define set_bit(nr, p) \
	((void)__atomic_fetch_or(p, 1ul << (nr), __ATOMIC_RELAXED))
#define clear_bit(nr, p) \
	((void)__atomic_fetch_and(p, ~(1ul << (nr)), __ATOMIC_RELAXED))
#define test_and_set_bit_lock(nr, p) \
	(__atomic_fetch_or(p, 1ul << (nr), __ATOMIC_ACQUIRE) >> (nr)&1)

/* Of one word. */
static inline unsigned long find_next_zero_bit(const unsigned long *word,
					       unsigned long size,
					       unsigned long from)
{
	unsigned long free = from < 64 ? ~READ_ONCE(*word) >> from << from : 0;
	unsigned long nr = free ? (unsigned long)__builtin_ctzl(free) : size;

	return nr < size ? nr : size;
}

#define find_first_zero_bit(word, size) find_next_zero_bit(word, size, 0)
#define find_next_bit(word, size, from) \
	find_next_zero_bit((unsigned long[]){~*(word)}, size, from)
#define bitmap_weight(word, size) \
	((unsigned)__builtin_popcountl(*(word) & (~0ul >> (64 - (size)))))

/* --- locks ---------------------------------------------------------------- */

typedef struct {
	u32 taken;
} raw_spinlock_t, spinlock_t;

#define __RAW_SPIN_LOCK_UNLOCKED(name) \
	{                              \
		0                      \
	}
#define __SPIN_LOCK_UNLOCKED(name) __RAW_SPIN_LOCK_UNLOCKED(name)
#define DEFINE_SPINLOCK(name) spinlock_t name = __SPIN_LOCK_UNLOCKED(name)
#define raw_spin_lock_init(lock) ((lock)->taken = 0)
#define spin_lock_init(lock) raw_spin_lock_init(lock)

static inline bool raw_spin_trylock(raw_spinlock_t *lock)
{
	preempt_disable();
	if (!__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
		return true;
	preempt_enable();
	return false;
}

static inline void raw_spin_lock(raw_spinlock_t *lock)
{
	preempt_disable();
	while (__atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE))
		callers_yield();
}

static inline void raw_spin_unlock(raw_spinlock_t *lock)
{
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	preempt_enable();
}

#define raw_spin_lock_irqsave(lock, flags) \
	do {                               \
		local_irq_save(flags);     \
		raw_spin_lock(lock);       \
	} while (0)
#define raw_spin_unlock_irqrestore(lock, flags) \
	do {                                    \
		raw_spin_unlock(lock);          \
		local_irq_restore(flags);       \
	} while (0)
#define spin_lock(lock) raw_spin_lock(lock)
#define spin_unlock(lock) raw_spin_unlock(lock)
#define spin_lock_irqsave(lock, flags) raw_spin_lock_irqsave(lock, flags)
#define spin_unlock_irqrestore(lock, flags) \
	raw_spin_unlock_irqrestore(lock, flags)
#define spin_lock_irq(lock)          \
	do {                         \
		local_irq_disable(); \
		spin_lock(lock);     \
	} while (0)
#define spin_unlock_irq(lock)       \
	do {                        \
		spin_unlock(lock);  \
		local_irq_enable(); \
	} while (0)
#define spin_lock_bh(lock)          \
	do {                        \
		local_bh_disable(); \
		spin_lock(lock);    \
	} while (0)
#define spin_unlock_bh(lock)       \
	do {                       \
		spin_unlock(lock); \
		local_bh_enable(); \
	} while (0)

/* guard(raw_spinlock_irqsave)(&lock): until the end of the block. */
struct callers_guard {
	raw_spinlock_t *lock;
	unsigned long flags;
};

static inline struct callers_guard callers_guard_begin(raw_spinlock_t *lock)
{
	struct callers_guard guard = {.lock = lock};

	raw_spin_lock_irqsave(lock, guard.flags);
	return guard;
}

static inline void callers_guard_end(struct callers_guard *guard)
{
	raw_spin_unlock_irqrestore(guard->lock, guard->flags);
}

#define guard(kind)                                                      \
	struct callers_guard __attribute__((cleanup(callers_guard_end))) \
	callers_guarded = callers_guard_begin

/* Nobody checks locks. */
struct lock_class_key {
	char unused;
};
#define lockdep_set_class(lock, key) ((void)(key))
#define lockdep_set_class_and_name(lock, key, name) ((void)(key), (void)(name))
#define lockdep_assert_held(lock) ((void)(lock))
#define lock_acquire(...) ((void)0)
#define lock_release(...) ((void)0)
#define rwsem_acquire(...) ((void)0)
#define rwsem_acquire_read(...) ((void)0)
#define rwsem_release(...) ((void)0)
#define trace_contention_begin(...) ((void)0)
#define trace_contention_end(...) ((void)0)

/* --- sequence counters ---------------------------------------------------- */

typedef struct {
	unsigned sequence;
} seqcount_t;

#define seqcount_init(s) ((s)->sequence = 0)

static inline unsigned read_seqcount_begin(const seqcount_t *s)
{
	unsigned seq;

	while ((seq = smp_load_acquire(&s->sequence)) & 1)
		callers_yield();
	return seq;
}

static inline bool read_seqcount_retry(const seqcount_t *s, unsigned begun)
{
	smp_rmb();
	return READ_ONCE(s->sequence) != begun;
}

static inline void write_seqcount_begin(seqcount_t *s)
{
	preempt_disable();
	WRITE_ONCE(s->sequence, s->sequence + 1);
	smp_mb();
}

static inline void write_seqcount_end(seqcount_t *s)
{
	smp_store_release(&s->sequence, s->sequence + 1);
	preempt_enable();
}

#endif /* CALLERS_ATOMIC_H */
