// SPDX-License-Identifier: MIT
#include "arena/context.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chunk/layout.h"
#include "chunk/panic.h"
#include "chunk/topology.h"
#include "pcpu.h"

/* From <linux/auxvec.h> and <linux/rseq.h> of newer systems. */
#define AUXV_RSEQ_FEATURE_SIZE 27
#define RSEQ_MM_CID_OFFSET 24

#if LIBPCPU_SEQUENCES || defined(MODEL_CHECK)
#define CAN_SEQUENCE 1
#else
#define CAN_SEQUENCE 0
#endif

#ifndef MODEL_CHECK
__thread struct libpcpu_thread libpcpu_self = {.nowhere = -1};
#endif

/* Nobody's, and never free: see the header. */
#define TAKEN                         \
	{                             \
		.owner = ~OWNER_FLAGS \
	}
struct libpcpu_place libpcpu_places[LIBPCPU_PLACES_BEFORE + LIBPCPU_CPUS_MAX] =
	{TAKEN, TAKEN};

/* libpcpu_number, which is a constant to those who include the header. */
extern ptrdiff_t number __asm__("libpcpu_number")
	__attribute__((visibility("default")));
ptrdiff_t number;

bool context_has_sequences;

static int model = PCPU_CONTEXT_CPU;
#define NR_MODELS 3
static const char *const model_names[NR_MODELS] = {
	[PCPU_CONTEXT_CPU] = "cpu",
	[PCPU_CONTEXT_THREAD] = "thread",
	[PCPU_CONTEXT_MM_CID] = "mm_cid",
};

static pthread_key_t exit_key;
static bool has_exit_key;

/* --- slots of threads ----------------------------------------------------- */

/* The last quarter is for threads that come when all others are taken. */
static unsigned nr_shared(void)
{
	return (topology.nr_units + 3) / 4;
}

static struct libpcpu_place *slot(unsigned i)
{
	return &libpcpu_place0[topology.unit_cpu[i]];
}

/* Which of the shared ones is this thread's? */
static _Thread_local unsigned shared LIBPCPU_TLS;
static atom32 next_shared;

/* The nearest free one, counted from the CPU that we run on. */
static struct libpcpu_place *take_slot(void)
{
	unsigned nr = topology.nr_units - nr_shared();
	unsigned first = topology.cpu_unit[libpcpu_cpu()], i;

	for (i = 0; i < nr; i++) {
		struct libpcpu_place *place = slot((first + i) % nr);
		uint64_t owner = 0;

		/* pairs with [pin] leave(): what its last owner did */
		if (cas_acquire(owner_of(place), &owner,
				owner_me() | OWNER_SLOT))
			return place;
	}
	/* relaxed: any number will do */
	shared = nr + fetch_add_relaxed(&next_shared, 1) % nr_shared();
	return NULL;
}

/* --- threads -------------------------------------------------------------- */

bool context_is_pinned(void)
{
	struct libpcpu_place *place = libpcpu_self.place;

	/* relaxed: only we set the flag */
	return libpcpu_self.nest ||
	       (place && !(load_relaxed(owner_of(place)) & OWNER_SLOT));
}

/* Destructors of other keys may still pin: in a shared slot. So may a handler,
 * which must not find us half gone. */
