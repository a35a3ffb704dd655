// SPDX-License-Identifier: MIT
/*
 * Reports: one line, one write, whatever the message.
 */
#include "chunk/panic.h"

#include "tests/run_suite.h"
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int other_end;
static char line[1024];

/* A write to this standard error is one packet. */
static void redirect(void)
{
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
	close(ends[1]);
	other_end = ends[0];
}

/* The next packet; its length, or -1 if there is none. */
static ssize_t next_line(void)
{
	ssize_t n = recv(other_end, line, sizeof(line) - 1, MSG_DONTWAIT);

	line[n > 0 ? n : 0] = '\0';
	return n;
}

START_TEST(complain__any_message__one_write_of_one_line)
{
	redirect();
	complain("%s is %d, not %#x", "this", -7, 0x1fu);
	ck_assert_int_gt(next_line(), 0);
	ck_assert_str_eq(line, "libpcpu: this is -7, not 0x1f\n");
	ck_assert_int_eq(next_line(), -1);
}
END_TEST

START_TEST(complain__message_of_any_length__cut_but_still_a_line)
{
	static char text[1000];
	size_t length;

	redirect();
	for (length = 0; length < 600; length += 7) {
		ssize_t n;

		memset(text, 'x', length);
		text[length] = '\0';
		complain("%s", text);
		n = next_line();
		ck_assert_int_gt(n, 0);
		ck_assert_int_eq(line[n - 1], '\n');
		ck_assert_ptr_eq(strchr(line, '\n'), line + n - 1);
		ck_assert_int_le(n, 256);
		ck_assert_uint_eq(strspn(line + 9, "x"), (size_t)n - 10);
		if (length < 240)
			ck_assert_uint_eq((size_t)n, length + 10);
	}
}
END_TEST

START_TEST(complain__standard_error_closed__errno_stays)
{
	int code;

	close(STDERR_FILENO);
	errno = EXDEV;
	complain("nobody reads this");
	code = errno;
	ck_assert_int_eq(code, EXDEV);
}
END_TEST

START_TEST(panic__any_message__line_then_abort)
{
	pid_t pid;
	int status;

	redirect();
	pid = fork();
	if (!pid)
		panic("%p is wrong", (void *)0x1000);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	ck_assert_int_gt(next_line(), 0);
	ck_assert_str_eq(line, "libpcpu: 0x1000 is wrong\n");
	ck_assert_int_eq(next_line(), -1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("panic");
	TCase *tc = tcase_create("panic");

	tcase_add_test(tc, complain__any_message__one_write_of_one_line);
	tcase_add_test(tc,
		       complain__message_of_any_length__cut_but_still_a_line);
	tcase_add_test(tc, complain__standard_error_closed__errno_stays);
	tcase_add_test(tc, panic__any_message__line_then_abort);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
