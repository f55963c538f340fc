/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine's address map: what lies where in guest-physical memory and in
 * the I/O port space. The firmware tables (acpi.c) describe exactly this.
 */
#ifndef KVMX_LAYOUT_H
#define KVMX_LAYOUT_H

#if defined(__aarch64__)
#include "arm64/layout.h"
#else

/* Memory below 1 MiB, used while starting. */
#define GDT_ADDRESS		0x500u
#define ZERO_PAGE_ADDRESS	0x7000u
#define BOOT_STACK		0x8ff0u
#define PAGE_TABLES_ADDRESS	0x9000u		/* six pages */
#define CMDLINE_ADDRESS		0x20000u
#define CMDLINE_LIMIT		0x10000u
#define LOW_RAM_END		0x9fc00u
#define ACPI_ADDRESS		0xe0000u
#define ACPI_LIMIT		0x20000u
#define HIGH_RAM_START		0x100000u

/* Memory above it: RAM up to 3 GiB, devices up to 4 GiB, then RAM again. */
#define RAM_GAP_START		UINT64_C(0xc0000000)
#define RAM_GAP_END		UINT64_C(0x100000000)
#define VIRTIO_ADDRESS		0xd0000000u
#define VIRTIO_STRIDE		0x1000u
#define VIRTIO_GSI		16u
#define IOAPIC_ADDRESS		0xfec00000u
#define LAPIC_ADDRESS		0xfee00000u
#define IDENTITY_MAP_ADDRESS	0xfffbc000u
#define TSS_ADDRESS		0xfffbd000u

/* Ports; PIC, PIT and port 0x61 are in the kernel. */
#define I8042_DATA_PORT		0x60u
#define I8042_COMMAND_PORT	0x64u
#define RTC_PORT		0x70u
#define DELAY_PORT		0x80u
#define SERIAL_PORT		0x3f8u
#define SERIAL_GSI		4u
#define KERNEL_FORMAT		"bzImage"
#define BOARD_CAPABILITIES \
	{ KVMX_CAP_PIT2, "PIT2" }, { KVMX_CAP_EXT_CPUID, "EXT_CPUID" },
#define LINE_OF_GSI(gsi)	(gsi)		/* as KVMX_IRQ_LINE has it */
#define PM1_EVENT_PORT		0x600u		/* status, enable */
#define PM1_CONTROL_PORT	0x604u
#define RESET_PORT		0xcf9u
#define RESET_VALUE		6u

#define SCI_GSI			9u
#define SLEEP_TYPE_S5		5u

#define MAX_CPUS		254u		/* 8-bit APIC ids, 255 is broadcast */
#define MAX_DISKS		8u		/* GSIs 16 to 23 */

#endif

#endif
