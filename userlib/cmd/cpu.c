// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The vCPUs and their threads: create, run until the machine ends, and decide
 * what each exit means. Called by machine.c.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "board.h"
#include "cmd.h"

static void cpu_fail(struct cpu *cpu, const char *what)
{
	/* One CPU reports; what the others do then is of no interest. */
	if (atomic_load(&cpu->machine->end) == END_RUNNING)
		dump_exit(cpu, what);
	machine_end(cpu->machine, END_FAILED);
}

static void exit_io(struct cpu *cpu)
{
	struct kvmx_exit_io io;

	if (kvmx_vcpu_exit_io(cpu->vcpu, &io)) {
		cpu_fail(cpu, "the device described a port access that cannot be");
		return;
	}
	for (uint32_t i = 0; i < io.count; i++)
		if (!bus_access(&cpu->machine->ports, io.port, io.item_size,
				io.is_write,
				(uint8_t *)io.data + (size_t)i * io.item_size))
			cpu->unclaimed_ports++;
}

static void exit_mmio(struct cpu *cpu)
{
	struct kvmx_exit_mmio mmio;

	if (kvmx_vcpu_exit_mmio(cpu->vcpu, &mmio)) {
		cpu_fail(cpu, "the device described a memory access that cannot be");
		return;
	}
	if (!bus_access(&cpu->machine->memory, mmio.address, mmio.length,
			mmio.is_write, mmio.data))
		cpu->unclaimed_memory++;
}

static void exit_system_event(struct cpu *cpu)
{
	struct kvmx_exit_system_event event;

	if (kvmx_vcpu_exit_system_event(cpu->vcpu, &event)) {
		cpu_fail(cpu, "the device described a system event that cannot be");
		return;
	}
	switch (event.type) {
	case KVMX_SYSTEM_EVENT_SHUTDOWN:
		machine_end(cpu->machine, END_POWEROFF);
		break;
	case KVMX_SYSTEM_EVENT_RESET:
		machine_end(cpu->machine, END_RESET);
		break;
	case KVMX_SYSTEM_EVENT_CRASH:
		cpu_fail(cpu, "the guest reports that it crashed");
		break;
	default:
		cpu_fail(cpu, "a system event nobody here knows");
		break;
	}
}

static void cpu_exit(struct cpu *cpu)
{
	uint32_t reason = kvmx_vcpu_exit_reason(cpu->vcpu);

	cpu->exits[reason < EXIT_KINDS ? reason : EXIT_KINDS - 1]++;
	switch (reason) {
	case KVMX_EXIT_IO:
		exit_io(cpu);
		break;
	case KVMX_EXIT_MMIO:
		exit_mmio(cpu);
		break;
	case KVMX_EXIT_INTR:
	case KVMX_EXIT_IRQ_WINDOW_OPEN:
		break;
	case KVMX_EXIT_SYSTEM_EVENT:
		exit_system_event(cpu);
		break;
	case KVMX_EXIT_SHUTDOWN:
		cpu_fail(cpu, "shutdown: the guest took a triple fault");
		break;
	case KVMX_EXIT_HLT:
		cpu_fail(cpu, "HLT came to user space, where nothing can wake the CPU");
		break;
	case KVMX_EXIT_FAIL_ENTRY:
		cpu_fail(cpu, "the CPU refused to enter the guest");
		break;
	case KVMX_EXIT_INTERNAL_ERROR:
		cpu_fail(cpu, "internal error of the device");
		break;
	default:
		cpu_fail(cpu, "an exit nobody here knows");
		break;
	}
}

static void *cpu_main(void *opaque)
{
	struct cpu *cpu = opaque;

	while (atomic_load(&cpu->machine->end) == END_RUNNING) {
		int ret = kvmx_vcpu_run(cpu->vcpu);

		if (!ret) {
			cpu_exit(cpu);
		} else if (ret == -EINTR || ret == -EAGAIN) {
			cpu->interrupted++;
		} else {
			char what[96];

			snprintf(what, sizeof(what), "run failed: %s",
				 strerror(-ret));
			cpu_fail(cpu, what);
		}
	}
	return NULL;
}

static int cpu_create(struct machine *m, struct kvmx *kvmx, unsigned int i)
{
	const struct kvmx_vcpu_config config = {
		.size = sizeof(config),
		.id = i,
		.kick_signal = SIGRTMIN,
	};
	struct cpu *cpu = &m->cpu[i];
	int ret;

	cpu->machine = m;
	ret = kvmx_vcpu_create(m->vm, &config, &cpu->vcpu);
	if (ret)
		return ret;
	m->cpus = i + 1;
	return board_cpu(m, kvmx, i);
}

int cpus_create(struct machine *m, struct kvmx *kvmx)
{
	unsigned int i;
	int ret = 0;

	m->cpu = calloc(m->config->cpus, sizeof(*m->cpu));
	if (!m->cpu)
		return -ENOMEM;
	for (i = 0; !ret && i < m->config->cpus; i++)
		ret = cpu_create(m, kvmx, i);
	if (ret)
		complain("cannot create CPU %u: %s", i - 1, strerror(-ret));
	return ret;
}

int cpus_start(struct machine *m)
{
	for (unsigned int i = 0; i < m->cpus; i++) {
		int ret = pthread_create(&m->cpu[i].thread, NULL, cpu_main,
					 &m->cpu[i]);

		if (ret) {
			complain("cannot start a thread: %s", strerror(ret));
			return -ret;
		}
		m->cpu[i].started = true;
	}
	return 0;
}

void cpus_join(struct machine *m)
{
	for (unsigned int i = 0; i < m->cpus; i++)
		if (m->cpu[i].started)
			pthread_join(m->cpu[i].thread, NULL);
}

void cpus_destroy(struct machine *m)
{
	for (unsigned int i = 0; i < m->cpus; i++)
		kvmx_vcpu_close(m->cpu[i].vcpu);
	m->cpus = 0;
	free(m->cpu);
	m->cpu = NULL;
}
