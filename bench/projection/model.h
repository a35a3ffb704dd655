// SPDX-License-Identifier: MIT
/*
 * model.h - what a pair of allocation and free would cost on a larger machine.
 *
 * n copies per object (one per possible CPU), N threads on CPUs of their own,
 * spread evenly over s sockets. All times are ns.
 *
 *	t(s)   moving a cache line between two CPUs, any of the s sockets:
 *	       transfer * (1/s + (1 - 1/s) * remote_factor)
 *
 * libpcpu: threads do not meet, but for the lines that were counted to move.
 *
 *	T      = P(n) + moves * t(s)
 *	pairs  = min(N / T, 1 / (moves * t(s)))
 *	P(n)   pair of one thread, measured at several n: own path and zeroing
 *	moves  lines fetched from another CPU per pair (count-atomics)
 *
 *	The copies of what a CPU allocates are in its own cache, as it zeroed
 *	them last. If users wrote their copies in between, each of the n - 1
 *	others costs (zero_dirty - zero_hot) * t(s) / transfer more.
 *
 * Baseline: all meet at the lock; only the zeroing is outside.
 *
 *	S      = C + (moves + 1) * t(s) + 3 * w / 2 * t(s)
 *	Z      = B(n) - B(0) + n * (zero_dirty - zero_hot) * t(s) / transfer
 *	pairs  = min(N / (S + Z), 1 / S)
 *	B(n)   its pair of one thread, measured; B(0) extrapolated
 *	C      = B(0) less the harness's own time: the sections, and the three
 *	       uncontended lock operations
 *	moves  lines of its own that change CPUs per pair under a fair lock
 *	       (count-atomics); the one more is its second lock's
 *	w      = min(N - 2, spinners): who waits beside the next owner, and
 *	       fetches a released lock's line before it in half of the cases;
 *	       three times per pair
 *	Its lines pass from hand to hand, so the copies do, too.
 */
#ifndef BENCH_PROJECTION_MODEL_H
#define BENCH_PROJECTION_MODEL_H

enum { MAX_CURVE = 8 };

/* ns of one thread's pair by copies per object, ascending. */
struct curve {
	unsigned nr;
	double copies[MAX_CURVE];
	double ns[MAX_CURVE];
};

/* Of one machine, in ns. */
struct costs {
	double rmw;        /* locked instruction on an owned line */
	double transfer;   /* a line from one core to another, same socket */
	double mutex;      /* uncontended lock and unlock */
	double harness;    /* the loop and calls around a pair */
	double zero_hot;   /* per copy, when it is in the CPU's own cache */
	double zero_dirty; /* per copy, when another CPU wrote it last */
	struct curve pcpu;
	struct curve baseline;
};

/* Per pair. */
struct counts {
	double pcpu_rmws;
	double pcpu_moves;
	double baseline_moves;
};

struct assumptions {
	double remote_factor; /* transfer between sockets / within one */
	double spinners;      /* waiters that spin; the others sleep */
};

struct model {
	struct costs costs;
	struct counts counts;
	struct assumptions assumptions;
};

struct shape {
	unsigned threads; /* at most one per CPU */
	unsigned copies;
	unsigned sockets;
};

/* Interpolated; beyond both ends by the nearest two points' slope. */
double curve_at(const struct curve *curve, double copies);

/* A line's way between any two CPUs. */
double model_transfer(const struct model *model, unsigned sockets);

/* ns of one thread for a pair; _written: others wrote their copies. */
double model_pcpu_ns(const struct model *model, struct shape shape);
double model_pcpu_ns_written(const struct model *model, struct shape shape);

/* What the lock makes serial of the baseline's pair, and what it does not. */
double model_baseline_serial_ns(const struct model *model, struct shape shape);
double model_baseline_parallel_ns(const struct model *model,
				  struct shape shape);

/* Pairs per ns of the whole machine. */
double model_pcpu_rate(const struct model *model, struct shape shape);
double model_pcpu_rate_written(const struct model *model, struct shape shape);
double model_baseline_rate(const struct model *model, struct shape shape);

#endif
