/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ivshmem client-server protocol, version 0, for tests.
 *
 * Deliberately independent of libfamez and of every famez header: what famez's
 * switch and driver do is judged by a second reading of the same protocol.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/types.h>

#define WIRE_MAX_ID	65535
#define WIRE_MAX_VECTORS 2048	/* what MSI-X can have */

struct wire_msg {
	__s64 number;
	int fd;			/* -1: came without one */
};

struct wire_reader {
	int sock;
	bool fee;		/* read as F.E.E.'s Python client does */
	bool begun;
	unsigned int next;
	unsigned int queued;
	struct wire_msg queue[3];
};

/* Prints "violation: ..." and exits 1: the other side broke the protocol. */
void wire_violation(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* Prints "error: ..." with errno's text and exits 1: this side failed. */
void wire_die(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* Ends the program with exit code 1 if it hangs; 0 seconds means never. */
void wire_guard(unsigned int seconds);

/* Connects, and waits up to timeout_ms for a server that is still to come. */
int wire_connect(const char *path, int timeout_ms);
int wire_listen(const char *path);

/* Returns false at the end of the stream. */
bool wire_read(struct wire_reader *r, struct wire_msg *m);

/* True if a message was read already and waits here, not in the socket. */
bool wire_pending(const struct wire_reader *r);

/* "4096", "0x1000", "4K", "64M", "1G" */
bool wire_number(const char *s, __u64 *value);

/* Splits a line at white space, in place. */
unsigned int wire_words(char *line, char **word, unsigned int max);

/* FNV-1a, 64 bits */
__u64 wire_fnv(const void *mem, size_t len);

bool wire_is_power_of_two(__u64 n);

/* Commands come in lines; reads what is there and calls back once a line. */
struct wire_lines {
	size_t len;
	char buf[8192];
};

/* Returns false when standard input has ended. */
bool wire_stdin(struct wire_lines *l, void (*line)(char *text));

#endif
