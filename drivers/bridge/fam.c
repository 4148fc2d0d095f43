// SPDX-License-Identifier: GPL-2.0
/*
 * FAM in a program's hands: mmap(2) on every device, and read(2) and write(2)
 * at an offset on those that carry no messages.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include <famez/compat.h>

#include "chardev.h"

/* Mapped at a time: a guest may have less room than a device has memory. */
#define FAMEZ_FAM_WINDOW	SZ_64K

/*
 * A part of FAM, up to the end of a window, in the kernel's memory: how many bytes of
 * @bytes there are, or -ENOMEM.  @w is closed afterwards.  The caller is inside, and has
 * fam_sem until it is done with them: who makes FAM private waits for that.
 */
static ssize_t famez_fam_window(struct famez_bridge *b, u64 offset, size_t bytes,
				struct famez_window *w, void **at)
{
	phys_addr_t from = b->memory + b->layout.fam_offset + offset;
	size_t in = offset % FAMEZ_FAM_WINDOW;
	int err;

	*w = (struct famez_window) { };
	bytes = min_t(u64, bytes, b->layout.fam_size - offset);
	bytes = min_t(size_t, bytes, FAMEZ_FAM_WINDOW - in);
	if (b->fam_private)
		return -EBUSY;
	*at = b->fam.at + offset;
	if (b->fam.at)
		return bytes;
	/* what has struct pages cannot be mapped as what has none */
	err = b->fam_paged ? famez_window_open_any(w, from, bytes) :
			     famez_window_open(w, from, bytes);
	if (err)
		return err;
	*at = w->at;
	return bytes;
}

/* ---- mmap ------------------------------------------------------------------- */

/*
 * Pages are entered here rather than by vmf_insert_pfn(), which gives them the
 * memory type that MTRRs and the kernel's list of memory types say, and that is
 * uncached.  There is no struct page behind them: who pins pages gets EFAULT.
 */
struct famez_fill {
	struct mm_struct *mm;
	unsigned long pfn;
	pgprot_t prot;
};

static int famez_fam_enter_page(pte_t *pte, unsigned long address, void *data)
{
	struct famez_fill *fill = data;
	unsigned long pfn = fill->pfn++;

	if (pte_none(*pte))
		set_pte_at(fill->mm, address, pte,
			   pte_mkspecial(pfn_pte(pfn, fill->prot)));
	return 0;
}

/* The page that belongs at an address.  mmap has checked that the FAM has it. */
static unsigned long famez_fam_pfn(struct vm_area_struct *vma,
				   unsigned long address)
{
	struct famez_bridge *b = vma->vm_private_data;

	return PHYS_PFN(b->memory + b->layout.fam_offset) + vma->vm_pgoff +
	       ((address - vma->vm_start) >> PAGE_SHIFT);
}

/* All that one page of the page tables has room for: one fault for 2 MiB. */
static vm_fault_t famez_fam_fill(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long base = ALIGN_DOWN(vmf->address, PMD_SIZE);
	unsigned long start = max(base, vma->vm_start);
	unsigned long end = min(base + PMD_SIZE, vma->vm_end);
	struct famez_fill fill = {
		.mm = vma->vm_mm,
		.pfn = famez_fam_pfn(vma, start),
		.prot = vma->vm_page_prot,
	};
	int err;

	/* another thread was faster, by a huge page */
	if (pmd_leaf(READ_ONCE(*vmf->pmd)))
		return VM_FAULT_NOPAGE;
	err = apply_to_page_range(vma->vm_mm, start, end - start,
				  famez_fam_enter_page, &fill);
	return err == -ENOMEM ? VM_FAULT_OOM : VM_FAULT_NOPAGE;
}

static vm_fault_t famez_fam_fault(struct vm_fault *vmf)
{
	struct famez_bridge *b = vmf->vma->vm_private_data;
	vm_fault_t ret;

	if (!famez_enter(b))
		return VM_FAULT_SIGBUS;
	/* who makes it private waits for those that are being entered, and takes them out */
	down_read(&b->fam_sem);
	ret = b->fam_private ? VM_FAULT_SIGBUS : famez_fam_fill(vmf);
	up_read(&b->fam_sem);
	famez_leave(b);
	return ret;
}

