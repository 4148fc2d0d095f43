// SPDX-License-Identifier: GPL-2.0
/*
 * All that famezctl bench measures, in the order of a round: what is compared
 * stands side by side.
 */
#include "bench.h"

const struct measurement bench_measurements[] = {
	{ .name = "tcp_rtt", .unit = "ns", .run = tcp_round_trips,
	  .missing = tcp_missing },
	{ .name = "doorbell", .unit = "ns", .run = doorbell_round_trips,
	  .missing = doorbell_missing },
	{ .name = "rtt", .unit = "ns", .run = message_round_trips },
	{ .name = "stream", .unit = "messages/s", .run = message_stream },
	{ .name = "tcp_stream", .unit = "messages/s", .run = tcp_stream,
	  .missing = tcp_missing },
	{ .name = "ring_stream", .unit = "messages/s", .run = ring_stream,
	  .missing = ring_missing },
	{ .name = "ring_rtt", .unit = "ns", .run = ring_round_trips,
	  .missing = ring_missing },
	{ .name = "word_rtt", .unit = "ns", .run = word_round_trips,
	  .missing = ring_missing },
	{ .name = "fam_copy", .unit = "bytes/s", .run = fam_copy,
	  .missing = ring_missing },
	{ .name = "ram_copy", .unit = "bytes/s", .run = ram_copy,
	  .missing = ring_missing },
	{ .name = "batch", .unit = "messages/s", .run = message_batches },
	{ .name = "doorbells_per_message", .unit = "interrupts",
	  .run = message_doorbells },
	{ .name = "memcpy", .unit = "bytes/s", .run = copy_twice },
	{ .name = "bulk", .unit = "bytes/s", .run = message_bulk },
	{ }
};

const struct ratio bench_ratios[] = {
	{ "doorbell_over_tcp", "doorbell", "tcp_rtt" },
	{ "rtt_over_doorbell", "rtt", "doorbell" },
	{ "rtt_over_tcp", "rtt", "tcp_rtt" },
	{ "stream_over_tcp", "stream", "tcp_stream" },
	{ "batch_over_tcp", "batch", "tcp_stream" },
	{ "bulk_over_memcpy", "bulk", "memcpy" },
	{ "ring_over_tcp", "ring_stream", "tcp_stream" },
	{ "ring_rtt_over_word", "ring_rtt", "word_rtt" },
	{ "fam_copy_over_ram", "fam_copy", "ram_copy" },
	{ }
};
