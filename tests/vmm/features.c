// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a VMM is told and can ask for: the parts are in features_*.c. Started by
 * tests/vmm/features with the device's path.
 */
#include "features.h"

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/kvmx";

	watch(120);
	device_open(path);
	note("%s is %s", path, in_tree ? "the kernel's own KVM" : "kvmx");

	test_coalesced();
	test_dirty();
	test_faults();
	test_attributes();
	test_irqfd();
	return verdict();
}
