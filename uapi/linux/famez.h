/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a program says to /dev/famez_bridge and /dev/famez_fam.
 *
 * Text form: write(2) takes "<dest>:<payload>" where dest is a peer's id, its
 * name, its "CID,SID", or "server" or "switch" for the switch; read(2) gives
 * "<sender's id>:<payload>", or as FAMEZ_IOC_FORM says.  Each call is one message.
 * poll(2): POLLIN while a message waits; POLLPRI while a peer event waits; POLLOUT
 * always, as each peer has room of its own; POLLERR and POLLHUP after the device has
 * gone.  mmap(2): the FAM, from offset 0; MAP_SHARED, or MAP_PRIVATE for reading
 * alone, which it then stays (EINVAL, and EACCES of mprotect(2)).
 *
 * A device without a doorbell, /dev/famez_fam, has no messages: all commands but
 * FAMEZ_IOC_INFO, FAMEZ_IOC_MAPPING, FAMEZ_IOC_REGIONS and FAMEZ_IOC_ALLOW are
 * EOPNOTSUPP.  There read(2) and write(2) are of FAM, at the file's offset; ENOSPC:
 * behind its end, and with O_APPEND.
 *
 * A bridge on a server that knows mailslots alone, as F.E.E.'s, has no ports and no
 * events: FAMEZ_IOC_BIND and FAMEZ_IOC_EVENT are EOPNOTSUPP.
 *
 * A bridge on a raw server, as QEMU's ivshmem-server, knows no peers: it has
 * FAMEZ_IOC_INFO, FAMEZ_IOC_MAPPING, FAMEZ_IOC_ALLOW, FAMEZ_IOC_RING, FAMEZ_IOC_VECTOR
 * and mmap(2), of all the memory; all else is EOPNOTSUPP, read(2) and write(2) too, and
 * poll(2) tells only that the device has gone.
 *
 * Every structure starts with its size, set by the caller, and flags.
 * Structures grow at their end: an older program's shorter one is taken as if
 * zero followed, and is written as far as it goes; one shorter than the first
 * version, FAMEZ_INFO_SIZE_VER0 and so on, is EINVAL.  A newer program's longer
 * one is E2BIG when it sets what this kernel does not know.  An unknown flag, or
 * a reserved field that is not zero, is EINVAL.  All layouts are the same for
 * 32-bit and 64-bit programs.
 *
 * Errors of all commands: EFAULT (bad pointer), ENOTTY (unknown command),
 * ENODEV (the device has gone; or another switch has taken its memory, where only
 * FAMEZ_IOC_INFO, _MAPPING, _ALLOW, _LINK, _FORM, _NOTIFY, _VECTOR and mmap(2) go on, of
 * which FORM asks no device at all), EBADF (SEND,
 * SEND_BATCH, RING and ALLOW on a file that is not open for writing; RECV,
 * RECV_BATCH, EVENT, BIND and NOTIFY on one that is not open for reading).
 */
#ifndef _UAPI_LINUX_FAMEZ_H
#define _UAPI_LINUX_FAMEZ_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * Bytes.  A small fabric allows less, and a later driver may allow more, as
 * famez_info.message_max says.  What is received may be as long as the larger of both: a
 * mailslot's message may be longer than one that fits a small fabric's rings.
 */
#define FAMEZ_MESSAGE_MAX	4096
#define FAMEZ_DEST_SERVER	0xffffffffU	/* as a destination: the switch */

#define FAMEZ_CONFIG_FAMEZ	1	/* a famez switch: everything */
#define FAMEZ_CONFIG_MAILSLOTS	2	/* F.E.E.'s server: messages by mailslots */
#define FAMEZ_CONFIG_RAW	3	/* a raw server: FAM and doorbells */
#define FAMEZ_CONFIG_PLAIN	4	/* no doorbell: FAM alone */
#define FAMEZ_CONFIG_NEWER	5	/* a newer layout: FAM alone */

