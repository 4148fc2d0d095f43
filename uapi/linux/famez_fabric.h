/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What lies in the first part of a famez fabric's shared memory: the control
 * area.  It is an ABI between virtual machines, and between them and the host.
 *
 * All fields are little-endian.  Reserved fields are zero and not read: each
 * writer clears those of its own parts when it starts, whatever a predecessor has
 * left there, so that a later version may give them a meaning whose 0 is "as before".
 * Every byte can be written by every peer, so a reader copies a field
 * once, checks it, and uses its copy.  Documentation/control-area.rst draws the
 * picture and tells who writes what, and when.
 */
#ifndef _UAPI_LINUX_FAMEZ_FABRIC_H
#define _UAPI_LINUX_FAMEZ_FABRIC_H

#include <linux/types.h>

/* ---- Mailslots: F.E.E.'s layout, to the byte --------------------------- */

#define FAMEZ_SLOT_SIZE		512
#define FAMEZ_SLOT_BUF_OFFSET	128
#define FAMEZ_NAME_SIZE		32	/* strings end at the first NUL */

/**
 * struct famez_slot0 - bytes 0 to 39 of the memory
 * @slotsize: bytes of one mailslot, always %FAMEZ_SLOT_SIZE
 * @buf_offset: where in a slot its message lies, always %FAMEZ_SLOT_BUF_OFFSET
 * @nclients: clients that the mailbox has slots for; their ids are 1 to this
 * @nevents: vectors of each peer, always @nclients + 2
 * @server_id: id of the switch, always @nclients + 1
 *
 * Written by the switch before it listens, never after.
 */
struct famez_slot0 {
	__le64 slotsize;
	__le64 buf_offset;
	__le64 nclients;
	__le64 nevents;
	__le64 server_id;
};

/**
 * struct famez_slot - the mailslot of one peer, at its id * %FAMEZ_SLOT_SIZE
 * @nodename: name of the peer (its owner; the switch when it joins or leaves)
 * @cclass: Gen-Z class of the peer (as @nodename)
 * @buflen: bytes in @buf, 0 when it was read (set by the owner, cleared by the
 *	receiver)
 * @peer_id: id of the peer
 * @last_responder: whom the owner's driver last wrote to
 * @peer_sid: Gen-Z subnet id
 * @peer_cid: Gen-Z component id
 * @pad: unused
 * @buf: the message
 */
struct famez_slot {
	char nodename[FAMEZ_NAME_SIZE];
	char cclass[FAMEZ_NAME_SIZE];
	__le64 buflen;
	__le64 peer_id;
	__le64 last_responder;
	__le64 peer_sid;
	__le64 peer_cid;
	__le64 pad[3];
	char buf[FAMEZ_SLOT_SIZE - FAMEZ_SLOT_BUF_OFFSET];
};

/* ---- Header: in slot 0, which F.E.E. leaves alone from byte 40 on ------- */

#define FAMEZ_HEADER_OFFSET	64
#define FAMEZ_MAGIC		0x4d41465a454d4146ULL	/* "FAMEZFAM" */
#define FAMEZ_MAJOR		1	/* another major: FAM only */
#define FAMEZ_MINOR		0	/* a higher minor only adds */

/* famez_header.optional */
#define FAMEZ_OPTIONAL_FLUSH	1ULL	/* the switch answers %FAMEZ_TYPE_FLUSH */
#define FAMEZ_OPTIONAL_REGIONS	2ULL	/* and requests to %FAMEZ_REGION_PORT */

#define FAMEZ_MEMORY_MIN	0x100000ULL
#define FAMEZ_PEERS_MAX		65536	/* ids have 16 bits */
#define FAMEZ_VECTORS_MAX	2048	/* what MSI-X can name */

/*
 * Bytes of version 1.0's structures, which are the least that a reader takes: where one
 * has grown since, a table whose records are shorter is not damaged.
 */
#define FAMEZ_HEADER_SIZE_VER0		320
#define FAMEZ_PEER_SIZE_VER0		256
#define FAMEZ_DIRENTRY_SIZE_VER0	32
#define FAMEZ_REGION_SIZE_VER0		128
#define FAMEZ_CHANNEL_SIZE_VER0		1792	/* both halves; the ring follows */

