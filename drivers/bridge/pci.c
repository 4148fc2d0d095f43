// SPDX-License-Identifier: GPL-2.0
/* The ivshmem device: registers, BARs, MSI-X; and binding it. */
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/panic_notifier.h>
#include <linux/pci.h>
#include <linux/pm.h>
#include <linux/slab.h>

#include "bridge.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

#define FAMEZ_PCI_VENDOR	PCI_VENDOR_ID_REDHAT_QUMRANET
#define FAMEZ_PCI_DEVICE	0x1110

#define FAMEZ_BAR_REGS		0
#define FAMEZ_BAR_MEMORY	2

/* Registers in BAR 0; docs/specs/ivshmem-spec of QEMU is their source. */
#define FAMEZ_REG_IVPOSITION	8	/* own id */
#define FAMEZ_REG_DOORBELL	12	/* peer << 16 | vector */

#define FAMEZ_RAW_IDS		65536	/* that a raw server can give */

/* Enough of the memory to tell what it is, and the least that QEMU gives. */
#define FAMEZ_FIRST_BYTES	8192
#define FAMEZ_LEAST_BYTES	4096

void famez_doorbell(struct famez_bridge *b, u32 peer, u32 vector)
{
	trace_famez_doorbell(b->index, peer, vector);
	/* writel() orders it behind what we wrote to memory */
	writel(peer << 16 | vector, b->regs + FAMEZ_REG_DOORBELL);
}

static irqreturn_t famez_interrupt(int irq, void *data)
{
	struct famez_vector *v = data;

	famez_count(&v->interrupts, 1);
	trace_famez_interrupt(v->b->index, v->number);
	/* first, as whoever brings a protocol of its own does so to be fast */
	famez_vector_signal(v);
	famez_fabric_interrupt(v->b, v->number);
	return IRQ_HANDLED;
}

/* ---- Interrupts ----------------------------------------------------------- */

static void famez_irqs_free(struct famez_bridge *b)
{
	int i;

	for (i = b->vectors - 1; i >= 0; i--)
		free_irq(pci_irq_vector(b->pdev, i), &b->vector[i]);
	pci_free_irq_vectors(b->pdev);
	b->vectors = 0;
}

static int famez_irq_request(struct famez_bridge *b, int i)
{
	struct famez_vector *v = &b->vector[i];

	v->b = b;
	v->number = i;
	famez_vector_init(v);
	snprintf(v->name, sizeof(v->name), "%s-%d", dev_name(&b->dev), i);
	return request_irq(pci_irq_vector(b->pdev, i), famez_interrupt, 0,
			   v->name, v);
}

/* Up to @count vectors; on an error, @count says how many could be had. */
static int famez_irqs_try(struct famez_bridge *b, int *count)
{
	int i, n, err;

	n = pci_alloc_irq_vectors(b->pdev, 1, *count, PCI_IRQ_MSIX);
	*count = 0;
	if (n < 0)
		return n;
	b->vector = kcalloc(n, sizeof(*b->vector), GFP_KERNEL);
	err = b->vector ? 0 : -ENOMEM;
	for (i = 0; !err && i < n; i++) {
		err = famez_irq_request(b, i);
		b->vectors += !err;
	}
	*count = b->vectors;
	if (err) {
		famez_irqs_free(b);
		kfree(b->vector);
		b->vector = NULL;
	}
	return err;
}

/* Fewer vectors than the fabric offers are fine: senders share them. */
static int famez_irqs_request(struct famez_bridge *b)
{
	int count = b->layout.vectors;
	int err = famez_irqs_try(b, &count);

	/*
	 * x86 promises more vectors than its CPUs have, and says so when they are
	 * requested.  A quarter of what there is, is left to other devices.
	 */
	count -= count / 4;
	if (err != -ENOSPC || !count)
		return err;
	return famez_irqs_try(b, &count);
}

/* ---- Memory ---------------------------------------------------------------- */

