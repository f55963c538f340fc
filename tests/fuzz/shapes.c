// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments as VMMs make them, with numbers of the input in their places: capabilities,
 * eventfds, zones, routes, memory slots, MSR filters, dirty logs, processor modes. See shapes.h.
 */
#include <linux/kvmx_para.h>

#include <kvmx/x86_regs.h>
#include "shapes.h"

static u64 address(struct fuzz_input *in)
{
	static const u64 places[] = { 0x10000, 0xfec00000, 0xfee00000, 0xd0000000, 0x3f8, 0x60, 0, 0x20 };

	return places[fuzz_below(in, ARRAY_SIZE(places))] + (fuzz_u8(in) & 0x1f);
}

static u32 enable_cap(struct fuzz_input *in, u8 *scope)
{
	static const u16 caps[] = {
		KVMX_CAP_HALT_POLL, KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2, KVMX_CAP_DIRTY_LOG_RING,
		KVMX_CAP_DIRTY_LOG_RING_ACQ_REL, KVMX_CAP_DISABLE_QUIRKS, KVMX_CAP_DISABLE_QUIRKS2,
		KVMX_CAP_SPLIT_IRQCHIP, KVMX_CAP_X2APIC_API, KVMX_CAP_X86_DISABLE_EXITS,
		KVMX_CAP_MSR_PLATFORM_INFO, KVMX_CAP_EXCEPTION_PAYLOAD, KVMX_CAP_X86_USER_SPACE_MSR,
		KVMX_CAP_ENFORCE_PV_FEATURE_CPUID, KVMX_CAP_EXIT_HYPERCALL, KVMX_CAP_MAX_VCPU_ID,
		KVMX_CAP_EXIT_ON_EMULATION_FAILURE, KVMX_CAP_X86_TRIPLE_FAULT_EVENT,
		KVMX_CAP_X86_APIC_BUS_CYCLES_NS,
	};
	struct kvmx_enable_cap cap = { .cap = caps[fuzz_below(in, ARRAY_SIZE(caps))] };

	cap.args[0] = fuzz_edge(in);
	if (fuzz_u8(in) > 250)
		cap.flags = fuzz_u8(in);
	memcpy(machine_arg, &cap, sizeof(cap));
	*scope = cap.cap == KVMX_CAP_ENFORCE_PV_FEATURE_CPUID ? KVMX_SCOPE_VCPU : KVMX_SCOPE_VM;
	return KVMX_ENABLE_CAP;
}

static u32 event_source(struct fuzz_input *in, const int *events, unsigned int nr)
{
	struct kvmx_irqfd irq = {
		.fd = events[fuzz_u8(in) % nr], .gsi = fuzz_u8(in) % 28, .flags = fuzz_u8(in) & 3,
		.resamplefd = events[fuzz_u8(in) % nr],
	};

	memcpy(machine_arg, &irq, sizeof(irq));
	return KVMX_IRQFD;
}

static u32 event_sink(struct fuzz_input *in, const int *events, unsigned int nr)
{
	struct kvmx_ioeventfd io = {
		.addr = address(in), .len = 1u << (fuzz_u8(in) & 3), .fd = events[fuzz_u8(in) % nr],
		.flags = fuzz_u8(in) & 7, .datamatch = fuzz_edge(in),
	};

	if (fuzz_u8(in) & 1)
		io.len = 0;
	memcpy(machine_arg, &io, sizeof(io));
	return KVMX_IOEVENTFD;
}

static u32 zone(struct fuzz_input *in)
{
	struct kvmx_coalesced_mmio_zone z = {
		.addr = address(in), .size = fuzz_u8(in), .pio = fuzz_u8(in) & 1,
	};

	memcpy(machine_arg, &z, sizeof(z));
	return fuzz_u8(in) & 3 ? KVMX_REGISTER_COALESCED_MMIO : KVMX_UNREGISTER_COALESCED_MMIO;
}