/**
 * struct famez_table - where one table of the control area lies
 * @offset: from the start of the memory, in bytes, a multiple of 64
 * @count: records
 * @stride: bytes from one record to the next, a multiple of 32; a newer minor
 *	version may lengthen a record, an older reader steps over the rest
 */
struct famez_table {
	__le64 offset;
	__le32 count;
	__le32 stride;
};

/**
 * struct famez_header - the header, at byte %FAMEZ_HEADER_OFFSET
 * @magic: %FAMEZ_MAGIC, written last
 * @major: %FAMEZ_MAJOR
 * @minor: %FAMEZ_MINOR
 * @header_size: bytes of this structure, %FAMEZ_HEADER_SIZE_VER0 or more
 * @checksum: 32-bit FNV-1a of the bytes before @peers_epoch with this field 0
 * @required: features a peer must know to use more than the FAM
 * @optional: features a peer may ignore, %FAMEZ_OPTIONAL_FLUSH and so on
 * @fabric: random non-zero number, new at each start of the switch
 * @memory_size: bytes of the whole memory, a power of two
 * @fam_offset: where the FAM starts, a multiple of 4096
 * @fam_size: bytes of FAM
 * @server_id: id of the switch
 * @vectors: vectors of each peer
 * @notify_vector: which of them the switch rings when a peer's state changed
 *	(modulo the vectors that the receiver armed)
 * @reserved0: zero
 * @peers: struct famez_peer, by id; its count bounds all ids
 * @bells: struct famez_bells, by id of the receiver
 * @directory: struct famez_direntry
 * @regions: struct famez_region
 * @channels: where channels may lie; the directory says where they do
 * @reserved1: zero
 * @peers_epoch: raised by the switch after it changed a peer's record
 * @regions_epoch: raised by the switch after it changed a region
 * @reserved2: zero
 *
 * Written by the switch.  All before @peers_epoch is constant while it runs.
 *
 * For all majors: the header is at byte %FAMEZ_HEADER_OFFSET, and @magic, @major, @minor,
 * @header_size, @checksum, @memory_size, @fam_offset and @fam_size are where they are, and
 * mean what they do; the checksum is of the same 256 bytes, which are constant.  So an old
 * reader always finds the FAM.
 */
struct famez_header {
	__le64 magic;
	__le32 major;
	__le32 minor;
	__le32 header_size;
	__le32 checksum;
	__le64 required;
	__le64 optional;
	__le64 fabric;
	__le64 memory_size;
	__le64 fam_offset;
	__le64 fam_size;
	__le32 server_id;
	__le32 vectors;
	__le32 notify_vector;
	__le32 reserved0;
	struct famez_table peers;
	struct famez_table bells;
	struct famez_table directory;
	struct famez_table regions;
	struct famez_table channels;
	__le32 reserved1[22];
	__le32 peers_epoch;
	__le32 regions_epoch;
	__le32 reserved2[14];
};

/* ---- Peers --------------------------------------------------------------- */

#define FAMEZ_PEER_ABSENT	0	/* nobody has this id */
#define FAMEZ_PEER_ATTACHED	1	/* connected, no driver or program yet */
#define FAMEZ_PEER_UP		2	/* has published a generation */

#define FAMEZ_PROTOCOL		1	/* famez_peer.protocol, always */

#define FAMEZ_KIND_UNKNOWN	0
#define FAMEZ_KIND_SWITCH	1
#define FAMEZ_KIND_BRIDGE	2	/* a guest's driver */
#define FAMEZ_KIND_HOST		3	/* a program on the host */

/**
 * struct famez_peer - one peer
 * @state: %FAMEZ_PEER_ABSENT, %FAMEZ_PEER_ATTACHED or %FAMEZ_PEER_UP
 * @epoch: number of changes of the switch's half of this record
 * @cid: Gen-Z component id, 0 while none was given out
 * @sid: Gen-Z subnet id
 * @channels_epoch: raised after the directory's records of the peer's channels
 *	changed
 * @answered: the last @ask that was dealt with, after @channels_epoch
 * @reserved0: zero
 * @generation: random and non-zero, new at each start of the peer; 0: not up
 * @protocol: %FAMEZ_PROTOCOL; not read
 * @vectors: vectors that the peer has armed, 1 to the fabric's
 * @kind: %FAMEZ_KIND_BRIDGE and so on
 * @fam_use: how the peer uses FAM, %FAMEZ_USE_PMEM or %FAMEZ_USE_DAX; 0: only
 *	mappings; with %FAMEZ_USE_WHOLE all up to the first scratch region; with
 *	%FAMEZ_USE_ALONE as memory of its own
 * @channels_seen: the @channels_epoch as of which it knows its channels: it has
 *	let go of those that the directory did not name any more
 * @ask: whom it wants channels with: the id, and in the upper half a number that
 *	is another each time; 0: nobody
 * @features: what it can do beyond this version, a bit for each; none so far.  It is
 *	valid as long as @generation is what it was; towards a peer without the bit, a
 *	feature is not used
 * @reserved1: zero
 * @name: name of the peer, unique by habit, not by force
 * @cclass: Gen-Z class of the peer
 * @reserved2: zero
 *
 * The first 64 bytes are the switch's, the rest is the peer's, who clears what is
 * reserved there before it stores its @generation.  While a peer is
 * absent and its process is known to be gone, the switch clears the peer's half
 * for the next owner of the id.
 */
