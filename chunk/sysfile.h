/* SPDX-License-Identifier: MIT */
/*
 * Reading small files of /proc and /sys without stdio: it happens before
 * main(), maybe before malloc() is fit for use.
 */
#ifndef CHUNK_SYSFILE_H
#define CHUNK_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>

/* Read what fits into text[size], 0-terminated; false if nothing could be. */
bool sysfile_read(const char *path, char *text, size_t size);

#endif /* CHUNK_SYSFILE_H */
