// SPDX-License-Identifier: GPL-2.0
/*
 * famez-client console: a peer for a person.  Its commands are those of F.E.E.'s client
 * and of QEMU's ivshmem-client; editing and history are libedit's.  What comes meanwhile
 * is shown as it comes.
 */
#include <editline/readline.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <handle.h>
#include "../famezctl/famezctl.h"
#include "client.h"

#define PING_MS		5000
#define SEND_NS		15000000000ULL
#define RFC		"Link RFC TTC=27us!EZT=1"

static const char usage[] =
"console\n"
"\n"
"Takes commands, and shows what comes.  \"help\" lists them.\n"
"\n"
"  -h, --help   this\n";

static const char help[] =
"  send DEST [TEXT]       a message\n"
"  ping DEST              is it there?\n"
"  spoof SRC DEST TEXT    a message in another's name, by its mailslot\n"
"  link WORDS             to the switch: \"Link WORDS\"\n"
"  rfc                    to the switch: ready for configuration\n"
"  who                    the peers\n"
"  dump                   the same, and the switch prints them, too\n"
"  int DEST VECTOR|all    ring a doorbell, or all of them; int all: everybody's\n"
"  quit\n"
"DEST is an id, \"CID,SID\", a name, server, all or others; one letter of a command is\n"
"enough (sp: spoof).\n";

static struct famez *handle;
static bool raw;	/* a server that knows doorbells alone */
static bool quit;

__printf(1, 2)
static void complain(const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vprintf(format, list);
	va_end(list);
	putchar('\n');
}

/* Takes the next word out of a line. */
static char *word(char **line)
{
	char *at = *line + strspn(*line, " \t");
	char *end = at + strcspn(at, " \t");

	*line = end + strspn(end, " \t");
	*end = '\0';
	return at;
}

static bool find(const char *dest, uint32_t *peer)
{
	int r = famez_lookup(handle, dest, peer);

	if (r)
		complain("no peer '%s': %s; 'who' lists them", dest, strerror(-r));
	return !r;
}

/* One vector, or "all" that the fabric has */
static int ring(uint32_t peer, const char *text)
{
	struct famez_info info = { .size = sizeof(info) };
	uint32_t v;
	int r = famez_get_info(handle, &info);

	if (strcmp(text, "all"))
		return *text && !text[strspn(text, "0123456789")] ?
		       famez_doorbell(handle, peer, strtoul(text, NULL, 10)) : -EINVAL;
	for (v = 0; !r && v < info.vectors; v++)
		r = famez_doorbell(handle, peer, v);
	return r;
}

/* ---- Each peer that a word means -------------------------------------------------- */

typedef int (*action)(uint32_t peer, const char *text);

static void act(action run, uint32_t peer, const char *text)
{
	int r = run(peer, text);

	if (r)
		complain("peer %u: %s", peer, strerror(-r));
}

/* "all" is everybody else, too, as nobody here sends to himself. */
static void each(const char *dest, action run, const char *text)
{
	struct famez_peer_info *peers;
	struct famez_info info = { .size = sizeof(info) };
	uint32_t peer;
	size_t count, i;

	if (strcmp(dest, "all") && strcmp(dest, "others")) {
		if (find(dest, &peer))
			act(run, peer, text);
		return;
	}
	if (famez_get_info(handle, &info) ||
	    famez_get_peers(handle, &peers, &count, sizeof(*peers)))
		return;
	/* who is only attached hears doorbells, and nothing else */
	for (i = 0; i < count; i++)
		if (peers[i].id != info.id &&
		    (peers[i].state != FAMEZ_PEER_STATE_ATTACHED || run == ring))
			act(run, peers[i].id, text);
	free(peers);
}

/* No room: waits, for as long as somebody has to read his mailslot. */
static bool wait_room(uint64_t since)
{
	/* the call looks by itself; famez_fd() tells of messages as well */
	poll(NULL, 0, 2);
	return clock_ns() < since + SEND_NS;
}

static int send_text(uint32_t peer, const char *text)
{
	uint64_t begin = clock_ns();
	int r;

	do
		r = famez_send_to(handle, peer, 0, text, strlen(text));
	while (r == -EAGAIN && wait_room(begin));
	return r;
}

static int ping(uint32_t peer, const char *text)
{
	uint64_t ns;
	int r = famez_ping(handle, peer, PING_MS, &ns);

	(void)text;
	if (!r)
		printf("peer %u: pong after %.3f ms\n", peer, ns / 1e6);
	return r;
}

