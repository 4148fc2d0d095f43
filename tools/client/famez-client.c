// SPDX-License-Identifier: GPL-2.0
/*
 * famez-client: a peer on the host, on a switch's socket.  The verbs are
 * famezctl's, those that need no device.
 */
#include "../famezctl/famezctl.h"
#include "client.h"

static const char usage[] =
"Usage: famez-client [-S|--socket PATH] VERB [options]\n"
"\n"
"  send DEST [TEXT...]    send a message, TEXT or standard input\n"
"  listen                 receive messages for ever, with the senders' names\n"
"  ping DEST              measure round trips\n"
"  ring DEST              ring a doorbell, and nothing else\n"
"  wait                   wait until a doorbell of this peer is rung\n"
"  peers                  who is there\n"
"  monitor                tell when peers come and go\n"
"  console                commands from a terminal, and what comes meanwhile\n"
"  link                   CID, SID and the state of the Gen-Z link layer\n"
"\n"
"  -S, --socket PATH      the switch's socket; default $FAMEZ_DEVICE, else\n"
"                         " FAMEZ_DEFAULT_SOCKET "\n"
"  -h, --help             this; after a verb: its options\n"
"  -V, --version          the version\n"
"\n"
"DEST is a peer's id, its name, or \"server\".  Exit: 0 done, 1 failed, 2 usage.\n";

static const struct verb verbs[] = {
	{ "send", cmd_send },
	{ "listen", cmd_listen },
	{ "ping", cmd_ping },
	{ "ring", cmd_ring },
	{ "wait", cmd_wait },
	{ "peers", cmd_peers },
	{ "monitor", cmd_monitor },
	{ "console", cmd_console },
	{ "link", cmd_link },
	{ }
};

const struct program program = {
	.name = "famez-client",
	.usage = usage,
	.path_letter = 'S',
	.path_option = "socket",
	.default_path = FAMEZ_DEFAULT_SOCKET,
	.no_path = "start famez-server, or name its socket with --socket",
	.verbs = verbs,
};
