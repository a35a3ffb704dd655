// SPDX-License-Identifier: MIT
/*
 * The machines that inputs run on. The library finds its machine when it starts
 * and keeps it, so each takes a process of its own.
 */
#include "fuzz.h"

#include <sched.h>
#include <sys/syscall.h>

#include "arena/arena.h"
#include "tests/inject.h"

#define INTERPOSED __attribute__((visibility("default")))
#define POSSIBLE "/sys/devices/system/cpu/possible"
#define OVERCOMMIT "/proc/sys/vm/overcommit_memory"

/* clang-format off */
const struct fuzz_machine fuzz_machines[] = {
	{.name = "plain", .chunks = 64},
	{.name = "one", .file = POSSIBLE "=0", .chunks = 64},
	{.name = "nodes", .nodes = 2, .chunks = 8},
	{.name = "scarce", .cpus = 3, .nodes = 2, .chunks = 2},
	/* CPU numbers with holes, and threads that may be on any of them */
	{.name = "sparse", .nodes = 2, .chunks = 8, .no_rseq = true,
	 .file = POSSIBLE "=0-1,5,9-10\n"},
	{.name = "no_front", .cpus = 3, .chunks = 8, .fail = "membarrier:1+",
	 .context = "mm_cid", .file = POSSIBLE "=3-1\n"},
	{.name = "cpus_64", .cpus = 64, .nodes = 8, .chunks = 2,
	 .no_rseq = true, .drops = true, .share = 4},
	{.name = "cpus_256", .cpus = 256, .chunks = 8, .drops = true,
	 .share = 8},
	{.name = "cpus_1024", .cpus = 1024, .nodes = 8, .chunks = 2,
	 .drops = true, .share = 16},
	{.name = "worker", .cpus = 3, .nodes = 2, .chunks = 64, .worker = true,
	 .drops = true},
	{.name = "late", .cpus = 3, .chunks = 64, .fail = "mmap:3+",
	 .file = POSSIBLE "=0-x\n", .drops = true},
	{.name = "later", .cpus = 3, .nodes = 2, .chunks = 8,
	 .fail = "mmap:9+", .file = POSSIBLE "=0-99999\n"},
	{.name = "short", .chunks = 8, .fail = "mmap:5",
	 .file = POSSIBLE "=0-1,x\n", .context = "elsewhere"},
	/* what wrong use is told by; memory that AddressSanitizer was told of
	 * must not be zeroed */
	{.name = "debug", .nodes = 2, .chunks = 8, .debug = "1",
	 .context = "thread", .drops = true},
	{.name = "debug_all", .cpus = 5, .nodes = 2, .chunks = 8,
	 .debug = "2", .pages = true, .drops = true},
	/* copies are chosen otherwise */
	{.name = "places", .cpus = 16, .nodes = 2, .chunks = 8,
	 .context = "thread"},
	{.name = "mm_cid", .chunks = 8, .context = "mm_cid", .pages = true},
	{.name = "limited", .cpus = 3, .chunks = 64, .limit = "100000000"},
	{.name = "strict", .nodes = 2, .chunks = 64,
	 .file = OVERCOMMIT "=2\n"},
	{.name = "huge", .cpus = 3, .chunks = 64, .huge = true, .drops = true},
	/* that asks for what cannot be */
	{.name = "blind", .cpus = 99999, .nodes = 99999, .chunks = 8,
	 .fail = "open:1+"},
};
/* clang-format on */
const unsigned fuzz_nr_machines =
	sizeof(fuzz_machines) / sizeof(fuzz_machines[0]);

const struct fuzz_machine *fuzz_machine;

/* --- where we are --------------------------------------------------------- */

static int played_cpu = -1; /* without rseq */

static cpu_set_t real_cpus; /* that we may run on */

INTERPOSED int sched_getcpu(void)
{
	unsigned cpu = 0;

	if (played_cpu >= 0)
		return played_cpu;
	syscall(SYS_getcpu, &cpu, NULL, NULL);
	return (int)cpu;
}

static void find_real_cpus(void)
{
	unsigned cpu;

	require(sched_getaffinity(0, sizeof(real_cpus), &real_cpus) == 0,
		"errno %d", errno);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (cpu >= libpcpu_nr_cpu_ids ||
		    libpcpu_cpu_next((int)cpu - 1) != (int)cpu)
			CPU_CLR(cpu, &real_cpus);
	require(CPU_COUNT(&real_cpus) > 0, "%s: not on this machine",
		fuzz_machine->name);
}

