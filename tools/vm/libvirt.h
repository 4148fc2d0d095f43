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
 * @vectors: what QEMU would have
 * @size: bytes; 0: not said
 * @has_server, @has_msi: there are such elements, whatever they say
 * @bad_size: it is not understood
 */
struct shmem {
	const char *name;
	const char *model;
	const char *server;
	unsigned long vectors;
	uint64_t size;
	bool has_server, has_msi, bad_size;
};

#define MODEL_DOORBELL	"ivshmem-doorbell"
#define MODEL_PLAIN	"ivshmem-plain"

void shmem_print(const struct shmem *shmem);

/* All end the program where @file is no domain. "-" is standard input. */
xmlDoc *domain_read(const char *file);
/* The one of that name becomes so, and keeps what else it has; else it is the last device */
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
