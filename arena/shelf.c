// SPDX-License-Identifier: MIT
#include "arena/shelf.h"

#include "chunk/layout.h"
#include "chunk/word.h"

static uint32_t groups_of(uint32_t nr_chunks)
{
	return (nr_chunks + WORD_BITS - 1) / WORD_BITS;
}

size_t shelf_bytes(uint32_t nr_chunks)
{
	uint32_t groups = groups_of(nr_chunks);

	return (groups + groups_of(groups)) * NR_SHELVES * sizeof(atom64);
}

bool shelf_init(struct shelves *shelves, uint32_t nr_chunks)
{
	shelves->nr_groups = groups_of(nr_chunks);
	shelves->nr_summaries = groups_of(shelves->nr_groups);
	shelves->summary = layout_reserve(shelf_bytes(nr_chunks));
	if (!shelves->summary)
		return false;
	shelves->leaf = shelves->summary + shelves->nr_summaries * NR_SHELVES;
	return true;
}

static atom64 *leaf_of(struct shelves *shelves, unsigned kind, uint32_t group)
{
	return &shelves->leaf[(size_t)group * NR_SHELVES + kind];
}

static atom64 *summary_of(struct shelves *shelves, unsigned kind,
			  uint32_t group)
{
	return &shelves->summary[kind * shelves->nr_summaries +
				 group / WORD_BITS];
}

/* Set a bit that mostly is set already. */
static void set_bit(atom64 *word, uint64_t bit)
{
	/* seq_cst [shelf]: what the bit stands for was made true before; who
	 * clears the bit looks for that next. One of the two must see the
	 * other, so neither the store nor this load may move. */
	if (!(load_seq_cst(word) & bit))
		fetch_or_seq_cst(word, bit); /* seq_cst [shelf]: the same */
}

void shelf_add(struct shelves *shelves, unsigned kind, uint32_t chunk)
{
	uint32_t group = chunk / WORD_BITS;

	set_bit(leaf_of(shelves, kind, group), word_bit(chunk % WORD_BITS));
	/* Always: who set the leaf may not have come to this yet. */
	set_bit(summary_of(shelves, kind, group), word_bit(group % WORD_BITS));
}

void shelf_remove(struct shelves *shelves, unsigned kind, uint32_t chunk)
{
	uint32_t group = chunk / WORD_BITS;
	uint64_t bit = word_bit(chunk % WORD_BITS);
	uint64_t group_bit = word_bit(group % WORD_BITS);
	atom64 *leaf = leaf_of(shelves, kind, group);
	atom64 *summary = summary_of(shelves, kind, group);

	/* seq_cst [shelf]: the caller looks again after this; see set_bit() */
	if (fetch_and_seq_cst(leaf, ~bit) & ~bit)
		return;
	/* seq_cst [shelf]: the leaf is looked at again after this */
	fetch_and_seq_cst(summary, ~group_bit);
	if (load_seq_cst(leaf)) /* seq_cst [shelf]: see set_bit() */
		set_bit(summary, group_bit);
}

/* First set bit of the word at or above `from`, or 64. */
static unsigned next_bit(uint64_t word, unsigned from)
{
	word &= UINT64_MAX << from;
	return word ? word_first(word) : WORD_BITS;
}

uint32_t shelf_find(struct shelves *shelves, unsigned kind, uint32_t from)
{
	uint32_t group = from / WORD_BITS;
	unsigned bit = from % WORD_BITS;

	while (group < shelves->nr_groups) {
		/* relaxed: a hint, claims decide */
		uint64_t groups =
			load_relaxed(summary_of(shelves, kind, group));
		unsigned next = next_bit(groups, group % WORD_BITS);

		if (next != group % WORD_BITS)
			bit = 0;
		group = group / WORD_BITS * WORD_BITS + next;
		if (next == WORD_BITS)
			continue;
		/* relaxed: the same */
		bit = next_bit(load_relaxed(leaf_of(shelves, kind, group)),
			       bit);
		if (bit < WORD_BITS)
			return group * WORD_BITS + bit;
		group++;
		bit = 0;
	}
	return UINT32_MAX;
}
