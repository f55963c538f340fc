/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The arm64 machine's address map, which its device tree (board.c) describes.
 */
#ifndef KVMX_ARM64_LAYOUT_H
#define KVMX_ARM64_LAYOUT_H

#define GICD_ADDRESS		0x08000000u
#define GICD_LENGTH		0x10000u
#define GICR_ADDRESS		0x080a0000u	/* one after the other */
#define GICR_LENGTH		0x20000u	/* of each CPU */
#define SERIAL_ADDRESS		0x09000000u
#define VIRTIO_ADDRESS		0x0a000000u
#define VIRTIO_STRIDE		0x1000u
#define RAM_START		UINT64_C(0x40000000)

#define KERNEL_FORMAT		"Image (arm64)"
#define BOARD_CAPABILITIES \
	{ KVMX_CAP_DEVICE_CTRL, "DEVICE_CTRL" }, { KVMX_CAP_ARM_PSCI_0_2, "ARM_PSCI_0_2" },

/* GSI n is SPI n, which is interrupt 32 + n. */
#define SERIAL_GSI		1u
#define VIRTIO_GSI		16u
#define LINE_OF_GSI(gsi) \
	(KVMX_ARM_IRQ_TYPE_SPI << KVMX_ARM_IRQ_TYPE_SHIFT | (32 + (gsi)))

#define MAX_CPUS		123u		/* redistributors below the serial port */
#define MAX_DISKS		8u

#endif
