// SPDX-License-Identifier: GPL-2.0
/* Copies to and from FAM, and to and from this machine's own memory, in the same pages. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "bench.h"
#include "famezctl.h"

#define COPY_NAME	"famezctl.bench.copy"
#define COPY_BYTES	0x800000UL	/* more than caches hold */
#define HUGE		0x200000UL
#define COPY_TIMES(count)	((count) / 200 + 1)

static uint8_t *align(void *at, uint64_t offset)
{
	return (uint8_t *)at + (HUGE - offset % HUGE) % HUGE;
}

/* Its pages are there afterwards, and of what size. */
static int map_copy(struct bench *b, void **at, uint8_t **from, uint64_t *page)
{
	struct famez_region_info region;
	struct famez_mapping mapping = { .size = sizeof(mapping) };
	int err;

	err = famez_region_open(b->famez, COPY_NAME, COPY_BYTES + HUGE,
				FAMEZ_REGION_CREATE, &region, sizeof(region));
	if (!err)
		err = famez_map(b->famez, region.offset, COPY_BYTES + HUGE, FAMEZ_MAP_WRITE, at);
	if (err)
		return err;
	*from = align(*at, region.offset);
	memset(*from, 1, COPY_BYTES);
	/* on the host the kernel has it as any file's */
	err = famez_get_mapping(b->famez, *from, &mapping);
	*page = err ? 4096 : mapping.page_size;
	return 0;
}

static void *own_memory(uint64_t page)
{
	void *at = mmap(NULL, COPY_BYTES + HUGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		die("no memory to copy to: %s", strerror(errno));
	/* a kernel that has no such pages does without */
	madvise(at, COPY_BYTES + HUGE, page > 4096 ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	memset(at, 1, COPY_BYTES + HUGE);
	return at;
}

static double copy(uint8_t *there, uint8_t *here, uint32_t times)
{
	uint64_t start = clock_ns();
	uint32_t i;

	for (i = 0; i < times; i++) {
		memcpy(there, here, COPY_BYTES);
		__asm__ volatile("" : : "r" (there) : "memory");
		memcpy(here, there, COPY_BYTES);
		__asm__ volatile("" : : "r" (here) : "memory");
	}
	return 2.0 * times * COPY_BYTES * 1e9 / (clock_ns() - start);
}

static int run_copy(struct bench *b, uint32_t count, bool fam, struct run *run)
{
	void *shared, *own, *other;
	uint64_t page;
	uint8_t *from;
	int err = map_copy(b, &shared, &from, &page);

	if (err)
		return err;
	own = own_memory(page);
	other = own_memory(page);
	run_add(run, copy(fam ? from : align(other, (uintptr_t)other),
			  align(own, (uintptr_t)own), COPY_TIMES(count)));
	munmap(own, COPY_BYTES + HUGE);
	munmap(other, COPY_BYTES + HUGE);
	munmap(shared, COPY_BYTES + HUGE);
	famez_region_remove(b->famez, COPY_NAME);
	return 0;
}

int fam_copy(struct bench *b, uint32_t count, struct run *run)
{
	return run_copy(b, count, true, run);
}

int ram_copy(struct bench *b, uint32_t count, struct run *run)
{
	return run_copy(b, count, false, run);
}
