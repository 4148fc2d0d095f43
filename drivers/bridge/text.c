// SPDX-License-Identifier: GPL-2.0
/* Messages by write(2) and read(2): "<dest>:<payload>", "<sender>:<payload>". */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "chardev.h"

static int famez_find_name(struct famez_bridge *b, const char *name, u32 *peer)
{
	struct famez_peer_info info;
	int err = -EHOSTUNREACH;
	u32 id;

	for (id = 0; id < b->layout.peers.count; id++) {
		famez_peer_info(b, id, &info);
		if (info.state < FAMEZ_PEER_UP || strcmp(info.name, name))
			continue;
		if (!err)
			return -ENOTUNIQ;
		*peer = id;
		err = 0;
	}
	return err;
}

/* "CID,SID" */
static int famez_find_ids(struct famez_bridge *b, char *cid, char *comma, u32 *peer)
{
	u32 ids[2];

	*comma = 0;
	if (kstrtou32(cid, 10, &ids[0]) || kstrtou32(comma + 1, 10, &ids[1]))
		return -EHOSTUNREACH;
	return famez_link_find(b, ids[0], ids[1], peer);
}

static bool famez_is_switch(const char *dest)
{
	return !strcmp(dest, "server") || !strcmp(dest, "switch");
}

/* "<id>", "CID,SID", a name, or the switch */
static int famez_parse_dest(struct famez_bridge *b, char *dest, u32 *peer)
{
	if (!*dest)
		return -EINVAL;
	if (famez_is_switch(dest)) {
		*peer = b->layout.server_id;
		return 0;
	}
	if (strspn(dest, "0123456789") == strlen(dest))
		return kstrtou32(dest, 10, peer) ? -EHOSTUNREACH : 0;
	if (strspn(dest, "0123456789,") == strlen(dest) && strchr(dest, ','))
		return famez_find_ids(b, dest, strchr(dest, ','), peer);
	return famez_find_name(b, dest, peer);
}

/* Takes "<dest>:" off the front. */
static int famez_take_dest(struct famez_bridge *b, struct iov_iter *from,
			   u32 *peer)
{
	char dest[FAMEZ_NAME_SIZE + 1];
	size_t n = min(iov_iter_count(from), sizeof(dest));
	char *colon;
	int err;

	if (copy_from_iter(dest, n, from) != n)
		return -EFAULT;
	colon = memchr(dest, ':', n);
	if (!colon)
		return -EINVAL;
	iov_iter_revert(from, n - (colon + 1 - dest));
	*colon = 0;
	if (strlen(dest) != colon - dest)
		return -EINVAL;
	if (!famez_enter(b))
		return -ENODEV;
	err = famez_parse_dest(b, dest, peer);
	famez_leave(b);
	return err;
}

ssize_t famez_text_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct famez_bridge *b = famez_bridge_of(iocb->ki_filp);
	struct famez_dest dest = { .sport = famez_port_of(iocb->ki_filp) };
	size_t count = iov_iter_count(from);
	int err;

	if (!famez_has_messages(b))
		return -EOPNOTSUPP;
	err = famez_take_dest(b, from, &dest.peer);
	if (!err)
		err = famez_endpoint_send(b, &dest, from,
					  famez_timeout(iocb->ki_filp, 0, 0));
	return err ? err : count;
}

ssize_t famez_text_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct famez_bridge *b = famez_bridge_of(iocb->ki_filp);
	struct famez_delivery d = {
		.to = to,
		.text = true,
		.cid = famez_names_cid(iocb->ki_filp),
		.slot = famez_slot_of(iocb->ki_filp),
	};
	size_t count = iov_iter_count(to);
	int err;

	if (!famez_has_messages(b))
		return -EOPNOTSUPP;
	err = famez_endpoint_recv(b, &d, famez_timeout(iocb->ki_filp, 0, 0));
	return err ? err : count - iov_iter_count(to);
}
