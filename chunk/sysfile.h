/* SPDX-License-Identifier: MIT */
/*
 * Reading small files of /proc and /sys without stdio: it happens before
 * main(), maybe before malloc() is fit for use.
 */
#ifndef CHUNK_SYSFILE_H
#define CHUNK_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>

/* Read it into text[size], 0-terminated; false if there is nothing, or more
 * than fits. */
bool sysfile_read(const char *path, char *text, size_t size);

#endif /* CHUNK_SYSFILE_H */