static u32 routes(struct fuzz_input *in)
{
	struct kvmx_irq_routing *r = (void *)machine_arg;
	unsigned int i;

	r->nr = fuzz_u8(in) & 31;
	r->flags = 0;
	memset(r->entries, 0, r->nr * sizeof(r->entries[0]));
	for (i = 0; i < r->nr; i++) {
		struct kvmx_irq_routing_entry *e = &r->entries[i];

		e->gsi = fuzz_u8(in) & 31;
		e->type = 1 + (fuzz_u8(in) & 1);
		if (e->type == KVMX_IRQ_ROUTING_IRQCHIP) {
			e->u.irqchip.irqchip = fuzz_u8(in) % 3;
			e->u.irqchip.pin = fuzz_u8(in) % 25;
		} else {
			e->u.msi.address_lo = 0xfee00000 | (fuzz_u16(in) << 4);
			e->u.msi.data = fuzz_u16(in);
		}
	}
	return KVMX_SET_GSI_ROUTING;
}

static u32 memory_slot(struct fuzz_input *in)
{
	struct kvmx_userspace_memory_region r = {
		.slot = fuzz_u8(in) & 3, .flags = fuzz_u8(in) & 3,
	};
	unsigned int page = fuzz_u8(in) % MACHINE_PAGES;

	r.guest_phys_addr = (u64)fuzz_u8(in) << 12;
	r.memory_size = (u64)(fuzz_u8(in) % (MACHINE_PAGES - page + 1)) << 12;
	r.userspace_addr = (unsigned long)machine_ram + (page << 12);
	memcpy(machine_arg, &r, sizeof(r));
	return KVMX_SET_USER_MEMORY_REGION;
}

static u32 msr_filter(struct fuzz_input *in)
{
	static const u32 bases[] = { 0, 0x10, 0x800, 0xc0000080, 0x4b564d00, 0x174 };
	struct kvmx_msr_filter f = { .flags = fuzz_u8(in) & 1 };
	unsigned int n = fuzz_u8(in) & 7, i;

	for (i = 0; i < n; i++) {
		f.ranges[i].flags = 1 + fuzz_u8(in) % 3;
		f.ranges[i].base = bases[fuzz_below(in, ARRAY_SIZE(bases))];
		f.ranges[i].nmsrs = fuzz_u8(in);
		f.ranges[i].bitmap = machine_arg + 4096 + i * 64;
	}
	memcpy(machine_arg, &f, sizeof(f));
	fuzz_bytes(in, machine_arg + 4096, fuzz_u8(in));
	return KVMX_X86_SET_MSR_FILTER;
}

static u32 dirty_log(struct fuzz_input *in)
{
	struct kvmx_dirty_log get = {
		.slot = fuzz_u8(in) & 3, .padding2 = (unsigned long)machine_arg + 4096,
	};
	struct kvmx_clear_dirty_log clear = {
		.slot = get.slot, .first_page = fuzz_u8(in) & 0x40, .num_pages = fuzz_u8(in) & 0x7f,
		.padding2 = get.padding2,
	};

	if (fuzz_u8(in) & 1) {
		memcpy(machine_arg, &get, sizeof(get));
		return KVMX_GET_DIRTY_LOG;
	}
	memcpy(machine_arg, &clear, sizeof(clear));
	fuzz_bytes(in, machine_arg + 4096, 16);
	return KVMX_CLEAR_DIRTY_LOG;
}

static u32 interrupt(struct fuzz_input *in, u8 *scope)
{
	struct kvmx_irq_level line = { .irq = fuzz_u8(in) & 31, .level = fuzz_u8(in) & 1 };
	struct kvmx_interrupt irq = { .irq = fuzz_u8(in) };
	struct kvmx_msi msi = {
		.address_lo = 0xfee00000 | (fuzz_u16(in) << 4), .data = fuzz_u16(in),
	};

	switch (fuzz_below(in, 3)) {
	case 0:
		*scope = KVMX_SCOPE_VCPU;
		memcpy(machine_arg, &irq, sizeof(irq));
		return KVMX_INTERRUPT;
	case 1:
		memcpy(machine_arg, &msi, sizeof(msi));
		return KVMX_SIGNAL_MSI;
	default:
		memcpy(machine_arg, &line, sizeof(line));
		return KVMX_IRQ_LINE;
	}
}

static u32 debugger(struct fuzz_input *in, u8 *scope)
{
	struct kvmx_guest_debug d = { .control = (fuzz_u8(in) & 3) | (fuzz_u8(in) & 0x1f) << 16 };

	d.arch.debugreg[fuzz_u8(in) & 3] = fuzz_edge(in);
	d.arch.debugreg[7] = fuzz_u32(in);
	memcpy(machine_arg, &d, sizeof(d));
	*scope = KVMX_SCOPE_VCPU;
	return KVMX_SET_GUEST_DEBUG;
}

