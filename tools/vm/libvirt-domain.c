// SPDX-License-Identifier: GPL-2.0
/*
 * A libvirt domain: its <shmem> elements read and written.  The format is
 * libvirt's "Domain XML format", section "Shared memory device".
 */
#include <stdarg.h>
#include <libxml/parser.h>

#include "famez-vm.h"
#include "libvirt.h"

/* QEMU's own default, which libvirt leaves alone */
#define QEMU_VECTORS	1

static xmlNode *child(xmlNode *node, const char *name)
{
	for (node = node ? node->children : NULL; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE && !strcmp((const char *)node->name, name))
			break;
	return node;
}

/* NULL: there is none.  Never freed: the program ends soon. */
static const char *attribute(xmlNode *node, const char *name)
{
	return node ? (const char *)xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;
}

static xmlNode *devices(xmlDoc *domain)
{
	return child(xmlDocGetRootElement(domain), "devices");
}

xmlDoc *domain_read(const char *file)
{
	xmlDoc *domain = xmlReadFile(file, NULL, XML_PARSE_NONET);
	xmlNode *root = domain ? xmlDocGetRootElement(domain) : NULL;

	if (!domain)
		fail("%s cannot be read: see above; expected a domain as 'virsh dumpxml' prints",
		     file);
	if (!root || strcmp((const char *)root->name, "domain") || !devices(domain))
		fail("%s is no domain with <devices>; expected one as 'virsh dumpxml' prints",
		     file);
	return domain;
}

/* libvirt's units, in either case: KB is 1000, KiB and K are 1024; 0: none of them */
static uint64_t unit_size(const char *unit)
{
	static const char letters[] = "kmgtpe";
	uint64_t base = 1024, size = 1;
	const char *letter;

	if (!unit || !strcasecmp(unit, "b") || !strcasecmp(unit, "byte") ||
	    !strcasecmp(unit, "bytes"))
		return 1;
	letter = *unit ? strchr(letters, *unit | 0x20) : NULL;
	if (!letter)
		return 0;
	if (!strcasecmp(unit + 1, "b"))
		base = 1000;
	else if (unit[1] && strcasecmp(unit + 1, "ib"))
		return 0;
	for (; letter >= letters; letter--)
		size *= base;
	return size;
}

static void read_size(struct shmem *shmem, xmlNode *node)
{
	unsigned long long value;
	const char *text;
	char *end;

	shmem->size = 0;
	shmem->bad_size = false;
	if (!node)
		return;
	text = (const char *)xmlNodeGetContent(node);
	value = strtoull(text, &end, 10);
	shmem->bad_size = strchr(text, '-') || end == text ||
			  __builtin_mul_overflow(value, unit_size(attribute(node, "unit")),
						 &shmem->size) || !shmem->size;
}

xmlNode *domain_next(xmlDoc *domain, xmlNode *at, struct shmem *shmem)
{
	const char *vectors;

	at = at ? at->next : devices(domain)->children;
	while (at && (at->type != XML_ELEMENT_NODE ||
		      strcmp((const char *)at->name, "shmem")))
		at = at->next;
	if (!at)
		return NULL;
	shmem->name = attribute(at, "name");
	shmem->model = attribute(child(at, "model"), "type");
	shmem->server = attribute(child(at, "server"), "path");
	shmem->has_server = child(at, "server");
	shmem->has_msi = child(at, "msi");
	vectors = attribute(child(at, "msi"), "vectors");
	shmem->vectors = vectors ? strtoul(vectors, NULL, 10) : QEMU_VECTORS;
	read_size(shmem, child(at, "size"));
	if (!shmem->name)
		fail("line %ld: <shmem> has no name; expected <shmem name='...'>",
		     xmlGetLineNo(at));
	return at;
}

bool domain_is_emulated(xmlDoc *domain)
{
	const char *type = attribute(xmlDocGetRootElement(domain), "type");

	return type && !strcmp(type, "qemu");
}

unsigned long domain_cpus(xmlDoc *domain)
{
	xmlNode *vcpu = child(xmlDocGetRootElement(domain), "vcpu");

	return vcpu ? strtoul((const char *)xmlNodeGetContent(vcpu), NULL, 10) : 1;
}

/* ---- Writing ------------------------------------------------------------------------- */

/*
 * @indent: of @parent itself, behind the end of a line; what is in it has two blanks more,
 * as libvirt, and with it most who write domains, does it
 */
static void append(xmlNode *parent, xmlNode *node, const char *indent)
{
	xmlNode *end = parent->last;
	char deeper[16];

	snprintf(deeper, sizeof(deeper), "%s  ", indent);
	if (!end || !xmlIsBlankNode(end)) {
		end = xmlNewText((const xmlChar *)indent);
		xmlAddChild(parent, end);
	}
	xmlAddPrevSibling(end, node);
	xmlAddPrevSibling(node, xmlNewText((const xmlChar *)deeper));
}

static xmlNode *child_to_set(xmlNode *shmem, const char *name, const char *indent)
{
	xmlNode *node = child(shmem, name);

	if (!node) {
		node = xmlNewNode(NULL, (const xmlChar *)name);
		append(shmem, node, indent);
	}
	return node;
}

static void remove_child(xmlNode *shmem, const char *name)
{
	xmlNode *node = child(shmem, name);

	if (!node)
		return;
	if (node->prev && xmlIsBlankNode(node->prev))
		xmlUnlinkNode(node->prev);
	xmlUnlinkNode(node);
}

__attribute__((format(printf, 3, 4)))
static void set(xmlNode *node, const char *name, const char *format, ...)
{
	va_list list;
	char *text;

	va_start(list, format);
	if (vasprintf(&text, format, list) < 0)
		abort();
	va_end(list);
	if (name)
		xmlSetProp(node, (const xmlChar *)name, (const xmlChar *)text);
	else
		xmlNodeSetContent(node, (const xmlChar *)text);
	free(text);
}

/* What else it has stays: its place on the PCI bus above all */
static void fill(xmlNode *node, const struct shmem *shmem, const char *indent)
{
	set(node, "name", "%s", shmem->name);
	set(child_to_set(node, "model", indent), "type", "%s", shmem->model);
	if (shmem->server) {
		remove_child(node, "size");
		set(child_to_set(node, "server", indent), "path", "%s", shmem->server);
		set(child_to_set(node, "msi", indent), "vectors", "%lu", shmem->vectors);
		set(child_to_set(node, "msi", indent), "ioeventfd", "on");
	} else {
		remove_child(node, "server");
		remove_child(node, "msi");
		set(child_to_set(node, "size", indent), "unit", "M");
		set(child_to_set(node, "size", indent), NULL, "%llu",
		    (unsigned long long)shmem->size >> 20);
	}
}

static xmlNode *new_shmem(void)
{
	return xmlNewNode(NULL, (const xmlChar *)"shmem");
}

void shmem_print(const struct shmem *shmem)
{
	xmlBuffer *buffer = xmlBufferCreate();
	xmlNode *node = new_shmem();

	fill(node, shmem, "\n");
	xmlNodeDump(buffer, NULL, node, 0, 0);
	puts((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	xmlFreeNode(node);
}

void domain_put(xmlDoc *domain, const struct shmem *shmem)
{
	struct shmem other;
	xmlNode *at = NULL;

	while ((at = domain_next(domain, at, &other)))
		if (!strcmp(other.name, shmem->name))
			break;
	if (!at) {
		at = new_shmem();
		append(devices(domain), at, "\n  ");
	}
	fill(at, shmem, "\n    ");
}

void domain_print(xmlDoc *domain)
{
	xmlDocDump(stdout, domain);
}