/**
 * struct famez_info - FAMEZ_IOC_INFO
 * @size: bytes of this structure
 * @flags: 0
 * @config: %FAMEZ_CONFIG_FAMEZ and so on; without messages what tells of peers
 *	is 0, and without a doorbell what tells of vectors, and @id
 * @id: own id
 * @peers_max: all ids are below this
 * @server_id: the switch
 * @vectors: vectors that the fabric offers each peer; on a raw server, those of
 *	this device
 * @vectors_armed: vectors that this bridge listens on
 * @message_max: longest message, in bytes; that to a particular peer may be
 *	shorter (EMSGSIZE tells)
 * @generation: number of this start of the driver
 * @fabric: number of this start of the switch
 * @memory_size: bytes of the device's memory
 * @fam_offset: where in it the FAM starts, for those who see the whole
 * @fam_size: bytes of FAM, what mmap(2) can map
 * @layout_major: version of the control area
 * @layout_minor: version of the control area
 * @name: own name
 */
struct famez_info {
	__u32 size;
	__u32 flags;
	__u32 config;
	__u32 id;
	__u32 peers_max;
	__u32 server_id;
	__u32 vectors;
	__u32 vectors_armed;
	__u32 message_max;
	__u32 generation;
	__u64 fabric;
	__u64 memory_size;
	__u64 fam_offset;
	__u64 fam_size;
	__u32 layout_major;
	__u32 layout_minor;
	char name[32];
};

#define FAMEZ_INFO_SIZE_VER0	112

/* famez_peer_info.state; there may be others, and who is below UP cannot be sent to */
#define FAMEZ_PEER_STATE_ATTACHED	1	/* no driver or program runs there */
#define FAMEZ_PEER_STATE_UP		2
#define FAMEZ_PEER_STATE_OLD		0x100	/* it knows mailslots alone */

/* famez_peer_info.kind, as the peer says; there may be others */
#define FAMEZ_PEER_KIND_UNKNOWN		0
#define FAMEZ_PEER_KIND_SWITCH		1
#define FAMEZ_PEER_KIND_BRIDGE		2	/* a guest's driver */
#define FAMEZ_PEER_KIND_HOST		3	/* a program on the host */

/* famez_peer_info.fam_use, as the peer says; there may be others */
#define FAMEZ_FAM_USE_PMEM		1
#define FAMEZ_FAM_USE_DAX		2
#define FAMEZ_FAM_USE_MASK		0xffU	/* of these; the others are flags */
#define FAMEZ_FAM_USE_WHOLE		0x100U	/* all FAM, to the first scratch region */
#define FAMEZ_FAM_USE_ALONE		0x200U	/* as memory of its own */

/**
 * struct famez_peer_info - one peer, as FAMEZ_IOC_PEERS tells it
 * @id: its id
 * @state: %FAMEZ_PEER_STATE_UP and so on
 * @kind: %FAMEZ_PEER_KIND_BRIDGE and so on
 * @generation: number of its start, 0 unless up
 * @vectors_armed: vectors that it listens on
 * @cid: Gen-Z component id, 0: none
 * @sid: Gen-Z subnet id
 * @fam_use: how it uses FAM, %FAMEZ_FAM_USE_PMEM and so on; 0: by mappings alone
 * @name: its name, printable ASCII, NUL-terminated
 * @cclass: its Gen-Z class, likewise
 */
struct famez_peer_info {
	__u32 id;
	__u32 state;
	__u32 kind;
	__u32 generation;
	__u32 vectors_armed;
	__u32 cid;
	__u32 sid;
	__u32 fam_use;
	char name[32];
	char cclass[32];
};

#define FAMEZ_PEER_INFO_SIZE_VER0	96

/**
 * struct famez_peers - FAMEZ_IOC_PEERS
 * @size: bytes of this structure
 * @flags: 0
 * @peers: address of an array of struct famez_peer_info
 * @count: in: entries it has room for; out: peers that there are, own and
 *	switch included (those beyond the room are not written)
 * @stride: bytes of one entry, sizeof(struct famez_peer_info); a kernel that
 *	knows less clears the rest of an entry (%FAMEZ_PEER_INFO_SIZE_VER0 to 4096)
 * @epoch: out: changes when a peer changes
 * @reserved: 0
 */
