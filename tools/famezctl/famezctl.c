// SPDX-License-Identifier: GPL-2.0
/*
 * famezctl: a guest's bridge, or a peer on the host, from the command line.
 */
#include "famezctl.h"

static const char usage[] =
"Usage: famezctl [-d|--device PATH] VERB [options]\n"
"\n"
"  list                   the bridges of this machine\n"
"  info                   what this peer and its fabric are\n"
"  peers                  who is there\n"
"  send DEST [TEXT...]    send a message, TEXT or standard input\n"
"  recv                   receive messages\n"
"  listen                 receive messages for ever, with the senders' names\n"
"  ping DEST              measure round trips\n"
"  ring DEST              ring a doorbell, and nothing else\n"
"  wait                   wait until a doorbell of this peer is rung\n"
"  bench PEER             measure what messages to a peer cost\n"
"  stats [PEER...]        what the driver has counted\n"
"  monitor                tell when peers come and go\n"
"  link                   CID, SID and the state of the Gen-Z link layer\n"
"  read OFFSET LENGTH     copy from the fabric's memory (FAM) to standard output\n"
"  dump OFFSET LENGTH     the same, in hexadecimal\n"
"  write OFFSET           copy standard input to the FAM\n"
"  fam [pmem|dax|none]    the FAM as /dev/pmem or /dev/dax, or for programs to map\n"
"  region list            which parts of the FAM have names; create and remove them\n"
"\n"
"  -d, --device PATH      a bridge's device or a switch's socket; default\n"
"                         $FAMEZ_DEVICE, else " FAMEZ_DEFAULT_DEVICE ",\n"
"                         else " FAMEZ_DEFAULT_SOCKET "\n"
"  -h, --help             this; after a verb: its options\n"
"  -V, --version          the version\n"
"\n"
"DEST is a peer's id, its name, or \"server\".  Exit: 0 done, 1 failed, 2 usage.\n";

static const struct verb verbs[] = {
	{ "list", cmd_list },
	{ "info", cmd_info },
	{ "peers", cmd_peers },
	{ "send", cmd_send },
	{ "recv", cmd_recv },
	{ "listen", cmd_listen },
	{ "ping", cmd_ping },
	{ "ring", cmd_ring },
	{ "wait", cmd_wait },
	{ "bench", cmd_bench },
	{ "stats", cmd_stats },
	{ "monitor", cmd_monitor },
	{ "link", cmd_link },
	{ "read", cmd_read },
	{ "dump", cmd_dump },
	{ "write", cmd_write },
	{ "region", cmd_region },
	{ "fam", cmd_fam },
	{ }
};

const struct program program = {
	.name = "famezctl",
	.usage = usage,
	.path_letter = 'd',
	.path_option = "device",
	.no_path = "load famez_bridge, or name a switch's socket with --device",
	.verbs = verbs,
};
