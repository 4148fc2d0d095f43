// SPDX-License-Identifier: GPL-2.0
/* Words for numbers, and names for peers. */
#include <stdlib.h>
#include <string.h>
#include <linux/famez_fabric.h>
#include "famezctl.h"

const char *config_name(uint32_t config)
{
	switch (config) {
	case FAMEZ_CONFIG_FAMEZ:
		return "famez";
	case FAMEZ_CONFIG_MAILSLOTS:
		return "mailslots";
	case FAMEZ_CONFIG_RAW:
		return "raw";
	case FAMEZ_CONFIG_PLAIN:
		return "plain";
	case FAMEZ_CONFIG_NEWER:
		return "newer";
	default:
		return "unknown";
	}
}

const char *memory_type_name(uint32_t type)
{
	switch (type) {
	case FAMEZ_MEMORY_WB:
		return "write-back";
	case FAMEZ_MEMORY_WT:
		return "write-through";
	case FAMEZ_MEMORY_WC:
		return "write-combining";
	case FAMEZ_MEMORY_UC_MINUS:
	case FAMEZ_MEMORY_UC:
		return "uncached";
	default:
		return "unknown";
	}
}

const char *fam_use_name(uint32_t use)
{
	bool whole = use & FAMEZ_FAM_USE_WHOLE;

	if (use & FAMEZ_FAM_USE_ALONE)
		return "ram";
	switch (use & FAMEZ_FAM_USE_MASK) {
	case 0:
		return "-";
	case FAMEZ_FAM_USE_PMEM:
		return whole ? "pmem" : "pmem-region";
	case FAMEZ_FAM_USE_DAX:
		return whole ? "dax" : "dax-region";
	default:
		return "unknown";
	}
}

const char *kind_name(uint32_t kind)
{
	switch (kind) {
	case FAMEZ_PEER_KIND_SWITCH:
		return "switch";
	case FAMEZ_PEER_KIND_BRIDGE:
		return "bridge";
	case FAMEZ_PEER_KIND_HOST:
		return "host";
	default:
		return "-";
	}
}

const char *state_name(uint32_t state)
{
	switch (state) {
	case FAMEZ_PEER_STATE_ATTACHED:
		return "attached";
	case FAMEZ_PEER_STATE_UP:
		return "up";
	case FAMEZ_PEER_STATE_OLD:
		return "mailslot";
	default:
		return "-";
	}
}

const char *event_name(uint32_t type)
{
	switch (type) {
	case FAMEZ_EVENT_JOINED:
		return "joined";
	case FAMEZ_EVENT_UP:
		return "up";
	case FAMEZ_EVENT_DOWN:
		return "down";
	case FAMEZ_EVENT_LEFT:
		return "left";
	case FAMEZ_EVENT_OVERFLOW:
		return "overflow";
	default:
		return "unknown";
	}
}

const char *clean_name(const char *name, char clean[CLEAN_SIZE])
{
	size_t i;

	for (i = 0; i < CLEAN_SIZE - 1 && name[i]; i++)
		clean[i] = name[i] > ' ' && name[i] <= '~' ? name[i] : '?';
	clean[i] = '\0';
	return i ? clean : "-";
}

/* By id. */
static char (*names)[CLEAN_SIZE];
static size_t names_max;

static void make_room(size_t max)
{
	if (max <= names_max)
		return;
	names = reallocarray(names, max, sizeof(*names));
	if (!names)
		die("no memory for the peers' names");
	memset(names + names_max, 0, (max - names_max) * sizeof(*names));
	names_max = max;
}

void names_update(struct famez *handle)
{
	struct famez_peer_info *peers;
	char clean[CLEAN_SIZE];
	size_t count, i;

	/* names are a courtesy: whoever receives next tells what is wrong */
	if (famez_get_peers(handle, &peers, &count, sizeof(*peers)))
		return;
	for (i = 0; i < count; i++) {
		/* one that is down has none any more, but had */
		if (!*peers[i].name)
			continue;
		make_room(peers[i].id + 1);
		strcpy(names[peers[i].id], clean_name(peers[i].name, clean));
	}
	free(peers);
}

void name_forget(uint32_t peer)
{
	if (peer < names_max)
		*names[peer] = '\0';
}

const char *name_of(uint32_t peer)
{
	return peer < names_max && *names[peer] ? names[peer] : "-";
}