struct famez_peers {
	__u32 size;
	__u32 flags;
	__u64 peers;
	__u32 count;
	__u32 stride;
	__u32 epoch;
	__u32 reserved;
};

#define FAMEZ_PEERS_SIZE_VER0	32

/* famez_region_info.use; there may be others */
#define FAMEZ_REGION_USE_FREE		0	/* programs map it */
#define FAMEZ_REGION_USE_PMEM		1
#define FAMEZ_REGION_USE_DAX		2
#define FAMEZ_REGION_USE_SCRATCH	3	/* likewise, whatever uses all of FAM */

/**
 * struct famez_region_info - one region, as FAMEZ_IOC_REGIONS tells it
 * @name: its name, printable ASCII, NUL-terminated
 * @offset: from the start of the FAM, in bytes
 * @length: bytes
 * @creator: id of the peer that asked for it, for information
 * @use: what it is for, %FAMEZ_REGION_USE_FREE and so on
 */
struct famez_region_info {
	char name[64];
	__u64 offset;
	__u64 length;
	__u32 creator;
	__u32 use;
};

#define FAMEZ_REGION_INFO_SIZE_VER0	88

/**
 * struct famez_regions - FAMEZ_IOC_REGIONS
 * @size: bytes of this structure
 * @flags: 0
 * @regions: address of an array of struct famez_region_info
 * @count: in: entries it has room for; out: regions that there are (those beyond the
 *	room are not written)
 * @stride: bytes of one entry, sizeof(struct famez_region_info); a kernel that knows
 *	less clears the rest of an entry (%FAMEZ_REGION_INFO_SIZE_VER0 to 4096)
 */
struct famez_regions {
	__u32 size;
	__u32 flags;
	__u64 regions;
	__u32 count;
	__u32 stride;
};

#define FAMEZ_REGIONS_SIZE_VER0	24

#define FAMEZ_ALLOW_IN_USE	1	/* to write where kernels have pmem or dax */

/**
 * struct famez_allow - FAMEZ_IOC_ALLOW
 * @size: bytes of this structure
 * @flags: %FAMEZ_ALLOW_IN_USE; 0: nothing any more
 */
struct famez_allow {
	__u32 size;
	__u32 flags;
};

#define FAMEZ_ALLOW_SIZE_VER0	8

#define FAMEZ_MSG_DONTWAIT	1	/* EAGAIN rather than sleep */
#define FAMEZ_MSG_PROBE		2	/* send nothing: is the port open? */
#define FAMEZ_MSG_LINK		4	/* a word of the link layer, as text */
#define FAMEZ_MSG_CID		8	/* @peer and @sid are the receiver's CID and SID */

/**
 * struct famez_msg - FAMEZ_IOC_SEND and FAMEZ_IOC_RECV
 * @size: bytes of this structure
 * @flags: %FAMEZ_MSG_DONTWAIT; sending, %FAMEZ_MSG_PROBE, %FAMEZ_MSG_LINK,
 *	%FAMEZ_MSG_CID
 * @data: address of the message
 * @length: bytes; receiving, in: room at @data, out: bytes of the message
 * @peer: sending: id of the receiver, with %FAMEZ_MSG_CID its CID; receiving, out: id of the sender
 * @sport: sending: 0; receiving: 0, out: the sender's port, 0: it has none
 * @dport: sending: the receiver's port; receiving: 0, out: the own port
 * @timeout_ms: how long to sleep at most, then ETIMEDOUT; 0: as long as it takes
 * @sid: sending with %FAMEZ_MSG_CID: the receiver's SID; else 0
 * @reserved: 0
 */
struct famez_msg {
	__u32 size;
	__u32 flags;
	__u64 data;
	__u32 length;
	__u32 peer;
	__u16 sport;
	__u16 dport;
	__u32 timeout_ms;
	__u32 sid;
	__u32 reserved;
};

