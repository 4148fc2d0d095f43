/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAMEZCTL_H
#define FAMEZCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <famez.h>

#ifndef __noreturn
#define __noreturn	__attribute__((__noreturn__))
#endif
#ifndef __printf
#define __printf(a, b)	__attribute__((__format__(printf, a, b)))
#endif

/* Exit codes */
#define FAILED	1
#define USAGE	2

/* Each verb in a file of its own: argv[0] is its name. */
int cmd_info(int argc, char **argv);
int cmd_peers(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_recv(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_read(int argc, char **argv);
int cmd_write(int argc, char **argv);

/* ---- util.c: these do not come back after an error ----------------------- */

/* "famezctl: …" on standard error, exit with FAILED or USAGE. */
__noreturn __printf(1, 2)
void die(const char *format, ...);
__noreturn __printf(1, 2)
void die_usage(const char *format, ...);

/* Prints @usage where --help was asked for, and exits. */
__noreturn
void help(const char *usage);

/* The path of --device, or NULL. */
extern const char *device;

/* What --device names, or the default. */
struct famez *open_device(int flags);

/* The peer that a word on the command line means. */
uint32_t find_peer(struct famez *handle, const char *dest);

/* Says why a message did not get to a peer. */
__noreturn
void die_peer(const char *what, const char *dest, int error);

/* A whole number, decimal or 0x…; sizes also with K, M, G or T. */
uint64_t parse_number(const char *what, const char *text, uint64_t max);
uint64_t parse_size(const char *what, const char *text);

/* All of standard input, up to @max bytes; more is an error that says @why. */
char *read_input(size_t max, size_t *size, const char *why);

/* Writes out what stdio holds; the reader may have gone, the disk be full. */
void flush_output(void);

/* A stranger's bytes, so that they do nothing to a terminal. */
void print_escaped(const char *data, size_t size);

/* ---- fam.c --------------------------------------------------------------- */

#define FAM_CHUNK	(1024UL * 1024)	/* copied at a time */

/* Dies unless [offset, offset + length) is inside the FAM. */
void fam_check(struct famez *handle, uint64_t offset, uint64_t length);

/* Copies at most FAM_CHUNK bytes from or to the FAM. */
void fam_get(struct famez *handle, uint64_t offset, void *to, size_t length);
void fam_put(struct famez *handle, uint64_t offset, const void *from,
	     size_t length);

#endif /* FAMEZCTL_H */
