// SPDX-License-Identifier: GPL-2.0
/*
 * pmem and dax are uncached where firmware has put the BAR under an uncached MTRR.  This
 * drops that MTRR, by /proc/mtrr (Documentation/arch/x86/mtrr.rst of the kernel), after a
 * look at what else lies under it: memory must not, while registers of devices may, as
 * the kernel maps them uncached by itself, if it has PAT.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "fam.h"
#include "famezctl.h"

/** struct span - addresses, both ends included */
struct span {
	uint64_t first;
	uint64_t last;
};

static bool meet(const struct span *a, const struct span *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* The line of BAR 2: its first and last address. */
static struct span bar_of(const struct fam *fam)
{
	char path[FAM_PATH], line[128] = "";
	struct span bar;
	FILE *file;
	int i;

	snprintf(path, sizeof(path), "%.64s/device/resource", fam->sysfs);
	file = fopen(path, "r");
	for (i = 0; file && i < 3 && fgets(line, sizeof(line), file); i++)
		;
	if (!file || sscanf(line, "%" SCNx64 " %" SCNx64, &bar.first, &bar.last) != 2)
		die("cannot read %s: %s", path, strerror(errno));
	fclose(file);
	return bar;
}

/* "reg00: base=0x080000000 ( 2048MB), size= 2048MB, count=1: uncachable" */
static bool read_mtrr(const char *line, unsigned int *number, struct span *span)
{
	uint64_t base, size;
	char unit;

	if (sscanf(line, "reg%u: base=0x%" SCNx64 " (%*[^)]), size=%" SCNu64 "%cB", number,
		   &base, &size, &unit) != 4 || !strstr(line, ": uncachable") || !size)
		return false;
	size <<= unit == 'K' ? 10 : 20;
	*span = (struct span){ base, base + size - 1 };
	return true;
}

/* Which MTRR makes the BAR uncached? */
static bool find_mtrr(const struct span *bar, unsigned int *number, struct span *span)
{
	char line[256];
	bool found = false;
	FILE *file = fopen("/proc/mtrr", "r");

	if (!file)
		die("cannot read /proc/mtrr: %s; this kernel leaves MTRRs to firmware",
		    strerror(errno));
	while (!found && fgets(line, sizeof(line), file))
		found = read_mtrr(line, number, span) && meet(bar, span);
	fclose(file);
	return found;
}

/* Tells what else lies there, by /proc/iomem; dies where that is memory. */
static void check_others(const struct span *mtrr, const struct span *bar)
{
	struct span span;
	char line[256], name[128];
	FILE *file = fopen("/proc/iomem", "r");

	if (!file)
		die("cannot read /proc/iomem: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %" SCNx64 "-%" SCNx64 " : %127[^\n]", &span.first,
			   &span.last, name) != 3 || !meet(&span, mtrr) || meet(&span, bar))
			continue;
		if (!strcmp(name, "System RAM"))
			die("the MTRR also covers memory, at 0x%" PRIx64 "; nothing was changed",
			    span.first);
		printf("also under the MTRR: %s\n", name);
	}
	fclose(file);
}

/* Without PAT, what is uncached is so by MTRRs alone. */
static void check_pat(void)
{
	char flags[8192];
	bool pat = false;
	FILE *file = fopen("/proc/cpuinfo", "r");

	while (file && !pat && fgets(flags, sizeof(flags), file))
		pat = !strncmp(flags, "flags", 5) && strstr(flags, " pat ");
	if (file)
		fclose(file);
	file = fopen("/proc/cmdline", "r");
	if (file && fgets(flags, sizeof(flags), file) && strstr(flags, "nopat"))
		pat = false;
	if (file)
		fclose(file);
	if (!pat)
		die("this kernel has no PAT: registers of devices are uncached by that MTRR alone; nothing was changed");
}

static void disable(unsigned int number)
{
	FILE *file = fopen("/proc/mtrr", "w");

	if (!file || fprintf(file, "disable=%u\n", number) < 0 || fflush(file))
		die("cannot drop MTRR %u: %s", number, strerror(errno));
	fclose(file);
}

void fam_writeback(const struct fam *fam)
{
	char type[64], owner[64];
	struct span bar, mtrr;
	unsigned int number;

	fam_attribute(fam, "fam_memory_type", type, sizeof(type));
	if (!strcmp(type, "write-back"))
		return;
	fam_attribute(fam, "fam", owner, sizeof(owner));
	if (strcmp(owner, "none"))
		die("the FAM is %s, and mapped as it is: 'famezctl fam none' first", owner);
	check_pat();
	bar = bar_of(fam);
	if (!find_mtrr(&bar, &number, &mtrr))
		die("no uncached MTRR is in /proc/mtrr for 0x%" PRIx64, bar.first);
	check_others(&mtrr, &bar);
	disable(number);
	printf("MTRR %u made 0x%" PRIx64 " to 0x%" PRIx64 " uncached, and was dropped\n", number,
	       mtrr.first, mtrr.last);
	fam_attribute(fam, "fam_memory_type", type, sizeof(type));
	if (strcmp(type, "write-back"))
		die("the MTRR was dropped, but FAM is still %s", type);
}