/* ---- Commands ------------------------------------------------------------------------ */

static void do_send(char *line)
{
	char *dest = word(&line);

	each(dest, send_text, line);
}

static void do_ping(char *line)
{
	each(word(&line), ping, NULL);
}

static void do_spoof(char *line)
{
	char *from = word(&line), *to = word(&line);
	uint32_t ids[2];
	int r;

	if (!find(from, &ids[0]) || !find(to, &ids[1]))
		return;
	r = famez_spoof(handle, ids[0], ids[1], line, strlen(line));
	if (r)
		complain("cannot spoof: %s", strerror(-r));
}

static void say(const char *what)
{
	uint64_t begin = clock_ns();
	int r;

	do
		r = famez_say(handle, FAMEZ_DEST_SERVER, what);
	while (r == -EBUSY && wait_room(begin));
	if (r)
		complain("'%s': %s", what, r == -EINVAL ? "no word of the link layer" :
			 strerror(-r));
}

static void do_link(char *line)
{
	char what[200];

	snprintf(what, sizeof(what), "Link %.180s!EZT=1", line);
	say(what);
}

static void do_rfc(char *line)
{
	(void)line;
	say(RFC);
}

static void do_who(char *line)
{
	struct famez_peer_info *peers;
	char name[CLEAN_SIZE], cclass[CLEAN_SIZE];
	struct famez_info info = { .size = sizeof(info) };
	size_t count, i;

	(void)line;
	if (famez_get_info(handle, &info) ||
	    famez_get_peers(handle, &peers, &count, sizeof(*peers)))
		return;
	for (i = 0; i < count; i++)
		printf("%c%5u  %-8s  %u,%u  %s  %s\n", peers[i].id == info.id ? '*' : ' ',
		       peers[i].id, state_name(peers[i].state), peers[i].cid, peers[i].sid,
		       clean_name(peers[i].cclass, cclass), clean_name(peers[i].name, name));
	free(peers);
}

static void do_dump(char *line)
{
	do_who(line);
	say("dump");
}

static void do_int(char *line)
{
	char *dest = word(&line), *vector = word(&line);

	each(dest, ring, !strcmp(dest, "all") && !*vector ? "all" : vector);
}

static void do_help(char *line)
{
	(void)line;
	fputs(help, stdout);
}

static void do_quit(char *line)
{
	(void)line;
	quit = true;
}

/* @rest: it takes all of the line, semicolons, too.  In the order in which letters count. */
static const struct command {
	const char *name;
	bool rest;
	void (*run)(char *line);
} commands[] = {
	{ "dump", false, do_dump },
	{ "help", false, do_help },
	{ "?", false, do_help },
	{ "int", false, do_int },
	{ "link", true, do_link },
	{ "ping", false, do_ping },
	{ "quit", false, do_quit },
	{ "rfc", false, do_rfc },
	{ "send", true, do_send },
	{ "spoof", true, do_spoof },
	{ "who", false, do_who },
	{ }
};

static const struct command *command_of(const char *name, size_t length)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (!strncmp(c->name, name, length))
			return c;
	return NULL;
}

/* Several commands are parted by semicolons. */
static void run_line(char *line)
{
	const struct command *c;
	size_t length;
	char *next;

	while (line && *(line += strspn(line, " \t;"))) {
		length = strcspn(line, " \t;");
		c = command_of(line, length);
		next = c && c->rest ? NULL : strchr(line, ';');
		if (next)
			*next++ = '\0';
		if (c)
			c->run(line + length + strspn(line + length, " \t"));
		else
			complain("'%.*s' is no command; 'help' lists them", (int)length, line);
		line = next;
	}
	flush_output();
}

/* ---- Lines: of a person, edited, or of a script --------------------------------------- */

static void take_line(char *line)
{
	if (!line) {
		quit = true;
		return;
	}
	if (*line)
		add_history(line);
	run_line(line);
	free(line);
	if (quit)
		rl_callback_handler_remove();
}

