// SPDX-License-Identifier: GPL-2.0
/*
 * Named regions of FAM.  The truth is here, and in the file beside a file that is the
 * memory (regions-file.c); the table in the control area is a copy of it.  Peers ask by
 * messages to a port of ours: each is done whole, or not at all, whatever becomes of
 * who sent it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define SCRATCH		"scratch"
#define REQUESTS	4	/* served in one turn of the loop: each may write a file */
#define REPLIES		64	/* that wait for room, for each peer: it has no more ports */

static uint32_t slots(const struct server *s)
{
	return s->plan.layout.regions.count;
}

/* ---- The table ------------------------------------------------------------------- */

static struct famez_region *shared_region(const struct server *s, uint32_t i)
{
	const struct famez_place *table = &s->plan.layout.regions;

	return (void *)((char *)s->memory.map + table->offset +
			(uint64_t)i * table->stride);
}

static void fill_region(struct famez_region *to, const struct famez_region_info *r)
{
	*to = (struct famez_region){
		.offset = htole64(r->offset),
		.length = htole64(r->length),
		.creator = htole32(r->creator),
		.use = htole32(r->use),
	};
	memcpy(to->name, r->name, sizeof(to->name));
}

/* All of them: a record that somebody spoilt heals with the next change. */
void regions_publish(struct server *s)
{
	struct famez_region copy;
	uint32_t i;

	for (i = 0; i < slots(s); i++) {
		struct famez_region *shared = shared_region(s, i);

		fill_region(&copy, &s->regions[i]);
		if (!memcmp(shared, &copy, sizeof(copy)))
			continue;
		/* who reads it meanwhile finds none */
		__atomic_store_n(&shared->name[0], 0, __ATOMIC_RELEASE);
		famez_wmb();
		memcpy((char *)shared + 1, (char *)&copy + 1, sizeof(copy) - 1);
		__atomic_store_n(&shared->name[0], copy.name[0], __ATOMIC_RELEASE);
	}
	control_publish_regions(s);
}

/* ---- Finding room ----------------------------------------------------------------- */

static struct famez_region_info *find(const struct server *s, const char *name)
{
	uint32_t i;

	for (i = 0; i < slots(s); i++)
		if (*s->regions[i].name && !strcmp(s->regions[i].name, name))
			return &s->regions[i];
	return NULL;
}

/* Up to where nothing lies, from a place on: 0 if something lies there. */
static uint64_t room_at(const struct server *s, uint64_t offset)
{
	uint64_t end = s->plan.layout.fam_size;
	uint32_t i;

	if (offset >= end)
		return 0;
	for (i = 0; i < slots(s); i++) {
		const struct famez_region_info *r = &s->regions[i];

		if (!*r->name || r->offset + r->length <= offset)
			continue;
		if (r->offset <= offset)
			return 0;
		if (r->offset < end)
			end = r->offset;
	}
	return end - offset;
}

/*
 * The first place with room for it; where there is none, how much there is at most.
 * Only the start, and what is behind a region, can be the first place.
 */
static bool find_room(const struct server *s, struct famez_region_info *want)
{
	uint64_t align = famez_region_align(want), best = 0, place = UINT64_MAX;
	uint32_t i;

	for (i = 0; i <= slots(s); i++) {
		uint64_t offset = 0, room;

		if (i < slots(s) && *s->regions[i].name)
			offset = s->regions[i].offset + s->regions[i].length;
		offset = (offset + align - 1) & ~(align - 1);
		room = room_at(s, offset) & ~(align - 1);
		if (room > best)
			best = room;
		if (room >= want->length && offset < place)
			place = offset;
	}
	if (place == UINT64_MAX) {
		want->length = best;
		return false;
	}
	want->offset = place;
	return true;
}

/* ---- Changes ----------------------------------------------------------------------- */

static int add(struct server *s, const struct famez_region_info *r)
{
	struct famez_region_info *slot;
	uint32_t i;

	for (i = 0; i < slots(s) && *s->regions[i].name; i++)
		;
	if (i == slots(s))
		return -ENFILE;
	slot = &s->regions[i];
	*slot = *r;
	if (regions_save(s))
		return 0;
	memset(slot, 0, sizeof(*slot));
	return -EIO;
}

/* Does a peer say that it uses FAM so?  Of strangers' bits, only those asked for count. */
static bool used(const struct server *s, uint32_t bits)
{
	uint32_t id;

	for (id = 0; id < s->plan.layout.peers.count; id++)
		if (famez_peer_use(control_peer(s, id)) & bits)
			return true;
	return false;
}

