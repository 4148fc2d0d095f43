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

#endif /* FAMEZ_TESTING_PLAN_H */