#define FAMEZ_MSG_SIZE_VER0	40

#define FAMEZ_LINK_DOWN		0	/* the switch has not spoken */
#define FAMEZ_LINK_UP		1	/* it has */
#define FAMEZ_LINK_CONFIGURED	2	/* and has given us CID and SID */

/**
 * struct famez_link_info - FAMEZ_IOC_LINK: what we are for Gen-Z's link layer
 * @size: bytes of this structure
 * @flags: 0
 * @state: %FAMEZ_LINK_DOWN and so on
 * @cid: own component id, 0: none was given
 * @sid: own subnet id
 * @manager_cid: who has given them
 * @manager_sid: likewise
 * @switch_cid: of the switch, as it says
 * @switch_sid: likewise
 * @reserved: zero
 * @cclass: own class
 * @switch_class: of the switch, as it says
 */
struct famez_link_info {
	__u32 size;
	__u32 flags;
	__u32 state;
	__u32 cid;
	__u32 sid;
	__u32 manager_cid;
	__u32 manager_sid;
	__u32 switch_cid;
	__u32 switch_sid;
	__u32 reserved;
	char cclass[32];
	char switch_class[32];
};

#define FAMEZ_LINK_INFO_SIZE_VER0	104

#define FAMEZ_READ_CID		1	/* read(2) gives "CID,SID:" of who has one */

/**
 * struct famez_form - FAMEZ_IOC_FORM
 * @size: bytes of this structure
 * @flags: %FAMEZ_READ_CID; 0: read(2) gives ids
 */
struct famez_form {
	__u32 size;
	__u32 flags;
};

#define FAMEZ_FORM_SIZE_VER0	8

#define FAMEZ_PING_TIMEOUT_MAX	3600000	/* milliseconds: an hour */

/**
 * struct famez_ping - FAMEZ_IOC_PING
 * @size: bytes of this structure
 * @flags: 0
 * @peer: id of whom to ping
 * @timeout_ms: how long to wait for the answer, 1 to
 *	%FAMEZ_PING_TIMEOUT_MAX
 * @nanoseconds: out: how long it took
 */
struct famez_ping {
	__u32 size;
	__u32 flags;
	__u32 peer;
	__u32 timeout_ms;
	__u64 nanoseconds;
};

#define FAMEZ_PING_SIZE_VER0	24

#define FAMEZ_EVENTS		256	/* so many are kept for a file */

#define FAMEZ_EVENT_JOINED	1	/* is on the fabric, but not up */
#define FAMEZ_EVENT_UP		2	/* can be sent to */
#define FAMEZ_EVENT_DOWN	3	/* its driver or program has stopped */
#define FAMEZ_EVENT_LEFT	4	/* is no longer on the fabric */
#define FAMEZ_EVENT_OVERFLOW	5	/* some were missed: list the peers again */

/**
 * struct famez_event - FAMEZ_IOC_EVENT
 * @size: bytes of this structure
 * @flags: %FAMEZ_MSG_DONTWAIT
 * @type: out: %FAMEZ_EVENT_JOINED and so on
 * @peer: out: id of the peer
 * @generation: out: of the start that came up or went down
 * @epoch: out: as famez_peers.epoch; FAMEZ_IOC_PEERS tells no older state after
 *	%FAMEZ_EVENT_OVERFLOW
 * @timeout_ms: as in struct famez_msg
 * @reserved: 0
 */
struct famez_event {
	__u32 size;
	__u32 flags;
	__u32 type;
	__u32 peer;
	__u32 generation;
	__u32 epoch;
	__u32 timeout_ms;
	__u32 reserved;
};

#define FAMEZ_EVENT_SIZE_VER0	32

#define FAMEZ_PORT_ANY_MIN	49152	/* FAMEZ_IOC_BIND picks from here on */
#define FAMEZ_BUFFER_MAX	0x100000	/* of famez_bind.buffer, in bytes */

