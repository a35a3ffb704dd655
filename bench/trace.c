// SPDX-License-Identifier: MIT
#include "trace.h"

#include "unxz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line of a recording; size and align are 0 for a free. */
struct event {
	unsigned cpu;
	unsigned thread;
	char op;
	uint32_t id;
	uint32_t size;
	uint32_t align;
};

/* Where an event went: enough to wait for it. */
struct place {
	uint32_t step;
	uint8_t lane;
	uint8_t known;
};

/* What must be remembered of earlier events while the lanes are built. */
struct builder {
	struct trace *trace;
	struct place *alloc_of; /* by object */
	struct place *last_of;  /* by recorded thread */
	uint32_t nr_ids;
	uint32_t nr_threads;
};

static uint32_t next_number(const char **at)
{
	char *end;
	unsigned long value = strtoul(*at, &end, 10);

	*at = *end == ',' ? end + 1 : end;
	return (uint32_t)value;
}

/* us,cpu,thread,op,id,size,align,atomic,call_site */
static bool parse_event(const char *line, struct event *event)
{
	if (*line < '0' || *line > '9')
		return false;
	next_number(&line);
	event->cpu = next_number(&line);
	event->thread = next_number(&line);
	event->op = *line;
	if ((event->op != 'a' && event->op != 'f') || line[1] != ',')
		return false;
	line += 2;
	event->id = next_number(&line);
	event->size = next_number(&line);
	event->align = next_number(&line);
	return event->cpu < MAX_LANES;
}

static const char *next_line(const char *at)
{
	at = strchr(at, '\n');
	return at ? at + 1 : "";
}

static bool lane_add(struct lane *lane, struct step step)
{
	if (lane->nr == lane->max) {
		uint32_t max = lane->max ? lane->max * 2 : 4096;
		struct step *grown;

		grown = realloc(lane->step, max * sizeof(*grown));
		if (!grown)
			return false;
		lane->step = grown;
		lane->max = max;
	}
	lane->step[lane->nr++] = step;
	return true;
}

static bool wait_for(struct trace *trace, unsigned lane, struct place place)
{
	struct lane *own = &trace->lane[lane];
	struct step wait = {.op = STEP_WAIT};

	if (!place.known || place.lane == lane ||
	    own->seen[place.lane] > place.step)
		return true;
	own->seen[place.lane] = place.step + 1;
	trace->lane[place.lane].step[place.step].announces = true;
	wait.size = place.lane;
	wait.at = place.step;
	return lane_add(own, wait);
}

static bool add_event(struct builder *builder, const struct event *event)
{
	struct trace *trace = builder->trace;
	struct lane *lane = &trace->lane[event->cpu];
	struct place *alloc = &builder->alloc_of[event->id];
	struct place here = {.lane = (uint8_t)event->cpu, .known = true};
	struct step step = {
		.op = event->op == 'a' ? STEP_ALLOC : STEP_FREE,
		.size = event->size,
		.align = (uint16_t)event->align,
		.at = event->id,
	};

	/* A free of what was allocated before the recording began. */
	if (event->op == 'f' && !alloc->known)
		return true;
	if (!wait_for(trace, event->cpu, builder->last_of[event->thread]))
		return false;
	if (event->op == 'f' && !wait_for(trace, event->cpu, *alloc))
		return false;
	here.step = lane->nr;
	if (!lane_add(lane, step))
		return false;
	if (event->op == 'a')
		*alloc = here;
	builder->last_of[event->thread] = here;
	trace->nr_events++;
	return true;
}

static void measure(struct builder *builder, const char *text)
{
	struct event event;

	for (; *text; text = next_line(text)) {
		if (!parse_event(text, &event))
			continue;
		if (event.id >= builder->nr_ids)
			builder->nr_ids = event.id + 1;
		if (event.thread >= builder->nr_threads)
			builder->nr_threads = event.thread + 1;
		if (event.cpu >= builder->trace->nr_lanes)
			builder->trace->nr_lanes = event.cpu + 1;
	}
}

static const char *build(struct builder *builder, const char *text)
{
	const char *error = NULL;
	struct event event;

	measure(builder, text);
	if (!builder->nr_ids)
		return "trace holds no events";
	builder->alloc_of = calloc(builder->nr_ids, sizeof(struct place));
	builder->last_of = calloc(builder->nr_threads, sizeof(struct place));
	if (!builder->alloc_of || !builder->last_of)
		error = "no memory for the trace";
	for (; !error && *text; text = next_line(text)) {
		if (parse_event(text, &event) && !add_event(builder, &event))
			error = "no memory for the trace";
	}
	builder->trace->nr_objects = builder->nr_ids;
	free(builder->alloc_of);
	free(builder->last_of);
	return error;
}

const char *trace_load(struct trace *trace, const char *folder,
		       const char *name)
{
	struct builder builder = {.trace = trace};
	const char *error;
	char path[4096];
	char *text;

	memset(trace, 0, sizeof(*trace));
	snprintf(path, sizeof(path), "%s/%s.csv.xz", folder, name);
	text = unxz_file(path);
	if (!text)
		return "trace cannot be read (see --traces)";
	error = build(&builder, text);
	free(text);
	return error;
}
