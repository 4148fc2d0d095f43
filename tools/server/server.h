/* SPDX-License-Identifier: GPL-2.0 */
/*
 * famez-server, the switch of a fabric: what its files know of each other.
 *
 * The switch keeps its truth here, in its own memory, and mirrors it to the
 * shared memory that every peer can spoil.  What it reads back from there are a
 * peer's generation, its count of armed vectors, and messages.
 */
#ifndef FAMEZ_SERVER_H
#define FAMEZ_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include <fabric.h>
#include <famez/regions.h>

#define DEFAULT_SOCKET		"/run/famez/switch.sock"
#define CLIENTS_MAX		1000U

/**
 * struct options - the command line
 * @socket: path of the listening socket
 * @backing: name of a POSIX shm object, path of a regular file, or MEMFD
 * @preallocate: have all pages from the start
 * @scratch: bytes of FAM that what uses all of it leaves out
 * @regions: where regions are kept; NULL: beside a file that is the memory
 * @size: bytes of memory
 * @clients: peers besides the switch
 * @vectors: of each peer; 0: @clients + 2
 * @no_manager: gives out no CID and SID
 * @silent: is no peer
 * @level: 0 quiet, 1 normal, 2 verbose
 */
struct options {
	const char *socket;
	const char *backing;
	bool preallocate;
	uint64_t scratch;
	const char *regions;
	uint64_t size;
	uint64_t clients;
	uint64_t vectors;
	bool no_manager;
	bool silent;
	int level;
};

/**
 * struct plan - where in the memory everything lies
 * @layout: as a reader of the header will see it
 * @clients: ids 1 to this
 * @ring: bytes of each channel's ring
 * @all_pairs: there is a channel for each, from the start
 * @end: bytes that the control area needs
 * @mailslots: F.E.E.'s slots are there
 */
struct plan {
	struct famez_layout layout;
	uint32_t clients;
	uint32_t ring;
	bool all_pairs;
	uint64_t end;
	bool mailslots;
};

#define MEMFD	"memfd:"	/* as a backing: memory without a name */

enum backing { BACKING_SHM, BACKING_FILE, BACKING_MEMFD, BACKING_DAX };

/**
 * struct memory - the shared memory
 * @name: as given
 * @kind: what it is
 * @preallocate: has all pages from the start
 * @created: by us, so a failed start takes it away
 * @filled: it was empty, so a failed start empties it
 * @guard: private descriptor, holds the switch's lock
 * @shared: the one that clients get
 * @map: all of it
 * @size: bytes
 */
struct memory {
	const char *name;
	enum backing kind;
	bool preallocate;
	bool created;
	bool filled;
	int guard;
	int shared;
	void *map;
	uint64_t size;
};

/* ---- dax.c: the memory is a host's device-dax ---- */

/* Is it the name of a character device? */
bool dax_is_named(const char *path);

/* As backing_open() */
bool dax_open(struct memory *m, const struct plan *p);

/* Does this client know what to do with such memory? */
bool dax_knows(int sock);

/**
 * struct door - the listening socket
 * @path: where it is bound
 * @directory: made by us, or NULL
 * @lock_path: the file that only one switch can lock, or NULL
 * @lock: its descriptor
 * @listener: the socket
 * @inherited: it is systemd's
 * @given: and its path, or NULL
 * @accept: its event source
 */
struct door {
	const char *path;
	char *directory;
	char *lock_path;
	int lock;
	int listener;
	bool inherited;
	char *given;
	sd_event_source *accept;
};

/** struct vector - one eventfd, kept for the life of the switch */
struct vector {
	struct server *server;
	uint32_t id;
	uint32_t number;
	int fd;
	sd_event_source *source;
};

