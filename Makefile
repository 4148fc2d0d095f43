# SPDX-License-Identifier: GPL-2.0
#
# make            modules for the running kernel (or KDIR=...), and tools
# make examples   small programs that use libfamez
# make man        manual pages, into build/man
# make demo       two guests talk; installs what it needs
# make demo-shell the same, and leaves the guests to you
# make check      every test, with counts scaled down; installs what it needs
# make check-full the counts that matter before a change is called done
#                 KERNEL=debug: those in guests, on the debug kernel
# make debug-kernel  builds the debug kernel, unless it is there
# make smoke      the quickest sign of life in guests
# make install    tools, library, manual pages and DKMS's sources; DESTDIR=, PREFIX=
# make dist       a tarball of what is committed, for others to package
# make deb        Debian packages, into build/deb
#
# make bench      what messages cost, over what TCP does; build/bench.json
# make check-mutants  is each of the faults in tools/testing/mutants/table found?
# make coverage   which lines and branches do the tests run?
# make lint       checkpatch, sparse, W=1
#
# Other kernels, which Debian packages give, with their compilers:
# make kernels    fetch and unpack them: tools/testing/kernels/kernels
# make modules-all      build the modules for each, W=1
# make check KERNEL=x   the tests in guests on one of them (6.12, newest, ...), or
#                       on several: KERNEL="6.1-rt debug"
# make check-kernels    the core of these on each, and guests with all of them
# make check-matrix     that core on each stock kernel, with two QEMUs, on pc, q35 and
#                       behind a root port: README's table
# make check-images     famez as its users install it, in images of Debian: half an hour
# make check-ci         what .ci/run runs: check, modules-all, check-kernels
# make qemu-newest      fetch Debian's newest QEMU; for check QEMU=...
#
# make help       this

KDIR ?= /lib/modules/$(shell uname -r)/build
B := build

# make V=1 shows the commands
ifeq ($(V),1)
Q :=
else
Q = @echo "  BUILD   $@";
endif
OBJCOPY ?= objcopy

CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -MMD -MP
INCLUDES := -Iinclude -Iuapi -Itools/lib -I$(B)/include

# The one version of all there is; dkms.conf has a copy, which test-vm.sh holds
# to it
FAMEZ_VERSION := 1.0
VERSION_H := $(B)/include/famez-version.h
LIB_SO := $(B)/lib/libfamez.so
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib

