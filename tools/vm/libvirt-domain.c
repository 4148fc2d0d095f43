// SPDX-License-Identifier: GPL-2.0
/*
 * A libvirt domain: its <shmem> elements read and written.  The format is
 * libvirt's "Domain XML format", section "Shared memory device".
 */
#include <libxml/parser.h>
#include <libxml/xpath.h>

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

/* libvirt's units: KB is 1000, KiB and K are 1024 */
static uint64_t unit_size(const char *unit)
{
	static const char letters[] = "KMGTPE";
	uint64_t base = 1024, size = 1;
	const char *letter;

	if (!unit || !strcmp(unit, "b") || !strcmp(unit, "bytes"))
		return 1;
	letter = *unit ? strchr(letters, *unit & ~0x20) : NULL;
	if (!letter)
		return 0;
	if (unit[1] == 'B' && !unit[2])
		base = 1000;
	else if (unit[1] && strcmp(unit + 1, "iB"))
		return 0;
	for (; letter >= letters; letter--)
		size *= base;
	return size;
}

static uint64_t read_size(xmlNode *node)
{
	unsigned long long value = 0;
	uint64_t size = 0;

	if (!node)
		return 0;
	if (sscanf((const char *)xmlNodeGetContent(node), "%llu", &value) == 1 &&
	    !__builtin_mul_overflow(value, unit_size(attribute(node, "unit")), &size) && size)
		return size;
	fail("line %ld: <size> is not understood; expected for example <size unit='M'>64</size>",
	     xmlGetLineNo(node));
}

static unsigned long read_vectors(xmlNode *msi)
{
	const char *vectors = attribute(msi, "vectors");
	const char *enabled = attribute(msi, "enabled");

	if (enabled && !strcmp(enabled, "no"))
		return 0;
	return vectors ? strtoul(vectors, NULL, 10) : QEMU_VECTORS;
}

xmlNode *domain_next(xmlDoc *domain, xmlNode *at, struct shmem *shmem)
{
	at = at ? at->next : devices(domain)->children;
	while (at && (at->type != XML_ELEMENT_NODE ||
		      strcmp((const char *)at->name, "shmem")))
		at = at->next;
	if (!at)
		return NULL;
	shmem->name = attribute(at, "name");
	shmem->model = attribute(child(at, "model"), "type");
	shmem->server = attribute(child(at, "server"), "path");
	shmem->vectors = read_vectors(child(at, "msi"));
	shmem->size = read_size(child(at, "size"));
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

char *shmem_text(const struct shmem *shmem, const char *indent)
{
	xmlChar *name = xmlEncodeSpecialChars(NULL, (const xmlChar *)shmem->name);
	xmlChar *server = xmlEncodeSpecialChars(NULL, (const xmlChar *)shmem->server);
	char *text;
	int n;

	if (shmem->server)
		n = asprintf(&text, "%s<shmem name=\"%s\">\n"
			     "%s  <model type=\"%s\"/>\n"
			     "%s  <server path=\"%s\"/>\n"
			     "%s  <msi vectors=\"%lu\" ioeventfd=\"on\"/>\n"
			     "%s</shmem>\n", indent, name, indent, shmem->model, indent, server,
			     indent, shmem->vectors, indent);
	else
		n = asprintf(&text, "%s<shmem name=\"%s\">\n"
			     "%s  <model type=\"%s\"/>\n"
			     "%s  <size unit=\"M\">%llu</size>\n"
			     "%s</shmem>\n", indent, name, indent, shmem->model, indent,
			     (unsigned long long)shmem->size >> 20, indent);
	if (n < 0)
		abort();
	return text;
}

/* libvirt, and with it most who write domains, indents by two */
#define DEVICE_INDENT	"    "

void domain_put(xmlDoc *domain, const struct shmem *shmem)
{
	char *text = shmem_text(shmem, DEVICE_INDENT);
	xmlNode *place = devices(domain), *at = NULL, *list = NULL;
	struct shmem other;

	while ((at = domain_next(domain, at, &other)))
		if (!strcmp(other.name, shmem->name))
			break;
	/* Where the line's indent is already, as is the end of the line */
	text[strlen(text) - 1] = 0;
	xmlParseInNodeContext(place, at ? text + strlen(DEVICE_INDENT) : text,
			      strlen(text) - (at ? strlen(DEVICE_INDENT) : 0), 0, &list);
	if (!list)
		fail("the domain takes no new element; is it whole?");
	if (at) {
		xmlReplaceNode(at, list);
	} else if (place->last && xmlIsBlankNode(place->last)) {
		xmlNode *end = place->last;

		xmlUnlinkNode(end);
		xmlAddChild(place, xmlNewText((const xmlChar *)"\n"));
		xmlAddChildList(place, list);
		xmlAddChild(place, xmlNewText(xmlNodeGetContent(end)));
	} else {
		xmlAddChildList(place, list);
	}
	free(text);
}

void domain_print(xmlDoc *domain)
{
	xmlDocDump(stdout, domain);
}
