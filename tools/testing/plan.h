/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a cmocka program ends in the tests: with its planned count, so that one
 * that stopped half-way is not taken for one that passed.
 */
#ifndef FAMEZ_TESTING_PLAN_H
#define FAMEZ_TESTING_PLAN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#define RUN_PLAN(name, tests) \
	run_plan(cmocka_run_group_tests_name(name, tests, NULL, NULL), \
		 sizeof(tests) / sizeof((tests)[0]))

static inline int run_plan(int failed, size_t planned)
{
	if (failed)
		return 1;
	printf("PLAN-COMPLETE %zu\n", planned);
	return fflush(stdout) ? 1 : 0;
}

/* The end of a child, which is not to go on with the tests.  For make coverage it
 * leaves what it has counted.
 */
#ifdef FAMEZ_GCOV
void __gcov_dump(void);
#else
static inline void __gcov_dump(void)
{
}
#endif

static inline __attribute__((noreturn)) void end_child(int code)
{
	__gcov_dump();
	_exit(code);
}

#endif /* FAMEZ_TESTING_PLAN_H */
