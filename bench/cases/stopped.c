// SPDX-License-Identifier: MIT
/*
 * stopped - a thread is stopped in the middle of its work; what the others
 * still get done.
 *
 * As many threads as cores do pairs of 8 bytes, each on a core of its own. The
 * victim, one more, is parked outside of the allocator while their throughput
 * is measured; then it does pairs too, and after a random time a signal stops
 * it at whatever instruction it has come to. Its handler sleeps, for a time
 * long against any operation, while the throughput is measured again. The
 * same threads run both times, so that only what the victim holds differs.
 *
 * How much two measurements differ when nothing does is "idle": the worst
 * ratio between a measurement with the victim parked and the one before.
 */
#include "bench/case.h"
#include "bench/clock.h"
#include "bench/crew.h"
#include "bench/mix.h"
#include "bench/stats.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	SIZE = 8,
	STOPS = 100,
	SPANS = 10,         /* to a window: each measurement takes one */
	SETTLE_NS = 200000, /* what was under way ends, or gets stuck */
	RUN_MIN_NS = 10000,
	RUN_VARIES_NS = 300000,
};

struct tracked {
	_Alignas(64) atomic_ulong ops;
};

struct scene {
	struct tracked *other; /* by member */
	pthread_t victim;
	sem_t go, running, parked;
	atomic_bool park; /* the victim is to leave the allocator */
	unsigned nr;      /* stops made */
	double before[STOPS], during[STOPS];
};

/* The handler's: sem_post() and read() are allowed there. */
static sem_t stopped;
static int resume_fd;

static void stop_here(int signal)
{
	int saved = errno;
	uint64_t value;

	(void)signal;
	sem_post(&stopped);
	while (read(resume_fd, &value, sizeof(value)) < 0 && errno == EINTR)
		;
	errno = saved;
}

static void one_pair(struct crew *crew)
{
	const struct rival *rival = crew->job->rival;
	void *p = rival->alloc(SIZE, SIZE);

	if (p)
		rival->free(p);
	else
		crew_fail(crew, strerror(errno));
}

static void other_work(struct crew_member *member)
{
	struct scene *scene = member->crew->shared;
	atomic_ulong *ops = &scene->other[member->index].ops;

	crew_pin(member->index);
	while (!crew_stopped(member->crew)) {
		one_pair(member->crew);
		/* relaxed: a count, which orders nothing */
		atomic_store_explicit(
			ops,
			atomic_load_explicit(ops, memory_order_relaxed) + 1,
			memory_order_relaxed);
	}
}

static void victim_work(struct crew_member *member)
{
	struct scene *scene = member->crew->shared;

	for (;;) {
		sem_wait(&scene->go);
		if (crew_stopped(member->crew))
			return;
		one_pair(member->crew);
		sem_post(&scene->running);
		/* relaxed: the semaphores order what matters */
		while (!atomic_load_explicit(&scene->park,
					     memory_order_relaxed))
			one_pair(member->crew);
		sem_post(&scene->parked);
	}
}

static unsigned long count_ops(const struct crew *crew)
{
	const struct scene *scene = crew->shared;
	unsigned long ops = 0;
	unsigned i;

	/* relaxed: counts, which order nothing */
	for (i = 0; i < crew->job->threads; i++)
		ops += atomic_load_explicit(&scene->other[i].ops,
					    memory_order_relaxed);
	return ops;
}

/* Pairs per ns of the others together. */
static double measure(const struct crew *crew)
{
	uint64_t begin_ns = clock_ns(), end_ns;
	unsigned long begin = count_ops(crew), end;

	sleep_ns(crew->job->window_ms * UINT64_C(1000000) / SPANS);
	end_ns = clock_ns();
	end = count_ops(crew);
	return (double)(end - begin) / (double)(end_ns - begin_ns);
}

