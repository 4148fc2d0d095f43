/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What famez-vm (host) and famez-agent (guest) say to each other over a
 * virtio-serial port. Both are compiled from this one file.
 *
 * The buffers between the two outlive a connection, so either side may first
 * read the tail of somebody else's talk. Therefore each frame stands between
 * marks that occur nowhere else (escaped as in SLIP), and carries the random
 * number that the host picked for the session: anything else is discarded.
 */
#ifndef FAMEZ_VM_PROTO_H
#define FAMEZ_VM_PROTO_H

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROTO_VERSION	2
#define PROTO_PORTS	8
#define PROTO_PORT_NAME	"famez.exec."

/* Largest payload; a command line has to fit in one frame */
#define FRAME_MAX	(256 * 1024)
/* How much of a stream goes in one frame */
#define FRAME_CHUNK	(16 * 1024)
/* How much stdin may be on its way before the guest acknowledges it */
#define STDIN_WINDOW	(256 * 1024)

enum frame_type {
	/* host to guest */
	FRAME_ATTACH = 1,	/* begins a session, ends any older one */
	FRAME_RUN,		/* strings: cwd, argc, argv..., env... */
	FRAME_STDIN,
	FRAME_STDIN_EOF,
	FRAME_KILL,		/* le32 signal, for the process group */
	FRAME_PING,
	FRAME_WINDOW,		/* le32 rows << 16 | columns: the command is to
				 * have a terminal of that size, or has it now
				 */
	/* guest to host */
	FRAME_HELLO = 64,	/* le32 PROTO_VERSION; answers ATTACH */
	FRAME_STDOUT,
	FRAME_STDERR,
	FRAME_STDIN_ACK,	/* le32 bytes that the command has taken */
	FRAME_EXIT,		/* le32 exit code, 128 + signal if killed */
	FRAME_PONG,
	FRAME_LOST,		/* no such session: the guest began anew */
};

struct frame_header {
	uint64_t session;
	uint32_t length;	/* a cut frame shows by a wrong one */
	uint8_t type;
	uint8_t reserved[3];
};

#define MARK_END	0xc0
#define MARK_ESCAPE	0xdb
#define ESCAPED_END	0xdc
#define ESCAPED_ESCAPE	0xdd

/* Bytes on their way out */
struct tx {
	unsigned char *data;
	size_t start, end, room;
};

static inline size_t tx_pending(const struct tx *tx)
{
	return tx->end - tx->start;
}

static inline void tx_clear(struct tx *tx)
{
	tx->start = 0;
	tx->end = 0;
}

static inline void tx_reserve(struct tx *tx, size_t more)
{
	if (tx->start == tx->end)
		tx_clear(tx);
	if (tx->end + more <= tx->room)
		return;
	if (tx->start) {
		memmove(tx->data, tx->data + tx->start, tx_pending(tx));
		tx->end -= tx->start;
		tx->start = 0;
	}
	if (tx->end + more > tx->room) {
		tx->room = tx->end + more;
		tx->data = realloc(tx->data, tx->room);
		if (!tx->data)
			abort();
	}
}

static inline void tx_escaped(struct tx *tx, const void *from, size_t length)
{
	const unsigned char *bytes = from;
	size_t i;

	for (i = 0; i < length; i++) {
		if (bytes[i] == MARK_END || bytes[i] == MARK_ESCAPE) {
			tx->data[tx->end++] = MARK_ESCAPE;
			tx->data[tx->end++] = bytes[i] == MARK_END ?
				ESCAPED_END : ESCAPED_ESCAPE;
		} else {
			tx->data[tx->end++] = bytes[i];
		}
	}
}

static inline void tx_frame(struct tx *tx, uint64_t session,
			    enum frame_type type, const void *payload,
			    size_t length)
{
	struct frame_header header = {
		.session = htole64(session),
		.length = htole32(length),
		.type = type,
	};

	tx_reserve(tx, 2 * (sizeof(header) + length) + 2);
	tx->data[tx->end++] = MARK_END;
	tx_escaped(tx, &header, sizeof(header));
	tx_escaped(tx, payload, length);
	tx->data[tx->end++] = MARK_END;
}

static inline void tx_number(struct tx *tx, uint64_t session,
			     enum frame_type type, uint32_t number)
{
	uint32_t little = htole32(number);

	tx_frame(tx, session, type, &little, sizeof(little));
}

/* Write what @fd takes now; false on an error other than "not now" */
static inline bool tx_flush(struct tx *tx, int fd)
{
	while (tx_pending(tx)) {
		ssize_t n = write(fd, tx->data + tx->start, tx_pending(tx));

		/* A port whose other side is closed takes 0 bytes */
		if (n <= 0)
			return n == 0 || errno == EAGAIN || errno == EINTR;
		tx->start += n;
	}
	return true;
}

/* The frame that is coming in */
struct rx {
	struct frame_header header;		/* in host order, once complete */
	size_t length;				/* bytes in data so far */
	bool escape, bad;
	unsigned char data[sizeof(struct frame_header) + FRAME_MAX];
};

static inline unsigned char *rx_payload(struct rx *rx)
{
	return rx->data + sizeof(struct frame_header);
}

static inline uint32_t rx_number(struct rx *rx)
{
	uint32_t little = 0;

	if (rx->header.length >= sizeof(little))
		memcpy(&little, rx_payload(rx), sizeof(little));
	return le32toh(little);
}

static inline void rx_clear(struct rx *rx)
{
	rx->length = 0;
	rx->escape = false;
	rx->bad = false;
}

/* At a mark: is what came since the last one a whole frame? */
static inline bool rx_complete(struct rx *rx)
{
	size_t length = rx->length;
	bool bad = rx->bad || rx->escape;

	rx_clear(rx);
	if (bad || length < sizeof(rx->header))
		return false;
	memcpy(&rx->header, rx->data, sizeof(rx->header));
	rx->header.session = le64toh(rx->header.session);
	rx->header.length = le32toh(rx->header.length);
	return rx->header.length == length - sizeof(rx->header);
}

/* Take one byte; true if it completes the frame in @rx */
static inline bool rx_byte(struct rx *rx, unsigned char byte)
{
	if (byte == MARK_END)
		return rx_complete(rx);
	if (byte == MARK_ESCAPE) {
		rx->escape = true;
		return false;
	}
	if (rx->escape) {
		byte = byte == ESCAPED_END ? MARK_END : MARK_ESCAPE;
		rx->escape = false;
	}
	if (rx->length == sizeof(rx->data))
		rx->bad = true;
	else
		rx->data[rx->length++] = byte;
	return false;
}

#endif
