// SPDX-License-Identifier: GPL-2.0
/*
 * Emulator or KVM? That /dev/kvm is there says little: under another hypervisor
 * it may open, and guests stop or crawl. So "auto" tries.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "famez-vm.h"

/*
 * What a kernel may take to its first line. KVM needs a second, the emulator
 * four: a KVM that needs more is of no use, even if it would get there.
 */
#define TRIAL_GUARD	10000
#define FIRST_LINE	"Linux version"

static pid_t start_trial(const char *kernel, int *output)
{
	const char *argv[] = {
		qemu_program(), "-nodefaults", "-no-user-config", "-display",
		"none", "-accel", "kvm", "-cpu", "host", "-m", "256M",
		"-no-reboot", "-kernel", kernel, "-append", "console=ttyS0",
		"-serial", "stdio", NULL
	};
	int pipes[2];
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC))
		fail("no more pipes: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		fail("no more processes: %s", strerror(errno));
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, STDIN_FILENO);
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		execvp(argv[0], (char **)argv);
		dprintf(2, "cannot run '%s': %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(pipes[1]);
	*output = pipes[0];
	return pid;
}

/* Read until the kernel speaks; NULL if it does, else why it does not */
static const char *watch_trial(int output)
{
	struct pollfd ready = { .fd = output, .events = POLLIN };
	int64_t guard = milliseconds() + TRIAL_GUARD;
	static char text[4096];
	size_t length = 0;

	while (poll(&ready, 1, poll_wait(guard)) > 0) {
		ssize_t n = read(output, text + length,
				 sizeof(text) - 1 - length);

		if (n <= 0) {
			/* QEMU ended: its last words say why */
			text[length] = 0;
			while (length && text[length - 1] == '\n')
				text[--length] = 0;
			return strrchr(text, '\n') ? strrchr(text, '\n') + 1 :
				length ? text : "QEMU ended at once";
		}
		length += n;
		text[length] = 0;
		if (strstr(text, FIRST_LINE))
			return NULL;
	}
	return "the guests' kernel did not say a word in 10 s";
}

static const char *try_kvm(const char *kernel)
{
	const char *trouble;
	int output, status;
	pid_t pid;

	pid = start_trial(kernel, &output);
	trouble = watch_trial(output);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(output);
	return trouble;
}

/*
 * tcg or kvm, from @wanted, or else $ACCEL, or else tcg: what is tested, and
 * the same everywhere, is what one gets without asking.
 */
const char *accel_choose(const char *wanted, const char *kernel)
{
	const char *option = wanted ? "--accel" : "ACCEL", *trouble;

	if (!wanted)
		wanted = getenv("ACCEL");
	if (!wanted || !*wanted || !strcmp(wanted, "tcg"))
		return "tcg";
	if (!strcmp(wanted, "kvm"))
		return "kvm";
	if (strcmp(wanted, "auto"))
		misuse("%s is '%s'; expected tcg, kvm or auto", option, wanted);
	trouble = try_kvm(kernel);
	if (trouble)
		complain("%s=auto takes tcg: KVM does not do (%s)", option,
			 trouble);
	else
		complain("%s=auto takes kvm: the guests' kernel starts under it",
			 option);
	return trouble ? "tcg" : "kvm";
}
