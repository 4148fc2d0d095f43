# SPDX-License-Identifier: GPL-2.0
# The examples of libfamez, with what is installed: make
CFLAGS ?= -O2 -Wall
override CPPFLAGS += $(shell pkg-config --cflags libfamez)
LDLIBS += $(shell pkg-config --libs libfamez)

all: $(patsubst %.c,%,$(wildcard *.c))