/**
 * struct peer - what the switch knows of an id
 * @id: the id
 * @state: FAMEZ_PEER_ABSENT and so on, as mirrored to the peer table
 * @epoch: number of changes of the record
 * @channels_epoch: number of changes of its channels
 * @answered: what it last asked the directory for
 * @generation: what the peer had published when last looked at
 * @cid: Gen-Z component id, 0: it was given none
 * @sid: subnet id, likewise
 * @tag: of the CTL-Write that it has yet to acknowledge, 0: none
 * @name: what it was called when it came up, printable
 * @client: its connection, or NULL
 * @retired: nobody has this id, but its last owner may be alive
 * @unwatched: there is no way to know when its process ends
 * @pidfd: its process while it is known to live, or -1
 * @watch: event source of @pidfd
 * @vectors: its eventfds, NULL before the id is first used
 */
struct peer {
	uint32_t id;
	uint32_t state;
	uint32_t epoch;
	uint32_t channels_epoch;
	uint32_t answered;
	uint32_t generation;
	uint32_t cid;
	uint32_t sid;
	uint32_t tag;
	char name[FAMEZ_NAME_SIZE];
	struct client *client;
	bool retired;
	bool unwatched;
	int pidfd;
	sd_event_source *watch;
	struct vector *vectors;
};

struct client;
struct entry;
TAILQ_HEAD(client_list, client);

/**
 * struct process - a process that has connected
 * @link: any order
 * @pid: its number
 * @clients: its connections
 * @before: descriptors that it had before the first of them; 0: not known
 * @limit: descriptors that it may have, or might have had when it connected
 * @ids: of which it has been told, or would be, in all connections together
 * @delicate: one of them is not known to be a program of ours
 */
struct process {
	TAILQ_ENTRY(process) link;
	pid_t pid;
	uint32_t clients;
	uint32_t before;
	uint64_t limit;
	uint32_t ids;
	bool delicate;
};

TAILQ_HEAD(process_list, process);

struct reply;
TAILQ_HEAD(reply_list, reply);

/**
 * struct server - the switch
 * @event: the loop
 * @plan: the geometry
 * @memory: the memory
 * @door: the socket
 * @peers: by id, as many as the peer table has
 * @tell: ends the time in which changes are told together
 * @told: when they were last told, in usec
 * @entries: of the directory
 * @exhausted: it was said that no channel is left
 * @regions: as many as the table has room for; without a name, there is none
 * @regions_slot: place of the port for them
 * @regions_path: where they are to be kept, or NULL
 * @regions_new: their file was not there before this switch
 * @replies: that wait for room
 * @sync: peers' flushes
 * @clients: connections, in order of joining
 * @processes: theirs
 * @header: what the header in the memory must say
 * @fabric: the switch as a peer
 * @service: runs once per turn of the loop when there may be news from peers
 * @ticks: the same, while somebody waits for the switch's mailslot
 * @link: the switch as a component; its state says whether it manages the fabric
 * @tags: the last one that was given out
 * @silent: the switch is no peer, but has a fabric all the same
 * @inbox: room for one message
 */
struct server {
	sd_event *event;
	struct plan plan;
	struct memory memory;
	struct door door;
	struct peer *peers;
	sd_event_source *tell;
	uint64_t told;
	struct entry *entries;
	bool exhausted;
	struct famez_region_info *regions;
	uint32_t regions_slot;
	const char *regions_path;
	bool regions_new;
	struct reply_list replies;
	struct sync *sync;
	struct client_list clients;
	struct process_list processes;
	struct famez_header header;
	struct famez_fabric *fabric;
	sd_event_source *service;
	sd_event_source *ticks;
	struct famez_component link;
	bool picture_due;
	uint32_t tags;
	bool silent;
	char inbox[FAMEZ_MESSAGE_MAX];
};

/* ---- log.c: what is printed ---- */

void log_level(int level);

/* A line on standard output, unless quiet. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line on standard output, if verbose. */
void detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line on standard error. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- text.c: numbers and strings ---- */

#define SIZE_TEXT	24

enum parsed { PARSED, PARSED_GARBAGE, PARSED_TOO_LARGE };

/* A decimal number; with @suffixes, K, M, G or T may follow. */
enum parsed parse_number(const char *text, bool suffixes, uint64_t *value);

