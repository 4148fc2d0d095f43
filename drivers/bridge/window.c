// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own mappings of the device's memory.  It is memory, so they are to be
 * write-back.  Where firmware put the BAR under an uncached MTRR, below 4 GiB or by
 * OVMF anywhere, memremap() quietly makes them uncached.  vmap_pfn() does not ask;
 * it is second, as it has 4 KiB pages and an array of them all.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "bridge.h"

/* A sanitizer's shadow takes an eighth of what is mapped, from memory. */
#ifdef CONFIG_KASAN_VMALLOC
#define FAMEZ_MAPPED_MAX	SZ_128M
#else
#define FAMEZ_MAPPED_MAX	SIZE_MAX
#endif

#ifdef CONFIG_VMAP_PFN
static void *famez_vmap(phys_addr_t at, size_t bytes)
{
	size_t pages = PFN_UP(offset_in_page(at) + bytes), i;
	unsigned long *pfns;
	void *mapped;

	/* more than a kernel gives for the array */
	if (pages > INT_MAX / sizeof(*pfns))
		return NULL;
	pfns = kvmalloc_array(pages, sizeof(*pfns), GFP_KERNEL | __GFP_NOWARN);
	if (!pfns)
		return NULL;
	for (i = 0; i < pages; i++)
		pfns[i] = PHYS_PFN(at) + i;
	mapped = vmap_pfn(pfns, pages, PAGE_KERNEL);
	kvfree(pfns);
	return mapped ? mapped + offset_in_page(at) : NULL;
}
#else
static void *famez_vmap(phys_addr_t at, size_t bytes)
{
	return NULL;
}
#endif

int famez_window_open_any(struct famez_window *w, phys_addr_t at, size_t bytes)
{
	w->pages = false;
	w->at = memremap(at, bytes, MEMREMAP_WB);
	return w->at ? 0 : -ENOMEM;
}

int famez_window_open(struct famez_window *w, phys_addr_t at, size_t bytes)
{
	int err = famez_window_open_any(w, at, bytes);
	void *better;

	if (err)
		return err;
	if (famez_memtype_kernel(w->at, NULL) == FAMEZ_MEMORY_WB)
		return 0;
	better = famez_vmap(at, bytes);
	if (!better)
		return 0;
	memunmap(w->at);
	w->at = better;
	w->pages = true;
	return 0;
}

void famez_window_close(struct famez_window *w)
{
	if (w->pages)
		vunmap((void *)((unsigned long)w->at & PAGE_MASK));
	else if (w->at)
		memunmap(w->at);
	w->at = NULL;
	w->pages = false;
}

u32 famez_fam_plain_memtype(struct famez_bridge *b)
{
	void *at = memremap(b->memory + b->layout.fam_offset, PAGE_SIZE, MEMREMAP_WB);
	u32 type = famez_memtype_kernel(at, NULL);

	if (at)
		memunmap(at);
	return type;
}

/*
 * A huge page of a program's gets the memory type that the kernel has noted for its
 * address: uncached, unless somebody has it mapped otherwise.  So we have.  Under an
 * uncached MTRR nothing can be noted, and there are none.
 */
void famez_window_open_fam(struct famez_bridge *b)
{
	phys_addr_t at = b->memory + b->layout.fam_offset;
	struct famez_window *w = &b->fam;

	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE) ||
	    b->layout.fam_size < PMD_SIZE || b->layout.fam_size > FAMEZ_MAPPED_MAX)
		return;
	/* the first page tells, before all are mapped in pages as small */
	w->at = memremap(at, PAGE_SIZE, MEMREMAP_WB);
	if (famez_memtype_kernel(w->at, NULL) == FAMEZ_MEMORY_WB) {
		memunmap(w->at);
		w->at = memremap(at, b->layout.fam_size, MEMREMAP_WB);
	}
	if (famez_memtype_kernel(w->at, NULL) != FAMEZ_MEMORY_WB)
		famez_window_close(w);
}
