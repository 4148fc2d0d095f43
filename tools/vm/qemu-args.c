// SPDX-License-Identifier: GPL-2.0
/*
 * famez-vm qemu-args: what up would run, as a script. A QEMU that is started so
 * is none of famez-vm's: it makes its sockets itself, and is not judged, and
 * ends when its user ends it.
 */
#include <ctype.h>

#include "famez-vm.h"

static const char usage[] =
"usage: famez-vm qemu-args N [OPTION]...\n"
"\n"
"Prints the commands that \"famez-vm up N\" would run with the same options, for\n"
"the shell, and starts nothing (but the trial of --accel auto): one QEMU for each\n"
"guest, and before it the directory that its sockets and its console.log need.\n"
"The switch's command comes first, in a comment.\n"
"\n"
"exit codes: 0 printed, 1 failed, 2 misuse\n";

/* Does any shell take @word for what it is? */
static bool is_plain(const char *word)
{
	const char *at = word;

	while (isalnum((unsigned char)*at) || (*at && strchr("_-./=,:+@%", *at)))
		at++;
	return at > word && !*at;
}

static void print_word(const char *word)
{
	if (is_plain(word)) {
		fputs(word, stdout);
		return;
	}
	putchar('\'');
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*word);
	putchar('\'');
}

/* An option to a line, with its value */
static void print_command(char *const *argv, const char *line_break)
{
	print_word(*argv);
	while (*++argv) {
		fputs(**argv == '-' ? line_break : " ", stdout);
		print_word(*argv);
	}
	putchar('\n');
}

static void print_switch(const struct up_options *up)
{
	char *argv[SWITCH_WORDS];

	switch_arguments(&up->fabric, argv);
	printf("# the switch: ");
	print_command(argv, " ");
}

static void print_guest(const struct up_options *up, int number)
{
	struct arguments args;
	struct node node;

	node_set(&node, number);
	qemu_arguments(&args, &node, &up->guest, NULL);
	printf("\nmkdir -p ");
	print_word(node.dir);
	putchar('\n');
	print_command(args.argv, " \\\n\t");
}

int verb_qemu_args(int argc, char **argv)
{
	static struct up_options up;
	int i;

	up_parse(&up, argc, argv, usage);
	up_complete(&up);
	/* A script may run elsewhere */
	up.guest.kernel = realpath(up.guest.kernel, NULL);
	up.guest.initramfs = realpath(up.guest.initramfs, NULL);
	if (up_needs_switch(&up))
		print_switch(&up);
	for (i = 0; i < up.count; i++)
		print_guest(&up, up.first + i);
	return 0;
}
