// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include <famez.h>
#include "fam.h"
#include "famezctl.h"

static const char usage[] =
"fam [--writeback] [--json]\n"
"       fam none|dax|pmem [options]\n"
"\n"
"Who has the FAM, a \"key: value\" a line; or gives it to another: none, so that\n"
"programs map it, dax for /dev/daxX.Y, pmem for /dev/pmemN.  Nothing changes while\n"
"it is mounted, or a process has it open or mapped: then these are listed.\n"
"\n"
"  -r, --region NAME   only that region of it, which is for this use\n"
"  -m, --mode MODE     of pmem: make the namespace one of fsdax or devdax, by ndctl,\n"
"                      with --map=mem; one that is there in this mode is taken up\n"
"  -s, --system-ram    of dax: 'daxctl reconfigure-device --mode=system-ram' may take\n"
"                      it; only while no other peer uses FAM\n"
"  -f, --force         whoever has it; they get errors.  And whatever namespace is\n"
"                      there: what is in it is lost\n"
"  -w, --writeback     where pmem and dax would be uncached, drop the MTRR that makes\n"
"                      them so, and tell what else lies under it\n"
"  -j, --json          as a JSON object\n"
"  -h, --help          this\n";

/** struct wish - what the command line wants */
struct wish {
	const char *owner;
	const char *region;
	const char *mode;
	bool system_ram;
	bool force;
	bool writeback;
	bool json;
};

#define VALUE	256

/* ---- Showing --------------------------------------------------------------------------- */

static void show_devices(const struct fam *fam)
{
	size_t i;

	printf("devices:");
	for (i = 0; i < fam->count; i++)
		printf(" %s", fam->devices[i].name);
	printf(fam->count ? "\n" : " -\n");
}

static void json_devices(const struct fam *fam, struct json_object *o)
{
	struct json_object *array = json_object_new_array();
	size_t i;

	for (i = 0; i < fam->count; i++)
		json_object_array_add(array, json_object_new_string(fam->devices[i].name));
	json_object_object_add(o, "devices", array);
}

static const char *const attributes[][2] = {
	{ "fam", "fam" },
	{ "fam_region", "region" },
	{ "fam_status", "status" },
	{ "fam_memory_type", "memory type" },
};

