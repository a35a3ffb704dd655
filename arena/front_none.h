/* SPDX-License-Identifier: MIT */
/* No front: all its sequences are refused. Included by arena/front.h alone. */
#ifndef ARENA_FRONT_NONE_H
#define ARENA_FRONT_NONE_H

#include "arena/front.h"

static inline bool front_claim(const struct size_class *class,
			       struct claimed *claimed)
{
	(void)class, (void)claimed;
	return false;
}

static inline bool front_unclaim(const struct size_class *class,
				 struct object object)
{
	(void)class, (void)object;
	return false;
}

static inline bool front_try_exchange(unsigned cpu,
				      const struct size_class *class,
				      word_id expected, uint64_t held,
				      uint64_t free, uint64_t name)
{
	(void)cpu, (void)class, (void)expected, (void)held, (void)free,
		(void)name;
	return false;
}

#endif /* ARENA_FRONT_NONE_H */
