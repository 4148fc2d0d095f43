/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FAMEZCTL_H
#define FAMEZCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <famez.h>

struct json_object;
struct option;

#ifndef __noreturn
#define __noreturn	__attribute__((__noreturn__))
#endif
#ifndef __printf
#define __printf(a, b)	__attribute__((__format__(printf, a, b)))
#endif

/* Exit codes */
#define FAILED	1
#define USAGE	2

/**
 * struct program - what famezctl and famez-client differ in
 * @name: its name
 * @usage: its help
 * @path_letter: the option that names a device or socket
 * @path_option: the same, long
 * @default_path: what is opened without it and $FAMEZ_DEVICE, NULL: what the
 *	library takes
 * @no_path: what to do when there is none
 * @verbs: what it can do
 */
extern const struct program {
	const char *name;
	const char *usage;
	char path_letter;
	const char *path_option;
	const char *default_path;
	const char *no_path;
	const struct verb {
		const char *name;
		int (*run)(int argc, char **argv);
	} *verbs;
} program;

/* Each verb in a file of its own: argv[0] is its name. */
int cmd_list(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_peers(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_recv(int argc, char **argv);
int cmd_listen(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_link(int argc, char **argv);
int cmd_ping(int argc, char **argv);
int cmd_ring(int argc, char **argv);
int cmd_wait(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_read(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_write(int argc, char **argv);
int cmd_region(int argc, char **argv);
int cmd_fam(int argc, char **argv);

/* ---- util.c: these do not come back after an error ----------------------- */

/* "<program>: …" on standard error, exit with FAILED or USAGE. */
__noreturn __printf(1, 2)
void die(const char *format, ...);
__noreturn __printf(1, 2)
void die_usage(const char *format, ...);

/* The path of --device or --socket, or NULL. */
extern const char *device;

/* What --device names, or the default. */
struct famez *open_device(int flags);

/* What an error of the library says to a person. */
const char *error_text(int error);

/* Is it a driver that does what there is to do?  On the host the library does, when called. */
bool in_guest(const struct famez *handle);

/* The peer that a word on the command line means. */
uint32_t find_peer(struct famez *handle, const char *dest);

/* Says why a message did not get to a peer. */
__noreturn
void die_peer(const char *what, const char *dest, int error);

/* A whole number, decimal or 0x…; sizes also with K, M, G or T. */
uint64_t parse_number(const char *what, const char *text, uint64_t max);

/* The argument of --port, 0 to 65535. */
uint32_t parse_port(const char *text);

/* Opens that port for the handle, 0: none. */
void bind_port(struct famez *handle, uint32_t port);
uint64_t parse_size(const char *what, const char *text);

/* Seconds; as many as fit into 32 bits of milliseconds. */
#define SECONDS_MAX	4294967U
double parse_seconds(const char *what, const char *text);

/* Of the monotonic clock. */
uint64_t clock_ns(void);

/* All of a file, up to @max bytes; more is an error that says @why. */
char *read_input(FILE *in, size_t max, size_t *size, const char *why);

/* Writes out what stdio holds; the reader may have gone, the disk be full. */
void flush_output(void);

/* A stranger's bytes, so that they do nothing to a terminal. */
void print_escaped(const char *data, size_t size);

/* ---- options.c ----------------------------------------------------------- */

/*
 * The letter of the next option, -1: there are no more.  --help, and what is
 * not understood, end the program.  In front: up to the first other word.
 */
int next_option(int argc, char **argv, const struct option *options,
		const char *usage);
int next_option_in_front(int argc, char **argv, const struct option *options,
			 const char *usage);

/* ---- patience.c ---------------------------------------------------------- */

/**
 * struct patience - how long a verb waits
 * @nonblock: not at all
 * @timed: for @seconds; without either, for ever
 * @seconds: of --timeout
 */
struct patience {
	bool nonblock;
	bool timed;
	double seconds;
};

/* As open_device(). */
struct famez *open_patient(const struct patience *patience);

/* Whether an error says that the time of --timeout is over. */
bool timed_out(const struct patience *patience, int error);

/* ---- names.c ------------------------------------------------------------- */

/* Words for what the UAPI has numbers for; "-" or such for unknown ones. */
const char *config_name(uint32_t config);
const char *memory_type_name(uint32_t type);
const char *kind_name(uint32_t kind);
const char *state_name(uint32_t state);
const char *event_name(uint32_t type);
const char *fam_use_name(uint32_t use);

/* A stranger's name, nothing but graphic characters; "-" for none. */
#define CLEAN_SIZE	32
const char *clean_name(const char *name, char clean[CLEAN_SIZE]);

/* Remembers who is there, so that those who left are still known by name. */
void names_update(struct famez *handle);
void name_forget(uint32_t peer);
const char *name_of(uint32_t peer);

/* ---- json.c -------------------------------------------------------------- */

/* Prints an object and gives it up; on one line, or for people. */
void print_json(struct json_object *object, bool one_line);

/* Members of an object. */
void json_number(struct json_object *object, const char *key, uint64_t number);
void json_string(struct json_object *object, const char *key, const char *text);

/* What famezctl info tells. */
struct json_object *json_info(const struct famez_info *info);

/* ---- memory.c --------------------------------------------------------------- */

#define FAM_CHUNK	(1024UL * 1024)	/* copied at a time */

/* Dies unless [offset, offset + length) is inside the FAM. */
void fam_check(struct famez *handle, uint64_t offset, uint64_t length);

/* Prints a part of the FAM as hexdump -C does, with offsets in the FAM. */
void fam_dump(struct famez *handle, uint64_t offset, uint64_t length, bool all);

/* Copies at most FAM_CHUNK bytes from or to the FAM. */
void fam_get(struct famez *handle, uint64_t offset, void *to, size_t length);
/* @in_use: also what is in use as pmem or dax */
void fam_put(struct famez *handle, uint64_t offset, const void *from,
	     size_t length, bool in_use);

#endif /* FAMEZCTL_H */
