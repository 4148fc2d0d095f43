// SPDX-License-Identifier: GPL-2.0
/* Memory that all share: who runs this first writes a line, all others read it. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <famez.h>

#define MAGIC	"hello-fam"

struct page {
	char magic[16];
	unsigned int writer;
	char text[64];
};

int main(void)
{
	struct famez_info info;
	struct famez *fabric;
	struct page *page;
	int error;

	error = famez_open(&fabric, NULL, 0);
	if (!error)
		error = famez_get_info(fabric, &info);
	if (!error)
		error = famez_map(fabric, 0, sizeof(*page), 1, (void **)&page);
	if (error) {
		fprintf(stderr, "hello-fam: %s\n", strerror(-error));
		return 1;
	}
	if (!memcmp(page->magic, MAGIC, sizeof(MAGIC))) {
		printf("%u wrote: %.64s\n", page->writer, page->text);
	} else {
		page->writer = info.id;
		strcpy(page->text, "Hello, fabric-attached memory!");
		/* others may look at any time: what says "valid" comes last */
		__atomic_thread_fence(__ATOMIC_RELEASE);
		memcpy(page->magic, MAGIC, sizeof(MAGIC));
		printf("%u has written; run me once more\n", info.id);
	}
	munmap(page, sizeof(*page));
	famez_close(fabric);
	return 0;
}
