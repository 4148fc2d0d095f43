/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the driver has counted, from sysfs: Documentation/ABI/sysfs-class-famez.
 *
 * Counters are JSON objects of numbers, under their files' names, so that what
 * a newer driver counts is there without a word here.
 */
#ifndef FAMEZCTL_COUNTERS_H
#define FAMEZCTL_COUNTERS_H

#include "famezctl.h"

/* The directory of a device's counters, for counters_read().  Dies without. */
int counters_open(struct famez *handle);

/*
 * All that is there now: "peers" and "vectors" by their numbers, "totals", and
 * "rx_waits".  The caller gives it up.
 */
struct json_object *counters_read(int dir);

uint64_t counter_of(const struct json_object *counters, const char *name);

/* What is not zero in @now less @before, which may be NULL; NULL: nothing. */
struct json_object *counters_moved(struct json_object *now,
				   const struct json_object *before);

#endif /* FAMEZCTL_COUNTERS_H */
