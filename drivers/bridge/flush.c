// SPDX-License-Identifier: GPL-2.0
/*
 * What was written to FAM, on the host's disk: the switch syncs, and answers.
 *
 * File systems wait for this with memory that others want back.  So nothing is
 * allocated here, and what brings the answer, the work, allocates nothing that
 * begins I/O; nor does anyone who holds a lock that it takes.
 */
#include <linux/moduleparam.h>
#include <linux/random.h>
#include <linux/sched/mm.h>

#include "bridge.h"

#define FAMEZ_UNANSWERED	1	/* as an answer */

#define FAMEZ_FLUSH_TIMEOUT_MAX	3600

static unsigned int flush_timeout = 30;

static int famez_flush_timeout_set(const char *val, const struct kernel_param *kp)
{
	unsigned int seconds;

	if (kstrtouint(val, 0, &seconds) || !seconds || seconds > FAMEZ_FLUSH_TIMEOUT_MAX) {
		pr_err("famez_bridge: flush_timeout is to be 1 to %u seconds\n",
		       FAMEZ_FLUSH_TIMEOUT_MAX);
		return -EINVAL;
	}
	WRITE_ONCE(flush_timeout, seconds);
	return 0;
}

static const struct kernel_param_ops famez_flush_timeout_ops = {
	.set = famez_flush_timeout_set,
	.get = param_get_uint,
};
module_param_cb(flush_timeout, &famez_flush_timeout_ops, &flush_timeout, 0644);
MODULE_PARM_DESC(flush_timeout, "seconds until a flush that the switch does not answer is EIO, 1 to 3600 (default 30)");

static unsigned long famez_flush_patience(void)
{
	return (unsigned long)READ_ONCE(flush_timeout) * HZ;
}

void famez_take_flushed(struct famez_bridge *b, u32 id, const u8 *payload, u32 length)
{
	struct famez_flush answer;
	unsigned long flags;

	if (id != b->layout.server_id || length < sizeof(answer))
		return;
	memcpy(&answer, payload, sizeof(answer));
	spin_lock_irqsave(&b->bell_lock, flags);
	if (b->flush_cookie && le64_to_cpu(answer.cookie) == b->flush_cookie) {
		b->flush_cookie = 0;
		WRITE_ONCE(b->flush_answer, answer.error ? -EIO : 0);
	}
	spin_unlock_irqrestore(&b->bell_lock, flags);
	wake_up_all(&b->remotes[id].wait);
}

static void famez_flush_expect(struct famez_bridge *b, u64 cookie)
{
	unsigned long flags;

	spin_lock_irqsave(&b->bell_lock, flags);
	b->flush_cookie = cookie;
	if (cookie)
		WRITE_ONCE(b->flush_answer, FAMEZ_UNANSWERED);
	spin_unlock_irqrestore(&b->bell_lock, flags);
}

/* There is nobody to wait for any more. */
static bool famez_flush_vain(struct famez_bridge *b, u32 generation)
{
	return READ_ONCE(b->gone) || famez_lost(b) || !generation ||
	       READ_ONCE(b->remotes[b->layout.server_id].generation) != generation;
}

/* Waits for room.  Return: how long it may go on, 0: no longer */
static long famez_flush_send(struct famez_bridge *b, u64 cookie, u32 generation,
			     long left)
{
	struct famez_remote *r = &b->remotes[b->layout.server_id];
	struct famez_flush request = { .cookie = cpu_to_le64(cookie) };
	unsigned int rings;
	int err;

	do {
		rings = READ_ONCE(r->rings);
		err = famez_tx_kernel(b, b->layout.server_id, FAMEZ_TYPE_FLUSH, &request,
				      sizeof(request));
		if (err != -EAGAIN)
			return err ? 0 : left;
		left = wait_event_timeout(r->wait, READ_ONCE(r->rings) != rings ||
					  famez_flush_vain(b, generation), left);
	} while (left && !famez_flush_vain(b, generation));
	return 0;
}

/* Under flush_lock, inside. */
static int famez_flush_once(struct famez_bridge *b)
{
	struct famez_remote *r = &b->remotes[b->layout.server_id];
	u32 generation = READ_ONCE(r->generation);
	u64 cookie = get_random_u64() | 1;
	long left;

	famez_flush_expect(b, cookie);
	left = famez_flush_send(b, cookie, generation, famez_flush_patience());
	if (left)
		wait_event_timeout(r->wait,
				   READ_ONCE(b->flush_answer) != FAMEZ_UNANSWERED ||
				   famez_flush_vain(b, generation), left);
	famez_flush_expect(b, 0);
	return READ_ONCE(b->flush_answer) ? -EIO : 0;
}

/* One that began after we were called is as good as our own. */
static int famez_flush_locked(struct famez_bridge *b, u32 begun)
{
	if (b->flushes != begun)
		return b->flush_error;
	WRITE_ONCE(b->flushes, begun + 1);
	b->flush_error = famez_flush_once(b);
	if (b->flush_error) {
		WRITE_ONCE(b->flush_errors, b->flush_errors + 1);
		dev_warn_ratelimited(&b->dev, "FAM may not be on the host's disk: the switch has not synced it\n");
	}
	return b->flush_error;
}

bool famez_can_flush(struct famez_bridge *b)
{
	return famez_has_table(b) && b->layout.optional & FAMEZ_OPTIONAL_FLUSH;
}

int famez_flush(struct famez_bridge *b)
{
	u32 begun;
	int err;

	if (!famez_enter(b))
		return -EIO;
	mb();	/* what was written before, past any cache, too, is in one that begins later */
	begun = READ_ONCE(b->flushes);
	mutex_lock(&b->flush_lock);
	err = famez_flush_locked(b, begun);
	mutex_unlock(&b->flush_lock);
	famez_leave(b);
	return err;
}

void famez_flush_init(struct famez_bridge *b)
{
	mutex_init(&b->flush_lock);
#ifdef CONFIG_LOCKDEP
	/* whoever frees memory may wait for these: lockdep need not see it happen */
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&b->flush_lock);
	might_lock(&b->rx_lock);
	might_lock(&b->remotes[b->layout.server_id].tx_lock);
	fs_reclaim_release(GFP_KERNEL);
#endif
}