/* Is there room for a huge page, and would it be write-back? */
static bool famez_fam_huge(struct vm_fault *vmf, unsigned long *pfn)
{
	struct famez_bridge *b = vmf->vma->vm_private_data;
	unsigned long start = ALIGN_DOWN(vmf->address, PMD_SIZE);

	if (!b->fam.at || start < vmf->vma->vm_start ||
	    vmf->vma->vm_end - start < PMD_SIZE)
		return false;
	*pfn = famez_fam_pfn(vmf->vma, start);
	return IS_ALIGNED(*pfn, PMD_SIZE >> PAGE_SHIFT);
}

static FAMEZ_HUGE_FAULT(famez_fam_huge_fault, vmf, order)
{
	struct famez_bridge *b = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_FALLBACK;
	unsigned long pfn;

	if (order != FAMEZ_FAULT_PMD)
		return ret;
	if (!famez_enter(b))
		return VM_FAULT_SIGBUS;
	down_read(&b->fam_sem);
	if (!b->fam_private && famez_fam_huge(vmf, &pfn))
		ret = famez_insert_pmd(vmf, pfn,
				       vmf->flags & FAULT_FLAG_WRITE);
	up_read(&b->fam_sem);
	famez_leave(b);
	return ret;
}

/* What a debugger reads or writes; a private mapping is not there to be written. */
static int famez_fam_access(struct vm_area_struct *vma, unsigned long address,
			    void *data, int length, int write)
{
	u64 offset = ((u64)vma->vm_pgoff << PAGE_SHIFT) + address - vma->vm_start;
	struct famez_bridge *b = vma->vm_private_data;
	struct famez_window w;
	ssize_t bytes;
	void *at;

	if (write && !(vma->vm_flags & VM_MAYWRITE))
		return -EACCES;
	if (!famez_enter(b))
		return -ENODEV;
	down_read(&b->fam_sem);
	bytes = famez_fam_window(b, offset,
				 min_t(u64, length, vma->vm_end - address), &w, &at);
	if (bytes > 0 && write)
		memcpy(at, data, bytes);
	else if (bytes > 0)
		memcpy(data, at, bytes);
	famez_window_close(&w);
	up_read(&b->fam_sem);
	famez_leave(b);
	return bytes;
}

static const struct vm_operations_struct famez_fam_vm_ops = {
	.fault = famez_fam_fault,
	.huge_fault = famez_fam_huge_fault,
	.access = famez_fam_access,
};

u32 famez_fam_memtype(struct famez_bridge *b, unsigned long address,
		      u64 *page_size)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	u32 type = FAMEZ_MEMORY_ALIEN;

	mmap_read_lock(mm);
	vma = find_vma(mm, address);
	if (vma && address >= vma->vm_start &&
	    vma->vm_ops == &famez_fam_vm_ops && vma->vm_private_data == b)
		type = famez_memtype_user(mm, address, page_size);
	mmap_read_unlock(mm);
	return type;
}

/* Whoever means it, may write anywhere.  The caller is inside. */
static bool famez_may_write(struct file *file, u64 offset, u64 length)
{
	struct famez_file *f = file->private_data;

	return READ_ONCE(f->allow) || !famez_fam_in_use(f->b, offset, length);
}

/*
 * The FAM from offset 0.  What a program wrote to a private mapping would be
 * nobody else's; so those are for reading, and stay so.
 */
