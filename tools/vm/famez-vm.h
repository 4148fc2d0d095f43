/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of famez-vm know of each other. */
#ifndef FAMEZ_VM_H
#define FAMEZ_VM_H

#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

/* Exit codes besides 0 (well), 1 (failed) and 2 (misused) */
#define EXIT_TIMEOUT	124
#define EXIT_GUEST	125

#define MAX_NODES	250
#define LIST_MAX	32
#define PATH_ROOM	256	/* all our paths: see state_open() */

/* main.c */
extern const char *verb;	/* the one that runs, for messages */
const char *share_file(const char *name);
const char *own_directory(void);

/* What runs in guests: beside famez-vm, or where it is installed */
const char *agent_file(void);
int run_script(const char *name, char **argv);

/* message.c */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void misuse(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));
void show_help(const char *text) __attribute__((noreturn));
unsigned long parse_number(const char *option, const char *text,
			   unsigned long least, unsigned long most);
int64_t milliseconds(void);
int poll_wait(int64_t deadline);

/* state.c: the directory that holds all there is to know of a fabric */
struct node {
	int number;
	char name[16];		/* node01 */
	char dir[PATH_ROOM];
};

struct nodes {
	int count;
	struct node node[MAX_NODES];
};

extern const char *state_dir;
void state_use(const char *dir);
int state_create(void);
int state_lock(void);
bool state_is_ours(void);
const char *state_backing(void);
uint64_t hash_of(const char *text);
void state_path(char *path, const char *dir, const char *name);
void node_set(struct node *node, int number);
void node_keeps(const struct node *node);
bool node_is_kept(const struct node *node);
void nodes_all(struct nodes *nodes);
void nodes_named(struct nodes *nodes, const char *name);
void remove_tree(const char *path);
int lock_file(const char *dir, const char *name, bool wait);

/* process.c: daemons that outlive us and cannot be mistaken */
struct process {
	pid_t pid;
	int pidfd;		/* readable once it has ended */
	int64_t since;		/* seconds since the epoch */
};

bool process_start(const char *dir, const char *name, char **argv,
		   const int *keep, int nr_keep, struct process *process);
bool process_open(const char *dir, const char *name, struct process *process);
void process_close(struct process *process);
bool process_wait(struct process *process, int64_t deadline);
void process_outcome(const char *dir, const char *name, char *text,
		     size_t size);

/* qemu.c */
enum device_kind {
	DOORBELL,		/* on a switch's socket */
	PLAIN,			/* FILE:SIZE */
	ANY,			/* in QEMU's own words */
};

struct device {
	enum device_kind kind;
	const char *text;
	const char *vectors;	/* of a doorbell */
};

struct guest_options {
	const char *kernel, *initramfs, *append, *memory, *machine, *cpus;
	const char *accel;
	const char *disk;	/* of an image; NULL: all is in the initramfs */
	bool disk_kept;		/* what guests write there stays */
	/* In the order of the options, which is that on the PCI bus */
	struct device device[LIST_MAX];
	int nr_device;
	const char *raw[LIST_MAX];
	int nr_raw;
	bool bar_low, root_port;
};

#define QEMU_WORDS	256

struct arguments {
	int count;
	char *argv[QEMU_WORDS + 1];
};

const char *qemu_program(void);
void qemu_arguments(struct arguments *args, const struct node *node,
		    const struct guest_options *options, int *sockets);
bool qemu_start(const struct node *node, const struct guest_options *options,
		struct process *process);

/* accel.c */
const char *accel_choose(const char *wanted, const char *kernel);

/* judge.c: did the guest's kernel complain? */
struct console {
	char path[PATH_ROOM + 16];
	int fd;
	int line_number;
	int complaint;		/* line number of the first one; 0: none */
	bool own_fault;		/* in a report of the kernel about itself */
	size_t length;
	char line[1024];
};

bool console_open(struct console *console, const struct node *node);
void console_close(struct console *console);
bool console_read(struct console *console);
void console_report(struct console *console, const struct node *node);
void console_settle(struct console *console);
void print_tail(const char *path, int lines);
int console_watch(const struct console *console);

/* link.c: a connection to one of a guest's agents */
struct link;
struct link *link_open(const struct node *node, int64_t deadline);
struct link *link_open_port(const struct node *node, int port);
void link_close(struct link *link);
int link_fd(struct link *link);
bool link_wants_write(struct link *link);
void link_attach(struct link *link);
void link_send(struct link *link, int type, const void *data, size_t length);
void link_send_number(struct link *link, int type, uint32_t number);
bool link_flush(struct link *link);
bool link_read(struct link *link);
int link_frame(struct link *link, unsigned char **data, size_t *length,
	       uint32_t *number);

/* session.c */
struct command {
	char **argv;
	int argc;
	char *env[LIST_MAX];
	int nr_env;
	const char *cwd;
	int64_t timeout, guard;		/* milliseconds */
	bool no_stdin, ignore_console;
	bool terminal;			/* a person's, see terminal.c */
};

int session_run(const struct node *node, const struct command *command);

/* terminal.c */
void terminal_raw(void);
void terminal_restore(void);
uint32_t terminal_window(void);
bool terminal_left(const char *bytes, ssize_t n);

/* everywhere.c */
int run_everywhere(struct nodes *nodes, const struct command *command);

/* qmp.c: true once QEMU has set its devices up; false: it has ended */
bool qmp_greets(const struct node *node);
pid_t qmp_power_button(const struct node *node);

/* switch.c */
struct switch_options {
	const char *size, *clients, *vectors, *backing;
};

#define SWITCH_WORDS	12

void switch_arguments(const struct switch_options *options, char **argv);
void switch_start(const struct switch_options *options,
		  struct process *process);

/* up-options.c: what up and qemu-args are told */
struct up_options {
	int count, first;
	int64_t timeout;
	bool no_switch, no_device, ignore_console;
	const char *version, *initramfs, *accel;
	struct device own;	/* on the fabric's own switch */
	struct switch_options fabric;
	struct guest_options guest;
};

void up_parse(struct up_options *up, int argc, char **argv, const char *usage);
void up_complete(struct up_options *up);
bool up_needs_switch(const struct up_options *up);

/* image.c: which kernel and which file system a guest starts from */
const char *image_kernel(const char *version);
const char *image_initramfs(const char *version, const char *file);
void image_disk(const char *disk, const char **kernel, const char **initrd);

/* The verbs */
int verb_up(int argc, char **argv);
int verb_qemu_args(int argc, char **argv);
int verb_libvirt_xml(int argc, char **argv);
int verb_down(int argc, char **argv);
int verb_exec(int argc, char **argv);
int verb_console(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_status(int argc, char **argv);
int verb_log(int argc, char **argv);
int verb_wait(int argc, char **argv);
int verb_qmp(int argc, char **argv);

/* @gently: guests whose disks are kept shut down by themselves first */
int down_nodes(struct nodes *nodes, bool gently);
int down_switch(void);

#endif