/* What is this device?  Its memory is only read until that is known. */
static int famez_identify(struct famez_bridge *b, int vectors)
{
	u64 size = pci_resource_len(b->pdev, FAMEZ_BAR_MEMORY);
	size_t bytes = min_t(u64, size, FAMEZ_FIRST_BYTES);
	const char *reason;
	struct famez_window first;

	if (size < FAMEZ_LEAST_BYTES) {
		dev_info(&b->pdev->dev, "not bound: no shared memory\n");
		return -ENODEV;
	}
	if (famez_window_open(&first, b->memory, bytes))
		return -ENOMEM;
	reason = famez_fabric_identify(b, first.at, size, vectors);
	famez_window_close(&first);
	if (!reason)
		return 0;
	dev_info(&b->pdev->dev, "not bound: %s\n", reason);
	return -ENODEV;
}

/*
 * The control area is ours alone, and so is marked busy.  FAM is not: the
 * modules that offer it as pmem or dax request it themselves.
 */
static int famez_control_map(struct famez_bridge *b)
{
	/* a 32-bit kernel would map the rest of it only, and go on behind that */
	if (b->layout.fam_offset > SIZE_MAX)
		return -EFBIG;
	if (!request_mem_region(b->memory, b->layout.fam_offset,
				"famez control area"))
		return -EBUSY;
	if (famez_window_open(&b->control_window, b->memory, b->layout.fam_offset)) {
		release_mem_region(b->memory, b->layout.fam_offset);
		return -ENOMEM;
	}
	b->control = b->control_window.at;
	if (famez_memtype_kernel(b->control, NULL) != FAMEZ_MEMORY_WB)
		dev_warn(&b->pdev->dev,
			 "messages will be slow: the BAR is under an uncached MTRR, and this kernel has no CONFIG_VMAP_PFN; place the BAR above 4 GiB\n");
	return 0;
}

static void famez_control_unmap(struct famez_bridge *b)
{
	famez_window_close(&b->control_window);
	release_mem_region(b->memory, b->layout.fam_offset);
}

static bool famez_id_possible(const struct famez_bridge *b, u32 id)
{
	if (!famez_has_messages(b))
		return id < FAMEZ_RAW_IDS;
	return id < b->layout.peers.count && id != b->layout.server_id;
}

static int famez_read_id(struct famez_bridge *b)
{
	b->id = readl(b->regs + FAMEZ_REG_IVPOSITION);
	if (famez_id_possible(b, b->id))
		return 0;
	dev_err(&b->pdev->dev,
		"id %u is none that this fabric can give; is its switch alive?\n",
		b->id);
	return -EINVAL;
}

/* ---- Panic: peers are told, as far as that can be done -------------------------- */

static LIST_HEAD(famez_bridges);
static DEFINE_SPINLOCK(famez_bridges_lock);

static void famez_panic_watch(struct famez_bridge *b)
{
	spin_lock(&famez_bridges_lock);
	list_add(&b->node, &famez_bridges);
	spin_unlock(&famez_bridges_lock);
}

static void famez_panic_unwatch(struct famez_bridge *b)
{
	spin_lock(&famez_bridges_lock);
	list_del(&b->node);
	spin_unlock(&famez_bridges_lock);
}

static int famez_panic(struct notifier_block *nb, unsigned long event,
		       void *message)
{
	struct famez_bridge *b;

	/* the list may be locked by a CPU that was stopped: then leave it */
	if (!spin_trylock(&famez_bridges_lock))
		return NOTIFY_DONE;
	list_for_each_entry(b, &famez_bridges, node)
		famez_fabric_panic(b);
	spin_unlock(&famez_bridges_lock);
	return NOTIFY_DONE;
}

static struct notifier_block famez_panic_block = {
	.notifier_call = famez_panic,
};

/* ---- Binding ---------------------------------------------------------------- */

/* Can be rung. */
static int famez_irqs_on(struct famez_bridge *b)
{
	int err;

	/* without it QEMU delivers no MSI-X, except by KVM's irqfd */
	pci_set_master(b->pdev);
	err = famez_irqs_request(b);
	if (err)
		pci_clear_master(b->pdev);
	return err;
}

