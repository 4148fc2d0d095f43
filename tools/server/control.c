// SPDX-License-Identifier: GPL-2.0
/* The control area: laid out at the start, and kept up with what happens. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "server.h"

static void *at(const struct server *s, uint64_t offset)
{
	return (char *)s->memory.map + offset;
}

static struct famez_header *shared_header(const struct server *s)
{
	return at(s, FAMEZ_HEADER_OFFSET);
}

struct famez_peer *control_peer(const struct server *s, uint32_t id)
{
	const struct famez_place *peers = &s->plan.layout.peers;

	return at(s, peers->offset + (uint64_t)id * peers->stride);
}

/* ---- Header ---------------------------------------------------------------- */

static void fill_table(struct famez_table *table,
		       const struct famez_place *place)
{
	table->offset = htole64(place->offset);
	table->count = htole32(place->count);
	table->stride = htole32(place->stride);
}

static void fill_header(struct server *s)
{
	const struct famez_layout *l = &s->plan.layout;
	struct famez_header *h = &s->header;

	*h = (struct famez_header){
		.magic = htole64(FAMEZ_MAGIC),
		.major = htole32(FAMEZ_MAJOR),
		.minor = htole32(FAMEZ_MINOR),
		.header_size = htole32(sizeof(*h)),
		/* who is no peer answers nobody */
		.optional = s->silent ? 0 : htole64(FAMEZ_OPTIONAL_FLUSH |
						    FAMEZ_OPTIONAL_REGIONS),
		.fabric = htole64(l->fabric),
		.memory_size = htole64(l->memory_size),
		.fam_offset = htole64(l->fam_offset),
		.fam_size = htole64(l->fam_size),
		.server_id = htole32(l->server_id),
		.vectors = htole32(l->vectors),
		.notify_vector = htole32(l->notify_vector),
	};
	fill_table(&h->peers, &l->peers);
	fill_table(&h->bells, &l->bells);
	fill_table(&h->directory, &l->directory);
	fill_table(&h->regions, &l->regions);
	fill_table(&h->channels, &l->channels);
	h->checksum = htole32(famez_header_checksum(h));
}

static void write_header(struct server *s, uint64_t magic)
{
	struct famez_header *h = shared_header(s);
	const size_t start = offsetof(struct famez_header, major);

	memcpy((char *)h + start, (char *)&s->header + start,
	       sizeof(*h) - start);
	/* it makes the rest valid */
	__atomic_store_n(&h->magic, htole64(magic), __ATOMIC_RELEASE);
}

void control_write_header(struct server *s)
{
	write_header(s, FAMEZ_MAGIC);
}

void control_mend(struct server *s)
{
	control_write_header(s);
	directory_mend(s);
	regions_publish(s);
}

/* ---- The whole --------------------------------------------------------------- */

/*
 * The bytes of a file that is taken up again are a former fabric's.  A switch that dies
 * here leaves no half of a control area that looks whole; but a header by which the next
 * one finds that the file, and the FAM in it, is a fabric's.
 */
static void begin(struct server *s)
{
	char *map = s->memory.map;
	struct famez_header *h = shared_header(s);
	char *end = (char *)(h + 1);

	if (!s->memory.created && !s->memory.filled) {
		if (h->magic)
			__atomic_store_n(&h->magic, htole64(MAGIC_MAKING), __ATOMIC_RELEASE);
		memset(map, 0, FAMEZ_HEADER_OFFSET);
		memset(end, 0, map + s->plan.layout.fam_offset - end);
	}
	write_header(s, MAGIC_MAKING);
}

/* After a power cut, FAM that was flushed is found by it. */
static bool keep(const struct server *s)
{
	if (s->memory.kind != BACKING_FILE || !fsync(s->memory.guard))
		return true;
	complain("%s: cannot be written to its disk: %s", s->memory.name, strerror(errno));
	return false;
}

bool control_write(struct server *s)
{
	struct famez_layout *l = &s->plan.layout;

	while (!l->fabric) {
		if (getrandom(&l->fabric, sizeof(l->fabric), 0) < 0 &&
		    errno != EINTR) {
			complain("no random number: %s", strerror(errno));
			return false;
		}
	}
	fill_header(s);
	begin(s);
	mailslot_setup(s);
	if (!directory_make(s))
		return false;
	regions_publish(s);
	control_write_header(s);
	return keep(s);
}

/* ---- Changes ----------------------------------------------------------------- */

void control_publish_channels(struct server *s, uint32_t id)
{
	struct famez_peer *record = control_peer(s, id);

	famez_store_release(&record->channels_epoch,
			    s->peers[id].channels_epoch);
	famez_store_release(&record->answered, s->peers[id].answered);
	/* whoever is rung for it must find it */
	famez_mb();
}

void control_publish_peer(struct server *s, uint32_t id)
{
	struct famez_peer *record = control_peer(s, id);

	famez_store(&record->state, s->peers[id].state);
	famez_store(&record->cid, s->peers[id].cid);
	famez_store(&record->sid, s->peers[id].sid);
	famez_store_release(&record->epoch, s->peers[id].epoch);
	control_publish_channels(s, id);
}

/* All of them: a record that somebody spoilt heals with the next change. */
void control_publish(struct server *s)
{
	uint32_t epoch = le32toh(s->header.peers_epoch) + 1;
	uint32_t id;

	for (id = 0; id < s->plan.layout.peers.count; id++)
		control_publish_peer(s, id);
	s->header.peers_epoch = htole32(epoch);
	famez_store_release(&shared_header(s)->peers_epoch, epoch);
	/* whoever is rung for it must find it */
	famez_mb();
}

void control_publish_regions(struct server *s)
{
	uint32_t epoch = le32toh(s->header.regions_epoch) + 1;

	s->header.regions_epoch = htole32(epoch);
	famez_store_release(&shared_header(s)->regions_epoch, epoch);
}

void control_clear_peer(struct server *s, uint32_t id)
{
	struct famez_peer *record = control_peer(s, id);
	const size_t start = offsetof(struct famez_peer, generation);

	famez_store(&record->generation, 0);
	famez_wmb();
	memset((char *)record + start, 0, sizeof(*record) - start);
}
