// SPDX-License-Identifier: MIT
/* lib/test_vmalloc.c: its pcpu_alloc_test, in several threads. */
#define PCPU_ALLOC_TEST 128
#define NR_THREADS 4

int *callers_param_nr_threads(void);
int *callers_param_run_test_mask(void);
static int nr_passed;

static void listen(const char *line)
{
	if (!strstr(line, "Summary: pcpu_alloc_test"))
		return;
	require(strstr(line, "passed: 1 failed: 0"));
	nr_passed++;
}

void drive(void)
{
	*callers_param_nr_threads() = NR_THREADS;
	*callers_param_run_test_mask() = PCPU_ALLOC_TEST;
	callers_listener = listen;
	require(callers_init() == -EAGAIN);
	require(nr_passed == NR_THREADS);
	callers_exit();
}