static void leave(void *unused)
{
	struct libpcpu_place *place = libpcpu_self.place;
	sigset_t all, before;

	(void)unused;
	if (context_is_pinned())
		panic("a thread exits inside a pinned section");
	if (!place)
		return;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	libpcpu_self.place = NULL;
	shared = topology.nr_units - 1;
	/* pairs with [pin] take_slot(): what we did there */
	store_release(owner_of(place), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A handler must not take another place while we do. */
static void arm(void)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (!libpcpu_self.armed) {
		if (has_exit_key)
			pthread_setspecific(exit_key, &libpcpu_self);
		if (model == PCPU_CONTEXT_THREAD)
			libpcpu_self.place = take_slot();
		libpcpu_self.armed = true;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void context_arm(void)
{
	if (!libpcpu_self.armed)
		arm();
}

struct libpcpu_place *context_running_place(void)
{
	int nr = libpcpu_place_number();

	if (nr >= 0)
		return &libpcpu_place0[nr];
	if (model == PCPU_CONTEXT_THREAD)
		return slot(shared);
	return &libpcpu_place0[libpcpu_cpu_slow()];
}

struct libpcpu_place *libpcpu_place_slow(void)
{
	if (model == PCPU_CONTEXT_THREAD)
		context_arm();
	return libpcpu_self.place ? libpcpu_self.place
				  : context_running_place();
}

/* --- fork ----------------------------------------------------------------- */

static void before_fork(void)
{
	if (context_is_pinned())
		panic("fork() inside a pinned section");
}

/* Only this thread is left, and nobody waits. */
static void in_child(void)
{
	unsigned i;

	for (i = 0; i < topology.nr_cpu_ids; i++) {
		atom64 *owner = owner_of(&libpcpu_place0[i]);
		/* relaxed: there is one thread */
		uint64_t old = load_relaxed(owner);

		if (!old)
			continue;
		/* relaxed: the same */
		store_relaxed(owner,
			      owner_is_me(old) ? old & ~OWNER_WAITED : 0);
	}
}

/* --- models --------------------------------------------------------------- */

static ptrdiff_t from_thread_pointer(const void *p)
{
#ifdef LIBPCPU_HAVE_RSEQ
	return (const char *)p - libpcpu_thread_pointer();
#else
	(void)p;
	return 0;
#endif
}

#if CAN_SEQUENCE

static bool find_sequences(void)
{
	return libpcpu_cpu_rseq() >= 0 &&
	       !syscall(SYS_membarrier,
			MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0);
}

/* The kernel fills in what it knows, whatever the C library has heard of. */
static bool has_mm_cid(void)
{
	return context_has_sequences &&
	       getauxval(AUXV_RSEQ_FEATURE_SIZE) >=
		       RSEQ_MM_CID_OFFSET + sizeof(uint32_t) &&
	       topology.nr_units == topology.nr_cpu_ids;
}

static ptrdiff_t number_of(int which)
{
	size_t field = which == PCPU_CONTEXT_MM_CID
			       ? RSEQ_MM_CID_OFFSET
			       : offsetof(struct rseq, cpu_id);

	if (!context_has_sequences || which == PCPU_CONTEXT_THREAD)
		return from_thread_pointer(&libpcpu_self.nowhere);
	return __rseq_offset + (ptrdiff_t)field;
}

#else

static bool find_sequences(void)
{
	return false;
}

static bool has_mm_cid(void)
{
	return false;
}

static ptrdiff_t number_of(int which)
{
	(void)which;
	return from_thread_pointer(&libpcpu_self.nowhere);
}

#endif

/* Threads that own their places need no sequences. */
static bool choose(int which)
{
	if (which == PCPU_CONTEXT_MM_CID && !has_mm_cid())
		return false;
	model = which;
	number = number_of(which);
	return true;
}

static void choose_or_complain(int which, const char *asked_by)
{
	if (which < 0 || which >= NR_MODELS)
		complain("%s: no such context; \"cpu\" is used", asked_by);
	else if (!choose(which))
		complain(
			"%s: the system has no context \"%s\"; \"cpu\" is used",
			asked_by, model_names[which]);
}

static int model_by_name(const char *name)
{
	int i;

	for (i = 0; i < NR_MODELS; i++)
		if (!strcmp(name, model_names[i]))
			break;
	return i;
}

/* The environment, else the program. */
static void choose_model(void)
{
	const char *name = getenv("PCPU_CONTEXT");

	choose(PCPU_CONTEXT_CPU);
	if (name)
		choose_or_complain(model_by_name(name), "PCPU_CONTEXT");
	else if (&libpcpu_context_default)
		choose_or_complain(libpcpu_context_default,
				   "PCPU_CONTEXT_DEFAULT");
}

static void fill_places(void)
{
	unsigned cpu, w;

	for (cpu = 0; cpu < topology.nr_cpu_ids; cpu++) {
		libpcpu_place0[cpu].cpu = (int)cpu;
		for (w = 0; w < NR_WINDOWS; w++)
			libpcpu_place0[cpu].offset[w] = libpcpu_offset[w][cpu];
	}
}

void context_start(void)
{
	fill_places();
	has_exit_key = !pthread_key_create(&exit_key, leave);
	pthread_atfork(before_fork, NULL, in_child);
	context_has_sequences = find_sequences();
	choose_model();
}

int libpcpu_has_sequences(void)
{
	return context_has_sequences;
}

int libpcpu_context(void)
{
	return model;
}

int pcpu_context(void)
{
	return model;
}