/* Bytes as short as they can be said exactly, into SIZE_TEXT bytes; returns
 * @text.
 */
const char *size_text(char *text, uint64_t size);

/* Bytes of a stranger, as printable text; @room is at least 8. */
void printable(char *text, size_t room, const void *data, size_t size);

/* ---- options.c ---- */

/* Returns -1 to go on, else the exit code. */
int options_read(struct options *o, int argc, char **argv);

/* ---- plan.c ---- */

/* False when the control area does not fit. */
bool plan_make(struct plan *p, uint64_t size, uint32_t clients,
	       uint32_t vectors);

/* The same, with a message on false; also checks the numbers themselves. */
bool plan_options(struct plan *p, const struct options *o);

/* ---- memory.c, and backing.c for how it comes into being ---- */

/* Says why, and leaves nothing behind, on false. */
bool memory_open(struct memory *m, const struct options *o, const struct plan *p);

/* Takes away what a failed start has made. */
void memory_undo(struct memory *m);

/* The orderly end: the shm object goes, the file stays. */
void memory_close(struct memory *m);

/* Unless it is mapped already. */
bool memory_map(struct memory *m);

bool backing_open(struct memory *m, const struct plan *p);
void backing_remove(struct memory *m);

/* Is there no other switch that lives, and has it? */
bool backing_lock(int fd);

/* Do its first bytes hold nothing?  It is mapped. */
bool backing_is_blank(const struct memory *m, uint64_t bytes);

/* Is this a switch's memory, whole or not? */
bool backing_is_ours(const struct famez_header *header);

/* Is this the header of a former switch's memory, which we would lay out the same? */
bool backing_check(const struct memory *m, const struct plan *p,
		   const struct famez_header *header);

/* ---- control.c: the control area ---- */

/* "FAMEZNEW": the header's magic while the control area is made, and is nobody's to read */
#define MAGIC_MAKING	0x57454e5a454d4146ULL

/* Lays it out anew.  False: out of memory, or of random numbers. */
bool control_write(struct server *s);

/* Writes the header once more. */
void control_write_header(struct server *s);

/* Puts right what a newcomer will read. */
void control_mend(struct server *s);

struct famez_peer *control_peer(const struct server *s, uint32_t id);

/* Mirrors all records of the peer table, and says that something changed. */
void control_publish(struct server *s);

/* Mirrors one, without saying so. */
void control_publish_peer(struct server *s, uint32_t id);

/* Mirrors what a peer is told of its channels. */
void control_publish_channels(struct server *s, uint32_t id);

/* Empties a peer's half of its record. */
void control_clear_peer(struct server *s, uint32_t id);

/* Says that regions have changed. */
void control_publish_regions(struct server *s);

/* ---- regions.c: named parts of FAM; regions-file.c: where they are kept ---- */

/* Those that were kept, and one of so many bytes that is scratch; says why, on false. */
bool regions_make(struct server *s, const struct options *o);

/* Opens the port for requests. */
bool regions_start(struct server *s);

/* Serves them.  Return: true when there may be more */
bool regions_look(struct server *s);

/* Mirrors them all. */
void regions_publish(struct server *s);

/* Will the next switch have them? */
bool regions_kept(const struct server *s);

bool regions_load(struct server *s);
bool regions_save(struct server *s);

/* Takes away what a failed start has made. */
void regions_undo(struct server *s);

void regions_free(struct server *s);

/* ---- sync.c: peers' flushes ---- */

bool sync_start(struct server *s);
void sync_stop(struct server *s);

/* A peer wants what was written so far to be on the disk. */
void sync_ask(struct server *s, uint32_t peer, const struct famez_flush *request);

/* It asks for something that this version does not know: answers EINVAL. */
void sync_refuse(struct server *s, uint32_t peer, const struct famez_flush *request);

/* Sends the answers for which there is room. */
void sync_look(struct server *s);

/* ---- channels.c: who has a channel to whom ---- */

bool directory_make(struct server *s);
void directory_free(struct server *s);

