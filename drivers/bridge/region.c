// SPDX-License-Identifier: GPL-2.0
/*
 * Which parts of FAM have names, and which are not for programs to write, by tables of
 * the control area.  A plain device of a fabric's memory has them, too, and maps them
 * for as long as it looks.
 */
#include "bridge.h"

/*
 * The memory from its start up to the end of the tables; @w is closed afterwards.  NULL:
 * there are none, or another switch has the memory by now: then FAM is anybody's.  An
 * error: they cannot be read, and nobody's is what is not known.
 */
static const void *famez_tables_open(struct famez_bridge *b, struct famez_window *w)
{
	int err;

	*w = (struct famez_window) { };
	if (b->tables.unknown)
		return ERR_PTR(-EPROTONOSUPPORT);
	if (famez_has_table(b))
		return famez_lost(b) ? NULL : b->control;
	if (!b->tables.regions.count)
		return NULL;
	err = famez_window_open(w, b->memory, famez_tables_end(&b->tables));
	return err ? ERR_PTR(err) : w->at;
}

int famez_regions(struct famez_bridge *b, u32 *index, struct famez_region_info *infos,
		  u32 room)
{
	struct famez_window w;
	const void *memory = famez_tables_open(b, &w);
	int count = 0;

	if (IS_ERR(memory))
		return PTR_ERR(memory);
	for (; memory && *index < b->tables.regions.count && count < (int)room; ++*index)
		count += famez_tables_region(&b->tables, memory, *index, &infos[count]);
	famez_window_close(&w);
	if (!memory)
		*index = b->tables.regions.count;
	return count;
}

const char *famez_fam_conflict(struct famez_bridge *b, u32 use,
			       const struct famez_region_info *want)
{
	struct famez_window w;
	const void *memory = famez_tables_open(b, &w);
	const char *why = NULL;

	if (IS_ERR(memory))
		why = "who uses FAM cannot be told: there is no memory to look";
	else if (memory)
		why = famez_tables_conflict(&b->tables, memory, b->id, use, want);
	famez_window_close(&w);
	return why;
}

bool famez_fam_in_use(struct famez_bridge *b, u64 offset, u64 length)
{
	struct famez_window w;
	const void *memory = famez_tables_open(b, &w);
	bool in_use;

	in_use = IS_ERR(memory) ||
		 (memory && famez_tables_in_use(&b->tables, memory, offset, length));
	famez_window_close(&w);
	return in_use;
}