/**
 * struct famez_bind - FAMEZ_IOC_BIND
 * @size: bytes of this structure
 * @flags: 0
 * @port: the port, 1 to 65535; 0: any that is free, out: which
 * @buffer: how many bytes of unread messages each sender may have there, with 24
 *	bytes for each message; at least that of the longest message is taken, at
 *	most %FAMEZ_BUFFER_MAX; 0: twice the ring's
 */
struct famez_bind {
	__u32 size;
	__u32 flags;
	__u32 port;
	__u32 buffer;
};

#define FAMEZ_BIND_SIZE_VER0	16

/**
 * struct famez_batch - FAMEZ_IOC_SEND_BATCH and FAMEZ_IOC_RECV_BATCH
 * @size: bytes of this structure
 * @flags: %FAMEZ_MSG_DONTWAIT
 * @messages: address of an array of struct famez_msg, each with its own @size,
 *	which is @stride, @flags 0, but to send with %FAMEZ_MSG_CID, and @timeout_ms 0
 * @count: how many, 1 to %FAMEZ_BATCH_MAX
 * @stride: bytes from one to the next, sizeof(struct famez_msg)
 * @timeout_ms: as in struct famez_msg, for all of them
 * @error: out: the errno value for which it stopped before the end, EINTR of a signal;
 *	0: none
 */
struct famez_batch {
	__u32 size;
	__u32 flags;
	__u64 messages;
	__u32 count;
	__u32 stride;
	__u32 timeout_ms;
	__u32 error;
};

#define FAMEZ_BATCH_SIZE_VER0	32

#define FAMEZ_BATCH_MAX		1024

/**
 * struct famez_notify - FAMEZ_IOC_NOTIFY
 * @size: bytes of this structure
 * @flags: 0
 * @fd: the eventfd; -1: none any more
 * @reserved: 0
 */
struct famez_notify {
	__u32 size;
	__u32 flags;
	__s32 fd;
	__u32 reserved;
};

#define FAMEZ_NOTIFY_SIZE_VER0	16

/**
 * struct famez_doorbell - FAMEZ_IOC_RING
 * @size: bytes of this structure
 * @flags: 0
 * @peer: id of whom to ring; one's own, too, or %FAMEZ_DEST_SERVER
 * @vector: which of its vectors, from 0
 */
struct famez_doorbell {
	__u32 size;
	__u32 flags;
	__u32 peer;
	__u32 vector;
};

#define FAMEZ_DOORBELL_SIZE_VER0	16

#define FAMEZ_VECTOR_FILES	64	/* so many can listen on a vector */

/**
 * struct famez_eventfd - FAMEZ_IOC_VECTOR
 * @size: bytes of this structure
 * @flags: 0
 * @vector: which of the own vectors, below famez_info.vectors_armed
 * @fd: an eventfd, -1: none any more
 */
struct famez_eventfd {
	__u32 size;
	__u32 flags;
	__u32 vector;
	__s32 fd;
};

#define FAMEZ_EVENTFD_SIZE_VER0	16

#define FAMEZ_MAPPING_KERNEL	1	/* the kernel's own, of the control area */

#define FAMEZ_MEMORY_ABSENT	0	/* nothing was touched there yet */
#define FAMEZ_MEMORY_WB		1	/* write-back, as ordinary memory */
#define FAMEZ_MEMORY_WT		2	/* write-through */
#define FAMEZ_MEMORY_WC		3	/* write-combining */
#define FAMEZ_MEMORY_UC_MINUS	4	/* uncached, unless an MTRR combines writes */
#define FAMEZ_MEMORY_UC		5	/* uncached */
#define FAMEZ_MEMORY_OTHER	6	/* none of these */

/**
 * struct famez_mapping - FAMEZ_IOC_MAPPING
 * @size: bytes of this structure
 * @flags: 0 or %FAMEZ_MAPPING_KERNEL
 * @address: in a mapping of this device in this program; with
 *	%FAMEZ_MAPPING_KERNEL 0
 * @type: out: %FAMEZ_MEMORY_WB and so on
 * @reserved: 0
 * @page_size: out: bytes of the page there; 0: there is none
 */
