// SPDX-License-Identifier: GPL-2.0
/* famez-vm qmp: one command to a guest's QEMU, by its machine protocol. */
#include <errno.h>
#include <json-c/json.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "famez-vm.h"

static const char help[] =
"usage: famez-vm qmp [--dir DIR] NODE '{\"execute\": \"COMMAND\", ...}'\n"
"       famez-vm qmp [--dir DIR] NODE COMMAND\n"
"\n"
"Sends one command to the guest's QEMU, and prints the answer. Exits 1 if that\n"
"is an error. Example: famez-vm qmp node01 system_reset\n";

/* A QEMU that says nothing for so long hangs */
#define ANSWER_GUARD	60

static const struct option options[] = {
	{ "dir", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

/* Who is connected, has the lock. */
struct qmp {
	FILE *stream;
	int lock;
};

static struct qmp connect_to(const struct node *node)
{
	struct qmp qmp;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval guard = { .tv_sec = ANSWER_GUARD };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* QEMU serves one at a time, and would let others wait unheard */
	qmp.lock = lock_file(node->dir, "qmp.lock", true);
	if (qmp.lock < 0)
		fail("cannot lock %s/qmp.lock: %s", node->dir, strerror(errno));
	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/qmp.sock",
		 node->dir);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("QEMU of %s does not listen on %s: %s. Does it run? See 'famez-vm status'",
		     node->name, address.sun_path, strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &guard, sizeof(guard));
	qmp.stream = fdopen(fd, "r+");
	return qmp;
}

static void disconnect(struct qmp *qmp)
{
	fclose(qmp->stream);
	close(qmp->lock);
}

/* The next line that has @key or "error", passing over events. */
static struct json_object *answer(FILE *qmp, const char *key)
{
	struct json_object *object = NULL;
	char *line = NULL;
	size_t room = 0;

	for (;;) {
		if (getline(&line, &room, qmp) < 0)
			fail("QEMU closed the connection, or said nothing for %d s",
			     ANSWER_GUARD);
		object = json_tokener_parse(line);
		if (json_object_object_get_ex(object, key, NULL) ||
		    json_object_object_get_ex(object, "error", NULL))
			break;
		json_object_put(object);
	}
	free(line);
	return object;
}

static void say(FILE *qmp, const char *line)
{
	/* Between reading and writing, a stream wants to be told */
	fseek(qmp, 0, SEEK_CUR);
	fprintf(qmp, "%s\n", line);
	fflush(qmp);
	fseek(qmp, 0, SEEK_CUR);
}

/* The answer to @command; fails if there is none. */
static struct json_object *ask(const struct node *node, const char *command)
{
	struct qmp qmp = connect_to(node);
	struct json_object *reply;

	json_object_put(answer(qmp.stream, "QMP"));
	say(qmp.stream, "{\"execute\": \"qmp_capabilities\"}");
	json_object_put(answer(qmp.stream, "return"));
	say(qmp.stream, command);
	reply = answer(qmp.stream, "return");
	disconnect(&qmp);
	return reply;
}

/* In a process of its own: it may fail, or wait for a QEMU that hangs. */
pid_t qmp_power_button(const struct node *node)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	ask(node, "{\"execute\": \"system_powerdown\"}");
	_exit(0);
}

bool qmp_greets(const struct node *node)
{
	struct qmp qmp = connect_to(node);
	char *line = NULL;
	size_t room = 0;
	bool greets = getline(&line, &room, qmp.stream) > 0;

	free(line);
	disconnect(&qmp);
	return greets;
}

/* A whole command, or just its name */
static const char *full_command(const char *text)
{
	static char command[256];
	struct json_object *object;

	if (text[strspn(text, "abcdefghijklmnopqrstuvwxyz_-")] == 0) {
		snprintf(command, sizeof(command), "{\"execute\": \"%s\"}",
			 text);
		return command;
	}
	object = json_tokener_parse(text);
	if (!json_object_object_get_ex(object, "execute", NULL))
		misuse("'%s' is no command; expected {\"execute\": \"NAME\", \"arguments\": {...}}, or a name alone",
		       text);
	/* One line, however the user wrote it */
	return json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
}

int verb_qmp(int argc, char **argv)
{
	static struct nodes nodes;
	struct json_object *reply, *result;
	const char *dir = NULL, *command;
	int option;

	while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (option == 'd')
			dir = optarg;
		else if (option == 'h')
			show_help(help);
		else
			misuse("the options were not understood");
	}
	state_use(dir);
	if (optind != argc - 2 || !strcmp(argv[optind], "all"))
		misuse("expected NODE and one command");
	command = full_command(argv[optind + 1]);
	nodes_named(&nodes, argv[optind]);
	reply = ask(&nodes.node[0], command);
	if (json_object_object_get_ex(reply, "return", &result)) {
		puts(json_object_to_json_string_ext(result,
						    JSON_C_TO_STRING_PLAIN));
		return 0;
	}
	json_object_object_get_ex(reply, "error", &result);
	fail("%s", json_object_to_json_string_ext(result,
						  JSON_C_TO_STRING_PLAIN));
}
