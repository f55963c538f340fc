# SPDX-License-Identifier: GPL-2.0-only
# kvmx: the two commands of the README (demo, check) and the parts they rest
# on. `make help` lists them.

KVMX_VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.1
CPU ?= amd

# The commands run makes of their own, which variables given to this one are not for.
clean_make := env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS

.PHONY: help module facts userlib clean demo check check-kernels check-install bench deb rpm

help:
	@echo 'make demo [KERNEL=6.1|7.3] [MACHINE=host]  boot a stock Debian kernel as a kvmx guest'
	@echo 'make check                                 run all tests'
	@echo 'make check-kernels                         the packages on the kernel of each of Debian'"'"'s suites'
	@echo 'make check-install                         installing as README.md says, in fresh systems; upgrading'
	@echo 'make bench [CPU=amd] [KERNEL=6.1]          what exits cost, beside in-tree KVM'
	@echo 'make module [KDIR=...]                     build src/kvmx.ko for a kernel (W=1, C=1 as in the kernel)'
	@echo 'make userlib                               build libkvmx and the kvmx command into build/userlib'
	@echo 'make deb, make rpm                         packages, in build/deb and build/rpm'
	@echo 'make clean                                 remove what was built'

# For src/Kbuild, and for nothing else: what the other commands run has versions of
# its own to tell.
module: export KVMX_VERSION := $(KVMX_VERSION)
module: facts
	@src/host/build $(KDIR) $(MAKE) -C $(KDIR) M=$(CURDIR)/src $(if $(W),W=$(W)) $(if $(C),C=$(C)) modules

facts:
	src/host/configure $(KDIR) src/kvmx-facts.h

userlib:
	$(MAKE) -C userlib

demo:
	$(clean_make) tests/demo --cpu $(CPU) --kernel $(KERNEL) $(if $(MACHINE),--machine $(MACHINE))

check:
	$(clean_make) tests/check

check-kernels:
	$(clean_make) tests/kernels

check-install:
	$(clean_make) tests/install bookworm trixie
	$(clean_make) tests/upgrade

bench:
	$(clean_make) tests/bench/run --cpu $(CPU) --kernel $(KERNEL)

# In a copy: both kinds of package are built outside of the tree.
archive := tar cf - --exclude=./build --exclude=./.git .

deb:
	rm -rf build/deb
	mkdir -p build/deb/kvmx
	$(archive) | tar xf - -C build/deb/kvmx
	cd build/deb/kvmx && $(clean_make) dpkg-buildpackage -us -uc -b

# Debian's rpm knows nothing of what Debian's packages bring.
rpm:
	rm -rf build/rpm
	mkdir -p build/rpm/SOURCES
	$(archive) --transform='s,^\.,kvmx-$(KVMX_VERSION),' | \
		gzip >build/rpm/SOURCES/kvmx-$(KVMX_VERSION).tar.gz
	$(clean_make) rpmbuild -bb --define '_topdir $(CURDIR)/build/rpm' \
		$(if $(wildcard /etc/debian_version),--nodeps) rpm/kvmx.spec

clean:
	rm -rf build
	find src -name '*.o' -o -name '*.cmd' -o -name '*.mod' -o -name '*.mod.c' -o -name '*.ko' \
		-o -name 'modules.order' -o -name 'Module.symvers' | xargs -r rm -f
	rm -f src/kvmx-facts.h