/* What sysfs has a word for */
static const char *status_text(const char *status)
{
	static const char *const texts[][2] = {
		{ "no-driver", "no driver: famez_pmem or famez_dax is not loaded" },
		{ "map-dev", "a namespace was made with --map=dev: guests would spoil it" },
		{ "no-memory", "too little memory for what describes FAM" },
		{ "refused", "nvdimm or the dax core does not take it" },
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (!strcmp(status, texts[i][0]))
			return texts[i][1];
	return status;
}

static void show(const struct fam *fam, bool json)
{
	struct json_object *o = json_object_new_object();
	char value[VALUE], config[VALUE];
	size_t i;

	for (i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		fam_attribute(fam, attributes[i][0], value, sizeof(value));
		if (json)
			json_string(o, attributes[i][0], value);
		else
			printf("%s: %s\n", attributes[i][1],
			       *value ? status_text(value) : "-");
	}
	fam_attribute(fam, "config", config, sizeof(config));
	if (json) {
		json_object_object_add(o, "flush",
				       json_object_new_boolean(!strcmp(config, "famez")));
		json_devices(fam, o);
		print_json(o, false);
		return;
	}
	printf("flush: %s\n", strcmp(config, "famez") ? "none" : "by the switch");
	show_devices(fam);
	json_object_put(o);
}

/* ---- Changing --------------------------------------------------------------------------- */

/* The name of the owner in sysfs. */
static const char *owner_of(const struct wish *w)
{
	return w->system_ram ? "ram" : w->owner;
}

__noreturn
static void explain(const struct wish *w, int error)
{
	switch (error) {
	case -EBUSY:
		if (!strcmp(w->owner, "none"))
			die("FAM is this guest's System RAM; 'daxctl offline-memory' and 'daxctl reconfigure-device --mode=devdax' come first");
		die("it cannot be %s: regions, or another peer's use of FAM, are in the way; 'famezctl region list' and 'famezctl peers' show them, and the kernel's log says which",
		    w->owner);
	case -ENOENT:
		die("no region '%s'; 'famezctl region list' shows those that there are",
		    w->region ? w->region : "");
	case -EINVAL:
		die("it cannot be %s: the region is for another use, or FAM is shorter than 2 MiB; the kernel's log says more",
		    w->owner);
	case -EACCES:
	case -EPERM:
		die("only root may change who has the FAM");
	case -ENODEV:
		die("the device has gone");
	default:
		die("it cannot be %s: %s", w->owner, strerror(-error));
	}
}

static bool is_ready(const struct fam *fam)
{
	char status[VALUE];

	fam_attribute(fam, "fam_status", status, sizeof(status));
	return !strcmp(status, "ready");
}

/* udev loads it by its alias, where there is one; it is sooner, and elsewhere, so. */
static void load_driver(const char *owner)
{
	char command[64];

	snprintf(command, sizeof(command), "modprobe -q famez_%s 2>/dev/null", owner);
	if (system(command))
		return;
}

static void clear_way(const struct fam *fam, const struct wish *w)
{
	unsigned int users;

	if (w->force)
		return;
	users = fam_users(fam, strcmp(w->owner, "none"), stderr);
	if (users)
		die("FAM is in use, %u times; nothing was changed (--force: whoever has it)",
		    users);
}

static void set(const struct fam *fam, const struct wish *w)
{
	char owner[VALUE], region[VALUE];
	const char *want = w->region ? w->region : "";
	int error = 0;

	fam_attribute(fam, "fam", owner, sizeof(owner));
	fam_attribute(fam, "fam_region", region, sizeof(region));
	if (!strcmp(owner, owner_of(w)) && !strcmp(region, want))
		return;
	clear_way(fam, w);
	/* the region is another's only when nobody has it */
	if (strcmp(region, want)) {
		error = fam_set_attribute(fam, "fam", "none");
		if (!error)
			error = fam_set_attribute(fam, "fam_region", want);
	}
	if (!error)
		error = fam_set_attribute(fam, "fam", owner_of(w));
	if (!error)
		return;
	/* as it was */
	fam_set_attribute(fam, "fam_region", region);
	fam_set_attribute(fam, "fam", owner);
	explain(w, error);
}

static void change(struct fam *fam, const struct wish *w)
{
	char status[VALUE];

	set(fam, w);
	if (!strcmp(w->owner, "none"))
		return;
	if (!is_ready(fam))
		load_driver(w->owner);
	fam_attribute(fam, "fam_status", status, sizeof(status));
	if (!strcmp(status, "no-driver"))
		die("the FAM is for %s, but nobody offers it so: load famez_%s; the kernel's log tells if that has failed",
		    w->owner, w->owner);
	if (strcmp(status, "ready"))
		die("%s; the kernel's log tells more", status_text(status));
	fam_find(fam);
	if (w->mode)
		fam_namespace(fam, w->mode, w->force);
}

/* ---- The command line -------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *a, const char *b)
{
	return !strcmp(text, a) || !strcmp(text, b);
}

static void check(const struct wish *w)
{
	if (!w->owner) {
		if (w->region || w->mode || w->system_ram || w->force)
			die_usage("fam changes something when it is told to whom: none, dax or pmem");
		return;
	}
	if (strcmp(w->owner, "none") && !is_one_of(w->owner, "dax", "pmem"))
		die_usage("fam cannot be '%s'; expected none, dax or pmem", w->owner);
	if (w->mode && (strcmp(w->owner, "pmem") || !is_one_of(w->mode, "fsdax", "devdax")))
		die_usage("--mode is of pmem, and fsdax or devdax");
	if (w->system_ram && strcmp(w->owner, "dax"))
		die_usage("--system-ram is of dax");
	if (w->region && !strcmp(w->owner, "none"))
		die_usage("--region is of dax and pmem");
}

int cmd_fam(int argc, char **argv)
{
	static const struct option options[] = {
		{ "region", required_argument, NULL, 'r' },
		{ "mode", required_argument, NULL, 'm' },
		{ "system-ram", no_argument, NULL, 's' },
		{ "force", no_argument, NULL, 'f' },
		{ "writeback", no_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct wish w = { };
	struct fam fam;
	int c;

	while ((c = next_option(argc, argv, options, usage)) != -1) {
		switch (c) {
		case 'r':
			w.region = optarg;
			break;
		case 'm':
			w.mode = optarg;
			break;
		case 's':
			w.system_ram = true;
			break;
		case 'f':
			w.force = true;
			break;
		case 'w':
			w.writeback = true;
			break;
		case 'j':
			w.json = true;
			break;
		}
	}
	if (argc - optind > 1)
		die_usage("fam takes one of none, dax and pmem");
	w.owner = argv[optind];
	check(&w);
	fam_find(&fam);
	if (w.writeback)
		fam_writeback(&fam);
	if (w.owner)
		change(&fam, &w);
	fam_find(&fam);
	show(&fam, w.json);
	return 0;
}