static void stop_once(struct crew *crew, struct scene *scene, struct rng *rng)
{
	const uint64_t one = 1;
	double before;

	sleep_ns(SETTLE_NS);
	/* Nothing at all: the machine took a core, and whoever held a lock. */
	do
		before = measure(crew);
	while (before <= 0 && !crew_stopped(crew));
	scene->before[scene->nr] = before;
	/* relaxed: the semaphore publishes it */
	atomic_store_explicit(&scene->park, false, memory_order_relaxed);
	sem_post(&scene->go);
	sem_wait(&scene->running);
	sleep_ns(RUN_MIN_NS + rng_below(rng, RUN_VARIES_NS));
	pthread_kill(scene->victim, SIGUSR1);
	sem_wait(&stopped);
	sleep_ns(SETTLE_NS);
	scene->during[scene->nr++] = measure(crew);
	/* relaxed: seen soon, and the victim is waited for */
	atomic_store_explicit(&scene->park, true, memory_order_relaxed);
	if (write(resume_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		abort();
	sem_wait(&scene->parked);
}

static void director_work(struct crew_member *member)
{
	struct crew *crew = member->crew;
	struct scene *scene = crew->shared;
	struct rng rng;

	rng_seed(&rng, 0);
	scene->victim = crew->member[crew->job->threads].thread;
	while (scene->nr < STOPS && !crew_stopped(crew))
		stop_once(crew, scene, &rng);
	crew_stop(crew);
	sem_post(&scene->go);
}

/* The others come first, then the victim, then who stops it. */
static void stopped_work(struct crew_member *member)
{
	unsigned others = member->crew->job->threads;

	if (member->index < others)
		other_work(member);
	else if (member->index == others)
		victim_work(member);
	else
		director_work(member);
}

static bool set_scene(struct scene *scene, unsigned others)
{
	struct sigaction action = {.sa_handler = stop_here};
	size_t bytes = others * sizeof(*scene->other);

	scene->other = aligned_alloc(_Alignof(struct tracked), bytes);
	resume_fd = eventfd(0, EFD_CLOEXEC);
	if (!scene->other || resume_fd < 0)
		return false;
	memset(scene->other, 0, bytes);
	return !sem_init(&scene->go, 0, 0) &&
	       !sem_init(&scene->running, 0, 0) &&
	       !sem_init(&scene->parked, 0, 0) && !sem_init(&stopped, 0, 0) &&
	       !sigaction(SIGUSR1, &action, NULL);
}

static void summarise(const struct scene *scene, struct result *result)
{
	double ratio[STOPS], idle, worst_idle = 1;
	unsigned i, stuck = 0;

	for (i = 0; i < scene->nr; i++) {
		ratio[i] = scene->during[i] / scene->before[i];
		stuck += scene->during[i] <= 0;
		idle = i ? scene->before[i] / scene->before[i - 1] : 1;
		worst_idle = idle < worst_idle ? idle : worst_idle;
	}
	result_add(result, "median", stats_median(ratio, scene->nr));
	result_add(result, "worst", ratio[0]); /* they are sorted now */
	result_add(result, "idle", worst_idle);
	result_add(result, "stuck", 100 * (double)stuck / scene->nr);
	result_add(result, "stops", scene->nr);
}

static void stopped_run(const struct job *job, struct result *result)
{
	static struct scene scene;
	struct crew crew = {
		.job = job,
		.members = job->threads + 2,
		.work = stopped_work,
		.shared = &scene,
	};

	if (!set_scene(&scene, job->threads)) {
		result_fail(result, strerror(errno));
		return;
	}
	if (crew_run(&crew))
		summarise(&scene, result);
	else
		result_fail(result, crew.error);
	crew_free(&crew);
	free(scene.other);
}

static const struct metric metrics[] = {
	{"median", "median", 3, false}, {"worst", "worst", 3, false},
	{"idle", "idle", 3, false},     {"stuck", "stuck %", 1, false},
	{"stops", "stops", 0, false},   {NULL, NULL, 0, false},
};

static const struct point points[] = {
	{CPUS_REAL, THREADS_CORES, MODES_LONG},
	{0, 0, 0},
};

const struct bench_case case_stopped = {
	.name = "stopped",
	.what = "8 B pairs: the others' throughput with one stopped, of before",
	.flags = CASE_UNITS,
	.repeats = 3,
	.points = points,
	.metrics = metrics,
	.run = stopped_run,
};