LIB_SRC := $(wildcard tools/lib/*.c)
CALLS := $(shell sed -n 's/^\t\(famez_.*\);/\1/p' tools/lib/libfamez.map)
SERVER_SRC := $(wildcard tools/server/*.c)
CTL_SRC := $(wildcard tools/famezctl/*.c)
# the verbs are the same, the table of them is not
CLIENT_SRC := $(filter-out tools/famezctl/famezctl.c,$(CTL_SRC)) $(wildcard tools/client/*.c)
AGENT_SRC := $(wildcard tools/vm/agent*.c)
VM_SRC := $(filter-out $(AGENT_SRC),$(wildcard tools/vm/*.c))
WIRE := $(patsubst tools/testing/wire/%.c,%,$(wildcard tools/testing/wire/wire-*.c))

objs = $(patsubst %.c,$(B)/obj/%.o,$(1))

PROGRAMS := famez-server famezctl famez-client famez-vm famez-agent

.PHONY: all modules tools examples man tests deps demo demo-shell bench smoke \
	check check-full check-mutants coverage lint clean help  kernels modules-all \
	check-images check-kernels check-matrix check-ci qemu-newest debug-kernel deb dist install install-tools \
	install-lib install-man install-dkms
all: modules tools

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

# ---- modules ----------------------------------------------------------------

modules:
	@[ -d "$(KDIR)" ] || { \
		echo "no kernel headers in $(KDIR):" >&2; \
		echo "install linux-headers-$$(uname -r), or name others with KDIR=" >&2; \
		echo "('make tools' builds what needs none)" >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

# ---- tools -------------------------------------------------------------------

tools: $(addprefix $(B)/bin/,$(PROGRAMS)) $(B)/lib/libfamez.a $(LIB_SO) $(B)/lib/libfamez.pc

$(VERSION_H): Makefile
	@mkdir -p $(@D)
	$(Q)printf '#define FAMEZ_VERSION\t"%s"\n' $(FAMEZ_VERSION) >$@

# who includes the version is known once it was compiled
$(B)/obj/%.o: %.c | $(VERSION_H)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(INCLUDES) -fPIC -c $< -o $@

# with all that the switch and tests call of it, too
PARTS := $(B)/obj/libfamez-parts.a
$(PARTS): $(call objs,$(LIB_SRC))
	@rm -f $@ && $(AR) rcs $@ $^

# One object, with no other names than what programs may call: else the library's own
# functions would meet those of a program
$(B)/lib/libfamez.a: $(call objs,$(LIB_SRC)) tools/lib/libfamez.map
	@mkdir -p $(@D)
	$(Q)$(LD) -r $(filter %.o,$^) -o $(@:.a=.o)
	@$(OBJCOPY) $(CALLS:%=--keep-global-symbol=%) $(@:.a=.o)
	@rm -f $@ && $(AR) rcs $@ $(@:.a=.o)

$(LIB_SO).$(FAMEZ_VERSION): $(call objs,$(LIB_SRC)) tools/lib/libfamez.map
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libfamez.so.0 -Wl,-z,defs \
		-Wl,--version-script=tools/lib/libfamez.map $(filter %.o,$^) -o $@

$(LIB_SO): $(LIB_SO).$(FAMEZ_VERSION)
	$(Q)ln -sf libfamez.so.$(FAMEZ_VERSION) $(LIB_SO).0 && ln -sf libfamez.so.0 $@

# each time, as it may be for another PREFIX
.PHONY: $(B)/lib/libfamez.pc
$(B)/lib/libfamez.pc: tools/lib/libfamez.pc.in
	@mkdir -p $(@D)
	$(Q)sed 's,@PREFIX@,$(PREFIX),;s,@LIBDIR@,$(LIBDIR),;s,@VERSION@,$(FAMEZ_VERSION),' $< >$@

$(B)/bin/famez-server: $(call objs,$(SERVER_SRC)) $(PARTS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -lsystemd -ljson-c -lpthread -o $@

$(B)/bin/famezctl: $(call objs,$(CTL_SRC)) $(PARTS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.c %.o %.a,$^) -ljson-c -lm -o $@

$(B)/bin/famez-client: $(call objs,$(CLIENT_SRC)) $(PARTS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.c %.o %.a,$^) -ljson-c -ledit -lm -o $@

$(call objs,$(wildcard tools/vm/libvirt*.c)): override CFLAGS += $(shell pkg-config --cflags libxml-2.0)
$(B)/bin/famez-vm: $(call objs,$(VM_SRC)) $(B)/lib/libfamez.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -ljson-c -lxml2 -o $@

$(B)/bin/famez-agent: $(call objs,$(AGENT_SRC))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(filter %.c %.o %.a,$^) -o $@

# examples: libfamez and nothing else
examples: $(patsubst examples/%.c,$(B)/examples/%,$(wildcard examples/*.c))

$(B)/examples/%: examples/%.c $(B)/lib/libfamez.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(INCLUDES) $(filter %.c %.a,$^) -o $@

# ---- manual pages --------------------------------------------------------------

# Those of the calls are made of the comments in famez.h, by the kernel's own tool, which not
# every distribution's headers have
KERNEL_DOC ?= $(lastword $(sort $(wildcard /usr/lib/linux-kbuild-*/scripts/kernel-doc)))
PAGES := man1/famezctl.1 man1/famez-client.1 man1/famez-vm.1 man8/famez-server.8 \
	man3/libfamez.3 man4/famez_bridge.4