u32 shape_argument(struct fuzz_input *in, const int *events, unsigned int nr_events, u8 *scope)
{
	*scope = KVMX_SCOPE_VM;
	switch (fuzz_below(in, 11)) {
	case 0:	return enable_cap(in, scope);
	case 1:	return event_source(in, events, nr_events);
	case 2:	return event_sink(in, events, nr_events);
	case 3:	return zone(in);
	case 4:	return routes(in);
	case 5:	return memory_slot(in);
	case 6:	return msr_filter(in);
	case 7:	return dirty_log(in);
	case 8:	return interrupt(in, scope);
	case 9:	return debugger(in, scope);
	default: return enable_cap(in, scope);
	}
}

u32 shape_msrs(struct fuzz_input *in, const u32 *list, unsigned int nr)
{
	struct kvmx_msrs *msrs = (void *)machine_arg;
	unsigned int i;

	memset(msrs, 0, sizeof(*msrs));
	msrs->nmsrs = 1 + (fuzz_u8(in) & 7);
	for (i = 0; i < msrs->nmsrs; i++) {
		msrs->entries[i].index = list[fuzz_u16(in) % nr];
		msrs->entries[i].reserved = 0;
		/* Pages of guest memory, and what switches them on. */
		msrs->entries[i].data = fuzz_u8(in) & 1 ? fuzz_edge(in) :
					(u64)(fuzz_u8(in) & 63) << 12 | (fuzz_u8(in) & 0x3f);
	}
	return KVMX_SET_MSRS;
}

static void put_entry(u32 at, u64 entry)
{
	memcpy(machine_ram + at, &entry, sizeof(entry));
}

/* Tables in pages 1 to 4, which map the first GiB to itself, the first 2 MiB in small pages. */
static void put_tables(u64 bits)
{
	unsigned int i;

	put_entry(0x1000, 0x2000 | bits);
	put_entry(0x2000, 0x3000 | bits);
	put_entry(0x3000, 0x4000 | bits);
	for (i = 1; i < 512; i++)
		put_entry(0x3000 + 8 * i, (u64)i << 21 | bits | 0x80);
	for (i = 0; i < 512; i++)
		put_entry(0x4000 + 8 * i, (u64)i << 12 | bits);
}

static void segment(struct kvmx_segment *s, bool code, u8 dpl, bool wide, bool large)
{
	memset(s, 0, sizeof(*s));
	s->limit = wide ? 0xffffffff : 0xffff;
	s->g = wide;
	s->type = code ? 11 : 3;
	s->s = s->present = 1;
	s->dpl = dpl;
	s->selector = (code ? 8 : 16) | dpl;
	s->l = code && large;
	s->db = wide && !large;
}

void shape_mode(struct fuzz_input *in, struct kvmx_sregs *s)
{
	u8 mode = fuzz_u8(in), dpl = mode & 0x80 ? 3 : 0;
	struct kvmx_segment *seg[] = { &s->ds, &s->es, &s->fs, &s->gs, &s->ss };
	bool large = (mode & 3) == 3, paging = mode & 2;
	unsigned int i;

	s->cr0 = X86_CR0_ET | (mode & 3 ? X86_CR0_PE : 0) | (paging ? X86_CR0_PG : 0) |
		 (mode & 8 ? X86_CR0_WP : 0);
	s->cr3 = large ? 0x1000 : 0x2000;
	s->cr4 = paging ? X86_CR4_PAE : 0;
	s->cr4 |= mode & 4 ? X86_CR4_OSFXSR | X86_CR4_OSXSAVE : 0;
	s->efer = large ? X86_EFER_LME | X86_EFER_LMA | X86_EFER_SCE : 0;
	segment(&s->cs, true, dpl, mode & 3, large && !(mode & 0x40));
	for (i = 0; i < ARRAY_SIZE(seg); i++)
		segment(seg[i], false, dpl, mode & 3, false);
	s->gdt.base = 0x5000;
	s->gdt.limit = 0x7f;
	s->idt.base = 0;
	s->idt.limit = 0x3ff;
	/* A PDPTE of PAE paging has neither rights nor accessed. */
	put_tables(large ? 7 : 1);
	if (paging && !large)
		for (i = 0; i < 512; i++)
			machine_ram[0x4000 + 8 * i] |= 6;
}