struct famez_mapping {
	__u32 size;
	__u32 flags;
	__u64 address;
	__u32 type;
	__u32 reserved;
	__u64 page_size;
};

#define FAMEZ_MAPPING_SIZE_VER0	32

/*
 * The direction bits and sizes that _IOWR would encode are left out: each
 * structure carries its own size, and may grow.
 */
#define FAMEZ_IOC_TYPE	0xfa

/* What this bridge and its fabric are. */
#define FAMEZ_IOC_INFO	_IO(FAMEZ_IOC_TYPE, 0x00)

/* Who is there. */
#define FAMEZ_IOC_PEERS	_IO(FAMEZ_IOC_TYPE, 0x01)

/*
 * Send one message, 0 to message_max bytes; sleeps while the receiver has no
 * room, unless O_NONBLOCK or FAMEZ_MSG_DONTWAIT.  Returns 0 when the message is
 * in the channel.  EAGAIN: no room now.  ETIMEDOUT: none in time.  EINTR: a
 * signal came first.  EMSGSIZE: too long.  EHOSTUNREACH: no such peer on the
 * fabric.  ENOTCONN: it has no driver or program running.  ENOBUFS: no channel
 * to it can be had.  ECONNREFUSED: nobody there has the port.  ECONNRESET: it
 * restarted, or closed the port, and messages were lost; told once.  EINVAL: to
 * oneself.
 *
 * With FAMEZ_MSG_PROBE and no message (EINVAL else), 0 says that the port is open
 * there, whether or not it has room, and the own ones can be asked for, too.  The
 * other errors are the same, but that a peer's restart is kept for who sends.
 *
 * With FAMEZ_MSG_LINK the message is a word of the link layer (EINVAL else), for the
 * peer's driver, library or switch, and @dport and @timeout_ms are 0, without
 * FAMEZ_MSG_DONTWAIT and FAMEZ_MSG_PROBE: it goes when there is room.  EBUSY: the last one
 * to that peer still waits for it.
 *
 * A peer that knows mailslots alone (FAMEZ_PEER_STATE_OLD) has no ports, and takes 1 to 383
 * bytes.  0 then means that it has read them: it has five seconds for that (ETIMEDOUT,
 * and the message is taken back).  With O_NONBLOCK or FAMEZ_MSG_DONTWAIT nobody waits,
 * and what was taken back is told to the next sender, by ECONNRESET.
 */
#define FAMEZ_IOC_SEND	_IO(FAMEZ_IOC_TYPE, 0x02)

/*
 * Receive one message to the own port; sleeps while there is none, likewise.
 * EMSGSIZE: the
 * message is longer than the room, @length tells it, and it stays the next.
 * The memory at @data must be writable even where a part would do.
 */
#define FAMEZ_IOC_RECV	_IO(FAMEZ_IOC_TYPE, 0x03)

/*
 * Measure a round trip to a peer's driver, library or switch.  Errors as of
 * FAMEZ_IOC_SEND, but ETIMEDOUT: no answer in time; there is no EAGAIN.
 */
#define FAMEZ_IOC_PING	_IO(FAMEZ_IOC_TYPE, 0x04)

/*
 * The next change of a peer since this file was opened, in order; sleeps while
 * there is none.  A file that falls behind by more than 256 gets
 * FAMEZ_EVENT_OVERFLOW once, then goes on with what comes next.  EAGAIN, EINTR,
 * ETIMEDOUT: as of FAMEZ_IOC_RECV.
 */
#define FAMEZ_IOC_EVENT	_IO(FAMEZ_IOC_TYPE, 0x05)

/*
 * Open a port of this peer for this file, for the file's life: from then on it
 * receives what is sent there, and nothing else, and what it sends comes from
 * there.  A file without one is at port 0, which all such files share.  When the
 * file is closed, what it has not read is discarded, and its senders are told.
 * EADDRINUSE: another file has the port.  EINVAL: this file has one, or no such
 * port can be.  ENOSPC: the peer has 63 open.  ENOMEM: no memory for the buffers
 * of all peers.  A file is bound before it is polled.
 */