struct famez_peer {
	__le32 state;
	__le32 epoch;
	__le32 cid;
	__le32 sid;
	__le32 channels_epoch;
	__le32 answered;
	__le32 reserved0[10];
	__le32 generation;
	__le32 protocol;
	__le32 vectors;
	__le32 kind;
	__le32 fam_use;
	__le32 channels_seen;
	__le32 ask;
	__le32 features;
	__le32 reserved1[8];
	char name[FAMEZ_NAME_SIZE];
	char cclass[FAMEZ_NAME_SIZE];
	__le32 reserved2[16];
};

/*
 * Bells: a doorbell names no sender, so each receiver has a byte for each
 * sender.  A record is two rows of FAMEZ_BELL_ROW(peers) bytes: rung[sender],
 * each byte changed by that sender alone, and seen[sender], all written by the
 * receiver.  A sender whose byte equals the receiver's changes it, then rings;
 * a receiver copies rung to seen, then looks at the channel.  Two rows rather
 * than a plain counter: a byte's counter wraps unseen after 256 rings.
 */
#define FAMEZ_BELL_ROW(peers)	(((peers) + 63U) & ~63U)

/* ---- Channels ------------------------------------------------------------ */

/**
 * struct famez_direntry - one channel that exists
 * @from: id of its sender
 * @to: id of its receiver
 * @offset: of its struct famez_channel, a multiple of 64
 * @size: bytes of its ring, a power of two, %FAMEZ_RING_MIN to %FAMEZ_RING_MAX;
 *	0: the record is not in use
 * @ring: where in the channel its ring begins; 0: behind both halves, at
 *	%FAMEZ_CHANNEL_SIZE_VER0.  A reader of this version takes any other for a record
 *	that is not in use
 * @reserved: zero
 *
 * Written by the switch: for all pairs at its start where they fit, else for the
 * pairs of the switch, and for others when one of them asks (famez_peer.ask).  A
 * record of a pair one of which is gone for good is taken back, and its channel is
 * another pair's as soon as the one who is left has let go of it
 * (famez_peer.channels_seen).
 */
struct famez_direntry {
	__le32 from;
	__le32 to;
	__le64 offset;
	__le32 size;
	__le32 ring;
	__le32 reserved[2];
};

#define FAMEZ_RING_MIN		512
#define FAMEZ_RING_MAX		0x100000U
#define FAMEZ_GRANTS		64	/* ports a peer can bind, port 0 included */
#define FAMEZ_RX_MESSAGE_MAX	4096	/* the least of famez_rx_half.message_max */

/**
 * struct famez_ask - what a sender has sent to one port, and waits for
 * @sent: bytes of records sent to this port, free-running
 * @want: the sender wants to be rung when the port's limit passes this
 */
struct famez_ask {
	__le32 sent;
	__le32 want;
};

/**
 * struct famez_grant - what a sender may send to one port
 * @port: the port
 * @incarnation: which owner of the port this is, random; 0: it is closed, but for
 *	port 0, where it always is
 * @limit: bytes of records that the sender may have sent, free-running
 * @read: of a port that was closed: bytes of records that its owner had read
 *
 * All counts of a port start at FAMEZ_PORT_START().  A port keeps its place in
 * the table while it is open; places are used again, the one longest closed
 * first.
 */
struct famez_grant {
	__le32 port;
	__le32 incarnation;
	__le32 limit;
	__le32 read;
};

