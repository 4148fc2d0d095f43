// SPDX-License-Identifier: GPL-2.0
/*
 * Does a libvirt domain agree with the switches and the memory that it names?  What does
 * not is said here, before QEMU ends with fewer words, or a guest has no driver.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fabric-facts.h"
#include "famez-vm.h"
#include "libvirt.h"

static int complaints;

#define wrong(shmem, format, ...) do {						\
	complaints++;								\
	complain("shmem '%s': " format, (shmem)->name, ##__VA_ARGS__);		\
} while (0)

static void check_path(const struct shmem *shmem)
{
	if (!shmem->server)
		wrong(shmem, "names no socket; expected <server path='...'/> with the switch's");
	else if (*shmem->server != '/')
		wrong(shmem, "path '%s' is not absolute, as libvirt wants it",
		      shmem->server);
	else if (strlen(shmem->server) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		wrong(shmem, "path '%s' is longer than the %zu bytes that a socket's can have",
		      shmem->server, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
}

static void check_doorbell(const struct shmem *shmem)
{
	int before = complaints, err;
	struct fabric_facts facts;

	if (shmem->size)
		wrong(shmem, "has a <size>, which libvirt does not take with " MODEL_DOORBELL "; leave it out: the switch has the say");
	check_path(shmem);
	if (complaints > before)
		return;
	err = fabric_facts(&facts, shmem->server);
	if (err) {
		wrong(shmem, "%s: %s", shmem->server, fabric_trouble(err));
		return;
	}
	if (shmem->vectors != facts.vectors)
		wrong(shmem, "has %lu vectors, the switch on %s gives %u; expected <msi vectors='%u'/>",
		      shmem->vectors, shmem->server, facts.vectors, facts.vectors);
}

/* What libvirt takes where nothing is said */
#define LIBVIRT_SIZE	(4ULL << 20)

static void check_plain(const struct shmem *shmem)
{
	unsigned long long size = shmem->size ? shmem->size : LIBVIRT_SIZE;
	struct stat status;
	char path[320];

	snprintf(path, sizeof(path), "/dev/shm/%s", shmem->name);
	if (shmem->has_server || shmem->has_msi)
		wrong(shmem, "is a plain device, with which libvirt takes neither <server> nor <msi>");
	else if (stat(path, &status))
		/* It may well be for something that is not famez */
		complain("note: shmem '%s': there is no %s, so that libvirt makes it, and no switch has it",
			 shmem->name, path);
	else if (size != (unsigned long long)status.st_size)
		wrong(shmem, "is of %llu bytes, %s of %llu; expected <size unit='b'>%llu</size>",
		      size, path, (unsigned long long)status.st_size,
		      (unsigned long long)status.st_size);
	else if (size & (size - 1))
		wrong(shmem, "%llu bytes are no power of two, as a PCI device's memory has to be",
		      size);
}

static void check_shmem(const struct shmem *shmem)
{
	if (shmem->bad_size)
		wrong(shmem, "its <size> is not understood; expected for example <size unit='M'>64</size>");
	else if (shmem->model && !strcmp(shmem->model, MODEL_DOORBELL))
		check_doorbell(shmem);
	else if (shmem->model && !strcmp(shmem->model, MODEL_PLAIN))
		check_plain(shmem);
	else
		wrong(shmem, "is of model '%s', which QEMU no longer has; expected <model type='"
		      MODEL_DOORBELL "'/> or '" MODEL_PLAIN "'",
		      shmem->model ? shmem->model : "ivshmem");
}

int domain_check(xmlDoc *domain)
{
	bool doorbell = false;
	xmlNode *at = NULL;
	struct shmem shmem;
	int devices = 0;

	complaints = 0;
	for (; (at = domain_next(domain, at, &shmem)); devices++) {
		check_shmem(&shmem);
		doorbell |= shmem.model && !strcmp(shmem.model, MODEL_DOORBELL);
	}
	if (!devices) {
		complaints++;
		complain("the domain has no <shmem>; 'famez-vm libvirt-xml DOMAIN' adds one");
	}
	/* see add_machine() in qemu.c */
	if (doorbell && domain_is_emulated(domain) && domain_cpus(domain) < 2) {
		complaints++;
		complain("the domain is emulated and can have one CPU only, and then QEMU leaves out the barriers that messages count on; expected <vcpu current='1'>2</vcpu> at least");
	}
	return complaints;
}

bool domain_is_valid(xmlDoc *domain)
{
	int fd = memfd_create("domain", 0), opinion = memfd_create("opinion", 0), status = 0;
	char path[32];
	xmlChar *text;
	pid_t pid;
	int size;

	xmlDocDumpMemory(domain, &text, &size);
	if (fd < 0 || opinion < 0 || write(fd, text, size) != size)
		fail("no memory to check the domain in: %s", strerror(errno));
	/* It opens the file by name, so that it begins at the beginning */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		fail("cannot start virt-xml-validate: %s", strerror(errno));
	if (!pid) {
		dup2(opinion, STDOUT_FILENO);
		dup2(opinion, STDERR_FILENO);
		execlp("virt-xml-validate", "virt-xml-validate", path, "domain", NULL);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid)
		fail("cannot wait for virt-xml-validate: %s", strerror(errno));
	close(fd);
	xmlFree(text);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		complain("note: libvirt's schema was not asked, as virt-xml-validate or its xmllint is missing; install the packages libvirt-clients and libxml2-utils");
		return true;
	}
	if (status) {
		complain("the domain is not as libvirt's schema has it; virt-xml-validate says:");
		snprintf(path, sizeof(path), "/proc/self/fd/%d", opinion);
		print_tail(path, 20);
	}
	close(opinion);
	return !status;
}
