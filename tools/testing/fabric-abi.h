/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control area's layout 1.0, as numbers, for compilers of both widths: these lines
 * are not to be changed, whatever becomes of <linux/famez_fabric.h>.
 */
#ifndef FAMEZ_TESTING_FABRIC_ABI_H
#define FAMEZ_TESTING_FABRIC_ABI_H

#include <stddef.h>
#include <linux/famez_fabric.h>

#define SIZE_1_0(type, bytes) \
	_Static_assert(sizeof(struct type) == (bytes), #type)
#define AT_1_0(type, field, offset, bytes) \
	_Static_assert(offsetof(struct type, field) == (offset) && \
		       sizeof(((struct type *)0)->field) == (bytes), \
		       #type "." #field)
#define NUMBER_1_0(name, value)	_Static_assert((name) == (value), #name)

SIZE_1_0(famez_slot0, 40);
AT_1_0(famez_slot0, slotsize, 0, 8);
AT_1_0(famez_slot0, buf_offset, 8, 8);
AT_1_0(famez_slot0, nclients, 16, 8);
AT_1_0(famez_slot0, nevents, 24, 8);
AT_1_0(famez_slot0, server_id, 32, 8);

SIZE_1_0(famez_slot, 512);
AT_1_0(famez_slot, nodename, 0, 32);
AT_1_0(famez_slot, cclass, 32, 32);
AT_1_0(famez_slot, buflen, 64, 8);
AT_1_0(famez_slot, peer_id, 72, 8);
AT_1_0(famez_slot, last_responder, 80, 8);
AT_1_0(famez_slot, peer_sid, 88, 8);
AT_1_0(famez_slot, peer_cid, 96, 8);
AT_1_0(famez_slot, pad, 104, 24);
AT_1_0(famez_slot, buf, 128, 384);

SIZE_1_0(famez_table, 16);
AT_1_0(famez_table, offset, 0, 8);
AT_1_0(famez_table, count, 8, 4);
AT_1_0(famez_table, stride, 12, 4);

SIZE_1_0(famez_header, 320);
AT_1_0(famez_header, magic, 0, 8);
AT_1_0(famez_header, major, 8, 4);
AT_1_0(famez_header, minor, 12, 4);
AT_1_0(famez_header, header_size, 16, 4);
AT_1_0(famez_header, checksum, 20, 4);
AT_1_0(famez_header, required, 24, 8);
AT_1_0(famez_header, optional, 32, 8);
AT_1_0(famez_header, fabric, 40, 8);
AT_1_0(famez_header, memory_size, 48, 8);
AT_1_0(famez_header, fam_offset, 56, 8);
AT_1_0(famez_header, fam_size, 64, 8);
AT_1_0(famez_header, server_id, 72, 4);
AT_1_0(famez_header, vectors, 76, 4);
AT_1_0(famez_header, notify_vector, 80, 4);
AT_1_0(famez_header, reserved0, 84, 4);
AT_1_0(famez_header, peers, 88, 16);
AT_1_0(famez_header, bells, 104, 16);
AT_1_0(famez_header, directory, 120, 16);
AT_1_0(famez_header, regions, 136, 16);
AT_1_0(famez_header, channels, 152, 16);
AT_1_0(famez_header, reserved1, 168, 88);
AT_1_0(famez_header, peers_epoch, 256, 4);
AT_1_0(famez_header, regions_epoch, 260, 4);
AT_1_0(famez_header, reserved2, 264, 56);

SIZE_1_0(famez_peer, 256);
AT_1_0(famez_peer, state, 0, 4);
AT_1_0(famez_peer, epoch, 4, 4);
AT_1_0(famez_peer, cid, 8, 4);
AT_1_0(famez_peer, sid, 12, 4);
AT_1_0(famez_peer, channels_epoch, 16, 4);
AT_1_0(famez_peer, answered, 20, 4);
AT_1_0(famez_peer, reserved0, 24, 40);
AT_1_0(famez_peer, generation, 64, 4);
AT_1_0(famez_peer, protocol, 68, 4);
AT_1_0(famez_peer, vectors, 72, 4);
AT_1_0(famez_peer, kind, 76, 4);
AT_1_0(famez_peer, fam_use, 80, 4);
AT_1_0(famez_peer, channels_seen, 84, 4);
AT_1_0(famez_peer, ask, 88, 4);
AT_1_0(famez_peer, features, 92, 4);
AT_1_0(famez_peer, reserved1, 96, 32);
AT_1_0(famez_peer, name, 128, 32);
AT_1_0(famez_peer, cclass, 160, 32);
AT_1_0(famez_peer, reserved2, 192, 64);

SIZE_1_0(famez_direntry, 32);
AT_1_0(famez_direntry, from, 0, 4);
AT_1_0(famez_direntry, to, 4, 4);
AT_1_0(famez_direntry, offset, 8, 8);
AT_1_0(famez_direntry, size, 16, 4);
AT_1_0(famez_direntry, ring, 20, 4);
AT_1_0(famez_direntry, reserved, 24, 8);

SIZE_1_0(famez_ask, 8);
AT_1_0(famez_ask, sent, 0, 4);
AT_1_0(famez_ask, want, 4, 4);

SIZE_1_0(famez_grant, 16);
AT_1_0(famez_grant, port, 0, 4);
AT_1_0(famez_grant, incarnation, 4, 4);
AT_1_0(famez_grant, limit, 8, 4);
AT_1_0(famez_grant, read, 12, 4);

SIZE_1_0(famez_tx_half, 640);
AT_1_0(famez_tx_half, generation, 0, 4);
AT_1_0(famez_tx_half, accepted, 4, 4);
AT_1_0(famez_tx_half, space_event, 8, 4);
AT_1_0(famez_tx_half, drain, 12, 4);
AT_1_0(famez_tx_half, drain_slot, 16, 4);
AT_1_0(famez_tx_half, reserved0, 20, 44);
AT_1_0(famez_tx_half, head, 64, 4);
AT_1_0(famez_tx_half, reserved1, 68, 60);
AT_1_0(famez_tx_half, asks, 128, 512);

SIZE_1_0(famez_rx_half, 1152);
AT_1_0(famez_rx_half, generation, 0, 4);
AT_1_0(famez_rx_half, accepted, 4, 4);
AT_1_0(famez_rx_half, data_event, 8, 4);
AT_1_0(famez_rx_half, message_max, 12, 4);
AT_1_0(famez_rx_half, reserved0, 16, 48);
AT_1_0(famez_rx_half, tail, 64, 4);
AT_1_0(famez_rx_half, reserved1, 68, 60);
AT_1_0(famez_rx_half, grants, 128, 1024);

SIZE_1_0(famez_channel, 1792);
AT_1_0(famez_channel, tx, 0, 640);
AT_1_0(famez_channel, rx, 640, 1152);
_Static_assert(offsetof(struct famez_channel, data) == 1792, "famez_channel.data");

SIZE_1_0(famez_record, 24);
AT_1_0(famez_record, length, 0, 4);
AT_1_0(famez_record, type, 4, 2);
AT_1_0(famez_record, flags, 6, 2);
AT_1_0(famez_record, sport, 8, 2);
AT_1_0(famez_record, dport, 10, 2);
AT_1_0(famez_record, incarnation, 12, 4);
AT_1_0(famez_record, sent, 16, 4);
AT_1_0(famez_record, slot, 20, 4);

SIZE_1_0(famez_flush, 16);
AT_1_0(famez_flush, cookie, 0, 8);
AT_1_0(famez_flush, error, 8, 4);
AT_1_0(famez_flush, reserved, 12, 4);

SIZE_1_0(famez_region, 128);
AT_1_0(famez_region, name, 0, 64);
AT_1_0(famez_region, offset, 64, 8);
AT_1_0(famez_region, length, 72, 8);
AT_1_0(famez_region, creator, 80, 4);
AT_1_0(famez_region, use, 84, 4);
AT_1_0(famez_region, reserved, 88, 40);

SIZE_1_0(famez_region_request, 96);
AT_1_0(famez_region_request, op, 0, 4);
AT_1_0(famez_region_request, cookie, 4, 4);
AT_1_0(famez_region_request, flags, 8, 4);
AT_1_0(famez_region_request, use, 12, 4);
AT_1_0(famez_region_request, size, 16, 8);
AT_1_0(famez_region_request, reserved, 24, 8);
AT_1_0(famez_region_request, name, 32, 64);

SIZE_1_0(famez_region_reply, 136);
AT_1_0(famez_region_reply, cookie, 0, 4);
AT_1_0(famez_region_reply, error, 4, 4);
AT_1_0(famez_region_reply, region, 8, 128);

NUMBER_1_0(FAMEZ_SLOT_SIZE, 512);
NUMBER_1_0(FAMEZ_SLOT_BUF_OFFSET, 128);
NUMBER_1_0(FAMEZ_NAME_SIZE, 32);
NUMBER_1_0(FAMEZ_HEADER_OFFSET, 64);
NUMBER_1_0(FAMEZ_MAGIC, 0x4d41465a454d4146);
NUMBER_1_0(FAMEZ_MAJOR, 1);
NUMBER_1_0(FAMEZ_HEADER_SIZE_VER0, 320);
NUMBER_1_0(FAMEZ_PEER_SIZE_VER0, 256);
NUMBER_1_0(FAMEZ_DIRENTRY_SIZE_VER0, 32);
NUMBER_1_0(FAMEZ_REGION_SIZE_VER0, 128);
NUMBER_1_0(FAMEZ_CHANNEL_SIZE_VER0, 1792);
NUMBER_1_0(FAMEZ_MEMORY_MIN, 1048576);
NUMBER_1_0(FAMEZ_PEERS_MAX, 65536);
NUMBER_1_0(FAMEZ_VECTORS_MAX, 2048);
NUMBER_1_0(FAMEZ_PEER_ABSENT, 0);
NUMBER_1_0(FAMEZ_PEER_ATTACHED, 1);
NUMBER_1_0(FAMEZ_PEER_UP, 2);
NUMBER_1_0(FAMEZ_PROTOCOL, 1);
NUMBER_1_0(FAMEZ_KIND_UNKNOWN, 0);
NUMBER_1_0(FAMEZ_KIND_SWITCH, 1);
NUMBER_1_0(FAMEZ_KIND_BRIDGE, 2);
NUMBER_1_0(FAMEZ_KIND_HOST, 3);
NUMBER_1_0(FAMEZ_BELL_ROW(1), 64);
NUMBER_1_0(FAMEZ_BELL_ROW(64), 64);
NUMBER_1_0(FAMEZ_BELL_ROW(65), 128);
NUMBER_1_0(FAMEZ_RING_MIN, 512);
NUMBER_1_0(FAMEZ_RING_MAX, 1048576);
NUMBER_1_0(FAMEZ_GRANTS, 64);
NUMBER_1_0(FAMEZ_RX_MESSAGE_MAX, 4096);
NUMBER_1_0(FAMEZ_RING_START(0xfffffff1, 0x1e), 8);
NUMBER_1_0(FAMEZ_PORT_START(0xfffffff8, 17), 8);
NUMBER_1_0(FAMEZ_TYPE_PAD, 0);
NUMBER_1_0(FAMEZ_TYPE_DATA, 1);
NUMBER_1_0(FAMEZ_TYPE_PING, 2);
NUMBER_1_0(FAMEZ_TYPE_PONG, 3);
NUMBER_1_0(FAMEZ_TYPE_LINK, 4);
NUMBER_1_0(FAMEZ_TYPE_FLUSH, 5);
NUMBER_1_0(FAMEZ_TYPE_FLUSHED, 6);
NUMBER_1_0(FAMEZ_PING_MAX, 64);
NUMBER_1_0(FAMEZ_REGIONS_MAX, 4096);
NUMBER_1_0(FAMEZ_REGION_NAME, 64);
NUMBER_1_0(FAMEZ_REGION_ALIGN, 4096);
NUMBER_1_0(FAMEZ_REGION_ALIGN_DAX, 2097152);
NUMBER_1_0(FAMEZ_USE_FREE, 0);
NUMBER_1_0(FAMEZ_USE_PMEM, 1);
NUMBER_1_0(FAMEZ_USE_DAX, 2);
NUMBER_1_0(FAMEZ_USE_SCRATCH, 3);
NUMBER_1_0(FAMEZ_USE_MASK, 0xff);
NUMBER_1_0(FAMEZ_USE_WHOLE, 0x100);
NUMBER_1_0(FAMEZ_USE_ALONE, 0x200);
NUMBER_1_0(FAMEZ_REGION_PORT, 1);
NUMBER_1_0(FAMEZ_REGION_OPEN, 1);
NUMBER_1_0(FAMEZ_REGION_REMOVE, 2);
NUMBER_1_0(FAMEZ_REGION_CREATE, 1);
NUMBER_1_0(FAMEZ_REGION_EXCL, 2);

#endif /* FAMEZ_TESTING_FABRIC_ABI_H */
