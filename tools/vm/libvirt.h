/* SPDX-License-Identifier: GPL-2.0 */
/* A libvirt domain, and what in it has to do with famez: libvirt-domain.c, libvirt-check.c */
#ifndef LIBVIRT_H
#define LIBVIRT_H

#include <stdbool.h>
#include <stdint.h>
#include <libxml/tree.h>

/**
 * struct shmem - a <shmem> element
 * @name: of the device; of one without a switch that of its memory in /dev/shm
 * @model: as libvirt calls it; NULL: not said
 * @server: the switch's socket; NULL: none
 * @vectors: what QEMU would have; 0: no interrupts
 * @size: bytes; 0: not said
 */
struct shmem {
	const char *name;
	const char *model;
	const char *server;
	unsigned long vectors;
	uint64_t size;
};

#define MODEL_DOORBELL	"ivshmem-doorbell"
#define MODEL_PLAIN	"ivshmem-plain"

/* The element, each line behind @indent; to be freed */
char *shmem_text(const struct shmem *shmem, const char *indent);

/* All end the program where @file is no domain. "-" is standard input. */
xmlDoc *domain_read(const char *file);
/* In place of the one of that name, else behind all other devices */
void domain_put(xmlDoc *domain, const struct shmem *shmem);
void domain_print(xmlDoc *domain);

/* Next <shmem> behind @at; NULL: the first */
xmlNode *domain_next(xmlDoc *domain, xmlNode *at, struct shmem *shmem);
bool domain_is_emulated(xmlDoc *domain);
unsigned long domain_cpus(xmlDoc *domain);

/* Says on standard error what is wrong; how many things that are */
int domain_check(xmlDoc *domain);
/* libvirt's own opinion, by its schema; false: it has been told */
bool domain_is_valid(xmlDoc *domain);

#endif
