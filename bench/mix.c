// SPDX-License-Identifier: MIT
#include "mix.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	MAX_SIZE = 32768, /* the largest per-CPU allocation there is */
	HALF_ALIGNED_FROM = 64,
};

static const struct {
	uint16_t size;
	uint16_t per_mille;
} kernel_mix[] = {
	{8, 450},  {4, 150},  {16, 100}, {24, 60},  {32, 80},
	{40, 30},  {64, 60},  {128, 30}, {256, 20}, {512, 10},
	{1024, 6}, {2048, 2}, {4096, 2},
};

/* What the compiler would give a type of that size on x86-64, at most 8. */
static uint16_t natural_align(uint16_t size)
{
	return size % 8 ? 4 : 8;
}

static bool mix_add(struct mix *mix, unsigned size, unsigned align)
{
	if (mix->nr == sizeof(mix->entry) / sizeof(mix->entry[0]))
		return false;
	mix->entry[mix->nr].size = (uint16_t)size;
	mix->entry[mix->nr].align = (uint16_t)align;
	mix->nr++;
	return true;
}

static void load_kernel(struct mix *mix)
{
	unsigned i, n;

	for (i = 0; i < sizeof(kernel_mix) / sizeof(kernel_mix[0]); i++) {
		uint16_t size = kernel_mix[i].size;

		for (n = 0; n < kernel_mix[i].per_mille; n++) {
			bool line = size >= HALF_ALIGNED_FROM && n % 2;

			mix_add(mix, size, line ? 64 : natural_align(size));
		}
	}
}

/* Lines of "size,align,sites,type,file" below two lines of head. */
static bool load_sites(struct mix *mix, const char *traces)
{
	unsigned size, align, sites;
	char path[4096], line[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/call_sites.csv", traces);
	file = fopen(path, "r");
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%u,%u,%u,", &size, &align, &sites) != 3)
			continue;
		while (size && size <= MAX_SIZE && sites--)
			mix_add(mix, size, align);
	}
	fclose(file);
	return mix->nr > 0;
}

bool mix_load(struct mix *mix, enum mix_kind kind, const char *traces,
	      const char **error)
{
	mix->nr = 0;
	switch (kind) {
	case MIX_8:
		return mix_add(mix, 8, 8);
	case MIX_KERNEL:
		load_kernel(mix);
		return true;
	case MIX_SITES:
		if (load_sites(mix, traces))
			return true;
		break;
	}
	*error = "call_sites.csv cannot be read (see --traces)";
	return false;
}
