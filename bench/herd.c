// SPDX-License-Identifier: MIT
#include "herd.h"

#include <stdlib.h>
#include <string.h>

static void *draw_one(struct herd *herd, struct mix_entry *entry)
{
	*entry = mix_draw(herd->mix, &herd->rng);
	return herd->rival->alloc(entry->size, entry->align);
}

/* As who owns it would. */
static void write_copies(const struct rival *rival, void *p, size_t size,
			 unsigned nr_cpus)
{
	unsigned cpu;

	for (cpu = 0; rival->ptr && cpu < nr_cpus; cpu++)
		memset(rival->ptr(p, cpu, size), 1, size);
}

struct herd *herd_new(const struct job *job, const struct mix *mix, unsigned nr,
		      unsigned seed)
{
	struct mix_entry entry;
	struct herd *herd;

	herd = calloc(1, sizeof(*herd) + nr * sizeof(herd->object[0]));
	if (!herd)
		return NULL;
	herd->rival = job->rival;
	herd->mix = mix;
	rng_seed(&herd->rng, seed);
	for (herd->nr = 0; herd->nr < nr; herd->nr++) {
		void *p = draw_one(herd, &entry);

		if (!p) {
			herd_forget(herd);
			return NULL;
		}
		write_copies(job->rival, p, entry.size, job->cpus);
		herd->object[herd->nr] = p;
	}
	return herd;
}

bool herd_replace(struct herd *herd, unsigned times)
{
	struct mix_entry entry;
	unsigned pick;

	while (times--) {
		pick = rng_below(&herd->rng, herd->nr);
		herd->rival->free(herd->object[pick]);
		herd->object[pick] = draw_one(herd, &entry);
		if (!herd->object[pick])
			return false;
	}
	return true;
}

void herd_forget(struct herd *herd)
{
	free(herd);
}
