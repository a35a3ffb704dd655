// SPDX-License-Identifier: MIT
/*
 * refuse CALL[=ERROR],... PROGRAM ARGUMENT...: run a program for which the
 * system refuses these calls, as it does in containers and on old kernels. The
 * error's number is ENOSYS unless it is given.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS_MAX 16u

static const struct {
	const char *name;
	unsigned nr;
} known[] = {
	{"rseq", SYS_rseq},
	{"membarrier", SYS_membarrier},
	{"mbind", SYS_mbind},
	{"get_mempolicy", SYS_get_mempolicy},
	{"set_mempolicy", SYS_set_mempolicy},
	{"move_pages", SYS_move_pages},
	{"madvise", SYS_madvise},
	{"mincore", SYS_mincore},
	{"sched_getaffinity", SYS_sched_getaffinity},
};

static struct sock_filter code[2 + 2 * CALLS_MAX] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
};
static unsigned short nr_code = 1;

static void add(struct sock_filter step)
{
	code[nr_code++] = step;
}

static void refuse(char *call)
{
	char *error = strchr(call, '=');
	unsigned i, number = error ? (unsigned)atoi(error + 1) : ENOSYS;

	if (error)
		*error = '\0';
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, call))
			break;
	if (i == sizeof(known) / sizeof(known[0]) ||
	    nr_code + 3u > sizeof(code) / sizeof(code[0])) {
		fprintf(stderr, "refuse: %s is unknown, or one too many\n",
			call);
		exit(2);
	}
	add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, known[i].nr,
					 0, 1));
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K,
					 SECCOMP_RET_ERRNO | number));
}

int main(int argc, char **argv)
{
	struct sock_fprog program = {.filter = code};
	char *rest = NULL, *call;

	if (argc < 3) {
		fprintf(stderr, "usage: refuse CALL[=ERROR],... PROGRAM...\n");
		return 2;
	}
	for (call = strtok_r(argv[1], ",", &rest); call;
	     call = strtok_r(NULL, ",", &rest))
		refuse(call);
	add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	program.len = nr_code;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program)) {
		perror("refuse: seccomp");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 2;
}
