// SPDX-License-Identifier: GPL-2.0
/*
 * FAM in a program's memory, and what a program may do to its memory.  Runs in
 * a guest; a peer sends every message back (famez-flood -e).  What FAM holds is
 * overwritten; what the disk holds, stays.
 *
 * test-mappings ECHO-ID
 */
#include <elf.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"

#define RW	(PROT_READ | PROT_WRITE)
#define DISK	"/dev/vda"	/* of any size */

static long page;
static struct famez_info info = { .size = sizeof(info) };

static char *map_fam(int prot, int pages, long offset)
{
	int fd = open_device(0);
	char *at = mmap(NULL, pages * page, prot, MAP_SHARED, fd, offset);

	assert_true(at != MAP_FAILED);
	close(fd);
	return at;
}

/* With nothing behind it. */
static char *map_alone(int prot, int pages, long offset)
{
	char *at = map_fam(prot, pages + 1, offset);

	assert_int_equal(munmap(at + pages * page, page), 0);
	return at;
}

/* Each page of a part of FAM then tells where it is. */
static void number_pages(char *at, int pages, long first)
{
	for (int i = 0; i < pages; i++)
		*(long *)(at + i * page) = first + i;
}

static long number(const char *at)
{
	return *(const volatile long *)at;
}

/* Can the program itself read there?  The kernel is asked: it does not fault. */
static bool readable(const char *at)
{
	int pipes[2];
	bool yes;

	assert_int_equal(pipe(pipes), 0);
	yes = write(pipes[1], at, 1) == 1;
	if (!yes)
		assert_int_equal(errno, EFAULT);
	close(pipes[0]);
	close(pipes[1]);
	return yes;
}

/* ---- Which part --------------------------------------------------------------- */

static void test_any_part(void **state)
{
	long all = info.fam_size / page;
	char *whole = map_fam(RW, all, 0);
	const long parts[] = { 1, 3, all / 2 + 1, all - 2 };

	(void)state;
	number_pages(whole, all, 0);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *part = map_fam(PROT_READ, 2, parts[i] * page);

		assert_int_equal(number(part), parts[i]);
		assert_int_equal(number(part + page), parts[i] + 1);
		munmap(part, 2 * page);
	}
	munmap(whole, all * page);
}

static void test_partial_unmap(void **state)
{
	char *at = map_fam(RW, 3, page);

	(void)state;
	number_pages(at, 3, 1);
	assert_int_equal(munmap(at + page, page), 0);
	assert_int_equal(number(at), 1);
	assert_false(readable(at + page));
	assert_int_equal(number(at + 2 * page), 3);
	munmap(at, page);
	munmap(at + 2 * page, page);
}

