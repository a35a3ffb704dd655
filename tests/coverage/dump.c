// SPDX-License-Identifier: MIT
/*
 * What ran is written down at exit(), so a program that aborts, as tests of
 * wrong frees do, or that leaves by _exit(), as forked children do, would have
 * run for nothing. For programs linked with --wrap=abort,--wrap=_exit.
 */
void __gcov_dump(void);
/* Weak, for a program that wants no --wrap=abort. */
__attribute__((weak)) _Noreturn void __real_abort(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap_abort(void);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap_abort(void)
{
	__gcov_dump();
	__real_abort();
}

_Noreturn void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