man: $(addprefix $(B)/man/,$(PAGES) $(if $(KERNEL_DOC),$(CALLS:%=man3/%.3)))
	@[ -n "$(KERNEL_DOC)" ] || echo "no manual pages of the library's calls: kernel-doc is \
	missing; it is in Debian's linux-headers-amd64, and in the kernel's source, which \
	KERNEL_DOC= may name"

# no hyphens in names, and no date: it would be that of the build
tidy = sed -i -f tools/man/$(1).sed -e \
	'/^\.TH /{ s/"" ""/"" "famez $(FAMEZ_VERSION)"/; a .nh\n.ad l' -e '}' $@.new && mv $@.new $@
rst2man = @mkdir -p $(@D); echo "  MAN     $@"; \
	rst2man --halt=2 --syntax-highlight=none $< $@.new && $(call tidy,page)

$(B)/man/man1/%.1: Documentation/%.rst tools/man/page.sed
	$(rst2man)

$(B)/man/man8/%.8: Documentation/%.rst tools/man/page.sed
	$(rst2man)

$(B)/man/man3/libfamez.3: Documentation/libfamez.rst tools/man/page.sed
	$(rst2man)

$(B)/man/man4/famez_bridge.4: Documentation/uapi.rst tools/man/page.sed
	$(rst2man)

$(B)/man/man3/famez_%.3: tools/lib/famez.h tools/man/call.sed
	@mkdir -p $(@D)
	@echo "  MAN     $@"
	@$(KERNEL_DOC) -Werror -man -function famez_$* $< >$@.new && $(call tidy,call)

# ---- install, packages ---------------------------------------------------------

BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
UDEVDIR ?= $(PREFIX)/lib/udev/rules.d
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
UNITDIR ?= $(PREFIX)/lib/systemd/system
DKMSDIR ?= /usr/src
INSTALL ?= install
PUT := $(INSTALL) -D -m 644
I := tools/install

install: install-tools install-lib install-dkms install-man

install-tools: tools
	for p in $(filter-out famez-agent,$(PROGRAMS)); do \
		$(INSTALL) -D $(B)/bin/$$p $(DESTDIR)$(BINDIR)/$$p || exit; done
	$(INSTALL) -D $(B)/bin/famez-agent $(DESTDIR)$(PREFIX)/lib/famez/famez-agent
	$(PUT) tools/vm/suite.sh $(DESTDIR)$(PREFIX)/share/famez/vm/suite.sh
	for s in init initramfs.sh kernel.sh image.sh image-boot.sh; do \
		$(INSTALL) -D tools/vm/$$s $(DESTDIR)$(PREFIX)/share/famez/vm/$$s || exit; done
	for c in famezctl famez-client famez-server famez-vm; do \
		$(PUT) $(I)/famez.bash-completion \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$c || exit; done
	for u in service socket; do \
		$(PUT) $(I)/famez-server@.$$u $(DESTDIR)$(UNITDIR)/famez-server@.$$u || exit; done
	sed -i 's,/usr/bin/,$(BINDIR)/,' $(DESTDIR)$(UNITDIR)/famez-server@.service
	$(PUT) $(I)/famez.tmpfiles $(DESTDIR)$(TMPFILESDIR)/famez.conf
	$(PUT) $(I)/famez.sysusers $(DESTDIR)$(SYSUSERSDIR)/famez.conf

