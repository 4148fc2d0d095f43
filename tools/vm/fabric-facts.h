/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FABRIC_FACTS_H
#define FABRIC_FACTS_H

#include <stdint.h>

/**
 * struct fabric_facts - what a guest's device has to agree with
 * @vectors: that the switch gives each peer
 * @size: bytes of the memory
 * @memory: the file it lies in, "/dev/shm/..." for POSIX shared memory
 */
struct fabric_facts {
	uint32_t vectors;
	uint64_t size;
	char memory[256];
};

/**
 * fabric_facts() - ask the switch
 * @facts: what it said
 * @socket: where it listens
 *
 * Return: 0, -ENOTSOCK, or what famez_open() and famez_map() return
 */
int fabric_facts(struct fabric_facts *facts, const char *socket);

/** fabric_trouble() - what an error of fabric_facts() is, and what to do, in words */
const char *fabric_trouble(int err);

#endif
