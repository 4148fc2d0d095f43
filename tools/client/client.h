/* SPDX-License-Identifier: GPL-2.0 */
/* What famez-client has beside famezctl's verbs. */
#ifndef FAMEZ_CLIENT_H
#define FAMEZ_CLIENT_H

int cmd_console(int argc, char **argv);

#endif /* FAMEZ_CLIENT_H */
