// SPDX-License-Identifier: MIT
#include "herd.h"

#include <stdlib.h>

static void *draw_one(struct herd *herd)
{
	struct mix_entry entry = mix_draw(herd->mix, &herd->rng);

	return herd->rival->alloc(entry.size, entry.align);
}

struct herd *herd_new(const struct rival *rival, const struct mix *mix,
		      unsigned nr, unsigned seed)
{
	struct herd *herd;

	herd = calloc(1, sizeof(*herd) + nr * sizeof(herd->object[0]));
	if (!herd)
		return NULL;
	herd->rival = rival;
	herd->mix = mix;
	rng_seed(&herd->rng, seed);
	for (herd->nr = 0; herd->nr < nr; herd->nr++) {
		herd->object[herd->nr] = draw_one(herd);
		if (!herd->object[herd->nr]) {
			herd_forget(herd);
			return NULL;
		}
	}
	return herd;
}

bool herd_replace(struct herd *herd, unsigned times)
{
	unsigned pick;

	while (times--) {
		pick = rng_below(&herd->rng, herd->nr);
		herd->rival->free(herd->object[pick]);
		herd->object[pick] = draw_one(herd);
		if (!herd->object[pick])
			return false;
	}
	return true;
}

void herd_forget(struct herd *herd)
{
	free(herd);
}
