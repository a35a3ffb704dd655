// SPDX-License-Identifier: MIT
/*
 * trace-* - the four recordings of a running kernel, replayed by as many
 * threads as CPUs were recorded, as fast as they go.
 */
#include "bench/case.h"
#include "bench/replay.h"

static void trace_run(const struct job *job, struct result *result)
{
	static struct trace trace;
	const char *error;
	double ns;

	error = trace_load(&trace, job->traces, job->bench->arg);
	if (!error)
		error = replay_run(job, &trace, &ns);
	if (error)
		result_fail(result, error);
	else
		result_add(result, "ns", ns);
}

/* The recordings were made on two CPUs. */
static const struct point points[] = {
	{CPUS_REAL, 2, MODES_ALL},
	{64, 2, MODE_FULL},
	{0, 0, 0},
};

#define TRACE_CALLS                                                     \
	.flags = CASE_NULL | CASE_NET, .live = 30000, .points = points, \
	.metrics = metric_ns, .run = trace_run

const struct bench_case case_trace_bpf_map = {
	.name = "trace-bpf_map",
	.what = "recorded: BPF maps filled, partly deleted, closed",
	.arg = "bpf_map",
	TRACE_CALLS,
};

const struct bench_case case_trace_fork_exec = {
	.name = "trace-fork_exec",
	.what = "recorded: four processes fork, exec and exit in a loop",
	.arg = "fork_exec",
	TRACE_CALLS,
};

const struct bench_case case_trace_tc_filter = {
	.name = "trace-tc_filter",
	.what = "recorded: two batches of 5,000 tc filters, then deleted",
	.arg = "tc_filter",
	TRACE_CALLS,
};

const struct bench_case case_trace_veth = {
	.name = "trace-veth",
	.what = "recorded: 200 veth pairs created, then deleted",
	.arg = "veth",
	TRACE_CALLS,
};
