// SPDX-License-Identifier: GPL-2.0
/*
 * The module's parameters that are words: what cannot be is refused when the module is
 * loaded, with a line that says what could.
 */
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "bridge.h"

/**
 * struct famez_word - a parameter
 * @text: what it is, empty: it was not set
 * @ok: can it be this?
 * @expected: what it can be
 */
struct famez_word {
	char text[FAMEZ_NAME_SIZE];
	bool (*ok)(const char *text);
	const char *expected;
};

static int famez_word_set(const char *val, const struct kernel_param *kp)
{
	struct famez_word *w = kp->arg;

	if (strlen(val) >= sizeof(w->text) || !w->ok(val)) {
		pr_err("famez_bridge: %s is not to be '%*pE': %s is expected\n", kp->name,
		       (int)strnlen(val, 2 * FAMEZ_NAME_SIZE), val, w->expected);
		return -EINVAL;
	}
	strscpy(w->text, val, sizeof(w->text));
	return 0;
}

static int famez_word_get(char *buffer, const struct kernel_param *kp)
{
	const struct famez_word *w = kp->arg;

	return sysfs_emit(buffer, "%s\n", w->text);
}

static const struct kernel_param_ops famez_word_ops = {
	.set = famez_word_set,
	.get = famez_word_get,
};

/* ---- The name on the fabric -------------------------------------------------------- */

static bool famez_name_byte(char c)
{
	return c > ' ' && c <= '~' && c != ':' && c != ',';
}

/* Can others write to it?  What is not taken for a name would be nobody's. */
static bool famez_name_ok(const char *text)
{
	const char *c;

	for (c = text; *c; c++)
		if (!famez_name_byte(*c))
			return false;
	return strspn(text, "0123456789") != strlen(text) &&
	       strcmp(text, "server") && strcmp(text, "switch");
}

static struct famez_word famez_name = {
	.ok = famez_name_ok,
	.expected = "1 to 31 printable bytes without ' :,', not digits alone, server or switch",
};
module_param_cb(name, &famez_word_ops, &famez_name, 0444);
MODULE_PARM_DESC(name, "name on the fabric, 1 to 31 printable bytes without space, ':' and ',', not digits alone, server or switch (default: the hostname)");

/* A hostname may be anything. */
static void famez_name_of_host(char *to, const char *host)
{
	char *c;

	strscpy(to, host, FAMEZ_NAME_SIZE);
	for (c = to; *c; c++)
		if (!famez_name_byte(*c))
			*c = '-';
	if (!famez_name_ok(to)) {
		memmove(to + strlen("node-"), to, FAMEZ_NAME_SIZE - strlen("node-"));
		memcpy(to, "node-", strlen("node-"));
		to[FAMEZ_NAME_SIZE - 1] = 0;
	}
}

void famez_own_name(struct famez_bridge *b)
{
	char host[__NEW_UTS_LEN + 1];

	if (*famez_name.text) {
		strscpy(b->name, famez_name.text, sizeof(b->name));
		return;
	}
	strscpy(host, utsname()->nodename, sizeof(host));
	famez_name_of_host(b->name, host);
	if (strcmp(b->name, host))
		dev_notice(&b->dev, "the hostname, '%*pE', can be no name on the fabric: it is '%s' (name= sets another)\n",
			   (int)strlen(host), host, b->name);
}

/* ---- Gen-Z class --------------------------------------------------------------------- */

static bool famez_class_param_ok(const char *text)
{
	return famez_class_ok(text, strlen(text));
}

static struct famez_word famez_class_param = {
	.text = "FAMEZbridge",
	.ok = famez_class_param_ok,
	.expected = "1 to 31 printable bytes without space and ',=!:'",
};
module_param_cb(class, &famez_word_ops, &famez_class_param, 0444);
MODULE_PARM_DESC(class, "Gen-Z class, 1 to 31 printable bytes without space and \",=!:\" (default FAMEZbridge)");

const char *famez_own_class(void)
{
	return famez_class_param.text;
}

/* ---- Who has the FAM ------------------------------------------------------------------- */

static struct famez_word famez_fam_param = {
	.text = "none",
	.ok = famez_owner_known,
	.expected = "none, pmem, dax or ram",
};
module_param_cb(fam, &famez_word_ops, &famez_fam_param, 0444);
MODULE_PARM_DESC(fam, "who has the FAM of each device from its start: none, pmem, dax, or ram (dax that may become System RAM: for who is alone on FAM) (default none)");

const char *famez_first_owner(void)
{
	return famez_fam_param.text;
}
