/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1 */
/*
 * How one 32-bit word of memory that other machines write is read and written,
 * in the kernel and in user space.
 *
 * There is no read-modify-write here, on purpose: an x86 kernel booted on one
 * CPU patches LOCK prefixes out, so that its atomic_t is not atomic to another
 * machine.  Every word has one writer, and needs none.
 */
#ifndef _FAMEZ_SHM_H
#define _FAMEZ_SHM_H

#include <linux/famez_fabric.h>

#ifdef __KERNEL__

#include <linux/compiler.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <asm/barrier.h>
#include <asm/byteorder.h>

#define famez_load(p)		le32_to_cpu(READ_ONCE(*(p)))
#define famez_store(p, v)	WRITE_ONCE(*(p), cpu_to_le32(v))
#define famez_load_acquire(p) \
	le32_to_cpu(virt_load_acquire(p))	/* commented where it is used */
#define famez_store_release(p, v) \
	virt_store_release(p, cpu_to_le32(v))	/* likewise */
#define famez_load_byte(p)	READ_ONCE(*(p))
#define famez_store_byte(p, v)	WRITE_ONCE(*(p), v)
#define famez_load_word(p)	READ_ONCE(*(const __u64 *)(p))
#define famez_mb()		virt_mb()	/* likewise */
#define famez_wmb()		virt_wmb()	/* likewise */
#define famez_compiler_barrier()	barrier()
#define famez_nospec(i, n)	array_index_nospec(i, n)
#define famez_le16(v)		le16_to_cpu(v)
#define famez_le32(v)		le32_to_cpu(v)
#define famez_le64(v)		le64_to_cpu(v)
#define famez_to_le16(v)	cpu_to_le16(v)
#define famez_to_le32(v)	cpu_to_le32(v)

#else /* user space: C11's memory model, by the compiler's builtins */

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A test may let time pass here: tools/testing/hunt.h */
#ifndef FAMEZ_POINT
#define FAMEZ_POINT()		((void)0)
#endif

#define famez_load(p)		le32toh(__atomic_load_n(p, __ATOMIC_RELAXED))
#define famez_store(p, v)	__atomic_store_n(p, htole32(v), __ATOMIC_RELAXED)
#define famez_load_acquire(p) \
	(FAMEZ_POINT(), le32toh(__atomic_load_n(p, __ATOMIC_ACQUIRE)))
#define famez_store_release(p, v) \
	(FAMEZ_POINT(), __atomic_store_n(p, htole32(v), __ATOMIC_RELEASE))
#define famez_load_byte(p)	__atomic_load_n(p, __ATOMIC_RELAXED)
#define famez_store_byte(p, v)	__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define famez_load_word(p) \
	__atomic_load_n((const __u64 *)(p), __ATOMIC_RELAXED)
#define famez_mb() \
	(FAMEZ_POINT(), __atomic_thread_fence(__ATOMIC_SEQ_CST), FAMEZ_POINT())
#define famez_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)
#define famez_compiler_barrier() \
	__atomic_signal_fence(__ATOMIC_SEQ_CST)
#define famez_nospec(i, n)	(i)
#define famez_le16(v)		le16toh(v)
#define famez_le32(v)		le32toh(v)
#define famez_le64(v)		le64toh(v)
#define famez_to_le16(v)	htole16(v)
#define famez_to_le32(v)	htole32(v)

#endif

/**
 * famez_copy_in() - copy a structure out of shared memory, to check the copy
 * @to: where to, in our own memory
 * @from: where from
 * @size: bytes
 *
 * The compiler may not go back and read the original again.
 */
static inline void famez_copy_in(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
	famez_compiler_barrier();
}

/**
 * famez_restore() - put a word of our own right
 * @word: the word, which strangers can spoil
 * @value: what we last wrote there
 *
 * Return: true when it had been spoilt
 */
static inline bool famez_restore(__le32 *word, __u32 value)
{
	if (famez_load(word) == value)
		return false;
	famez_store(word, value);
	return true;
}

/**
 * famez_passed() - has an index moved beyond an event?
 * @event: what the other side waits for
 * @now: the index as it is
 * @before: the index as it was when this was last asked
 *
 * As virtio's event index: true exactly once while a free-running index moves
 * past @event.
 *
 * Return: true when the other side must be rung
 */
static inline bool famez_passed(__u32 event, __u32 now, __u32 before)
{
	return now - event - 1 < now - before;
}

/**
 * famez_bell_raise() - leave a mark for a receiver, before ringing it
 * @rung: the own byte in the receiver's row
 * @seen: what the receiver has seen of it
 *
 * Context: the caller is the only one who changes @rung now
 */
static inline void famez_bell_raise(__u8 *rung, const __u8 *seen)
{
	__u8 mine = famez_load_byte(rung);

	/* what the mark announces must be there when the mark is seen */
	famez_mb();
	if (famez_load_byte(seen) == mine)
		famez_store_byte(rung, (__u8)(mine + 1));
}

/**
 * famez_bell_take() - has this sender left a mark?
 * @rung: the sender's byte in the own row
 * @seen: the own copy of it
 *
 * Return: true when it had; what it announced is looked at after this
 */
static inline bool famez_bell_take(const __u8 *rung, __u8 *seen)
{
	__u8 now = famez_load_byte(rung);

	if (famez_load_byte(seen) == now)
		return false;
	famez_store_byte(seen, now);
	famez_mb();
	return true;
}

/**
 * famez_bells_quiet() - has none of eight senders left a mark?
 * @rung: their bytes, at a multiple of eight
 * @seen: the own copies of them
 */
static inline bool famez_bells_quiet(const __u8 *rung, const __u8 *seen)
{
	return famez_load_word(rung) == famez_load_word(seen);
}

#endif /* _FAMEZ_SHM_H */
