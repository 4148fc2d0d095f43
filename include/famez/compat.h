/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that famez supports, and since when.  That a
 * kernel is supported, Kbuild sees to.
 */
#ifndef _FAMEZ_COMPAT_H
#define _FAMEZ_COMPAT_H

#include <linux/device.h>
#include <linux/eventfd.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uio.h>
#include <linux/version.h>

/* 6.2 named the directions of an iov_iter; stable 6.1 may have it too */
#ifndef ITER_SOURCE
#define ITER_SOURCE	1
#define ITER_DEST	0
#endif

/* 6.3 made vm_flags read-only outside of these */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void famez_vm_flags_set(struct vm_area_struct *vma,
				      unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void famez_vm_flags_clear(struct vm_area_struct *vma,
					unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#else
#define famez_vm_flags_set	vm_flags_set
#define famez_vm_flags_clear	vm_flags_clear
#endif

/* 6.4 took the module from class_create() */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 4, 0)
#define famez_class_create(name)	class_create(THIS_MODULE, name)
#else
#define famez_class_create(name)	class_create(name)
#endif

/* 6.6 made what huge_fault() is asked for an order */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 6, 0)
#define FAMEZ_HUGE_FAULT(name, vmf, order) \
	vm_fault_t name(struct vm_fault *(vmf), enum page_entry_size order)
#define FAMEZ_FAULT_PMD	PE_SIZE_PMD
#else
#define FAMEZ_HUGE_FAULT(name, vmf, order) \
	vm_fault_t name(struct vm_fault *(vmf), unsigned int order)
#define FAMEZ_FAULT_PMD	(PMD_SHIFT - PAGE_SHIFT)
#endif

/*
 * Before 6.12 only mappings of S_DAX inodes are asked for huge pages; since 6.15 those
 * are taken to have struct pages, and ours have none
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#define FAMEZ_INODE_FLAGS	S_DAX
#else
#define FAMEZ_INODE_FLAGS	0
#endif

/* 6.17 made a pfn_t a number; before, it has to say that there is no struct page */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#include <linux/pfn_t.h>
#define famez_pfn(pfn)	__pfn_to_pfn_t(pfn, PFN_DEV | PFN_MAP)
#else
#define famez_pfn(pfn)	(pfn)
#endif

static inline vm_fault_t famez_insert_pmd(struct vm_fault *vmf, unsigned long pfn,
					  bool write)
{
	if (!IS_ENABLED(CONFIG_TRANSPARENT_HUGEPAGE))
		return VM_FAULT_FALLBACK;
	return vmf_insert_pfn_pmd(vmf, famez_pfn(pfn), write);
}

/* 6.8 took the count from eventfd_signal() */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define famez_eventfd_signal(ctx)	eventfd_signal(ctx, 1)
#else
#define famez_eventfd_signal(ctx)	eventfd_signal(ctx)
#endif

/* 6.17 wants it said that a workqueue is bound to the CPUs that queue work */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
#define FAMEZ_WQ_PERCPU	0
#else
#define FAMEZ_WQ_PERCPU	WQ_PERCPU
#endif

/* 6.5 gave no more reference to who calls alloc_dax_region() */
struct dax_region;
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
void dax_region_put(struct dax_region *dax_region);
#define famez_dax_region_put(region)	dax_region_put(region)
#else
#define famez_dax_region_put(region)	do { } while (0)
#endif

#endif /* _FAMEZ_COMPAT_H */
