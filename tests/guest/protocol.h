/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest program and the runner say to each other: the header at the
 * start of the image, the ports, and the calls a program makes to its host.
 * Included on both sides.
 */
#ifndef GUEST_PROTOCOL_H
#define GUEST_PROTOCOL_H

#define IMAGE_ADDRESS	0x8000	/* also where a SIPI with vector 8 starts */
#define HEADER_OFFSET	32
#define HEADER_MAGIC	0x54534754554f5247ull

/* program_header.flags */
#define PROGRAM_NO_IRQCHIP	1	/* no interrupt controllers in the kernel */
#define PROGRAM_SPLIT		2	/* local APICs in the kernel, the rest not */
#define PROGRAM_DIRTY_LOG	4	/* main memory logs its dirty pages */
#define PROGRAM_BARE_CPU	8	/* CPUID offers little more than long mode */

#ifndef __ASSEMBLER__

struct program_header {
	unsigned long long magic;
	unsigned int flags;
	unsigned int vcpus;
	unsigned int memory_mb;
	unsigned int seconds;		/* time limit */
	/* written by the runner */
	unsigned int tsc_khz;
	unsigned int seed;		/* of random numbers; SEED in the runner's environment */
	unsigned int in_tree;		/* runs on the kernel's own KVM: leave out what that gets wrong */
	unsigned int x2apic;		/* local APICs go to x2APIC mode; --x2apic */
};

#endif

/* ports */
#define PORT_DEBUG	0xe9	/* byte: a character of the message */
#define PORT_END	0xf4	/* dword: END_* | checks << 8 */
#define PORT_CALL	0xf8	/* dword: guest-physical address of a host_call */
#define PORT_PEACE	0xfc	/* byte: ends an attack; ORed to ATTACK_FAULT */
#define PORT_ECHO	0x600	/* 64 ports that keep what is written to them */
#define PORT_ECHO_COUNT	64
#define PORT_COUNTER	0x680	/* each read gives the next number; 16 ports */

#define END_PASS	0
#define END_FAIL	1
#define END_SKIP	2

/* A window of device memory that keeps what is written to it. */
#define MMIO_ADDRESS	0xd0000000ul
#define MMIO_SIZE	0x10000ul

#ifndef __ASSEMBLER__

enum call_op {
	CALL_IRQ_LINE,		/* a: GSI, b: level */
	CALL_MSI,		/* a: address, b: data */
	CALL_NMI,		/* a: vCPU */
	CALL_INTERRUPT,		/* a: vector; without an irqchip, or as a split one's PIC */
	CALL_SLEEP,		/* a: milliseconds */
	CALL_NOW,		/* a: receives nanoseconds */
	CALL_EXPECT,		/* a: exit reason, b: EXPECT_* */
	CALL_EXITS,		/* a: exit reason; a: receives how many so far */
	CALL_LOG_CLEAR,		/* forget the accesses seen */
	CALL_LOG_GET,		/* a: index; receives an access, or result < 0 */
	CALL_SLOT,		/* a: address, b: length, c: slot flags, d: copied from here */
	CALL_DIRTY,		/* a: address; b: receives bits of 64 pages, log cleared */
	CALL_KICKS,		/* a: microseconds between kicks of all vCPUs, 0: stop */
	CALL_ROUND_TRIP,	/* read this vCPU's whole state and write it back */
	CALL_XCR0,		/* a: value for this vCPU */
	CALL_TAKE_SLOT,		/* a: address of a slot made by CALL_SLOT */
	/*
	 * Whatever ends this vCPU's run from here on, or lasts longer than a
	 * milliseconds, or PORT_PEACE, sends it to RIP c with RDI d and the state that
	 * it has now.
	 */
	CALL_ATTACK,
	CALL_PEACE,		/* a: receives what did: an exit reason or ATTACK_* */
};

#define EXPECT_PASS	0	/* the exit ends the program well */
#define EXPECT_GO_ON	1	/* the exit is answered by running on */

#define ATTACK_FAULT	0x100	/* | vector */
#define ATTACK_WENT_ON	0x1ff	/* it ended as if nothing was */
#define ATTACK_TOO_LONG	0x200

struct host_call {
	unsigned int op;
	int result;			/* 0 or a negative errno */
	unsigned int delay_ms;		/* done later, by another thread */
	unsigned int pad;
	unsigned long long a, b, c, d;
};

#endif

/* CALL_LOG_GET: a: address, b: value, c: length and LOG_*, d: vCPU */
#define LOG_WRITE	0x100
#define LOG_PORT	0x200

#endif
