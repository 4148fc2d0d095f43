// SPDX-License-Identifier: GPL-2.0
/*
 * Which parts of FAM have names, and which are not for programs to write, by tables of
 * the control area.  A plain device of a fabric's memory has them, too, and maps them
 * for as long as it looks.
 */
#include "bridge.h"

/* The memory from its start up to the end of the tables; @w is closed afterwards. */
static const void *famez_tables_open(struct famez_bridge *b, struct famez_window *w)
{
	*w = (struct famez_window) { };
	if (famez_has_messages(b))
		return b->control;
	if (!b->tables.regions.count ||
	    famez_window_open(w, b->memory, famez_tables_end(&b->tables)))
		return NULL;
	return w->at;
}

bool famez_region(struct famez_bridge *b, u32 index, struct famez_region_info *info)
{
	struct famez_window w;
	const void *memory = famez_tables_open(b, &w);
	bool there;

	there = memory && famez_tables_region(&b->tables, memory, index, info);
	famez_window_close(&w);
	return there;
}

bool famez_fam_in_use(struct famez_bridge *b, u64 offset, u64 length)
{
	struct famez_window w;
	const void *memory = famez_tables_open(b, &w);
	bool in_use;

	in_use = memory && famez_tables_in_use(&b->tables, memory, offset, length);
	famez_window_close(&w);
	return in_use;
}
