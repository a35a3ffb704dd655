// SPDX-License-Identifier: MIT
/*
 * Who takes part: one line per rival and per case, in the order of the report.
 */
#include "case.h"
#include "rival.h"

#include <string.h>

extern const struct rival rival_pcpu, rival_pcpu_huge, rival_baseline_mutex,
	rival_baseline_tas, rival_baseline_ticket, rival_baseline_mcs,
	rival_baseline_cohort, rival_array_glibc, rival_array_jemalloc,
	rival_array_mimalloc, rival_array_tcmalloc, rival_mempool, rival_floor,
	rival_round_trip, rival_null;

extern const struct bench_case case_pair, case_pair_mixed, case_batch,
	case_bulk, case_churn_kernel_10k, case_churn_kernel_100k,
	case_churn_sites_10k, case_churn_sites_100k, case_handoff,
	case_trace_bpf_map, case_trace_fork_exec, case_trace_tc_filter,
	case_trace_veth, case_latency, case_crowd, case_stopped, case_fresh,
	case_search_1k, case_search_10k, case_search_100k, case_search_1m,
	case_memory_10k, case_memory_100k, case_memory_counters,
	case_operations_cpu, case_operations_thread, case_operations_mm_cid,
	case_cache, case_process, case_process_cached, case_process_counters,
	case_process_lazy, case_lazy, case_counter;

const struct rival *const rivals[] = {
	&rival_pcpu,
	&rival_pcpu_huge,
	&rival_baseline_mutex,
	&rival_baseline_tas,
	&rival_baseline_ticket,
	&rival_baseline_mcs,
	&rival_baseline_cohort,
	&rival_array_glibc,
	&rival_array_jemalloc,
	&rival_array_mimalloc,
	&rival_array_tcmalloc,
	&rival_mempool,
	&rival_floor,
	&rival_round_trip,
	&rival_null,
	NULL,
};

const struct bench_case *const cases[] = {
	&case_trace_bpf_map,
	&case_trace_fork_exec,
	&case_trace_tc_filter,
	&case_trace_veth,
	&case_pair,
	&case_pair_mixed,
	&case_batch,
	&case_bulk,
	&case_churn_kernel_10k,
	&case_churn_kernel_100k,
	&case_churn_sites_10k,
	&case_churn_sites_100k,
	&case_handoff,
	&case_latency,
	&case_crowd,
	&case_stopped,
	&case_fresh,
	&case_search_1k,
	&case_search_10k,
	&case_search_100k,
	&case_search_1m,
	&case_memory_10k,
	&case_memory_100k,
	&case_memory_counters,
	&case_operations_cpu,
	&case_operations_thread,
	&case_operations_mm_cid,
	&case_cache,
	&case_process,
	&case_process_cached,
	&case_process_counters,
	&case_process_lazy,
	&case_lazy,
	&case_counter,
	NULL,
};

const struct metric metric_ns[] = {
	{"ns", "ns", 1, true},
	{NULL, NULL, 0, false},
};

const struct rival *rival_find(const char *name)
{
	unsigned i;

	for (i = 0; rivals[i]; i++) {
		if (!strcmp(rivals[i]->name, name))
			return rivals[i];
	}
	return NULL;
}

const struct bench_case *case_find(const char *name)
{
	unsigned i;

	for (i = 0; cases[i]; i++) {
		if (!strcmp(cases[i]->name, name))
			return cases[i];
	}
	return NULL;
}

void result_add(struct result *result, const char *name, double value)
{
	if (result->nr < MAX_METRICS) {
		result->metric[result->nr].name = name;
		result->metric[result->nr].value = value;
		result->nr++;
	}
}

void result_fail(struct result *result, const char *error)
{
	result->error = error ? error : "failed";
}
