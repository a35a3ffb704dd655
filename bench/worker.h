// SPDX-License-Identifier: MIT
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

/*
 * The other half of runner.c: what this binary does when it was started as
 * `pcpu-bench --worker CASE RIVAL CPUS THREADS WINDOW_MS TRACES`. Sets up the
 * rival, takes one sample, and prints it as one JSON object. The case "probe"
 * stops after the set-up.
 */
#define WORKER_FLAG "--worker"
#define WORKER_PROBE "probe"

int worker_main(int argc, char **argv);

#endif
