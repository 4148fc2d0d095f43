// SPDX-License-Identifier: GPL-2.0
/* How long send and recv wait: --nonblock and --timeout. */
#include <errno.h>
#include <math.h>
#include "famezctl.h"

struct famez *open_patient(const struct patience *patience)
{
	uint32_t timeout_ms = ceil(patience->seconds * 1e3);
	/* to wait for 0 seconds is not to wait */
	bool nonblock = patience->nonblock || (patience->timed && !timeout_ms);
	struct famez *handle = open_device(nonblock ? FAMEZ_NONBLOCK : 0);

	famez_set_timeout(handle, timeout_ms);
	return handle;
}

bool timed_out(const struct patience *patience, int error)
{
	return error == -ETIMEDOUT || (error == -EAGAIN && patience->timed);
}
