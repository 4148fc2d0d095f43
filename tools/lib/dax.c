// SPDX-License-Identifier: LGPL-2.1
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "dax.h"

static uint64_t attribute(const char *directory, const char *name)
{
	uint64_t value = 0;
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (file && fscanf(file, "%" SCNu64, &value) != 1)
		value = 0;
	if (file)
		fclose(file);
	return value;
}

uint64_t dax_size(int fd, uint64_t *align)
{
	char directory[64], link[80], subsystem[256] = "";
	struct stat st;

	if (fstat(fd, &st) || !S_ISCHR(st.st_mode))
		return 0;
	snprintf(directory, sizeof(directory), "/sys/dev/char/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	snprintf(link, sizeof(link), "%s/subsystem", directory);
	if (readlink(link, subsystem, sizeof(subsystem) - 1) < 0 ||
	    strcmp(strrchr(subsystem, '/') ? strrchr(subsystem, '/') : "", "/dax"))
		return 0;
	*align = attribute(directory, "align");
	return *align ? attribute(directory, "size") : 0;
}