/* Puts right what strangers have spoilt in the directory, and tells who may have
 * seen it.
 */
void directory_mend(struct server *s);

/* Gives a peer the channels that it may have asked for. */
void directory_look(struct server *s, struct peer *p);

/* A peer is gone for good: takes its channels back, but for those with us. */
void directory_take_back(struct server *s, struct peer *gone);

/* ---- mailslot.c: all do nothing where there are no mailslots ---- */

void mailslot_setup(struct server *s);
void mailslot_name(struct server *s, uint32_t id, const char *cclass);

/* Tells the sender that its message was read: nobody else is there to. */
void mailslot_empty(struct server *s, uint32_t sender);

/* A peer's name in its mailslot, printable. */
void mailslot_nodename(const struct server *s, uint32_t id, char *text,
		       size_t room);

/* ---- peers.c: ids ---- */

bool peers_make(struct server *s);
void peers_free(struct server *s);

/* The lowest free id with eventfds nobody has rung; NULL: none is free. */
struct peer *peer_take(struct server *s);

/* The client is there. */
void peer_join(struct server *s, struct peer *p, struct client *c, pid_t pid);

/* The client is not there any more; its process may be. */
void peer_leave(struct server *s, struct peer *p);

/* Changes the state, mirrors it, and tells everyone, at once or soon. */
void peer_set_state(struct server *s, struct peer *p, uint32_t state);

/* The switch's half of its record has changed: mirrors it, and tells everyone. */
void peer_changed(struct server *s, struct peer *p);

/* Rings; nobody, if the peer is absent. */
void peer_ring(struct server *s, uint32_t id, uint32_t vector);

/* Rings a peer, if it is up, to have it look at the peer table. */
void peer_notify(struct server *s, uint32_t id);

/* The table has changed: has everyone look at it, now. */
void peers_tell(struct server *s);

/* ---- vectors.c: eventfds ---- */

/* Makes the eventfds of an id, if it has none. */
bool vectors_make(struct server *s, struct peer *p);
void vectors_free(struct server *s, struct peer *p);

/* Has the loop read what is rung while nobody has the id, or stop it. */
void vectors_watch(struct server *s, struct peer *p, bool on);

/* ---- client.c: connections ---- */

/* A new connection; takes the socket over. */
void client_accept(struct server *s, int sock);

/* Says no, and closes. */
void client_refuse(int sock);

void clients_free(struct server *s);

/* ---- limits.c: descriptors of clients' processes ---- */

/* The process of a new connection; NULL: out of memory. */
struct process *process_get(struct server *s, pid_t pid);
void process_put(struct server *s, struct process *p);

/* Could each take the eventfds of its @ids?  Says which could not, and why. */
bool processes_fit(struct server *s, pid_t newcomer);

/* ---- door.c ---- */

bool door_lock(struct door *d, const char *path);
bool door_open(struct server *s);
void door_close(struct door *d);

/* ---- self.c: the switch as a peer ---- */

bool self_start(struct server *s, const struct options *o);
void self_stop(struct server *s);

/* Looks at what peers have published and sent. */
void self_look(struct server *s);

/* A peer has this generation: is that news? */
void self_sees(struct server *s, struct peer *p, uint32_t generation);

/* The same as self_look(), soon. */
void self_wake(struct server *s);

/* One of the switch's own vectors was rung. */
void self_rung(struct server *s, uint32_t vector);

/* ---- link.c: the switch of Gen-Z's link layer, and the fabric manager ---- */

#define LINK_SID	27U	/* the only subnet */

void link_start(struct server *s, const struct options *o);

/* A peer has said this. */
void link_take(void *context, uint32_t id, const struct famez_link *l);

/* Does what peers have asked for, once for all of them. */
void link_look(struct server *s);

/* Another owner, or another start: it has to ask again. */
void link_forget(struct peer *p);

/* ---- picture.c ---- */

/* Prints who is at which port. */
void picture(struct server *s);

#endif /* FAMEZ_SERVER_H */