static void famez_irqs_off(struct famez_bridge *b)
{
	famez_irqs_free(b);
	pci_clear_master(b->pdev);
}

/* Becomes a peer of a famez fabric. */
static int famez_fabric_attach(struct famez_bridge *b)
{
	int err;

	err = famez_control_map(b);
	if (err)
		return err;
	err = famez_fabric_init(b);
	if (!err)
		err = famez_irqs_on(b);
	if (err)
		famez_control_unmap(b);
	else
		famez_fabric_start(b);
	return err;
}

static void famez_fabric_quiesce(struct famez_bridge *b)
{
	famez_fabric_stop(b);
	famez_irqs_off(b);
	cancel_delayed_work_sync(&b->work);
}

/* Nothing interrupts us any more, and we interrupt nobody. */
static void famez_quiesce(struct famez_bridge *b)
{
	if (famez_has_messages(b))
		famez_fabric_quiesce(b);
	else
		famez_irqs_off(b);
}

static int famez_attach(struct famez_bridge *b)
{
	int err;

	err = famez_read_id(b);
	if (err)
		return err;
	return famez_has_messages(b) ? famez_fabric_attach(b) :
				       famez_irqs_on(b);
}

static void famez_detach(struct famez_bridge *b)
{
	famez_quiesce(b);
	if (famez_has_messages(b))
		famez_control_unmap(b);
}

static int famez_device_enable(struct famez_bridge *b)
{
	int err;

	err = pci_enable_device_mem(b->pdev);
	if (err)
		return err;
	err = pci_request_region(b->pdev, FAMEZ_BAR_REGS, "famez_bridge");
	if (err)
		goto disable;
	b->memory = pci_resource_start(b->pdev, FAMEZ_BAR_MEMORY);
	b->regs = pci_iomap(b->pdev, FAMEZ_BAR_REGS, 0);
	if (b->regs)
		return 0;
	err = -ENOMEM;
	pci_release_region(b->pdev, FAMEZ_BAR_REGS);
disable:
	pci_disable_device(b->pdev);
	return err;
}

static void famez_device_disable(struct famez_bridge *b)
{
	pci_iounmap(b->pdev, b->regs);
	pci_release_region(b->pdev, FAMEZ_BAR_REGS);
	pci_disable_device(b->pdev);
}

static void famez_announce(struct famez_bridge *b)
{
	if (famez_has_messages(b))
		dev_info(&b->pdev->dev,
			 "%s: id %u of %u, %d of %u vectors, %llu MiB of FAM%s\n",
			 dev_name(&b->dev), b->id, b->layout.peers.count,
			 b->vectors, b->layout.vectors, b->layout.fam_size >> 20,
			 famez_has_table(b) ? "" : ", messages by mailslots alone");
	else if (famez_has_doorbell(b))
		dev_info(&b->pdev->dev,
			 "%s: id %u, %d of %u vectors, %llu KiB of FAM, no messages: a raw server\n",
			 dev_name(&b->dev), b->id, b->vectors,
			 b->layout.vectors, b->layout.fam_size >> 10);
	else
		dev_info(&b->pdev->dev, "%s: %llu KiB of FAM, no messages%s%s\n",
			 dev_name(&b->dev), b->layout.fam_size >> 10,
			 b->tables.unknown ? "; " : "",
			 b->tables.unknown ?: "");
}

static int famez_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int vectors = max(pci_msix_vec_count(pdev), 0);
	struct famez_bridge *b;
	int err;

	b = famez_bridge_alloc(pdev, vectors);
	if (IS_ERR(b))
		return PTR_ERR(b);
	err = famez_device_enable(b);
	if (err)
		goto put;
	err = famez_identify(b, vectors);
	if (err)
		goto disable;
	err = famez_has_doorbell(b) ? famez_attach(b) : 0;
	if (err)
		goto disable;
	famez_window_open_fam(b);
	err = famez_chardev_add(b);
	if (err)
		goto close_fam;
	pci_set_drvdata(pdev, b);
	famez_panic_watch(b);
	famez_announce(b);
	famez_owner_start(b);
	return 0;

