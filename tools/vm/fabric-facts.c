// SPDX-License-Identifier: GPL-2.0
/* What a running switch tells who is about to give its memory to a guest. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "fabric-facts.h"
#include "famez.h"

/* The file that holds @address, as the kernel knows it; nobody else tells. */
static void name_of_memory(char *name, size_t room, const void *address)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], path[256];
	unsigned long from, to;

	*name = 0;
	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %*s %*s %*s %255[^\n]", &from, &to, path) == 3 &&
		    from <= (unsigned long)address && (unsigned long)address < to)
			snprintf(name, room, "%s", path);
	if (maps)
		fclose(maps);
}

const char *fabric_trouble(int err)
{
	static char text[160];

	switch (err) {
	case -EACCES:
	case -EPERM:
		return "you may not ask that switch; try as root, or in the group of its socket";
	case -EUSERS:
		return "that switch is full: nobody can ask it any more, or join";
	case -ENOENT:
	case -ECONNREFUSED:
		return "no switch listens there; start one with famez-server or 'famez-vm up'";
	case -ENOTSOCK:
		return "that is no socket";
	default:
		snprintf(text, sizeof(text), "the switch cannot be asked: %s", strerror(-err));
		return text;
	}
}

/* Attaches for a moment, as a program does: others see a peer come and go. */
int fabric_facts(struct fabric_facts *facts, const char *socket)
{
	struct famez_info info = { .size = sizeof(info) };
	struct famez *handle;
	struct iovec mapping;
	struct stat status;
	void *memory;
	int err;

	memset(facts, 0, sizeof(*facts));
	if (!stat(socket, &status) && !S_ISSOCK(status.st_mode))
		return -ENOTSOCK;
	err = famez_open(&handle, socket, 0);
	if (err)
		return err;
	err = famez_get_info(handle, &info);
	if (!err)
		err = famez_map_around(handle, 0, 1, 0, &mapping, &memory);
	if (!err) {
		facts->vectors = info.vectors;
		facts->size = info.memory_size;
		name_of_memory(facts->memory, sizeof(facts->memory), memory);
		munmap(mapping.iov_base, mapping.iov_len);
	}
	famez_close(handle);
	return err;
}
