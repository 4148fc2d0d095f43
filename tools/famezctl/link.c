// SPDX-License-Identifier: GPL-2.0
/* famezctl link: what this peer is for Gen-Z's link layer, and what it says there. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <json-c/json.h>
#include "famezctl.h"

#define WORD_SIZE	192
#define WAIT_MS		10000	/* for the fabric manager */
#define LOOK_MS		20

static const char usage[] =
"link [--json]\n"
"link rfc\n"
"link say DEST WORD...\n"
"\n"
"Shows what this peer is for Gen-Z's link layer.  rfc: asks the fabric manager\n"
"for CID and SID once more, and waits until they are there.  say: says a word of\n"
"the link layer to a peer, as \"Link CTL Peer-Attribute\".\n"
"\n"
"  -j, --json   as a JSON object\n"
"  -h, --help   this\n";

static const char *link_state_name(uint32_t state)
{
	switch (state) {
	case FAMEZ_LINK_UP:
		return "up";
	case FAMEZ_LINK_CONFIGURED:
		return "configured";
	default:
		return "down";
	}
}

static void get_link(struct famez *handle, struct famez_link_info *info)
{
	int error = famez_get_link(handle, info);

	if (error)
		die("cannot tell of the link layer: %s", error_text(error));
}

static void print_link(const struct famez_link_info *info)
{
	char clean[CLEAN_SIZE];

	printf("state: %s\n", link_state_name(info->state));
	printf("cid,sid: %u,%u\n", info->cid, info->sid);
	printf("manager: %u,%u\n", info->manager_cid, info->manager_sid);
	printf("class: %s\n", clean_name(info->cclass, clean));
	printf("switch: %u,%u %s\n", info->switch_cid, info->switch_sid,
	       clean_name(info->switch_class, clean));
}

static void print_link_json(const struct famez_link_info *info)
{
	struct json_object *o = json_object_new_object();
	char clean[CLEAN_SIZE];

	json_string(o, "state", link_state_name(info->state));
	json_number(o, "cid", info->cid);
	json_number(o, "sid", info->sid);
	json_number(o, "manager_cid", info->manager_cid);
	json_number(o, "manager_sid", info->manager_sid);
	json_string(o, "class", clean_name(info->cclass, clean));
	json_number(o, "switch_cid", info->switch_cid);
	json_number(o, "switch_sid", info->switch_sid);
	json_string(o, "switch_class", clean_name(info->switch_class, clean));
	print_json(o, true);
}

/* On the host, it is said and heard by who is there: this program, which has just come. */
static void await_state(struct famez *handle, uint32_t state, const char *what)
{
	const struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
	struct famez_link_info info = { .size = sizeof(info) };
	int waited = 0;

	for (get_link(handle, &info); info.state < state; get_link(handle, &info)) {
		waited += LOOK_MS;
		if (waited > WAIT_MS)
			die("%s within %d seconds; does the switch manage the fabric?", what,
			    WAIT_MS / 1000);
		nanosleep(&look, NULL);
	}
}

static void say(struct famez *handle, const char *dest, const char *word)
{
	int error = famez_say(handle, find_peer(handle, dest), word);

	if (error == -EINVAL)
		die("'%s' is no word of the link layer, or for this peer itself; genz.rst has them",
		    word);
	if (error == -EBUSY)
		die("cannot speak to %s: the last word still waits for room; try again", dest);
	if (error)
		die_peer("cannot speak to", dest, error);
}

static void say_words(struct famez *handle, int argc, char **argv)
{
	char word[WORD_SIZE] = "";
	size_t used = 0;
	uint64_t ns;
	int i;

	for (i = 1; i < argc; i++) {
		used += snprintf(word + used, sizeof(word) - used, "%s%s", i > 1 ? " " : "",
				 argv[i]);
		if (used >= sizeof(word))
			die("a word of the link layer has up to %zu bytes", sizeof(word) - 1);
	}
	/* whoever has just come has no channel yet */
	await_state(handle, FAMEZ_LINK_UP, "the switch has not answered");
	say(handle, argv[0], word);
	/* on the host it is we who have it until there is room; this goes behind it */
	if (!in_guest(handle))
		famez_ping(handle, find_peer(handle, argv[0]), WAIT_MS, &ns);
}

static void ask_for_configuration(struct famez *handle)
{
	uint64_t ns;
	int i;

	/* one that was never answered is asked for here, too */
	await_state(handle, FAMEZ_LINK_UP, "the switch has not answered");
	say(handle, "server", "Link RFC TTC=27us!EZT=1");
	await_state(handle, FAMEZ_LINK_CONFIGURED, "no CID and SID");
	/*
	 * It then asks what we are: F.E.E.'s has one mailslot for all, in which that would
	 * stay when we leave now.  Before the first pong it has written its configuration,
	 * before the second its question.
	 */
	for (i = 0; i < 2; i++)
		famez_ping(handle, FAMEZ_DEST_SERVER, WAIT_MS, &ns);
}

int cmd_link(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct famez_link_info info = { .size = sizeof(info) };
	struct famez *handle;
	bool json = false;

	while (next_option(argc, argv, options, usage) == 'j')
		json = true;
	argc -= optind;
	argv += optind;
	if (argc && !(argc == 1 && !strcmp(*argv, "rfc")) &&
	    !(argc >= 3 && !strcmp(*argv, "say")))
		die_usage("link takes nothing, 'rfc', or 'say', a DEST, and what to say");
	handle = open_device(0);
	if (argc >= 3)
		say_words(handle, argc - 1, argv + 1);
	else if (argc)
		ask_for_configuration(handle);
	if (argc < 3) {
		get_link(handle, &info);
		if (json)
			print_link_json(&info);
		else
			print_link(&info);
	}
	famez_close(handle);
	return 0;
}
