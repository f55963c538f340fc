/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * arm64's interface on this computer: included before all else where the arm64
 * room and its tests are compiled. What is below it is this computer's.
 */
#include <linux/types.h>
#include <linux/ioctl.h>

#undef __x86_64__
#define __aarch64__ 1
#include <linux/kvmx.h>
#undef __aarch64__
#define __x86_64__ 1
