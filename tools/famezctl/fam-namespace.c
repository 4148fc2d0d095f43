// SPDX-License-Identifier: GPL-2.0
/*
 * The namespace on pmem: what it is and what it becomes is ndctl's to say, so it is asked
 * as anybody would, and what it makes is what "ndctl create-namespace" makes.
 */
#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <json-c/json.h>
#include "fam.h"
#include "famezctl.h"

/* Return: the exit code of a command */
static int run(const char *const argv[])
{
	pid_t pid;
	int status, err;

	fflush(stdout);
	err = posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ);
	if (err)
		die("cannot run %s: %s; install the package of that name", argv[0],
		    strerror(err));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return FAILED;
	return WEXITSTATUS(status);
}

/* All that ndctl prints; the caller frees it. */
static char *ask_ndctl(const char *command)
{
	FILE *out = popen(command, "r");
	size_t size;
	char *text;

	if (!out)
		die("cannot run ndctl: %s", strerror(errno));
	text = read_input(out, 1 << 20, &size, "ndctl's list");
	pclose(out);
	return text;
}

/* One object, or an array of one. */
static bool member_is(struct json_object *o, const char *key, const char *value)
{
	struct json_object *member;

	if (json_object_is_type(o, json_type_array) && json_object_array_length(o))
		o = json_object_array_get_idx(o, 0);
	return json_object_object_get_ex(o, key, &member) &&
	       !strcmp(json_object_get_string(member), value);
}

static bool is_already(const char *name, const char *mode)
{
	struct json_object *o;
	char command[256], *text;
	bool is;

	snprintf(command, sizeof(command), "ndctl list --namespace=%s", name);
	text = ask_ndctl(command);
	o = json_tokener_parse(text ? text : "");
	is = o && member_is(o, "mode", mode) && member_is(o, "map", "mem");
	json_object_put(o);
	free(text);
	return is;
}

/* The first file below FAM's device that matches, or false. */
static bool find_file(const struct fam *fam, const char *pattern, char *path, size_t room)
{
	char whole[FAM_PATH + 64];
	glob_t list = { };
	bool found;

	snprintf(whole, sizeof(whole), "%s/%s", fam->child, pattern);
	found = !glob(whole, 0, NULL, &list) && list.gl_pathc;
	if (found)
		snprintf(path, room, "%s", list.gl_pathv[0]);
	globfree(&list);
	return found;
}

/* Reading this file waits for what is still being set up. */
static void await_probes(const struct fam *fam)
{
	char path[2 * FAM_PATH], line[16];
	FILE *file;

	if (!find_file(fam, "ndbus*/wait_probe", path, sizeof(path)))
		return;
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		;
	if (file)
		fclose(file);
}

/* Is there nothing yet?  What a file system has, it has at the start. */
static bool is_blank(const struct fam *fam)
{
	static char start[1 << 20];
	char path[80];
	size_t n, i, d;
	FILE *file;

	/* partitions, too: then there is something */
	for (d = 0; d < fam->count; d++) {
		snprintf(path, sizeof(path), "/dev/%s", fam->devices[d].name);
		file = fam->devices[d].block ? fopen(path, "r") : NULL;
		n = file ? fread(start, 1, sizeof(start), file) : 0;
		if (file)
			fclose(file);
		for (i = 0; i < n && !start[i]; i++)
			;
		if (!n || i < n)
			return false;
	}
	return fam->count;
}

void fam_namespace(const struct fam *fam, const char *mode, bool force)
{
	char path[2 * FAM_PATH], reconfig[96], to[32];
	const char *name;
	const char *const argv[] = {
		"ndctl", "create-namespace", "--force", reconfig, to, "--map=mem", NULL
	};

	await_probes(fam);
	/* there is one, for all of the region */
	if (!find_file(fam, "ndbus*/region*/namespace*", path, sizeof(path)))
		die("nvdimm shows no namespace; 'ndctl list --regions --namespaces --idle' shows more");
	name = basename(path);
	if (is_already(name, mode))
		return;
	if (!force && !is_blank(fam))
		die("%s is of mode %s, or has something in it; --force makes it one of %s, and what is there is lost",
		    name, strcmp(mode, "fsdax") ? "fsdax" : "devdax", mode);
	snprintf(reconfig, sizeof(reconfig), "--reconfig=%.64s", name);
	snprintf(to, sizeof(to), "--mode=%s", mode);
	if (run(argv))
		die("ndctl could not make %s a namespace of mode %s", name, mode);
}
