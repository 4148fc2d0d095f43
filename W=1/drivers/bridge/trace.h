/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints: messages, doorbells, and what becomes of peers.  @bridge is the
 * number in the device's name.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM famez

#if !defined(_FAMEZ_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _FAMEZ_TRACE_H

#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(famez_message,
		    TP_PROTO(int bridge, u32 peer, u16 type, u32 length),
		    TP_ARGS(bridge, peer, type, length),
		    TP_STRUCT__entry(__field(int, bridge)
				     __field(u32, peer)
				     __field(u16, type)
				     __field(u32, length)),
		    TP_fast_assign(__entry->bridge = bridge;
				   __entry->peer = peer;
				   __entry->type = type;
				   __entry->length = length;),
		    TP_printk("bridge=%d peer=%u type=%u length=%u", __entry->bridge,
			      __entry->peer, __entry->type, __entry->length)
);

/* A record is in the channel to a peer. */
DEFINE_EVENT(famez_message, famez_send,
	     TP_PROTO(int bridge, u32 peer, u16 type, u32 length),
	     TP_ARGS(bridge, peer, type, length)
);

/* A program has read a message, or the driver a record of its own. */
DEFINE_EVENT(famez_message, famez_receive,
	     TP_PROTO(int bridge, u32 peer, u16 type, u32 length),
	     TP_ARGS(bridge, peer, type, length)
);

/* A peer is rung. */
TRACE_EVENT(famez_doorbell,
	    TP_PROTO(int bridge, u32 peer, u32 vector),
	    TP_ARGS(bridge, peer, vector),
	    TP_STRUCT__entry(__field(int, bridge)
			     __field(u32, peer)
			     __field(u32, vector)),
	    TP_fast_assign(__entry->bridge = bridge;
			   __entry->peer = peer;
			   __entry->vector = vector;),
	    TP_printk("bridge=%d peer=%u vector=%u", __entry->bridge,
		      __entry->peer, __entry->vector)
);

/* We are rung. */
TRACE_EVENT(famez_interrupt,
	    TP_PROTO(int bridge, u32 vector),
	    TP_ARGS(bridge, vector),
	    TP_STRUCT__entry(__field(int, bridge)
			     __field(u32, vector)),
	    TP_fast_assign(__entry->bridge = bridge;
			   __entry->vector = vector;),
	    TP_printk("bridge=%d vector=%u", __entry->bridge, __entry->vector)
);

/* A peer is another than it was. */
TRACE_EVENT(famez_peer,
	    TP_PROTO(int bridge, u32 peer, u32 state, u32 generation),
	    TP_ARGS(bridge, peer, state, generation),
	    TP_STRUCT__entry(__field(int, bridge)
			     __field(u32, peer)
			     __field(u32, state)
			     __field(u32, generation)),
	    TP_fast_assign(__entry->bridge = bridge;
			   __entry->peer = peer;
			   __entry->state = state;
			   __entry->generation = generation;),
	    TP_printk("bridge=%d peer=%u state=%s generation=%08x", __entry->bridge,
		      __entry->peer,
		      __print_symbolic(__entry->state, { 0, "absent" },
				       { 1, "attached" }, { 2, "up" }),
		      __entry->generation)
);

#endif /* _FAMEZ_TRACE_H */

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
