/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For a build of a test that hunts for lost wake-ups: at each barrier, and each
 * ordered load and store, a thread may lose its CPU, or be late.  Included before
 * all else, by -include.
 */
#ifndef FAMEZ_TESTING_HUNT_H
#define FAMEZ_TESTING_HUNT_H

#include <sched.h>
#include <stdint.h>

/* A thread is quick for a while, then slow: so each waits for the other in turn. */
static inline void hunt_point(void)
{
	static __thread uint32_t seed, slow;
	uint32_t i;

	seed = seed * 1664525 + 1013904223 + (uint32_t)(uintptr_t)&seed;
	if (seed >> 25 == 0)
		slow = !slow;
	if (seed >> 29 == (slow ? 1 : 8))
		sched_yield();
	else if (seed >> 30 == 3)
		for (i = seed >> 16 & (slow ? 1023 : 15); i; i--)
			__asm__ volatile("");
}

#define FAMEZ_POINT()	hunt_point()

#endif /* FAMEZ_TESTING_HUNT_H */