# the kernel's headers not in include/linux, which is linux-libc-dev's
install-lib: $(LIB_SO) $(B)/lib/libfamez.a $(B)/lib/libfamez.pc
	$(PUT) $(LIB_SO).$(FAMEZ_VERSION) $(DESTDIR)$(LIBDIR)/libfamez.so.$(FAMEZ_VERSION)
	ln -sf libfamez.so.$(FAMEZ_VERSION) $(DESTDIR)$(LIBDIR)/libfamez.so.0
	ln -sf libfamez.so.0 $(DESTDIR)$(LIBDIR)/libfamez.so
	$(PUT) $(B)/lib/libfamez.a $(DESTDIR)$(LIBDIR)/libfamez.a
	$(PUT) $(B)/lib/libfamez.pc $(DESTDIR)$(LIBDIR)/pkgconfig/libfamez.pc
	$(PUT) tools/lib/famez.h $(DESTDIR)$(PREFIX)/include/famez.h
	for h in famez famez_fabric; do \
		$(PUT) uapi/linux/$$h.h $(DESTDIR)$(PREFIX)/include/famez/linux/$$h.h || exit; done
	for e in examples/*.c; do \
		$(PUT) $$e $(DESTDIR)$(PREFIX)/share/doc/libfamez-dev/$$e || exit; done
	$(PUT) $(I)/examples.mk $(DESTDIR)$(PREFIX)/share/doc/libfamez-dev/examples/Makefile

install-man: man
	cd $(B)/man && for m in man*/*; do \
		$(PUT) $$m $(abspath $(DESTDIR)$(MANDIR))/$$m || exit; done

# what DKMS builds the modules from, and who may use them
install-dkms:
	for f in Kbuild dkms.conf $$(find drivers include uapi ! -name '*.mod.c' \( -name '*.[ch]' -o -name Kbuild \)); do \
		$(PUT) $$f $(DESTDIR)$(DKMSDIR)/famez-$(FAMEZ_VERSION)/$$f || exit; done
	$(PUT) $(I)/60-famez.rules $(DESTDIR)$(UDEVDIR)/60-famez.rules
	$(PUT) $(I)/famez-dkms.sysusers $(DESTDIR)$(SYSUSERSDIR)/famez-dkms.conf

# what git has, as it is committed
dist:
	@mkdir -p $(B)
	git archive --prefix=famez-$(FAMEZ_VERSION)/ HEAD | xz >$(B)/famez-$(FAMEZ_VERSION).tar.xz
	@echo $(B)/famez-$(FAMEZ_VERSION).tar.xz

deb:
	@tools/testing/install-deps.sh --deb
	@$(I)/deb.sh $(FAMEZ_VERSION)

# ---- tests -------------------------------------------------------------------

SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
# on a device, with cmocka
IN_GUESTS := test-barriers test-device test-events test-faults test-files test-fuzz test-gone test-lost \
	test-mappings test-plain test-ports test-regions test-rings test-vectors
TESTS := test-layout-asan test-grants-asan test-ring-asan test-ring-tsan test-ring-hunt test-fabric-asan test-fabric-tsan test-link-asan fuzz-link test-lib test-lib-switch test-channels test-flush \
	test-rings-asan test-rings-hunt famez-crowd famez-flood famez-lives famez-ring famez-soak famez-touch soak-judge kexec-file map-file port-server \
	$(IN_GUESTS) test-abi test-abi32 test-cxx $(WIRE) famez-server-asan bench-report

tests: tools examples $(addprefix $(B)/testing/,$(TESTS))

