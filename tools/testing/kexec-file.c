// SPDX-License-Identifier: GPL-2.0
/*
 * kexec-file KERNEL INITRAMFS: starts another kernel at once, with the command
 * line of this one, by the calls that kexec(8) makes; that program itself needs
 * Xen's libraries, which nothing else here does.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static void read_command_line(char *line, int size)
{
	FILE *f = fopen("/proc/cmdline", "r");

	if (!f || !fgets(line, size, f))
		err(1, "/proc/cmdline");
	line[strcspn(line, "\n")] = '\0';
	fclose(f);
}

int main(int argc, char **argv)
{
	char line[4096];

	if (argc != 3)
		errx(2, "expected a kernel and an initramfs");
	read_command_line(line, sizeof(line));
	if (syscall(SYS_kexec_file_load, open_file(argv[1]), open_file(argv[2]),
		    strlen(line) + 1, line, 0))
		err(1, "kexec_file_load");
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	err(1, "reboot");
}
