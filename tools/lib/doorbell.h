/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Ringing an eventfd that strangers share, and hearing it.
 *
 * O_NONBLOCK belongs to the open file, and so to everyone who was given it: a
 * client that clears it (QEMU does, for vectors that it does not use) would make
 * a plain read or write sleep.
 */
#ifndef FAMEZ_LIB_DOORBELL_H
#define FAMEZ_LIB_DOORBELL_H

#include <stdbool.h>

/* May it be one?  Nothing else may be rung or asked. */
bool doorbell_is_eventfd(int fd);

/* Rings; one whose counter is full is rung already. */
void doorbell_ring(int fd);

/* Was it rung since this was last asked?  Never sleeps. */
bool doorbell_take(int fd);

#endif /* FAMEZ_LIB_DOORBELL_H */