int famez_fam_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct famez_bridge *b = famez_bridge_of(file);
	u64 pages = b->layout.fam_size >> PAGE_SHIFT;

	/* else larger pages than 4096 bytes would show what is before it, too */
	if (!PAGE_ALIGNED(b->memory + b->layout.fam_offset))
		return -EINVAL;
	if (vma->vm_pgoff >= pages || vma_pages(vma) > pages - vma->vm_pgoff)
		return -EINVAL;
	if (!(vma->vm_flags & VM_MAYSHARE)) {
		if (vma->vm_flags & VM_WRITE)
			return -EINVAL;
		famez_vm_flags_clear(vma, VM_MAYWRITE);
	}
	/* a fault looks again */
	if (READ_ONCE(b->fam_private))
		return -EBUSY;
	if (!famez_enter(b))
		return -ENODEV;
	if (!famez_may_write(file, (u64)vma->vm_pgoff << PAGE_SHIFT,
			     vma->vm_end - vma->vm_start)) {
		if (vma->vm_flags & VM_WRITE) {
			famez_leave(b);
			return -EBUSY;
		}
		/* nor by mprotect(2) */
		famez_vm_flags_clear(vma, VM_MAYWRITE);
	}
	famez_vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND |
				VM_DONTDUMP);
	vma->vm_private_data = b;
	vma->vm_ops = &famez_fam_vm_ops;
	famez_leave(b);
	return 0;
}

/* ---- read and write ---------------------------------------------------------- */

loff_t famez_fam_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence,
				 famez_bridge_of(file)->layout.fam_size);
}

/* Copies up to the end of a window, without page faults: bytes, or -ENODEV. */
static ssize_t famez_fam_copy(struct famez_bridge *b, u64 offset,
			      struct iov_iter *iter, bool write)
{
	struct famez_window w;
	ssize_t bytes;
	void *at;

	if (!famez_enter(b))
		return -ENODEV;
	down_read(&b->fam_sem);
	bytes = famez_fam_window(b, offset, iov_iter_count(iter), &w, &at);
	if (bytes > 0) {
		pagefault_disable();
		bytes = write ? copy_from_iter(at, bytes, iter) :
				copy_to_iter(at, bytes, iter);
		pagefault_enable();
	}
	famez_window_close(&w);
	up_read(&b->fam_sem);
	famez_leave(b);
	return bytes;
}

/* Brings in what a window's copy may need of the program's memory. */
static int famez_fam_fault_in(struct iov_iter *iter, bool write)
{
	size_t bytes = min_t(size_t, iov_iter_count(iter), PAGE_SIZE);
	size_t left = write ? fault_in_iov_iter_readable(iter, bytes) :
			      fault_in_iov_iter_writeable(iter, bytes);

	return left == bytes ? -EFAULT : 0;
}

static ssize_t famez_fam_move(struct kiocb *iocb, struct iov_iter *iter,
			      bool write)
{
	struct famez_bridge *b = famez_bridge_of(iocb->ki_filp);
	size_t before = iov_iter_count(iter);
	ssize_t err = 0;

	if (iocb->ki_pos >= b->layout.fam_size)
		return write && before ? -ENOSPC : 0;
	while (iov_iter_count(iter) && iocb->ki_pos < b->layout.fam_size) {
		err = famez_fam_copy(b, iocb->ki_pos, iter, write);
		if (err > 0)
			iocb->ki_pos += err;
		else if (!err)
			err = famez_fam_fault_in(iter, write);
		if (err < 0)
			break;
		if (fatal_signal_pending(current)) {
			err = -EINTR;
			break;
		}
		cond_resched();
	}
	return before == iov_iter_count(iter) && err < 0 ?
		err : before - iov_iter_count(iter);
}

ssize_t famez_fam_read(struct kiocb *iocb, struct iov_iter *to)
{
	return famez_fam_move(iocb, to, false);
}

ssize_t famez_fam_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct file *file = iocb->ki_filp;
	struct famez_bridge *b = famez_bridge_of(file);
	bool may;

	/* there is nothing to append to; a shell's >> does not mean offset 0 */
	if (iocb->ki_flags & IOCB_APPEND && iov_iter_count(from))
		return -ENOSPC;
	if (!famez_enter(b))
		return -ENODEV;
	may = famez_may_write(file, iocb->ki_pos, iov_iter_count(from));
	famez_leave(b);
	return may ? famez_fam_move(iocb, from, true) : -EBUSY;
}
