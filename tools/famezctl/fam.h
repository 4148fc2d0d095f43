/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the verb "fam" share. */
#ifndef FAMEZCTL_FAM_H
#define FAMEZCTL_FAM_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define FAM_DEVICES	64
#define FAM_PATH	512

/** struct fam_device - what became of FAM: a block device, or a dax device */
struct fam_device {
	char name[64];
	bool block;
	dev_t number;
};

/**
 * struct fam - a bridge's FAM, as sysfs shows it
 * @bridge: number of the bridge's own device
 * @sysfs: its directory
 * @child: that of the device which the owner's driver binds; empty: none has it
 * @devices: what became of it
 * @count: of them
 */
struct fam {
	dev_t bridge;
	char sysfs[FAM_PATH];
	char child[FAM_PATH];
	struct fam_device devices[FAM_DEVICES];
	size_t count;
};

/* ---- fam-devices.c: what sysfs says; the first two end the program on an error ---- */

/* Of the device that --device names, or the default. */
void fam_find(struct fam *fam);

/* An attribute of the bridge, without its newline. */
void fam_attribute(const struct fam *fam, const char *name, char *value, size_t room);

/* What pmem and dax have of it, or would; false where nobody offers them: on the host. */
bool fam_memory_type(char *type, size_t room);

/* Return: 0, or an errno value, negative */
int fam_set_attribute(const struct fam *fam, const char *name, const char *value);

/* ---- fam-users.c ---- */

/*
 * Prints who has FAM open, mounted or mapped in the form that it has now; for a new
 * owner, also who has it mapped for writing from the bridge's device itself.
 * Return: how many lines
 */
unsigned int fam_users(const struct fam *fam, bool new_owner, FILE *out);

/* ---- fam-namespace.c: nvdimm's, by ndctl ---- */

/*
 * Makes it one of "fsdax" or "devdax", with its struct pages in ordinary memory.  One of
 * another mode, or with anything in it, only with @force.
 */
void fam_namespace(const struct fam *fam, const char *mode, bool force);

/* ---- fam-writeback.c ---- */

/* Has pmem and dax be write-back, by dropping the MTRR that makes them uncached. */
void fam_writeback(const struct fam *fam);

#endif /* FAMEZCTL_FAM_H */