static uint64_t first_scratch(const struct server *s)
{
	uint64_t first = s->plan.layout.fam_size;
	uint32_t i;

	for (i = 0; i < slots(s); i++)
		if (*s->regions[i].name && s->regions[i].use == FAMEZ_USE_SCRATCH &&
		    s->regions[i].offset < first)
			first = s->regions[i].offset;
	return first;
}

/* A peer's record does not say which region it has: so none for its use goes. */
static bool in_use(const struct server *s, const struct famez_region_info *r)
{
	if (famez_region_is_dax(r))
		return used(s, FAMEZ_USE_MASK) && !used(s, FAMEZ_USE_WHOLE);
	return r->use == FAMEZ_USE_SCRATCH && used(s, FAMEZ_USE_WHOLE);
}

static int create(struct server *s, struct famez_region_info *r)
{
	uint64_t align = famez_region_align(r);
	int err;

	if (!r->length)
		return -EINVAL;
	if (r->length > s->plan.layout.fam_size)
		r->length = UINT64_MAX & ~(align - 1);
	else
		r->length = (r->length + align - 1) & ~(align - 1);
	if (!find_room(s, r))
		return -ENOSPC;
	/* who uses all of FAM uses it up to the first scratch region */
	if (r->offset < first_scratch(s) && used(s, FAMEZ_USE_WHOLE))
		return -EBUSY;
	err = add(s, r);
	if (!err)
		say("region %s created: %llu bytes at %llu, for peer %u", r->name,
		    (unsigned long long)r->length, (unsigned long long)r->offset,
		    r->creator);
	return err;
}

/* @r: what is asked for, and then what there is */
static int open_region(struct server *s, struct famez_region_info *r, uint32_t flags)
{
	const struct famez_region_info *there = find(s, r->name);

	if (flags & ~(FAMEZ_REGION_CREATE | FAMEZ_REGION_EXCL) ||
	    r->use > FAMEZ_USE_SCRATCH)
		return -EINVAL;
	if (!there)
		return flags & FAMEZ_REGION_CREATE ? create(s, r) : -ENOENT;
	if (flags & FAMEZ_REGION_CREATE &&
	    (flags & FAMEZ_REGION_EXCL || there->use != r->use))
		return -EEXIST;
	if (r->length > there->length)
		return -EFBIG;
	*r = *there;
	return 0;
}

static int remove_region(struct server *s, struct famez_region_info *r)
{
	struct famez_region_info *there = find(s, r->name);

	if (!there)
		return -ENOENT;
	if (in_use(s, there))
		return -EBUSY;
	*r = *there;
	memset(there, 0, sizeof(*there));
	if (!regions_save(s)) {
		*there = *r;
		return -EIO;
	}
	say("region %s removed", r->name);
	return 0;
}

/* ---- Requests ----------------------------------------------------------------------- */

/*
 * What this version has no meaning for is zero: else a later one could not tell whether
 * what it asks for is understood.
 */
static bool is_understood(const struct famez_region_request *request, const char *more,
			  size_t bytes)
{
	size_t i = strnlen(request->name, sizeof(request->name));

	for (; i < sizeof(request->name); i++)
		if (request->name[i])
			return false;
	while (bytes)
		if (more[--bytes])
			return false;
	if (request->reserved)
		return false;
	return le32toh(request->op) != FAMEZ_REGION_REMOVE ||
	       (!request->flags && !request->use && !request->size);
}

/* Return: 0, or an errno value, negative */
static int serve(struct server *s, const struct famez_region_request *request,
		 struct famez_region_info *r)
{
	uint32_t op = le32toh(request->op);

	memcpy(r->name, request->name, strlen(request->name));
	r->length = le64toh(request->size);
	r->use = le32toh(request->use);
	return op == FAMEZ_REGION_OPEN ? open_region(s, r, le32toh(request->flags)) :
					 remove_region(s, r);
}

/* @size: of the message that has it, and more, in the inbox */
static int check_and_serve(struct server *s, const struct famez_region_request *request,
			   size_t size, struct famez_region_info *r)
{
	uint32_t op = le32toh(request->op);

	if (op != FAMEZ_REGION_OPEN && op != FAMEZ_REGION_REMOVE)
		return -EOPNOTSUPP;
	if (!is_understood(request, s->inbox + sizeof(*request), size - sizeof(*request)) ||
	    !famez_region_name_ok(request->name))
		return -EINVAL;
	return serve(s, request, r);
}

/* ---- Replies ------------------------------------------------------------------------- */

