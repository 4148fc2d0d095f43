// SPDX-License-Identifier: GPL-2.0
/* The option --port of the verbs that receive and send. */
#include <errno.h>
#include "famezctl.h"

uint32_t parse_port(const char *text)
{
	return parse_number("--port", text, UINT16_MAX);
}

void bind_port(struct famez *handle, uint32_t port)
{
	int error = port ? famez_bind(handle, &port, 0) : 0;

	if (error == -EADDRINUSE)
		die("port %u is another program's; take another one", port);
	if (error == -ENOSPC)
		die("this peer has 63 ports open; close one");
	if (error)
		die("cannot open port %u: %s", port, error_text(error));
}