close_fam:
	famez_window_close(&b->fam);
	if (famez_has_doorbell(b))
		famez_detach(b);
disable:
	famez_device_disable(b);
put:
	famez_bridge_put(b);
	return err;
}

static void famez_remove(struct pci_dev *pdev)
{
	struct famez_bridge *b = pci_get_drvdata(pdev);

	famez_panic_unwatch(b);
	/* while it can still be flushed */
	famez_owner_stop(b);
	famez_chardev_remove(b);
	famez_window_close(&b->fam);
	if (famez_has_doorbell(b))
		famez_detach(b);
	famez_device_disable(b);
	dev_info(&pdev->dev, "%s: removed\n", dev_name(&b->dev));
	famez_bridge_put(b);
}

/*
 * Before a reboot or a kexec: peers are told, and nothing may interrupt the next
 * kernel.  Programs may still run; they find the device gone.
 */
static void famez_shutdown(struct pci_dev *pdev)
{
	struct famez_bridge *b = pci_get_drvdata(pdev);

	famez_chardev_shut(b);
	/* what had it has been shut down before us */
	famez_fabric_use(b, 0);
	if (famez_has_doorbell(b))
		famez_quiesce(b);
}

/* ---- Sleep: a suspend ends a generation, and a resume starts another ---------- */

static int famez_suspend(struct device *dev)
{
	struct famez_bridge *b = dev_get_drvdata(dev);

	if (famez_has_messages(b))
		famez_fabric_stop(b);
	return 0;
}

/*
 * Who hibernated may wake in another QEMU, with another id, or on the memory of
 * another switch: then the channels that we know are others'.  Nothing of them is
 * touched any more, and programs are told that the device has gone; those that
 * sleep inside are frozen, so this cannot wait for them.
 */
static void famez_turn_off(struct famez_bridge *b, u32 id)
{
	dev_err(&b->pdev->dev,
		"turned off: the id was %u and is %u, or the switch is another; unload and load famez_bridge\n",
		b->id, id);
	WRITE_ONCE(b->off, true);
	WRITE_ONCE(b->gone, true);
	famez_fabric_wake(b);
	famez_vectors_end(b);
}

static int famez_resume(struct device *dev)
{
	struct famez_bridge *b = dev_get_drvdata(dev);
	u32 id;

	if (!famez_has_doorbell(b))
		return 0;
	id = readl(b->regs + FAMEZ_REG_IVPOSITION);
	if (id != b->id || famez_lost(b))
		famez_turn_off(b, id);
	else if (famez_has_messages(b))
		famez_fabric_restart(b);
	return 0;
}

static DEFINE_SIMPLE_DEV_PM_OPS(famez_pm_ops, famez_suspend, famez_resume);

static const struct pci_device_id famez_pci_ids[] = {
	{ PCI_DEVICE(FAMEZ_PCI_VENDOR, FAMEZ_PCI_DEVICE) },
	{ }
};
MODULE_DEVICE_TABLE(pci, famez_pci_ids);

static struct pci_driver famez_pci_driver = {
	.name = "famez_bridge",
	.id_table = famez_pci_ids,
	.probe = famez_probe,
	.remove = famez_remove,
	.shutdown = famez_shutdown,
	.driver.pm = pm_sleep_ptr(&famez_pm_ops),
};

int famez_pci_register(void)
{
	int err;

	err = pci_register_driver(&famez_pci_driver);
	if (!err)
		atomic_notifier_chain_register(&panic_notifier_list,
					       &famez_panic_block);
	return err;
}

void famez_pci_unregister(void)
{
	atomic_notifier_chain_unregister(&panic_notifier_list,
					 &famez_panic_block);
	pci_unregister_driver(&famez_pci_driver);
}