struct reply {
	TAILQ_ENTRY(reply) link;
	uint32_t peer;
	uint16_t port;
	struct famez_region_reply text;
};

/* Return: false when there is no room for it now */
static bool send_reply(struct server *s, const struct reply *r)
{
	int err = famez_fabric_send(s->fabric, r->peer, FAMEZ_REGION_PORT, r->port,
				    &r->text, sizeof(r->text));

	if (err && err != -EAGAIN)
		detail("peer %u is not told of a region: %s", r->peer, strerror(-err));
	return err != -EAGAIN;
}

/* A change that was made is told, as soon as there is room; of a flood, the first. */
static void keep_reply(struct server *s, const struct reply *reply)
{
	struct reply *r, *copy;
	unsigned int n = 0;

	TAILQ_FOREACH(r, &s->replies, link)
		n += r->peer == reply->peer;
	copy = n < REPLIES ? malloc(sizeof(*copy)) : NULL;
	if (!copy)
		return;
	*copy = *reply;
	TAILQ_INSERT_TAIL(&s->replies, copy, link);
}

static void send_replies(struct server *s)
{
	struct reply *r = TAILQ_FIRST(&s->replies), *next;

	for (; r; r = next) {
		next = TAILQ_NEXT(r, link);
		if (!send_reply(s, r))
			continue;
		TAILQ_REMOVE(&s->replies, r, link);
		free(r);
	}
}

static void answer(struct server *s, const struct famez_letter *letter,
		   const struct famez_region_request *request)
{
	struct famez_region_info r = { .creator = letter->peer };
	struct reply reply = { .peer = letter->peer, .port = letter->sport };
	int err = check_and_serve(s, request, letter->size, &r);

	if (err && err != -ENOSPC)
		memset(&r, 0, sizeof(r));
	reply.text.cookie = request->cookie;
	reply.text.error = htole32(-err);
	fill_region(&reply.text.region, &r);
	if (!err)
		regions_publish(s);
	if (!send_reply(s, &reply))
		keep_reply(s, &reply);
}

bool regions_look(struct server *s)
{
	struct famez_region_request request;
	struct famez_letter letter;
	int i, err;

	send_replies(s);
	for (i = 0; i < REQUESTS; i++) {
		err = famez_fabric_recv(s->fabric, s->regions_slot, &letter, s->inbox,
					sizeof(s->inbox));
		if (err)
			return false;
		if (letter.size < sizeof(request) || !letter.sport) {
			detail("peer %u has sent nonsense to the regions' port",
			       letter.peer);
			continue;
		}
		memcpy(&request, s->inbox, sizeof(request));
		answer(s, &letter, &request);
	}
	return true;
}

/* ---- Start and end ------------------------------------------------------------------- */

/* What uses all of FAM leaves this out. */
static bool keep_scratch(struct server *s, uint64_t size)
{
	struct famez_region_info r = {
		.name = SCRATCH, .creator = s->plan.layout.server_id,
		.use = FAMEZ_USE_SCRATCH,
	};
	const struct famez_region_info *there = find(s, SCRATCH);
	char text[SIZE_TEXT];
	uint64_t left;

	left = s->plan.layout.fam_size;
	if (size > left)
		size = left + FAMEZ_REGION_ALIGN;
	size = (size + FAMEZ_REGION_ALIGN - 1) & ~(FAMEZ_REGION_ALIGN - 1);
	if (!size || (there && there->length == size && there->use == r.use))
		return true;
	r.length = size;
	r.offset = left - size;
	if (there || size > left || room_at(s, r.offset) < size || add(s, &r)) {
		complain("--scratch %s: regions or the end of FAM are in its way",
			 size_text(text, size));
		return false;
	}
	return true;
}

bool regions_make(struct server *s, const struct options *o)
{
	s->regions_path = o->regions;
	s->regions = calloc(slots(s), sizeof(*s->regions));
	if (!s->regions) {
		complain("out of memory");
		return false;
	}
	return regions_load(s) && keep_scratch(s, o->scratch);
}

bool regions_start(struct server *s)
{
	int slot = famez_fabric_bind(s->fabric, FAMEZ_REGION_PORT, 0);

	if (slot < 0) {
		complain("the regions' port cannot be had: %s", strerror(-slot));
		return false;
	}
	s->regions_slot = slot;
	return true;
}

void regions_free(struct server *s)
{
	struct reply *r;

	while ((r = TAILQ_FIRST(&s->replies))) {
		TAILQ_REMOVE(&s->replies, r, link);
		free(r);
	}
	free(s->regions);
}
