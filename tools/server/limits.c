// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptors of the clients' processes.  Each is sent an eventfd for each vector of
 * each id, and a QEMU that may open no more crashes.  So who would bring one more than
 * it can take is refused.  Programs of ours take no harm, and keep nobody out: one
 * that cannot take its descriptors is told so by its library.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "server.h"

#define SPARE	64	/* for what a process opens besides, disks and the like */

static struct process *find(struct server *s, pid_t pid)
{
	struct process *p;

	TAILQ_FOREACH(p, &s->processes, link)
		if (p->pid == pid)
			return p;
	return NULL;
}

/* How many descriptors it has.  0 where we may not look: then we know no limit. */
static uint32_t count_descriptors(pid_t pid)
{
	char path[40];
	uint32_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;	/* . and .. */
}

/*
 * May it open so many?  What we may not know is no reason to refuse; nor that a process
 * lowers its limit when it is in.
 */
static bool may_open(struct process *p, uint64_t need)
{
	struct rlimit rlimit;

	if (!p->before || prlimit(p->pid, RLIMIT_NOFILE, NULL, &rlimit))
		return true;
	if (p->limit < rlimit.rlim_cur)
		p->limit = rlimit.rlim_cur;
	return need <= p->limit;
}

struct process *process_get(struct server *s, pid_t pid)
{
	struct process *p = find(s, pid);

	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->pid = pid;
		p->before = count_descriptors(pid);
		may_open(p, 0);
		TAILQ_INSERT_TAIL(&s->processes, p, link);
	}
	p->clients++;
	return p;
}

void process_put(struct server *s, struct process *p)
{
	if (--p->clients)
		return;
	TAILQ_REMOVE(&s->processes, p, link);
	free(p);
}

bool processes_fit(struct server *s, pid_t newcomer)
{
	struct process *p;
	uint64_t need;

	TAILQ_FOREACH(p, &s->processes, link) {
		/* each client has the memory, too */
		need = p->before + p->clients + SPARE +
		       (uint64_t)p->ids * s->plan.layout.vectors;
		if ((!p->delicate && p->pid != newcomer) || may_open(p, need))
			continue;
		say("connection of pid %d refused: pid %d may open %llu files, and would need %llu; raise that (prlimit --pid %d --nofile=%llu:), or give the switch fewer --vectors",
		    (int)newcomer, (int)p->pid, (unsigned long long)p->limit,
		    (unsigned long long)need, (int)p->pid,
		    (unsigned long long)need);
		return false;
	}
	return true;
}
