// SPDX-License-Identifier: GPL-2.0-only
/*
 * irqfds of a level-triggered line with resample eventfds: signalling raises
 * it, the guest's EOI lowers it and tells every device that shares it; and
 * what unbinding leaves behind.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "features.h"

#define GSI	10
#define VECTOR	0x40
#define IDT	0x4000
#define GDT	0x4800
#define HANDLER	0x5000
#define MAIN	0x5100

static int irqchip(struct guest *g)
{
	return ioctl(g->vm, KVMX_CREATE_IRQCHIP, 0);
}

/* 1: sti; hlt; jmp 1b; and for the interrupt: EOI; out %al,$0x80; iret */
static void load(struct guest *g)
{
	static const uint64_t gdt[] = { 0, 0x00cf9b000000ffff, 0x00cf93000000ffff };
	static const uint64_t gate = HANDLER | 8 << 16 | 0x8e00ull << 32;

	memcpy(g->memory + MAIN, "\xfb\xf4\xeb\xfc", 4);
	memcpy(g->memory + HANDLER, "\xc7\x05\xb0\x00\xe0\xfe\x00\x00\x00\x00\xe6\x80\xcf", 13);
	memcpy(g->memory + GDT, gdt, sizeof(gdt));
	memcpy(g->memory + IDT + VECTOR * 8, &gate, sizeof(gate));
}

static void prepare(struct guest *g)
{
	struct kvmx_regs regs = { .rip = MAIN, .rsp = 0x3000, .rflags = 2 };
	struct kvmx_lapic_state lapic;
	struct kvmx_irqchip chip = { .chip_id = KVMX_IRQCHIP_IOAPIC };
	struct kvmx_sregs s;
	uint32_t enabled = 0x1ff, masked = 1 << 16;

	load(g);
	must("GET_SREGS", ioctl(g->cpu[0], KVMX_GET_SREGS, &s));
	s.gdt.base = GDT;
	s.gdt.limit = 23;
	s.idt.base = IDT;
	s.idt.limit = VECTOR * 8 + 7;
	must("SET_SREGS", ioctl(g->cpu[0], KVMX_SET_SREGS, &s));
	must("SET_REGS", ioctl(g->cpu[0], KVMX_SET_REGS, &regs));
	must("GET_LAPIC", ioctl(g->cpu[0], KVMX_GET_LAPIC, &lapic));
	memcpy(&lapic.regs[0xf0], &enabled, sizeof(enabled));
	/* LINT0, where the PICs come in, which have the line, too. */
	memcpy(&lapic.regs[0x350], &masked, sizeof(masked));
	must("SET_LAPIC", ioctl(g->cpu[0], KVMX_SET_LAPIC, &lapic));
	must("GET_IRQCHIP", ioctl(g->vm, KVMX_GET_IRQCHIP, &chip));
	chip.chip.ioapic.redirtbl[GSI].bits = VECTOR | 1 << 15;
	must("SET_IRQCHIP", ioctl(g->vm, KVMX_SET_IRQCHIP, &chip));
}

static int irqfd(struct guest *g, int event, int resample, uint32_t flags)
{
	struct kvmx_irqfd a = {
		.fd = event, .gsi = GSI, .resamplefd = resample,
		.flags = flags | (resample >= 0 ? KVMX_IRQFD_FLAG_RESAMPLE : 0),
	};

	return ioctl(g->vm, KVMX_IRQFD, &a);
}

static void signal_event(int event)
{
	uint64_t one = 1;

	must("eventfd", write(event, &one, sizeof(one)));
}

/* How often it was signalled since it was asked last. */
static uint64_t signals(int event)
{
	uint64_t n = 0;

	return read(event, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static bool line_is_high(struct guest *g)
{
	struct kvmx_irqchip chip = { .chip_id = KVMX_IRQCHIP_IOAPIC };

	must("GET_IRQCHIP", ioctl(g->vm, KVMX_GET_IRQCHIP, &chip));
	return chip.chip.ioapic.irr >> GSI & 1;
}

/* The guest takes one interrupt. */
static bool interrupted(struct guest *g)
{
	return guest_run(g, 0) == KVMX_EXIT_IO && g->run[0]->io.port == 0x80;
}

void test_irqfd(void)
{
	int event[2] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	int resample[2] = { eventfd(0, EFD_NONBLOCK), eventfd(0, EFD_NONBLOCK) };
	struct guest g = guest_make(1, irqchip);

	prepare(&g);
	check(!irqfd(&g, event[0], resample[0], 0) && !irqfd(&g, event[1], resample[1], 0),
	      "two devices share a line");
	check(irqfd(&g, event[0], resample[0], 0) && errno == EBUSY, "each only once: EBUSY");
	signal_event(event[0]);
	check(line_is_high(&g) && !signals(event[0]), "signalling raises the line");
	check(interrupted(&g), "the guest takes the interrupt");
	check(!line_is_high(&g), "its EOI lowers the line");
	check(signals(resample[0]) == 1 && signals(resample[1]) == 1, "and both devices hear of it");
	signal_event(event[1]);
	signal_event(event[0]);
	check(interrupted(&g) && signals(resample[0]) == 1 && signals(resample[1]) == 1,
	      "both at once are one interrupt");
	check(!line_is_high(&g), "which is over then");

	check(!irqfd(&g, event[0], -1, KVMX_IRQFD_FLAG_DEASSIGN), "one is unbound");
	signal_event(event[0]);
	check(!line_is_high(&g) && signals(event[0]) == 1, "its eventfd is a plain one");
	signal_event(event[1]);
	check(line_is_high(&g), "the other still raises");
	check(!irqfd(&g, event[1], -1, KVMX_IRQFD_FLAG_DEASSIGN) && !line_is_high(&g),
	      "the last that is unbound lowers the line");

	check(!irqfd(&g, event[0], resample[0], 0), "bound again");
	signal_event(event[0]);
	check(interrupted(&g) && signals(resample[0]) == 1 && !signals(resample[1]),
	      "only who is bound hears of it");
	close(resample[0]);
	close(event[0]);
	check(!irqfd(&g, event[1], resample[1], 0), "an eventfd that is closed is unbound");
	signal_event(event[1]);
	check(interrupted(&g) && signals(resample[1]) == 1, "and the line goes on");
	guest_end(&g);
	close(event[1]);
	close(resample[1]);
}
