/* SPDX-License-Identifier: MIT */
/*
 * Numbers from the environment, read once at start.
 */
#ifndef CHUNK_ENV_H
#define CHUNK_ENV_H

/* A whole number in [min, max]; 0 if there is none, with a message if what
 * there is cannot be used. */
unsigned env_number(const char *name, unsigned min, unsigned max);

#endif /* CHUNK_ENV_H */
