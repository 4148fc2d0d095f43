// SPDX-License-Identifier: GPL-2.0
/*
 * What the page tables say of a mapping: its memory type, and how large its pages
 * are.  Nothing else tells: what was asked for, the kernel may have changed.
 */
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

#include "bridge.h"

#ifdef CONFIG_X86

static const struct {
	enum page_cache_mode mode;
	u32 type;
} famez_memtypes[] = {
	{ _PAGE_CACHE_MODE_WB, FAMEZ_MEMORY_WB },
	{ _PAGE_CACHE_MODE_WT, FAMEZ_MEMORY_WT },
	{ _PAGE_CACHE_MODE_WC, FAMEZ_MEMORY_WC },
	{ _PAGE_CACHE_MODE_UC_MINUS, FAMEZ_MEMORY_UC_MINUS },
	{ _PAGE_CACHE_MODE_UC, FAMEZ_MEMORY_UC },
};

/* Of the bits of an entry for 4 KiB */
static u32 famez_memtype_of(unsigned long bits)
{
	size_t i;

	bits &= _PAGE_CACHE_MASK;
	for (i = 0; i < ARRAY_SIZE(famez_memtypes); i++)
		if (bits == cachemode2protval(famez_memtypes[i].mode))
			return famez_memtypes[i].type;
	return FAMEZ_MEMORY_OTHER;
}

/* A larger page has one of those bits elsewhere. */
static u32 famez_memtype_of_large(unsigned long bits)
{
	return famez_memtype_of(protval_large_2_4k(bits));
}

u32 famez_memtype_kernel(const void *at, u64 *page_size)
{
	unsigned int level;
	pte_t *entry;

	entry = at ? lookup_address((unsigned long)at, &level) : NULL;
	if (!entry || !(pte_val(*entry) & _PAGE_PRESENT))
		return FAMEZ_MEMORY_ABSENT;
	if (page_size)
		*page_size = page_level_size(level);
	return level == PG_LEVEL_4K ? famez_memtype_of(pte_val(*entry)) :
				      famez_memtype_of_large(pte_val(*entry));
}

static u32 famez_memtype_walk(struct mm_struct *mm, unsigned long address,
			      u64 *page_size)
{
	pgd_t *pgd = pgd_offset(mm, address);
	p4d_t *p4d;
	pud_t *pud;
	pmd_t *pmd, huge;
	pte_t pte;

	if (pgd_none(READ_ONCE(*pgd)))
		return FAMEZ_MEMORY_ABSENT;
	p4d = p4d_offset(pgd, address);
	if (p4d_none(READ_ONCE(*p4d)))
		return FAMEZ_MEMORY_ABSENT;
	pud = pud_offset(p4d, address);
	if (pud_none(READ_ONCE(*pud)))
		return FAMEZ_MEMORY_ABSENT;
	pmd = pmd_offset(pud, address);
	huge = READ_ONCE(*pmd);
	if (!pmd_present(huge))
		return FAMEZ_MEMORY_ABSENT;
	if (pmd_leaf(huge)) {
		*page_size = PMD_SIZE;
		return famez_memtype_of_large(pmd_val(huge));
	}
	pte = READ_ONCE(*pte_offset_kernel(&huge, address));
	if (!pte_present(pte))
		return FAMEZ_MEMORY_ABSENT;
	*page_size = PAGE_SIZE;
	return famez_memtype_of(pte_val(pte));
}

/* Whoever frees page tables waits for CPUs that have interrupts off. */
u32 famez_memtype_user(struct mm_struct *mm, unsigned long address, u64 *page_size)
{
	unsigned long flags;
	u32 type;

	local_irq_save(flags);
	type = famez_memtype_walk(mm, address, page_size);
	local_irq_restore(flags);
	return type;
}

#else /* others have no MTRRs that overrule what is asked for */

u32 famez_memtype_kernel(const void *at, u64 *page_size)
{
	return at ? FAMEZ_MEMORY_WB : FAMEZ_MEMORY_ABSENT;
}

u32 famez_memtype_user(struct mm_struct *mm, unsigned long address, u64 *page_size)
{
	return FAMEZ_MEMORY_OTHER;
}

#endif
