// SPDX-License-Identifier: MIT
#include "runner.h"

#include "clock.h"
#include "progress.h"
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLE_LIMIT_MS = 30000 };

/* What the child must do between fork and exec. */
static _Noreturn void become_worker(const struct cell *cell,
				    const struct options *options,
				    const char *bench, int out)
{
	char cpus[16], threads[16], window[16];
	char *argv[] = {
		(char *)"pcpu-bench",
		(char *)WORKER_FLAG,
		(char *)bench,
		(char *)cell->rival->name,
		cpus,
		threads,
		window,
		(char *)options->traces,
		NULL,
	};

	snprintf(cpus, sizeof(cpus), "%u", cell->cpus);
	snprintf(threads, sizeof(threads), "%u", cell->threads);
	snprintf(window, sizeof(window), "%u", options->window_ms);
	setenv("PCPU_POSSIBLE_CPUS", cpus, 1);
	if (cell->bench && cell->bench->context)
		setenv("PCPU_CONTEXT", cell->bench->context, 1);
	if (cell->rival->huge_pages)
		setenv("PCPU_HUGEPAGES", "1", 1);
	if (cell->rival->preload)
		setenv("LD_PRELOAD", cell->rival->preload, 1);
	dup2(out, STDOUT_FILENO);
	/* The loader's complaint about a missing library; probe tells. */
	if (!strcmp(bench, WORKER_PROBE)) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
	}
	execv("/proc/self/exe", argv);
	_exit(127);
}

/* All that the worker says, or NULL when it took too long. */
static bool listen_to(int fd, char *text, size_t size)
{
	uint64_t end_ns = clock_ns() + SAMPLE_LIMIT_MS * UINT64_C(1000000);
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	size_t used = 0;

	for (;;) {
		uint64_t now_ns = clock_ns();
		ssize_t len;

		if (now_ns >= end_ns)
			return false;
		poll(&poll_fd, 1, (int)((end_ns - now_ns) / 1000000 + 1));
		if (!poll_fd.revents)
			continue;
		len = read(fd, text + used, size - 1 - used);
		if (len <= 0)
			break;
		used += (size_t)len;
	}
	text[used] = '\0';
	return true;
}

static void note_end(char *note, size_t size, int status)
{
	if (WIFSIGNALED(status))
		snprintf(note, size, "worker ended by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WIFEXITED(status) && WEXITSTATUS(status))
		snprintf(note, size, "worker exited with status %d",
			 WEXITSTATUS(status));
}

/* The worker's answer in text; what was wrong with it in note, else empty. */
static void ask_worker(const struct cell *cell, const struct options *options,
		       const char *bench, char *text, char *note)
{
	enum { NOTE = sizeof(cell->note) };
	int fd[2], status = 0;
	pid_t pid;

	note[0] = '\0';
	if (pipe2(fd, O_CLOEXEC) || (pid = fork()) < 0) {
		snprintf(note, NOTE, "no worker: %s", strerror(errno));
		return;
	}
	if (!pid)
		become_worker(cell, options, bench, fd[1]);
	close(fd[1]);
	if (!listen_to(fd[0], text, BUFSIZ)) {
		kill(pid, SIGKILL);
		snprintf(note, NOTE, "gave no result in %d s",
			 SAMPLE_LIMIT_MS / 1000);
	}
	close(fd[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!note[0])
		note_end(note, NOTE, status);
}

static void take_sample(struct cell *cell, const struct options *options,
			const char *bench, unsigned repeat)
{
	char text[BUFSIZ], note[sizeof(cell->note)];
	const char *error;
	unsigned i;
	json_t *json;

	ask_worker(cell, options, bench, text, note);
	if (note[0]) {
		memcpy(cell->note, note, sizeof(note));
		return;
	}
	json = json_loads(text, 0, NULL);
	error = json ? json_string_value(json_object_get(json, "error"))
		     : "worker said nothing";
	if (error)
		snprintf(cell->note, sizeof(cell->note), "%s", error);
	for (i = 0; !error && cell->bench && cell->bench->metrics[i].name;
	     i++) {
		json_t *value =
			json_object_get(json, cell->bench->metrics[i].name);

		if (json_is_number(value))
			cell->value[i][repeat] = json_number_value(value);
	}
	json_decref(json);
}

/* A rival that cannot run here is asked once, not once per cell. */
static void probe_rivals(struct plan *plan)
{
	struct cell probe;
	unsigned i, r;

	for (r = 0; rivals[r]; r++) {
		memset(&probe, 0, sizeof(probe));
		probe.rival = rivals[r];
		probe.cpus = plan->real_cpus;
		take_sample(&probe, plan->options, WORKER_PROBE, 0);
		for (i = 0; probe.note[0] && i < plan->nr; i++) {
			if (plan->cell[i].rival == rivals[r])
				memcpy(plan->cell[i].note, probe.note,
				       sizeof(probe.note));
		}
	}
}

static bool wants_sample(const struct cell *cell, unsigned repeat)
{
	unsigned max = cell->bench->repeats;

	return !cell->note[0] && (!max || repeat < max);
}

static bool out_of_time(const struct plan *plan, uint64_t begin_ns)
{
	return plan->options->limit_s &&
	       clock_ns() - begin_ns >
		       plan->options->limit_s * UINT64_C(1000000000);
}

void runner_run(struct plan *plan)
{
	uint64_t begin_ns = clock_ns();
	unsigned i, repeat, done = 0;
	struct progress progress;

	probe_rivals(plan);
	progress_begin(&progress, plan->nr * plan->options->repeats);
	for (repeat = 0; repeat < plan->options->repeats; repeat++) {
		plan->repeats = repeat + 1;
		for (i = 0; i < plan->nr; i++) {
			unsigned at = repeat % 2 ? plan->nr - 1 - i : i;
			struct cell *cell = &plan->cell[at];

			if (out_of_time(plan, begin_ns)) {
				plan->cut_short = true;
				progress_end(&progress);
				return;
			}
			progress_show(&progress, done++, cell);
			if (wants_sample(cell, repeat))
				take_sample(cell, plan->options,
					    cell->bench->name, repeat);
		}
	}
	progress_end(&progress);
}
