/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAMEZCTL_MONITOR_H
#define FAMEZCTL_MONITOR_H

#include "famezctl.h"

/* ---- monitor-lines.c: a line on standard output, with the time ------------ */

void monitor_event(const struct famez_event *event, bool json);

/* What one of the "peers" or "vectors" has counted since the last line. */
void monitor_moved(const char *what, uint32_t number, struct json_object *moved,
		   bool json);

#endif /* FAMEZCTL_MONITOR_H */