static void go_to_real(unsigned nth)
{
	static _Thread_local unsigned here; /* CPU plus one */
	unsigned cpu = 0;
	cpu_set_t set;

	nth %= (unsigned)CPU_COUNT(&real_cpus);
	while (!CPU_ISSET(cpu, &real_cpus) || nth-- > 0)
		cpu++;
	if (here == cpu + 1)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) == 0)
		here = cpu + 1;
}

void fuzz_go(struct fuzz *fuzz, unsigned cpu)
{
	fuzz->cpu = cpu;
	if (fuzz_machine->no_rseq)
		played_cpu = (int)cpu;
	else
		go_to_real(cpu);
}

/* --- start ---------------------------------------------------------------- */

static void set_number(const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	if (value)
		setenv(name, text, 1);
	else
		unsetenv(name);
}

static void set_text(const char *name, const char *text)
{
	if (text)
		setenv(name, text, 1);
	else
		unsetenv(name);
}

static const struct fuzz_machine *find_machine(const char *name)
{
	unsigned i;

	for (i = 0; i < fuzz_nr_machines; i++)
		if (strcmp(fuzz_machines[i].name, name) == 0)
			return &fuzz_machines[i];
	require(false, "no machine \"%s\"", name);
	return NULL;
}

static void run_again(char **argv, const struct fuzz_machine *machine)
{
	setenv("FUZZ_MACHINE", machine->name, 1);
	setenv("FUZZ_STARTED", machine->name, 1);
	set_number("PCPU_POSSIBLE_CPUS", machine->cpus);
	set_number("PCPU_NODES", machine->nodes);
	set_text("PCPU_TEST_FAIL", machine->fail);
	set_text("PCPU_TEST_FILE", machine->file);
	set_text("PCPU_TEST_LIMIT", machine->limit);
	set_text("PCPU_CONTEXT", machine->context);
	set_text("PCPU_STATIC_PAGES", machine->pages ? "1" : NULL);
	set_text("PCPU_HUGEPAGES", machine->huge ? "1" : NULL);
	/* All of them may be played in debug mode. */
	if (machine->debug)
		setenv("PCPU_DEBUG", machine->debug, 1);
	set_text("GLIBC_TUNABLES",
		 machine->no_rseq ? "glibc.pthread.rseq=0" : NULL);
	execv("/proc/self/exe", argv);
	require(false, "execv: errno %d", errno);
}

/* What the first start could not do the next allocation does. */
static void start_late(void)
{
	struct pcpu_stats stats;

	require(!pcpu_alloc(8, 8) && errno == ENOMEM, "errno %d", errno);
	require(pcpu_trim() == 0 && libpcpu_nr_pages() == 0, "no memory");
	require(pcpu_stats_get(&stats) == 0 && stats.nr_units == 0, "%u units",
		stats.nr_units);
	inject_plan(NULL);
	require(!pcpu_alloc_flags(8, 8, PCPU_NOWAIT), "NOWAIT starts");
	pcpu_free(pcpu_alloc(8, 8));
	require(arena_is_ready(), "no start");
}

/* Fewer chunks than the layout has: the rest is never touched. */
static void limit_chunks(uint32_t nr)
{
	unsigned i;

	for (i = 0; i < arena_count(); i++) {
		struct arena *arena = arena_at(i);

		if (arena->pool.nr_chunks <= nr)
			continue;
		arena->pool.nr_chunks = nr;
		arena->pool.nr_words = 1;
		arena->shelves.nr_groups = 1;
	}
}

void fuzz_start(char **argv, const char *name)
{
	const char *started = getenv("FUZZ_STARTED");

	if (!name)
		name = getenv("FUZZ_MACHINE");
	if (!name)
		name = "scarce";
	fuzz_machine = find_machine(name);
	if (!started || strcmp(started, name) != 0)
		run_again(argv, fuzz_machine);
	if (!fuzz_machine->worker)
		inject_no_worker();
	if (!arena_is_ready())
		start_late();
	inject_plan(NULL);
	find_real_cpus();
	limit_chunks(fuzz_machine->chunks);
	if (!fuzz_machine->drops)
		inject_keep_pages(true);
}
