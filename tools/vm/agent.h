/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of famez-agent know of each other. */
#ifndef FAMEZ_VM_AGENT_H
#define FAMEZ_VM_AGENT_H

#include <stdint.h>
#include <sys/types.h>

/* agent-command.c */
pid_t command_start(const char *cwd, char **argv, char **env, uint32_t window,
		    int *streams);
void command_resize(int terminal, uint32_t window);

#endif