#define FAMEZ_IOC_BIND	_IO(FAMEZ_IOC_TYPE, 0x06)

/*
 * Send several messages, in order, to any peers, or receive several.  Sending
 * sleeps for the room of each; receiving sleeps for the first alone, and takes
 * what is there.  Returns how many were done, if any; famez_batch.error tells why
 * not all.  Errors are those of the first message, as of FAMEZ_IOC_SEND and
 * FAMEZ_IOC_RECV.
 */
#define FAMEZ_IOC_SEND_BATCH	_IO(FAMEZ_IOC_TYPE, 0x07)
#define FAMEZ_IOC_RECV_BATCH	_IO(FAMEZ_IOC_TYPE, 0x08)

/*
 * Signal an eventfd when a message to the own port may have come: at once, if one
 * may be there, and then whenever one comes after FAMEZ_IOC_RECV or poll(2) found
 * none.  So read until EAGAIN before waiting for it, as with EPOLLET.  A second
 * one takes the place of the first.  EBADF: @fd is none.  EINVAL: it is no eventfd.
 */
#define FAMEZ_IOC_NOTIFY	_IO(FAMEZ_IOC_TYPE, 0x09)

/*
 * Interrupt a peer, and nothing else: for those who bring their own protocol.
 * On a famez fabric EHOSTUNREACH: no such peer there; EINVAL: the fabric offers
 * no such vector.  On a raw server nobody knows who is there: EINVAL for what has
 * more than 16 bits, and who or what is not there is not rung.
 */
#define FAMEZ_IOC_RING	_IO(FAMEZ_IOC_TYPE, 0x0a)

/*
 * An eventfd that is signalled at each interrupt of a vector, messages' own
 * included; one for each file and vector: a second replaces it.  The file's last
 * close takes it away.  When the device goes, each is signalled once more, and
 * taken away; FAMEZ_IOC_INFO is then ENODEV.  Rings that follow each other
 * closely may come as one interrupt.  EINVAL: no such vector is armed, or no
 * eventfd.  EBADF: no such descriptor.  ENOSPC: FAMEZ_VECTOR_FILES have one.
 * ENOMEM.
 */
#define FAMEZ_IOC_VECTOR	_IO(FAMEZ_IOC_TYPE, 0x0b)

/*
 * The memory type and page size of a mapping, as the page tables have them: what was
 * asked for, firmware's MTRRs may have changed.  EFAULT: @address is in no mapping of
 * this device.  EOPNOTSUPP: FAMEZ_MAPPING_KERNEL where there is no control area.
 */
#define FAMEZ_IOC_MAPPING	_IO(FAMEZ_IOC_TYPE, 0x0c)

/*
 * Which parts of FAM have names, by the fabric's table; on a plain device whose memory is
 * a fabric's, too.  EOPNOTSUPP: there is no such table.
 */
#define FAMEZ_IOC_REGIONS	_IO(FAMEZ_IOC_TYPE, 0x0d)

/*
 * What this file may do from now on that is refused else: mmap(2) for writing, and
 * write(2) on a plain device, of a part of FAM that is a region for pmem or dax, or of
 * any but a scratch region while a peer uses all of FAM so, and all of FAM where the layout
 * is newer, as nobody can tell then.  Without it they are EBUSY.
 * EBADF: the file is not open for writing.
 */
#define FAMEZ_IOC_ALLOW		_IO(FAMEZ_IOC_TYPE, 0x0e)

/* What we are for Gen-Z's link layer. */
#define FAMEZ_IOC_LINK		_IO(FAMEZ_IOC_TYPE, 0x0f)

/* How read(2) of this file names senders; the module's parameter read_cid is the default. */
#define FAMEZ_IOC_FORM		_IO(FAMEZ_IOC_TYPE, 0x10)

#endif /* _UAPI_LINUX_FAMEZ_H */