# of several sources the compiler tells of one what it includes
HEADERS := $(wildcard include/famez/*.h uapi/linux/*.h tools/lib/*.h tools/server/*.h \
	tools/testing/*.h)

$(B)/testing/%-asan: tools/testing/%.c $(LIB_SRC) $(HEADERS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(INCLUDES)  $(filter %.c,$^) -lcmocka -lpthread -o $@

$(B)/testing/fuzz-link: tools/testing/fuzz-link.c $(HEADERS)
	@mkdir -p $(@D)
	$(Q)clang -g -O1 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined $(INCLUDES) $< -o $@

# TSan knows no fences; what they order is ordered by the indexes as well
$(B)/testing/%-tsan: tools/testing/%.c $(LIB_SRC) $(HEADERS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -fsanitize=thread -Wno-tsan $(INCLUDES)  $(filter %.c,$^) -lcmocka -lpthread -o $@

# hunts for lost wake-ups
$(B)/testing/%-hunt: tools/testing/%.c $(LIB_SRC) $(HEADERS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -include tools/testing/hunt.h $(INCLUDES) $(filter %.c,$^) -lcmocka -lpthread -o $@

$(B)/testing/famez-server-asan: $(SERVER_SRC) $(LIB_SRC) $(VERSION_H) $(HEADERS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN) $(INCLUDES) $(filter %.c,$^) -lsystemd -ljson-c -lpthread -o $@

$(addprefix $(B)/testing/,$(IN_GUESTS) test-lib test-lib-switch test-channels test-flush famez-crowd famez-flood famez-lives famez-ring famez-soak famez-touch soak-judge kexec-file map-file port-server): $(B)/testing/%: tools/testing/%.c $(PARTS)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(INCLUDES) $(filter %.c %.a,$^) -lcmocka -lpthread -o $@

# as a 64-bit and as a 32-bit program
$(B)/testing/test-abi32: MODEL := -m32
$(B)/testing/test-abi $(B)/testing/test-abi32: tools/testing/test-abi.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(MODEL) -static $(CFLAGS) $(INCLUDES) $< -o $@

# the headers that are installed, as a program in C++ has them, and as one in C99
STRICT := -Wall -Wextra -pedantic -Werror -Iuapi -Itools/lib
$(B)/testing/test-cxx: tools/testing/test-cxx.cc $(B)/lib/libfamez.a $(HEADERS)
	@mkdir -p $(@D)
	@for h in famez.h linux/famez.h linux/famez_fabric.h; do \
		echo "#include <$$h>" | $(CC) -std=c99 $(STRICT) -x c -fsyntax-only - || exit; done
	@$(CXX) -std=c++20 $(STRICT) -fsyntax-only $<
	$(Q)$(CXX) -std=c++11 $(STRICT) $< $(B)/lib/libfamez.a -o $@

$(B)/testing/wire-%: tools/testing/wire/wire-%.c tools/testing/wire/wire.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(filter %.c %.o %.a,$^) -o $@

# shows what famezctl bench has measured, as that does
$(B)/testing/bench-report: tools/testing/bench-report.c $(call objs,$(addprefix tools/famezctl/,bench-format.c bench-stats.c))
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -Itools/famezctl $^ -ljson-c -lm -o $@

deps:
	@tools/testing/install-deps.sh

debug-kernel: deps
	@tools/testing/debug-kernel/build.sh

demo: deps
	@$(MAKE) -s --no-print-directory tools
	@tools/vm/demo.sh

demo-shell: deps
	@$(MAKE) -s --no-print-directory tools
	@tools/vm/demo.sh --shell

bench: deps
	@$(MAKE) -s --no-print-directory -j2 tests
	@export FAMEZ_KERNEL=$${FAMEZ_KERNEL:-$$(build/bin/famez-vm kernel)} && \
		tools/testing/guests/image.sh $$FAMEZ_KERNEL && tools/testing/bench.sh

check-ci: modules-all
smoke check check-full check-images check-kernels check-matrix check-ci: deps
	@$(MAKE) -s --no-print-directory -j2 tests
	@tools/testing/run.sh $@

# breaks one line at a time, and sees whether a test goes red
check-mutants: deps
	@$(MAKE) -s --no-print-directory -j2 tests
	@tools/testing/mutants/run.sh $(MUTANTS)

# not with KERNEL=: where guests run is part of it
coverage:
	@tools/testing/install-deps.sh gcovr
	@tools/testing/coverage/run.sh

kernels: deps
	@tools/testing/kernels/kernel.sh --all

modules-all: deps
	@tools/testing/kernels/modules-all.sh

qemu-newest: deps
	@tools/testing/kernels/qemu.sh

lint: deps
	@tools/testing/lint.sh

clean:
	rm -rf $(B)
	find drivers \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \) -delete
	rm -f Module.symvers modules.order .*.cmd

-include $(shell find $(B) \( -name chroots -o -name kernels -o -name debug-kernel \) -prune -o -type f -name '*.d' -print 2>/dev/null)
