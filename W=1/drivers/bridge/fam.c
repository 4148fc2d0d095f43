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

#include "chardev.h"
#include "compat.h"

/* ---- mmap ------------------------------------------------------------------- */

static vm_fault_t famez_fam_fault(struct vm_fault *vmf)
{
	struct famez_bridge *b = vmf->vma->vm_private_data;
	phys_addr_t at;
	vm_fault_t ret;

	if (!famez_enter(b))
		return VM_FAULT_SIGBUS;
	/* mmap has checked that the FAM goes that far */
	at = b->memory + b->layout.fam_offset + ((u64)vmf->pgoff << PAGE_SHIFT);
	ret = vmf_insert_pfn(vmf->vma, vmf->address, PHYS_PFN(at));
	famez_leave(b);
	return ret;
}

static const struct vm_operations_struct famez_fam_vm_ops = {
	.fault = famez_fam_fault,
};

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
	if (!famez_enter(b))
		return -ENODEV;
	famez_vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND |
				VM_DONTDUMP);
	vma->vm_private_data = b;
	vma->vm_ops = &famez_fam_vm_ops;
	famez_leave(b);
	return 0;
}

/* ---- read and write ---------------------------------------------------------- */

/* Mapped at a time: a guest may have less room than a device has memory. */
#define FAMEZ_FAM_WINDOW	SZ_64K

loff_t famez_fam_llseek(struct file *file, loff_t offset, int whence)
{
	return fixed_size_llseek(file, offset, whence,
				 famez_bridge_of(file)->layout.fam_size);
}

/* Copies up to the end of a window, without page faults: bytes, or -ENODEV. */
static ssize_t famez_fam_copy(struct famez_bridge *b, u64 offset,
			      struct iov_iter *iter, bool write)
{
	size_t in = offset % FAMEZ_FAM_WINDOW;
	size_t bytes = min_t(u64, FAMEZ_FAM_WINDOW - in,
			     b->layout.fam_size - offset);
	phys_addr_t at = b->memory + b->layout.fam_offset + offset;
	ssize_t copied = -ENOMEM;
	void *window;

	bytes = min(bytes, iov_iter_count(iter));
	if (!famez_enter(b))
		return -ENODEV;
	window = memremap(at, bytes, MEMREMAP_WB);
	if (window) {
		pagefault_disable();
		copied = write ? copy_from_iter(window, bytes, iter) :
				 copy_to_iter(window, bytes, iter);
		pagefault_enable();
		memunmap(window);
	}
	famez_leave(b);
	return copied;
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
	/* there is nothing to append to; a shell's >> does not mean offset 0 */
	if (iocb->ki_flags & IOCB_APPEND && iov_iter_count(from))
		return -ENOSPC;
	return famez_fam_move(iocb, from, true);
}