/*
 * In each half, the index that its owner moves all the time has a cache line of its
 * own.  What the other side looks at before or after each message, and which seldom
 * changes, is in another, so that both sides find it in their own caches.
 */

/**
 * struct famez_tx_half - the sender's half of a channel
 * @generation: the sender's generation
 * @accepted: the receiver's generation for which this half was set up, 0: none
 * @space_event: the sender wants to be rung when the tail passes this
 * @drain: the sender asks for the ring to be emptied up to here, whether or not
 *	programs read: something behind is for the driver, or a port has room
 * @drain_slot: the place of the port for which it asks
 * @reserved0: zero
 * @head: bytes written, free-running
 * @reserved1: zero
 * @asks: by index into the receiver's @grants
 */
struct famez_tx_half {
	__le32 generation;
	__le32 accepted;
	__le32 space_event;
	__le32 drain;
	__le32 drain_slot;
	__le32 reserved0[11];
	__le32 head;
	__le32 reserved1[15];
	struct famez_ask asks[FAMEZ_GRANTS];
};

/**
 * struct famez_rx_half - the receiver's half of a channel
 * @generation: the receiver's generation
 * @accepted: the sender's generation for which this half was set up, 0: none
 * @data_event: the receiver wants to be rung when the head passes this
 * @message_max: bytes of the longest message for a port that the receiver takes; a sender
 *	sends none that is longer, and what is, is discarded.  Less than
 *	%FAMEZ_RX_MESSAGE_MAX is as that, which all take
 * @reserved0: zero
 * @tail: bytes read, free-running
 * @reserved1: zero
 * @grants: what the sender may send, port 0 first
 */
struct famez_rx_half {
	__le32 generation;
	__le32 accepted;
	__le32 data_event;
	__le32 message_max;
	__le32 reserved0[12];
	__le32 tail;
	__le32 reserved1[15];
	struct famez_grant grants[FAMEZ_GRANTS];
};

/**
 * struct famez_channel - a one-way message ring
 * @tx: written by the sender alone
 * @rx: written by the receiver alone
 * @data: the ring, famez_direntry.size bytes, written by the sender
 *
 * Valid for one pair of generations: while both halves name the same two.  Both
 * indexes then start at FAMEZ_RING_START() of the pair, so that wrapping at
 * 2^32 is an everyday event.
 */
struct famez_channel {
	struct famez_tx_half tx;
	struct famez_rx_half rx;
	__u8 data[];
};

#define FAMEZ_RING_START(tx_generation, rx_generation) \
	(((__u32)(tx_generation) + (__u32)(rx_generation)) & ~7U)

/* @start: FAMEZ_RING_START() of the pair */
#define FAMEZ_PORT_START(start, incarnation) \
	((__u32)(start) + ((__u32)(incarnation) & ~7U))

#define FAMEZ_TYPE_PAD		0	/* fills the ring to its end */
#define FAMEZ_TYPE_DATA		1	/* a program's message */
#define FAMEZ_TYPE_PING		2	/* to be sent back as it is */
#define FAMEZ_TYPE_PONG		3	/* a ping that came back */
#define FAMEZ_TYPE_LINK		4	/* Gen-Z link layer */
#define FAMEZ_TYPE_FLUSH	5	/* to the switch: struct famez_flush */
#define FAMEZ_TYPE_FLUSHED	6	/* its answer */

#define FAMEZ_PING_MAX		64	/* bytes that a ping may carry */

/**
 * struct famez_record - what stands before each message in a ring
 * @length: bytes of payload behind this header
 * @type: %FAMEZ_TYPE_DATA and so on; unknown types are skipped
 * @flags: zero; a record with a flag that its reader does not know is skipped as one of
 *	an unknown type, and what it took of a port's grant is given back
 * @sport: the sender's port
 * @dport: the receiver's port
 * @incarnation: of the receiver's port, as its grant said
 * @sent: famez_ask.sent of the port with this record
 * @slot: where in the receiver's @grants the port is
 *
 * A record starts at a multiple of 8, and does not wrap: what is left at the
 * end of the ring is a %FAMEZ_TYPE_PAD record, or nothing where not even a
 * header has room.
 */
struct famez_record {
	__le32 length;
	__le16 type;
	__le16 flags;
	__le16 sport;
	__le16 dport;
	__le32 incarnation;
	__le32 sent;
	__le32 slot;
};

