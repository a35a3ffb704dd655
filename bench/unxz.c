// SPDX-License-Identifier: MIT
#include "unxz.h"

#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static bool reserve(char **text, size_t used, size_t *max)
{
	char *grown;

	if (used + 1 < *max)
		return true;
	grown = realloc(*text, *max * 2);
	if (!grown)
		return false;
	*text = grown;
	*max *= 2;
	return true;
}

/* The text with its length, or NULL with the stream to be ended still. */
static char *decode(lzma_stream *stream, FILE *file)
{
	size_t used = 0, max = 1 << 20;
	char *text = malloc(max);
	lzma_ret ret = LZMA_OK;
	uint8_t in[16384];

	while (text && ret == LZMA_OK && reserve(&text, used, &max)) {
		if (!stream->avail_in && !feof(file)) {
			stream->next_in = in;
			stream->avail_in = fread(in, 1, sizeof(in), file);
		}
		stream->next_out = (uint8_t *)text + used;
		stream->avail_out = max - 1 - used;
		ret = lzma_code(stream, feof(file) ? LZMA_FINISH : LZMA_RUN);
		used = max - 1 - stream->avail_out;
	}
	if (text && ret == LZMA_STREAM_END) {
		text[used] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

char *unxz_file(const char *path)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	FILE *file = fopen(path, "rb");
	char *text = NULL;

	if (!file)
		return NULL;
	if (lzma_stream_decoder(&stream, UINT64_MAX, 0) == LZMA_OK)
		text = decode(&stream, file);
	lzma_end(&stream);
	fclose(file);
	return text;
}