/* What is not a terminal, line by line; the last one may have no end */
static void take_script(void)
{
	static char text[8192];
	static size_t used;
	ssize_t n = read(STDIN_FILENO, text + used, sizeof(text) - 1 - used);
	char *end;

	quit = n <= 0;
	used += n > 0 ? n : 0;
	text[used] = '\0';
	while ((end = strchr(text, '\n')) || (quit && *text)) {
		size_t length = end ? (size_t)(end - text) + 1 : used;

		if (end)
			*end = '\0';
		run_line(text);
		used -= length;
		memmove(text, text + length, used + 1);
	}
	if (used == sizeof(text) - 1)
		die("a line has up to %zu bytes", sizeof(text) - 2);
}

/* ---- What comes ------------------------------------------------------------------------- */

/* A line that is shown may have to go above the one that is being typed. */
static void begin_shown(bool terminal)
{
	if (terminal)
		fputs("\r", stdout);
}

static void end_shown(bool terminal)
{
	putchar('\n');
	flush_output();
	if (terminal)
		rl_forced_update_display();
}

static void gone(void)
{
	die("the switch has gone; start it again");
}

static void show_messages(bool terminal)
{
	char data[FAMEZ_MESSAGE_MAX];
	uint32_t peer;
	size_t size;
	int r;

	while (!(r = famez_recv(handle, &peer, data, sizeof(data), &size))) {
		begin_shown(terminal);
		printf("%u (%s): ", peer, name_of(peer));
		print_escaped(data, size);
		end_shown(terminal);
	}
	if (r != -EAGAIN)
		gone();
}

/* Where nobody tells who comes, whoever it is has come by now. */
static void keep_names(void)
{
	struct famez_event event = { .size = sizeof(event) };
	bool any = false;
	int r;

	while (!(r = famez_next_event(handle, &event)))
		any = true;
	if (any || r == -EOPNOTSUPP)
		names_update(handle);
}

/* ---- Doorbells, where there is nothing else ---------------------------------------------- */

static int *bells;	/* an eventfd for each own vector */
static uint32_t bells_count;

static void listen_to_bells(void)
{
	struct famez_info info = { .size = sizeof(info) };
	int r = famez_get_info(handle, &info);

	while (!r && bells_count < info.vectors) {
		bells = realloc(bells, (bells_count + 1) * sizeof(*bells));
		if (!bells)
			die("out of memory");
		bells[bells_count] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		r = bells[bells_count] < 0 ? -errno :
		    famez_doorbell_eventfd(handle, bells_count, bells[bells_count]);
		bells_count++;
	}
	if (r)
		die("cannot listen to the doorbells: %s", strerror(-r));
}

static void show_bells(bool terminal)
{
	uint64_t rings;
	uint32_t peer, v;
	size_t size;
	char none;

	/* takes in what has come, and fails otherwise when the server has gone */
	if (famez_recv(handle, &peer, &none, 0, &size) != -EOPNOTSUPP)
		gone();
	listen_to_bells();
	for (v = 0; v < bells_count; v++) {
		if (read(bells[v], &rings, sizeof(rings)) != sizeof(rings))
			continue;
		begin_shown(terminal);
		printf("doorbell: vector %u", v);
		end_shown(terminal);
	}
}

static void show_news(bool terminal)
{
	if (raw) {
		show_bells(terminal);
		return;
	}
	keep_names();
	show_messages(terminal);
}

int cmd_console(int argc, char **argv)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	bool terminal = isatty(STDIN_FILENO);
	struct pollfd ready[2] = { { .fd = STDIN_FILENO, .events = POLLIN } };
	struct famez_info info = { .size = sizeof(info) };

	next_option(argc, argv, options, usage);
	if (optind != argc)
		die_usage("console takes no arguments; type 'help' there");
	handle = open_device(FAMEZ_NONBLOCK);
	names_update(handle);
	raw = !famez_get_info(handle, &info) && info.config == FAMEZ_CONFIG_RAW;
	ready[1] = (struct pollfd){ .fd = famez_fd(handle), .events = POLLIN | POLLPRI };
	if (terminal) {
		/* however we end: it has the terminal raw */
		atexit(rl_callback_handler_remove);
		rl_callback_handler_install("famez> ", take_line);
	}
	while (!quit) {
		show_news(terminal);
		if (poll(ready, 2, -1) < 0) {
			/* the window has another size, or we were stopped */
			if (errno == EINTR)
				continue;
			die("cannot wait: %s", strerror(errno));
		}
		if (ready[0].revents && terminal)
			rl_callback_read_char();
		else if (ready[0].revents)
			take_script();
	}
	famez_close(handle);
	return 0;
}
