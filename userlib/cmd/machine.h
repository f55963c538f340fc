/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine that `kvmx run` builds: one VM with its memory, devices and CPUs,
 * from power-on to whatever ends it.
 */
#ifndef KVMX_MACHINE_H
#define KVMX_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <kvmx.h>
#include "console.h"
#include "guest_ram.h"
#include "layout.h"
#include "serial.h"
#include "virtio_blk.h"

#define EXIT_KINDS 64u

struct run_config {
	const char *device;
	const char *kernel, *initrd, *append;
	unsigned int cpus;
	uint64_t memory;
	struct virtio_blk *disk[MAX_DISKS];
	unsigned int disks;
	bool stats, reboot;
};

/* How a machine ended; the first to say so is believed. */
enum machine_end {
	END_RUNNING,
	END_POWEROFF,
	END_RESET,
	END_FAILED,
	END_LEFT,		/* the user left, or a signal came */
};

struct cpu {
	struct machine *machine;
	struct kvmx_vcpu *vcpu;
	pthread_t thread;
	bool started;
	uint64_t exits[EXIT_KINDS];	/* by KVMX_EXIT_*; the last takes the rest */
	uint64_t interrupted;		/* runs a signal or a kick ended */
	uint64_t unclaimed_ports, unclaimed_memory;
};

struct machine {
	const struct run_config *config;
	struct kvmx_vm *vm;
	struct guest_ram ram;
	struct bus ports, memory;
	struct console *console;
	struct serial serial;
	void *board;		/* what pc.c has of its own */
	struct disk {
		struct machine *machine;
		struct virtio_blk *blk;
		int notify_fd, irq_fd;	/* irq_fd is -1 without irqfds */
		uint32_t gsi;
	} disk[MAX_DISKS];
	unsigned int disks;
	struct cpu *cpu;
	unsigned int cpus;
	int wake_fd;		/* eventfd that ends the I/O thread's wait */
	int signal_fd;		/* cmd_run's */
	_Atomic int end;	/* enum machine_end */
	double seconds;		/* it ran */
};

/* machine.c */
int machine_ram_add(struct machine *m, uint32_t slot, uint64_t base,
		    uint64_t length);
int machine_build(struct machine *m, struct kvmx *kvmx,
		  const struct run_config *config);
enum machine_end machine_run(struct machine *m);
void machine_end(struct machine *m, enum machine_end end);
void machine_destroy(struct machine *m);

/* cpu.c */
int cpus_create(struct machine *m, struct kvmx *kvmx);
int cpus_start(struct machine *m);
void cpus_join(struct machine *m);
void cpus_destroy(struct machine *m);

/* dump.c */
void dump_exit(struct cpu *cpu, const char *what);

/* report.c */
void report_print(struct machine *m, enum machine_end end);

#endif
