// SPDX-License-Identifier: MIT
/*
 * A server's endpoint for statistics. Requests and memory are tree counters:
 * whoever asks gets an approximation from one load, however many CPUs there
 * are, with how far it may be off. The same counter guards a limit: the exact
 * sum is made only when the approximation is too near to tell.
 *
 *	stats [THREADS]
 */
#include <pcpu/counter.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NR_REQUESTS 200000
#define NR_SCRAPES 50
#define REQUEST_BYTES 4096
#define LIMIT (64 * REQUEST_BYTES)

static struct pcpu_counter_tree requests, memory;
static atomic_long refused;

/* --- the server ----------------------------------------------------------- */

/* Some requests are still under way when the next one comes. */
static void *serve(void *arg)
{
	int i, under_way = 0;

	for (i = 0; i < NR_REQUESTS; i++) {
		if (pcpu_counter_tree_compare_value(&memory, LIMIT) >= 0) {
			refused++;
		} else {
			pcpu_counter_tree_add(&memory, REQUEST_BYTES);
			under_way++;
		}
		pcpu_counter_tree_add(&requests, 1);
		if (under_way == 50) {
			pcpu_counter_tree_add(&memory, -50 * REQUEST_BYTES);
			under_way = 0;
		}
	}
	pcpu_counter_tree_add(&memory, -under_way * REQUEST_BYTES);
	return arg;
}

/* --- the endpoint --------------------------------------------------------- */

static int format(char *text, size_t size)
{
	return snprintf(text, size,
			"requests %ld\nrequests_error %ld\n"
			"memory_bytes %ld\nmemory_bytes_error %ld\n",
			(long)pcpu_counter_tree_approximate(&requests),
			(long)pcpu_counter_tree_error(&requests),
			(long)pcpu_counter_tree_approximate(&memory),
			(long)pcpu_counter_tree_error(&memory));
}

/* A line asks, the text answers, until the other side hangs up. */
static void *answer(void *arg)
{
	int fd = *(int *)arg;
	char line[16], text[256];

	while (read(fd, line, sizeof(line)) > 0) {
		int n = format(text, sizeof(text));

		if (write(fd, text, (size_t)n) != n)
			break;
	}
	close(fd);
	return NULL;
}

/* --- who asks ------------------------------------------------------------- */

static long figure(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? atol(at + strlen(name)) : -1;
}

/* Returns the requests so far, as the endpoint says. */
static long scrape(int fd, char *text, size_t size)
{
	ssize_t n;

	if (write(fd, "get\n", 4) != 4)
		return -1;
	n = read(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	return figure(text, "requests ");
}

/* Once nobody counts, the approximation must be as near as it says. */
static int is_near(const char *text, long exact)
{
	long off = figure(text, "requests ") - exact;

	return labs(off) <= figure(text, "requests_error ");
}

int main(int argc, char **argv)
{
	size_t i, nr = argc > 1 ? (size_t)atoi(argv[1]) : 4;
	pthread_t *threads = calloc(nr, sizeof(*threads)), endpoint;
	char text[256];
	int fds[2], ok;
	long exact;

	if (pcpu_counter_tree_init(&requests, 0) ||
	    pcpu_counter_tree_init(&memory, 8 * REQUEST_BYTES) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, fds)) {
		perror("stats");
		return EXIT_FAILURE;
	}
	pthread_create(&endpoint, NULL, answer, &fds[1]);
	for (i = 0; i < nr; i++)
		pthread_create(&threads[i], NULL, serve, NULL);
	for (i = 0; i < NR_SCRAPES; i++)
		scrape(fds[0], text, sizeof(text));
	for (i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	scrape(fds[0], text, sizeof(text));
	close(fds[0]);
	pthread_join(endpoint, NULL);
	exact = (long)pcpu_counter_tree_sum(&requests);
	ok = exact == (long)nr * NR_REQUESTS && is_near(text, exact) &&
	     pcpu_counter_tree_sum(&memory) == 0;
	printf("%sexact: %ld requests, %ld refused\n", text, exact, refused);
	pcpu_counter_tree_destroy(&memory);
	pcpu_counter_tree_destroy(&requests);
	free(threads);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