/**
 * struct famez_flush - %FAMEZ_TYPE_FLUSH, and as %FAMEZ_TYPE_FLUSHED the answer
 * @cookie: comes back with the answer
 * @error: 0 in the request; in the answer 0, or as errno(3) of Linux
 * @reserved: zero
 *
 * A request may be longer, as later versions may have more to say; the switch answers
 * EINVAL to one that says something beyond this, where it expects zero.  An answer may be
 * longer, too, and what is behind this is not read.
 *
 * What was written to FAM before the request was sent is on the host's disk when
 * the answer comes, as far as the memory is a file: the switch has called
 * fdatasync(2).  Of two requests of a peer that wait, the first may go unanswered.
 */
struct famez_flush {
	__le64 cookie;
	__le32 error;
	__le32 reserved;
};

/* ---- Regions ------------------------------------------------------------- */

#define FAMEZ_REGIONS_MAX	4096	/* famez_table.count */
#define FAMEZ_REGION_NAME	64
#define FAMEZ_REGION_ALIGN	4096ULL		/* of offset and length */
#define FAMEZ_REGION_ALIGN_DAX	0x200000ULL	/* likewise, for pmem and dax */

#define FAMEZ_USE_FREE		0	/* programs map it */
#define FAMEZ_USE_PMEM		1
#define FAMEZ_USE_DAX		2
#define FAMEZ_USE_SCRATCH	3	/* likewise, whatever uses all of FAM */
#define FAMEZ_USE_MASK		0xffU
#define FAMEZ_USE_WHOLE		0x100U	/* famez_peer.fam_use: of all of FAM */
#define FAMEZ_USE_ALONE		0x200U	/* likewise: and nobody else may use it */

/**
 * struct famez_region - a named part of the FAM
 * @name: ends at the first NUL; empty: the record is not in use
 * @offset: from the start of the FAM
 * @length: bytes
 * @creator: id of the peer that asked for it, for information
 * @use: what it is for: %FAMEZ_USE_FREE and so on; one that the reader does not know is
 *	as %FAMEZ_USE_PMEM: in use, and not for programs to write
 * @reserved: zero
 *
 * Written by the switch, as a copy of its own truth.  A record is none if it has no name,
 * or does not lie in FAM in whole pages, whatever else it says.
 */
struct famez_region {
	char name[FAMEZ_REGION_NAME];
	__le64 offset;
	__le64 length;
	__le32 creator;
	__le32 use;
	__le32 reserved[10];
};

/*
 * A peer sends a request as a message to this port of the switch, from a port of its
 * own, and gets the reply there.
 */
#define FAMEZ_REGION_PORT	1

#define FAMEZ_REGION_OPEN	1	/* find it, or create it */
#define FAMEZ_REGION_REMOVE	2

#define FAMEZ_REGION_CREATE	1	/* if it is not there */
#define FAMEZ_REGION_EXCL	2	/* and fail if it is: EEXIST */

/**
 * struct famez_region_request - to the switch
 * @op: %FAMEZ_REGION_OPEN or %FAMEZ_REGION_REMOVE
 * @cookie: comes back with the reply
 * @flags: %FAMEZ_REGION_CREATE, %FAMEZ_REGION_EXCL
 * @use: to create it for; what is there must be for that
 * @size: bytes that it must have at least; 0: any, but to create it
 * @reserved: zero
 * @name: its name, padded with NUL
 *
 * It may be longer, as later versions may have more to say; EINVAL is answered where it
 * says something beyond this, has an unknown flag, or is not zero in @reserved.  To remove a
 * region, @flags, @use and @size are zero.  EOPNOTSUPP: an unknown @op, whatever else it
 * says.
 */
struct famez_region_request {
	__le32 op;
	__le32 cookie;
	__le32 flags;
	__le32 use;
	__le64 size;
	__le64 reserved;
	char name[FAMEZ_REGION_NAME];
};

/**
 * struct famez_region_reply - from the switch
 * @cookie: of the request
 * @error: 0, or as errno(3) of Linux; the rest is then zero, but for ENOSPC
 * @region: as it is now, or was when it was removed; ENOSPC: its length is that of the
 *	largest that there is room for
 *
 * It may be longer; what is behind this is not read.
 */
struct famez_region_reply {
	__le32 cookie;
	__le32 error;
	struct famez_region region;
};

#endif /* _UAPI_LINUX_FAMEZ_FABRIC_H */
