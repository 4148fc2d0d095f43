/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAMEZCTL_STATS_H
#define FAMEZCTL_STATS_H

#include "famezctl.h"

/**
 * struct stats - what is printed
 * @all: what is zero, too
 * @name_width: of the longest name of a peer
 * @peers: by their ids
 * @vectors: by their numbers, NULL: some peers alone are printed
 * @totals: of all peers, also of those that are not printed
 * @rx_waits: of no peer
 */
struct stats {
	bool all;
	int name_width;
	struct json_object *peers;
	struct json_object *vectors;
	struct json_object *totals;
	uint64_t rx_waits;
};

/* ---- stats.c -------------------------------------------------------------- */

/* The name of a peer. */
const char *stats_name(const char *id);

/* ---- stats-table.c -------------------------------------------------------- */

/* A table of the peers, then a line for each that has counted more. */
void stats_print(struct stats *stats);

#endif /* FAMEZCTL_STATS_H */
