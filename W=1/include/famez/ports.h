/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * The ports of a peer: which are open, and their places in the grants of all its
 * channels.  Used by the driver, the library and the switch.
 */
#ifndef _FAMEZ_PORTS_H
#define _FAMEZ_PORTS_H

#include <linux/famez.h>
#include <famez/shm.h>

/**
 * struct famez_port_id - a port of ours
 * @port: the port
 * @incarnation: of its owner, 0: closed, but for port 0
 * @window: bytes that each sender may have on their way to it; 0: as it comes
 * @closed: when its place was closed last
 */
struct famez_port_id {
	__u32 port;
	__u32 incarnation;
	__u32 window;
	__u32 closed;
};

/**
 * struct famez_ports - the ports of a peer, by place; the first is port 0
 * @slot: the ports
 * @used: none is open at this place or behind it; 1 at least
 * @closings: ports closed so far
 */
struct famez_ports {
	struct famez_port_id slot[FAMEZ_GRANTS];
	__u32 used;
	__u32 closings;
};

/** famez_port_is_open() - is there an open port at a place? */
static inline bool famez_port_is_open(const struct famez_ports *ports,
				      __u32 slot)
{
	return !slot || ports->slot[slot].incarnation;
}

/** famez_port_taken() - has somebody opened this port? */
static inline bool famez_port_taken(const struct famez_ports *ports, __u32 port)
{
	__u32 slot;

	for (slot = 1; slot < ports->used; slot++)
		if (famez_port_is_open(ports, slot) &&
		    ports->slot[slot].port == port)
			return true;
	return false;
}

/**
 * famez_port_place() - a place for a port
 *
 * The one that was closed longest ago: so its senders hear that it is closed
 * before it is another's.
 *
 * Return: the place, or -ENOSPC
 */
static inline int famez_port_place(const struct famez_ports *ports)
{
	const struct famez_port_id *p = ports->slot;
	__u32 slot, best = 0;

	for (slot = 1; slot < FAMEZ_GRANTS; slot++) {
		if (famez_port_is_open(ports, slot))
			continue;
		if (!best || (__s32)(p[slot].closed - p[best].closed) < 0)
			best = slot;
	}
	return best ? (int)best : -ENOSPC;
}

/**
 * famez_port_check() - can this port be opened?
 * @ports: the ports
 * @port: which; 0: any
 * @random: any number
 *
 * Return: it, or one from FAMEZ_PORT_ANY_MIN on that is free; or -EADDRINUSE
 */
static inline int famez_port_check(const struct famez_ports *ports, __u32 port,
				   __u32 random)
{
	if (port)
		return famez_port_taken(ports, port) ? -EADDRINUSE : (int)port;
	/* there are more of them than places */
	do {
		port = FAMEZ_PORT_ANY_MIN +
		       random++ % (65536 - FAMEZ_PORT_ANY_MIN);
	} while (famez_port_taken(ports, port));
	return port;
}

/** famez_ports_used() - what @used is to be, after a change */
static inline __u32 famez_ports_used(const struct famez_ports *ports)
{
	__u32 used = FAMEZ_GRANTS;

	while (used > 1 && !famez_port_is_open(ports, used - 1))
		used--;
	return used;
}

/** famez_port_forget() - a place is closed; @used is the caller's to set */
static inline void famez_port_forget(struct famez_ports *ports, __u32 slot)
{
	ports->slot[slot].incarnation = 0;
	ports->slot[slot].closed = ++ports->closings;
}

#endif /* _FAMEZ_PORTS_H */