/* It may move, and become smaller; longer than it was checked for, never. */
static void test_remap(void **state)
{
	char *at = map_fam(RW, 4, 2 * page), *to;

	(void)state;
	number_pages(at, 4, 2);
	assert_true(mremap(at, 4 * page, 5 * page, MREMAP_MAYMOVE) ==
		    MAP_FAILED);
	assert_int_equal(errno, EFAULT);
	to = mmap(NULL, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
		  -1, 0);
	assert_true(mremap(at, 4 * page, 4 * page,
			   MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	assert_false(readable(at));
	for (int i = 0; i < 4; i++)
		assert_int_equal(number(to + i * page), 2 + i);
	assert_true(mremap(to, 4 * page, page, 0) == to);
	assert_int_equal(number(to), 2);
	assert_false(readable(to + page));
	munmap(to, page);
}

/* ---- Protection ---------------------------------------------------------------- */

static void test_protection(void **state)
{
	char *at = map_fam(PROT_NONE, 1, page), *other = map_fam(RW, 1, page);

	(void)state;
	assert_false(readable(at));
	*(long *)other = 41;
	assert_int_equal(mprotect(at, page, PROT_READ), 0);
	assert_int_equal(number(at), 41);
	/* also a page that was there for reading */
	assert_int_equal(mprotect(at, page, RW), 0);
	*(long *)at = 42;
	assert_int_equal(number(other), 42);
	assert_int_equal(mprotect(at, page, PROT_NONE), 0);
	assert_false(readable(at));
	munmap(at, page);
	munmap(other, page);
}

/* What a file was not opened for, mprotect() does not give. */
static void test_read_only(void **state)
{
	int fd = open(DEVICE, O_RDONLY), out = open(DEVICE, O_WRONLY);
	char *at = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);

	(void)state;
	assert_true(at != MAP_FAILED);
	assert_int_equal(mprotect(at, page, RW), -1);
	assert_int_equal(errno, EACCES);
	assert_true(mmap(NULL, page, RW, MAP_SHARED, fd, 0) == MAP_FAILED);
	assert_int_equal(errno, EACCES);
	assert_true(mmap(NULL, page, PROT_WRITE, MAP_SHARED, out, 0) ==
		    MAP_FAILED);
	assert_int_equal(errno, EACCES);
	munmap(at, page);
	close(fd);
	close(out);
}

/* A private mapping stays FAM, and for reading, whatever is tried. */
static void test_private(void **state)
{
	int fd = open_device(0), memory = open("/proc/self/mem", O_RDWR);
	char *shared = map_fam(RW, 1, page), byte = 1;
	char *at = mmap(NULL, page, PROT_READ, MAP_PRIVATE, fd, page);

	(void)state;
	assert_true(at != MAP_FAILED);
	assert_true(mmap(NULL, page, RW, MAP_PRIVATE, fd, page) == MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	*(long *)shared = 51;
	assert_int_equal(number(at), 51);
	/* a debugger's write would make a copy */
	assert_true(pwrite(memory, &byte, 1, (uintptr_t)at) < 0);
	*(long *)shared = 52;
	assert_int_equal(number(at), 52);
	munmap(at, page);
	munmap(shared, page);
	close(memory);
	close(fd);
}

/* ---- Advice, locks, children ------------------------------------------------------- */

static void test_advice(void **state)
{
	char *at = map_fam(RW, 2, page);

	(void)state;
	number_pages(at, 2, 1);
	/* refused or not: the bytes are FAM's, and stay */
	madvise(at, 2 * page, MADV_DONTNEED);
	madvise(at, 2 * page, MADV_FREE);
	madvise(at, 2 * page, MADV_PAGEOUT);
	madvise(at, 2 * page, MADV_REMOVE);
	madvise(at, 2 * page, MADV_WILLNEED);
	assert_int_equal(number(at), 1);
	assert_int_equal(number(at + page), 2);
	assert_int_equal(mlock(at, 2 * page), 0);
	assert_int_equal(munlock(at, 2 * page), 0);
	assert_int_equal(number(at + page), 2);
	munmap(at, 2 * page);
}

/* There is nothing to write back: so that has been done. */
static void test_sync(void **state)
{
	char *at = map_fam(RW, 2, page);
	int fd = open_device(0);

	(void)state;
	number_pages(at, 2, 1);
	assert_int_equal(msync(at, 2 * page, MS_ASYNC), 0);
	assert_int_equal(msync(at, 2 * page, MS_SYNC), 0);
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(fdatasync(fd), 0);
	munmap(at, 2 * page);
	close(fd);
}

static int exit_code(pid_t child)
{
	int status;

	assert_true(waitpid(child, &status, 0) == child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_fork(void **state)
{
	char *at = map_fam(RW, 2, page);
	pid_t child;

	(void)state;
	number_pages(at, 2, 1);
	child = fork();
	if (!child) {
		bool good = number(at) == 1 && number(at + page) == 2;

		*(long *)at = 61;
		_exit(!good);
	}
	assert_int_equal(exit_code(child), 0);
	assert_int_equal(number(at), 61);
	assert_int_equal(madvise(at, page, MADV_DONTFORK), 0);
	child = fork();
	if (!child)
		_exit(readable(at) || !readable(at + page));
	assert_int_equal(exit_code(child), 0);
	assert_int_equal(number(at), 61);
	munmap(at, 2 * page);
}

/* ---- Others who look at a program's memory ----------------------------------------- */

/* What move_pages(2) tells of a page; an errno, negative, if it does not know it. */
static int where_pages_are(void *at)
{
	int status = 0;

	assert_int_equal(syscall(SYS_move_pages, 0, 1UL, &at, NULL, &status, 0), 0);
	return status;
}

/* There are no struct pages behind it: who pins pages is refused. */
static void test_pins(void **state)
{
	char *at = map_fam(RW, 1, page), data[16];
	struct iovec own = { data, sizeof(data) }, fam = { at, sizeof(data) };
	int pipes[2];

	(void)state;
	*(long *)at = 0;
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(process_vm_readv(getpid(), &own, 1, &fam, 1, 0), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(process_vm_writev(getpid(), &own, 1, &fam, 1, 0), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(vmsplice(pipes[1], &fam, 1, 0), -1);
	assert_int_equal(errno, EFAULT);
	/* it is -ENOENT since 6.12 */
	assert_true(where_pages_are(at) == -EFAULT || where_pages_are(at) == -ENOENT);
	assert_int_equal(number(at), 0);
	close(pipes[0]);
	close(pipes[1]);
	munmap(at, page);
}

/* O_DIRECT pins the program's pages: no disk reads or writes FAM. */
static void test_direct(void **state)
{
	char *at = map_fam(RW, 2, page), *fresh = map_fam(RW, 2, 3 * page);
	char *own = aligned_alloc(page, page);
	int disk = open(DISK, O_RDWR | O_DIRECT);

	(void)state;
	assert_true(disk >= 0);
	assert_int_equal(pread(disk, own, page, 0), page);
	number_pages(at, 2, 1);
	assert_int_equal(pread(disk, at, page, 0), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(pwrite(disk, at, page, 0), -1);
	assert_int_equal(errno, EFAULT);
	/* nor what was never touched */
	assert_int_equal(pread(disk, fresh, page, 0), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(number(at), 1);
	free(own);
	close(disk);
	munmap(at, 2 * page);
	munmap(fresh, 2 * page);
}

/* A debugger, which may be oneself, sees FAM, and changes it. */
static void test_debugger(void **state)
{
	char *fresh = map_fam(PROT_READ, 3, page), *at = map_alone(RW, 3, page);
	int memory = open("/proc/self/mem", O_RDWR);
	char data[300];

	(void)state;
	assert_true(memory >= 0);
	for (int i = 0; i < 300; i++)
		at[page - 100 + i] = i;
	/* across pages, and through a mapping where there are none yet */
	assert_int_equal(pread(memory, data, 300, (uintptr_t)fresh + page - 100), 300);
	assert_memory_equal(data, at + page - 100, 300);
	memset(data, 7, 300);
	assert_int_equal(pwrite(memory, data, 300, (uintptr_t)at + 2 * page - 100), 300);
	assert_memory_equal(at + 2 * page - 100, data, 300);
	/* as far as the mapping goes */
	assert_int_equal(pread(memory, data, 300, (uintptr_t)at + 3 * page - 50), 50);
	munmap(at, 3 * page);
	munmap(fresh, 3 * page);
	close(memory);
}

/* ---- Page tables ------------------------------------------------------------------ */

static struct famez_mapping page_at(const char *at)
{
	struct famez_mapping m = { .size = sizeof(m), .address = (uintptr_t)at };
	int fd = open_device(0);

	assert_int_equal(call(fd, FAMEZ_IOC_MAPPING, &m), 0);
	close(fd);
	return m;
}

static void test_memory_type(void **state)
{
	char *at = map_alone(RW, 2, page);
	struct famez_mapping m = page_at(at), kernel = {
		.size = sizeof(kernel), .flags = FAMEZ_MAPPING_KERNEL,
	};
	int fd = open_device(0);

	(void)state;
	assert_int_equal(m.type, FAMEZ_MEMORY_ABSENT);
	assert_int_equal(m.page_size, 0);
	*at = 1;
	m = page_at(at + 17);
	assert_int_equal(m.type, FAMEZ_MEMORY_WB);
	assert_int_equal(m.page_size, page);
	assert_int_equal(call(fd, FAMEZ_IOC_MAPPING, &kernel), 0);
	assert_int_not_equal(kernel.type, FAMEZ_MEMORY_ABSENT);
	assert_int_not_equal(kernel.page_size, 0);
	/* what is not FAM */
	m.address = (uintptr_t)&m;
	assert_int_equal(call(fd, FAMEZ_IOC_MAPPING, &m), EFAULT);
	m.address = (uintptr_t)at + 2 * page;
	assert_int_equal(call(fd, FAMEZ_IOC_MAPPING, &m), EFAULT);
	m.address = UINT64_MAX;
	assert_int_equal(call(fd, FAMEZ_IOC_MAPPING, &m), EFAULT);
	m.address = (uintptr_t)at;
	m.flags = 2;
	assert_int_equal(call(fd, FAMEZ_IOC_MAPPING, &m), EINVAL);
	m.flags = FAMEZ_MAPPING_KERNEL;
	assert_int_equal(call(fd, FAMEZ_IOC_MAPPING, &m), EINVAL);
	m.flags = 0;
	m.reserved = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_MAPPING, &m), EINVAL);
	munmap(at, 2 * page);
	close(fd);
}

/* What the library asks right; that it may write anywhere is the file's own. */
static void test_calls(void **state)
{
	struct famez_regions regions = { .size = sizeof(regions), .stride = 88 };
	struct famez_allow allow = { .size = sizeof(allow), .flags = FAMEZ_ALLOW_IN_USE };
	int fd = open_device(0), in = open(DEVICE, O_RDONLY);

	(void)state;
	assert_int_equal(call(fd, FAMEZ_IOC_REGIONS, &regions), 0);
	regions.stride = 87;
	assert_int_equal(call(fd, FAMEZ_IOC_REGIONS, &regions), EINVAL);
	regions.stride = 4097;
	assert_int_equal(call(fd, FAMEZ_IOC_REGIONS, &regions), EINVAL);
	regions.stride = 88;
	regions.flags = 1;
	assert_int_equal(call(fd, FAMEZ_IOC_REGIONS, &regions), EINVAL);
	regions.flags = 0;
	regions.size = sizeof(regions) - 4;
	assert_int_equal(call(fd, FAMEZ_IOC_REGIONS, &regions), EINVAL);
	assert_int_equal(call(fd, FAMEZ_IOC_REGIONS, NULL), EFAULT);
	assert_int_equal(call(fd, FAMEZ_IOC_ALLOW, &allow), 0);
	assert_int_equal(call(in, FAMEZ_IOC_ALLOW, &allow), EBADF);
	allow.flags = 2;
	assert_int_equal(call(fd, FAMEZ_IOC_ALLOW, &allow), EINVAL);
	allow.size = 4;
	assert_int_equal(call(fd, FAMEZ_IOC_ALLOW, &allow), EINVAL);
	close(fd);
	close(in);
}

#define LARGE	(2 << 20)

/* Pages of 2 MiB, where the kernel has them, come apart like any others. */
static void test_large(void **state)
{
	long all = 3 * LARGE / page, some = LARGE / page;
	char *at = map_fam(RW, all, 0), *to;
	pid_t child;

	(void)state;
	number_pages(at, all, 0);
	/* whether they are write-back is the machine's; that they are alike is not */
	assert_int_equal(page_at(at).page_size, page_at(at + LARGE).page_size);
	child = fork();
	if (!child) {
		for (long i = 0; i < all; i++)
			if (number(at + i * page) != i)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(exit_code(child), 0);
	/* a hole, a part that is only to be read, a part that moves */
	assert_int_equal(munmap(at + 7 * page, page), 0);
	assert_int_equal(mprotect(at + LARGE + 5 * page, page, PROT_READ), 0);
	to = mmap(NULL, LARGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(mremap(at + 2 * LARGE, LARGE, LARGE,
			   MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	assert_false(readable(at + 7 * page));
	assert_false(readable(at + 2 * LARGE));
	for (long i = 0; i < some; i++) {
		assert_true(i == 7 || number(at + i * page) == i);
		assert_int_equal(number(at + LARGE + i * page), some + i);
		assert_int_equal(number(to + i * page), 2 * some + i);
	}
	*(long *)(at + LARGE + 6 * page) = 1;
	assert_int_equal(madvise(at, LARGE, MADV_NOHUGEPAGE), -1);
	munmap(at, 2 * LARGE);
	munmap(to, LARGE);
}

/* Only a part of a page of 2 MiB, at either end. */
static void test_edges(void **state)
{
	long some = LARGE / page;
	char *at = map_fam(RW, 2 * some - 2, page);

	(void)state;
	number_pages(at, 2 * some - 2, 1);
	for (long i = 0; i < 2 * some - 2; i++)
		assert_int_equal(number(at + i * page), 1 + i);
	assert_int_equal(page_at(at).page_size, page);
	assert_int_equal(page_at(at + (2 * some - 3) * page).page_size, page);
	munmap(at, (2 * some - 2) * page);
}

static long futex(void *word, int operation, uint32_t value)
{
	return syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void test_futex(void **state)
{
	char *at = map_fam(RW, 1, page);

	(void)state;
	*(long *)at = 7;
	assert_int_equal(futex(at, FUTEX_WAIT, 7), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(futex(at, FUTEX_WAKE, 1), -1);
	assert_int_equal(errno, EFAULT);
	/* between threads of one program it goes by address */
	assert_int_equal(futex(at, FUTEX_WAIT_PRIVATE, 8), -1);
	assert_int_equal(errno, EAGAIN);
	munmap(at, page);
}

/* How many bytes of a mapping are in a core file. */
static long in_core(int core, const char *at)
{
	Elf64_Ehdr header;
	Elf64_Phdr part;

	assert_int_equal(pread(core, &header, sizeof(header), 0),
			 sizeof(header));
	for (int i = 0; i < header.e_phnum; i++) {
		assert_int_equal(pread(core, &part, sizeof(part),
				       header.e_phoff + i * sizeof(part)),
				 sizeof(part));
		if (part.p_type == PT_LOAD && part.p_vaddr <= (uintptr_t)at &&
		    (uintptr_t)at < part.p_vaddr + part.p_memsz)
			return part.p_filesz;
	}
	fail_msg("the core file lists no mapping at %p", at);
	return -1;
}

/* All that a core file may have; by default it has no shared mappings. */
static void dump_core(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int filter = open("/proc/self/coredump_filter", O_WRONLY);

	if (write(filter, "0x1ff", 5) != 5)
		_exit(1);
	setrlimit(RLIMIT_CORE, &unlimited);
	signal(SIGABRT, SIG_DFL);
	abort();
}

/* A core file has what is the program's own, and no FAM. */
static void test_core(void **state)
{
	char *at = map_fam(RW, 2, page), name[64];
	char *own = mmap(NULL, page, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int status, core;
	pid_t child;

	(void)state;
	number_pages(at, 2, 1);
	*own = 1;
	assert_int_equal(chdir("/tmp"), 0);
	child = fork();
	if (!child)
		dump_core();
	assert_true(waitpid(child, &status, 0) == child);
	assert_true(WIFSIGNALED(status) && WCOREDUMP(status));
	core = open("core", O_RDONLY);
	snprintf(name, sizeof(name), "core.%d", child);
	if (core < 0)
		core = open(name, O_RDONLY);
	assert_true(core >= 0);
	assert_int_equal(in_core(core, at), 0);
	assert_true(in_core(core, own) > 0);
	close(core);
	unlink("core");
	unlink(name);
	munmap(own, page);
	munmap(at, 2 * page);
}

/* ---- As the memory of a message ------------------------------------------------------ */

/* FAM that nobody has touched through this mapping yet, across two pages. */
static void test_messages(void **state)
{
	char *out = map_fam(RW, 3, 10 * page), *in = map_fam(RW, 3, 20 * page);
	char *fresh = map_fam(PROT_READ, 3, 10 * page), text[16];
	int fd = open_device(0);
	uint32_t peer, length;

	(void)state;
	for (int i = 0; i < 3 * page; i++) {
		out[i] = i * 7;
		in[i] = 0;
	}
	munmap(in, 3 * page);
	in = map_fam(RW, 3, 20 * page);
	assert_int_equal(send_to(fd, echo_id, fresh + page - 100, 4096), 0);
	assert_int_equal(recv_from(fd, &peer, in + page - 50, 4096, &length),
			 0);
	assert_int_equal(length, 4096);
	assert_memory_equal(in + page - 50, out + page - 100, 4096);
	/* text likewise */
	length = snprintf(text, sizeof(text), "%u:from FAM", echo_id);
	memcpy(out, text, length);
	assert_int_equal(write(fd, fresh, length), length);
	assert_int_equal(read(fd, in + 2 * page - 4, page), length);
	assert_memory_equal(in + 2 * page - 4, text, length);
	munmap(out, 3 * page);
	munmap(in, 3 * page);
	munmap(fresh, 3 * page);
	close(fd);
}

/* A structure in FAM; and memory that cannot take the message. */
static void test_structures(void **state)
{
	char *at = map_fam(RW, 2, 30 * page), *locked;
	struct famez_msg *m = (void *)(at + page - 16);
	int fd = open_device(0);
	uint32_t peer, length;

	(void)state;
	memset(at, 0, 2 * page);
	provoke(fd, "into FAM");
	locked = map_fam(PROT_READ, 2, 30 * page);
	assert_int_equal(recv_from(fd, &peer, locked, 64, &length), EFAULT);
	*m = (struct famez_msg) {
		.size = sizeof(*m), .length = 64, .data = (uintptr_t)at,
	};
	/* the kernel cannot tell there what it took: so it takes nothing */
	assert_int_equal(call(fd, FAMEZ_IOC_RECV,
			      locked + page - 16), EFAULT);
	assert_int_equal(call(fd, FAMEZ_IOC_RECV, m), 0);
	assert_int_equal(m->length, 8);
	assert_int_equal(m->peer, echo_id);
	assert_memory_equal(at, "into FAM", 8);
	munmap(at, 2 * page);
	munmap(locked, 2 * page);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_part),
		cmocka_unit_test(test_partial_unmap),
		cmocka_unit_test(test_remap),
		cmocka_unit_test(test_protection),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_direct),
		cmocka_unit_test(test_debugger),
		cmocka_unit_test(test_memory_type),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_futex),
		cmocka_unit_test(test_core),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_structures),
	};
	int fd = open(DEVICE, O_RDWR);

	if (argc != 2 || fd < 0 || ioctl(fd, FAMEZ_IOC_INFO, &info)) {
		fprintf(stderr, "usage: test-mappings ECHO-ID, with " DEVICE "\n");
		return 2;
	}
	close(fd);
	echo_id = strtoul(argv[1], NULL, 0);
	page = sysconf(_SC_PAGESIZE);
	return RUN_PLAN("mappings", tests);
}
