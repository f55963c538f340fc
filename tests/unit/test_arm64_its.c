// SPDX-License-Identifier: GPL-2.0-only
/* The ITS: its registers, commands from guest memory, messages that become LPIs. */
/* links: src/arm64/vgic.c src/arm64/vgic_regs.c src/arm64/vgic_lpi.c src/arm64/vgic_its.c */
/* links: src/arm64/vgic_its_commands.c src/arm64/vgic_its_regs.c src/arm64/vgic_its_device.c */
/* links: src/arm64/vgic_its_tables.c */
#include <linux/slab.h>

#include "arm64/timer.h"
#include "arm64/vgic_its.h"
#include "unit.h"
#include "vgic_world.h"

/* Guest memory, and what is where in it. */
#define MEMORY		0x40000000ULL
#define MEMORY_SIZE	0x100000
#define RING		MEMORY
#define RING_PAGES	16
#define DEVICES		(MEMORY + 0x10000)
#define COLLECTIONS	(MEMORY + 0x20000)
#define CONFIG		(MEMORY + 0x30000)
#define PENDING(cpu)	(MEMORY + 0x40000 + 0x10000 * (cpu))
#define ITT		(MEMORY + 0x60000)
#define NOWHERE		0x7f00000000ULL

#define ITS		0x08080000ULL
#define VALID		BIT_ULL(63)
#define PAGE_64K	(2 << 8)
#define ID_BITS		15	/* of PROPBASER: 16 */

enum { CTLR = 0, CBASER = 0x80, CWRITER = 0x88, CREADR = 0x90, BASER0 = 0x100, BASER1 = 0x108 };
enum { GICR_CTLR = 0, PROPBASER = 0x70, PENDBASER = 0x78 };

static struct vgic_its *its;
static u8 *memory;
static unsigned int reads;

/* ---- what the sources call elsewhere ---- */

bool vgic_ready(struct arm64_vcpu *vcpu)
{
	return gic->ready;
}

u32 timer_hw_intid(u32 intid)
{
	return 0;
}

void kvmx_vcpu_kick(struct kvmx_vcpu *vcpu)
{
}

static void *at(gpa_t gpa, size_t len)
{
	might_sleep();
	reads++;
	return gpa >= MEMORY && gpa - MEMORY <= MEMORY_SIZE - len ? memory + (gpa - MEMORY) : NULL;
}

int kvmx_guest_read(struct kvmx_vm *unused, gpa_t gpa, void *data, size_t len)
{
	const void *from = at(gpa, len);

	if (from)
		memcpy(data, from, len);
	return from ? 0 : -EFAULT;
}

int kvmx_guest_write(struct kvmx_vm *unused, gpa_t gpa, const void *data, size_t len)
{
	void *to = at(gpa, len);

	if (to)
		memcpy(to, data, len);
	return to ? 0 : -EFAULT;
}

int kvmx_call_get(u64 uaddr, void *data, size_t len)
{
	if (!uaddr)
		return -EFAULT;
	memcpy(data, (const void *)uaddr, len);
	return 0;
}

int kvmx_call_put(u64 uaddr, const void *data, size_t len)
{
	memcpy((void *)uaddr, data, len);
	return 0;
}

int kvmx_bus_register(struct kvmx_vm *unused, enum kvmx_bus_id bus, u64 addr, u64 len,
		      struct kvmx_io_device *dev)
{
	ck_assert_uint_eq(len, 0x20000);
	return 0;
}

int vgic_lock_vcpus(struct kvmx_vm *unused)
{
	return 0;
}

void vgic_unlock_vcpus(struct kvmx_vm *unused)
{
}

/* ---- the world ---- */

static long attribute(u32 group, u64 attr, u64 val)
{
	struct kvmx_device_attr set = { .group = group, .attr = attr, .addr = (uintptr_t)&val };

	return vgic_its_set_attr(its, &set);
}

static void world(void)
{
	memory = kzalloc(MEMORY_SIZE, GFP_KERNEL);
	vgic_world_make(64);
	ck_assert_int_eq(init_srcu_struct(&vm->vm.memory.srcu), 0);
	its = vgic_its_alloc(gic);
	gic->its = its;
}

static void teardown(void)
{
	vgic_its_free(its);
	cleanup_srcu_struct(&vm->vm.memory.srcu);
	vgic_world_free();
	kfree(memory);
}

static void work(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		while (kvmx_vcpu_take(&v[i]->vcpu, KVMX_REQ_ITS))
			vgic_its_work(v[i]);
}

static void set(u32 offset, u64 val)
{
	if (vgic_its_reg_write(its, offset, 8, val))
		kvmx_vcpu_request(&v[0]->vcpu, KVMX_REQ_ITS);
	work();
}

static u64 get(u32 offset)
{
	return vgic_its_reg_read(its, offset, 8);
}

static void redist(unsigned int cpu, u32 offset, u64 val)
{
	vgic_reg_write(gic, v[cpu], offset, 8, val);
	work();
}

static void setup(void)
{
	unsigned int i;

	world();
	ck_assert_int_eq(attribute(KVMX_DEV_ARM_VGIC_GRP_ADDR, KVMX_VGIC_ITS_ADDR_TYPE, ITS), 0);
	ck_assert_int_eq(attribute(KVMX_DEV_ARM_VGIC_GRP_CTRL, KVMX_DEV_ARM_VGIC_CTRL_INIT, 0), 0);
	set(BASER0, VALID | DEVICES | PAGE_64K);
	set(BASER1, VALID | COLLECTIONS | PAGE_64K);
	set(CBASER, VALID | RING | (RING_PAGES - 1));
	memset(memory + (CONFIG - MEMORY), 0xa1, 0x10000 - VGIC_LPI_FIRST);
	redist(0, PROPBASER, CONFIG | ID_BITS);
	for (i = 0; i < 2; i++) {
		redist(i, PENDBASER, PENDING(i));
		vgic_reg_write(gic, v[i], GICR_CTLR, 4, 1);
	}
	set(CTLR, 1);
}

static void put_command(u64 offset, u64 w0, u64 w1, u64 w2, u64 w3)
{
	const u64 words[4] = { w0, w1, w2, w3 };

	memcpy(memory + (RING - MEMORY) + offset, words, sizeof(words));
}

static void command(u64 w0, u64 w1, u64 w2, u64 w3)
{
	u64 offset = get(CWRITER);

	put_command(offset, w0, w1, w2, w3);
	offset = (offset + 32) % (RING_PAGES * 4096);
	set(CWRITER, offset);
	ck_assert_uint_eq(get(CREADR), offset);
}

static void mapd(u32 device, unsigned int bits, bool valid)
{
	command((u64)device << 32 | 0x08, bits - 1, ITT | (valid ? VALID : 0), 0);
}

static void mapc(u32 icid, u64 cpu, bool valid)
{
	command(0x09, 0, icid | cpu << 16 | (valid ? VALID : 0), 0);
}

static void mapti(u32 device, u32 event, u64 intid, u32 icid)
{
	command((u64)device << 32 | 0x0a, event | intid << 32, icid, 0);
}

static void on_event(u8 what, u32 device, u32 event, u32 icid)
{
	command((u64)device << 32 | what, event, icid, 0);
}

#define MOVI	0x01
#define INT	0x03
#define CLEAR	0x04
#define INV	0x0c
#define DISCARD	0x0f

/* Device 5 has 16 events; those from 0 to 3 are LPIs from 8192 on, at the first CPU. */
static void mapped(void)
{
	unsigned int n;

	mapd(5, 4, true);
	mapc(0, 0, true);
	mapc(1, 1, true);
	for (n = 0; n < 4; n++)
		mapti(5, n, VGIC_LPI_FIRST + n, 0);
}

static int msi(u32 device, u32 event)
{
	struct kvmx_irq_route route = {
		.kind = KVMX_ROUTE_MSI,
		.msi = { .addr_lo = ITS + ITS_TRANSLATER, .data = event, .devid = device,
			 .flags = KVMX_MSI_VALID_DEVID },
	};

	return vgic_its_msi(gic, &route);
}

static void fill(unsigned int cpu, unsigned int nr_lrs)
{
	local_irq_disable();
	vgic_fill(gic, v[cpu], nr_lrs);
	local_irq_enable();
}

static void back(unsigned int cpu)
{
	local_irq_disable();
	vgic_take_back(gic, v[cpu]);
	local_irq_enable();
}

/* An entry of @cpu, which takes all that it gets: the first one's number, 0: none. */
static u32 entry(unsigned int cpu)
{
	struct vgic_cpu *c = v[cpu]->gic;
	u32 got = 0, i;

	fill(cpu, 4);
	for (i = 0; i < c->used; i++) {
		if (!i)
			got = (u32)c->lr[0];
		c->lr[i] &= ~LR_PENDING;
	}
	back(cpu);
	return got;
}

START_TEST(registers)
{
	ck_assert_uint_eq(get(8) & 0xfffff, 1 | 7 << 4 | 15 << 8 | (15 << 13 & 0xfffff));
	ck_assert_uint_eq(get(8) >> 32, 9 | BIT(4));
	ck_assert_uint_eq(get(BASER0) >> 48 & 0x71f, 1 << 8 | 7);
	ck_assert_uint_eq(get(BASER1) >> 48 & 0x71f, 4 << 8 | 7);
	ck_assert_uint_eq(vgic_its_reg_read(its, 0xffe8, 4) & 0xf0, 0x30);
	ck_assert_uint_eq(vgic_its_reg_read(its, CTLR, 4), 1);
	/* Not while it is on. */
	set(CBASER, VALID | COLLECTIONS);
	set(BASER0, 0);
	ck_assert_uint_eq(get(CBASER), VALID | RING | (RING_PAGES - 1));
	ck_assert(get(BASER0) & VALID);
	set(CTLR, 0);
	ck_assert_uint_eq(vgic_its_reg_read(its, CTLR, 4), BIT(31));
	set(BASER0, ~0ULL);
	ck_assert_uint_eq(get(BASER0) & ~(0x71fULL << 48),
			  VALID | BIT_ULL(62) | 7ULL << 59 | 7ULL << 53 | GENMASK_ULL(47, 0));
	set(BASER1, ~0ULL);
	ck_assert(!(get(BASER1) & BIT_ULL(62)));
	set(0x110, ~0ULL);
	ck_assert_uint_eq(get(0x110), 0);
	/* By halves. */
	vgic_its_reg_write(its, CBASER, 4, RING | 3);
	vgic_its_reg_write(its, CBASER + 4, 4, BIT(31));
	ck_assert_uint_eq(get(CBASER), VALID | RING | 3);
	ck_assert_uint_eq(vgic_its_reg_read(its, CBASER + 4, 4), BIT(31));
	/* Within the ring. */
	set(CWRITER, 0x3fe0);
	ck_assert_uint_eq(get(CWRITER), 0x3fe0);
	set(CWRITER, 0x4000);
	ck_assert_uint_eq(get(CWRITER), 0x3fe0);
	set(CREADR, 0x20);
	ck_assert_uint_eq(get(CREADR), 0);
	set(CBASER, VALID | RING);
	ck_assert_uint_eq(get(CWRITER), 0);
	/* Of the redistributor and the distributor. */
	ck_assert_uint_eq(vgic_reg_read(gic, v[0], GICR_CTLR, 4), 3);
	redist(0, PROPBASER, 0);
	redist(0, PENDBASER, 0);
	ck_assert_uint_eq(vgic_reg_read(gic, v[1], PROPBASER, 8), CONFIG | ID_BITS);
	ck_assert_uint_eq(vgic_reg_read(gic, v[0], PENDBASER, 8), PENDING(0));
	ck_assert_uint_eq(vgic_reg_read(gic, NULL, 4, 4) & (BIT(17) | 0x1f << 19), BIT(17) | 15 << 19);
	ck_assert_uint_eq(vgic_reg_read(gic, v[0], 8, 8) & 1, 1);
}
END_TEST

START_TEST(attributes)
{
	const u32 addr = KVMX_DEV_ARM_VGIC_GRP_ADDR, type = KVMX_VGIC_ITS_ADDR_TYPE;
	struct arm64_vcpu late = { .vcpu.vm = &vm->vm };

	/* vCPUs may come after it. */
	ck_assert_int_eq(vgic_vcpu_init(&late), 0);
	ck_assert_ptr_nonnull(late.gic->lpis.pending);
	vgic_vcpu_free(&late);
	ck_assert_int_eq(attribute(addr, type + 1, ITS), -ENODEV);
	ck_assert_int_eq(attribute(addr, type, ITS + 0x1000), -EINVAL);
	ck_assert_int_eq(attribute(addr, type, 0xfffffff0000), -E2BIG);
	ck_assert_int_eq(msi(5, 0), -EINVAL);
	ck_assert_int_eq(attribute(KVMX_DEV_ARM_VGIC_GRP_CTRL, KVMX_DEV_ARM_VGIC_CTRL_INIT, 0), 0);
	ck_assert_int_eq(msi(5, 0), -EINVAL);
	ck_assert_int_eq(attribute(addr, type, ITS), 0);
	ck_assert_int_eq(msi(5, 0), 0);
	ck_assert_int_eq(attribute(addr, type, ITS), -EEXIST);
	ck_assert_int_eq(attribute(KVMX_DEV_ARM_VGIC_GRP_CTRL, 77, 0), -ENXIO);
	ck_assert_int_eq(attribute(KVMX_DEV_ARM_VGIC_GRP_DIST_REGS, 0, 0), -ENXIO);
}
END_TEST

START_TEST(messages)
{
	struct kvmx_irq_route route = { .kind = KVMX_ROUTE_MSI, .msi.devid = 5 };

	ck_assert_int_eq(msi(5, 0), 0);
	mapped();
	ck_assert_int_eq(msi(5, 2), 1);
	ck_assert(v[0]->gic->look);
	ck_assert(vgic_wakes(v[0]));
	ck_assert(!vgic_wakes(v[1]));
	fill(0, 4);
	ck_assert_uint_eq(v[0]->gic->used, 1);
	ck_assert_uint_eq(v[0]->gic->lr[0],
			  (VGIC_LPI_FIRST + 2) | LR_PENDING | LR_GROUP1 | LR_PRIORITY(0xa0));
	back(0);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 2);
	ck_assert_uint_eq(entry(0), 0);
	ck_assert(!vgic_wakes(v[0]));
	/* LPIs are never active, whatever the CPU says. */
	ck_assert_int_eq(msi(5, 2), 1);
	fill(0, 4);
	v[0]->gic->lr[0] ^= LR_PENDING | LR_ACTIVE;
	back(0);
	ck_assert_uint_eq(entry(0), 0);
	/* Another that comes while it is in the CPU. */
	ck_assert_int_eq(msi(5, 2), 1);
	fill(0, 4);
	ck_assert_int_eq(msi(5, 2), 1);
	v[0]->gic->lr[0] &= ~LR_PENDING;
	back(0);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 2);
	ck_assert_uint_eq(entry(0), 0);
	/* Not its event, not its device, not the address, nobody's. */
	ck_assert_int_eq(msi(5, 9), 0);
	ck_assert_int_eq(msi(6, 2), 0);
	ck_assert_int_eq(vgic_its_msi(gic, &route), -EINVAL);
	route.msi.addr_lo = ITS + ITS_TRANSLATER;
	ck_assert_int_eq(vgic_its_msi(gic, &route), -EINVAL);
	/* The group is off, the ITS is. */
	ck_assert_int_eq(msi(5, 1), 1);
	vgic_reg_write(gic, NULL, 0, 4, 0);
	ck_assert(!vgic_wakes(v[0]));
	ck_assert_uint_eq(entry(0), 0);
	vgic_reg_write(gic, NULL, 0, 4, VGIC_CTLR_GROUP1);
	ck_assert(vgic_wakes(v[0]));
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 1);
	set(CTLR, 0);
	ck_assert_int_eq(msi(5, 1), 0);
}
END_TEST

START_TEST(configuration)
{
	u8 *config = memory + (CONFIG - MEMORY);

	mapped();
	config[1] = 0xa0;
	ck_assert_int_eq(msi(5, 1), 1);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 1);
	on_event(INV, 5, 1, 0);
	ck_assert_int_eq(msi(5, 1), 1);
	ck_assert_uint_eq(entry(0), 0);
	config[1] = 0x41;
	config[2] = 0xf1;
	command(0x0d, 0, 0, 0);
	ck_assert_int_eq(msi(5, 2), 1);
	fill(0, 1);
	ck_assert_uint_eq(v[0]->gic->lr[0] >> 48 & 0xff, 0x40);
	ck_assert(v[0]->gic->overflow);
	/* Another priority while it is in the CPU. */
	config[1] = 0xf9;
	on_event(INV, 5, 1, 0);
	back(0);
	fill(0, 1);
	ck_assert_uint_eq((u32)v[0]->gic->lr[0], VGIC_LPI_FIRST + 2);
	back(0);
	/* Of another collection: not read. */
	config[1] = 0;
	command(0x0d, 0, 1, 0);
	fill(0, 4);
	ck_assert_uint_eq(v[0]->gic->used, 2);
	back(0);
}
END_TEST

START_TEST(targets)
{
	mapped();
	ck_assert_int_eq(msi(5, 0), 1);
	on_event(MOVI, 5, 0, 1);
	ck_assert_uint_eq(entry(0), 0);
	ck_assert_uint_eq(entry(1), VGIC_LPI_FIRST);
	/* While it is in the first one, which does not take it. */
	on_event(MOVI, 5, 0, 0);
	ck_assert_int_eq(msi(5, 0), 1);
	fill(0, 4);
	on_event(MOVI, 5, 0, 1);
	ck_assert(v[0]->gic->look);
	v[1]->gic->look = false;
	ck_assert_uint_eq(entry(1), 0);
	back(0);
	ck_assert(v[1]->gic->look);
	ck_assert_uint_eq(entry(0), 0);
	ck_assert_uint_eq(entry(1), VGIC_LPI_FIRST);
	/* To nowhere, to a collection that is not. */
	on_event(MOVI, 5, 0, 7);
	on_event(MOVI, 5, 0, 0xffff);
	ck_assert_int_eq(msi(5, 0), 1);
	ck_assert_uint_eq(entry(1), VGIC_LPI_FIRST);
	/* The collection moves; goes; comes back with what waited. */
	ck_assert_int_eq(msi(5, 1), 1);
	mapc(0, 1, true);
	ck_assert_uint_eq(entry(1), VGIC_LPI_FIRST + 1);
	mapc(0, 0, false);
	ck_assert_int_eq(msi(5, 1), 1);
	ck_assert_uint_eq(entry(1), 0);
	mapc(0, 0, true);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 1);
	mapc(0, 2, true);
	ck_assert_int_eq(msi(5, 1), 1);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 1);
	/* All of one CPU. */
	ck_assert_int_eq(msi(5, 3), 1);
	command(0x0e, 0, 0, 1 << 16);
	ck_assert_uint_eq(entry(0), 0);
	ck_assert_uint_eq(entry(1), VGIC_LPI_FIRST + 3);
}
END_TEST

START_TEST(ends)
{
	mapped();
	/* While it is in the CPU, and its number is in use again before that is out of it. */
	ck_assert_int_eq(msi(5, 0), 1);
	fill(0, 4);
	on_event(DISCARD, 5, 0, 0);
	ck_assert_int_eq(msi(5, 0), 0);
	mapti(5, 7, VGIC_LPI_FIRST, 0);
	ck_assert_int_eq(msi(5, 7), 1);
	back(0);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST);
	ck_assert_uint_eq(entry(0), 0);
	/* While it waits. */
	ck_assert_int_eq(msi(5, 1), 1);
	on_event(DISCARD, 5, 1, 0);
	ck_assert_uint_eq(v[0]->gic->lpis.levels, 0);
	ck_assert_uint_eq(entry(0), 0);
	/* With its device. */
	ck_assert_int_eq(msi(5, 2), 1);
	fill(0, 4);
	ck_assert_int_eq(msi(5, 3), 1);
	mapd(5, 4, false);
	back(0);
	ck_assert_uint_eq(entry(0), 0);
	ck_assert_int_eq(msi(5, 3), 0);
	/* Its table goes. */
	mapped();
	ck_assert_int_eq(msi(5, 3), 1);
	set(CTLR, 0);
	set(BASER0, 0);
	ck_assert(RB_EMPTY_ROOT(&its->devices) && RB_EMPTY_ROOT(&its->events));
	ck_assert_uint_eq(v[0]->gic->lpis.levels, 0);
	set(BASER0, VALID | DEVICES | PAGE_64K);
	set(CTLR, 1);
	mapped();
	ck_assert_int_eq(msi(5, 3), 1);
	ck_assert_int_eq(attribute(KVMX_DEV_ARM_VGIC_GRP_CTRL, KVMX_DEV_ARM_ITS_CTRL_RESET, 0), 0);
	ck_assert_uint_eq(get(CBASER) | get(CREADR) | get(CWRITER), 0);
	ck_assert_uint_eq(vgic_its_reg_read(its, CTLR, 4), BIT(31));
	ck_assert_uint_eq(entry(0), 0);
	ck_assert(!its->collection[0] && bitmap_empty(its->used, ITS_NR_LPIS));
}
END_TEST

START_TEST(by_command)
{
	mapped();
	on_event(INT, 5, 0, 0);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST);
	on_event(INT, 5, 0, 0);
	on_event(CLEAR, 5, 0, 0);
	ck_assert_uint_eq(entry(0), 0);
	on_event(INT, 5, 0, 0);
	fill(0, 4);
	on_event(CLEAR, 5, 0, 0);
	ck_assert(v[0]->gic->look);
	back(0);
	ck_assert_uint_eq(entry(0), 0);
	/* MAPI: the event's number is the LPI's. */
	mapd(6, 14, true);
	command(6ULL << 32 | 0x0b, VGIC_LPI_FIRST + 100, 1, 0);
	on_event(INT, 6, VGIC_LPI_FIRST + 100, 0);
	ck_assert_uint_eq(entry(1), VGIC_LPI_FIRST + 100);
	/* What is not there. */
	on_event(INT, 7, 0, 0);
	on_event(INV, 7, 0, 0);
	on_event(DISCARD, 7, 0, 0);
	on_event(0xff, 7, 0, 0);
	mapd(7, 1, false);
}
END_TEST

/* The best of many, and that there are more. */
START_TEST(many)
{
	unsigned int n;

	mapd(5, 8, true);
	mapc(0, 0, true);
	for (n = 0; n < 200; n++) {
		memory[CONFIG - MEMORY + n] = (0xf8 - n % 31 * 8) | 1;
		mapti(5, n, VGIC_LPI_FIRST + n, 0);
		ck_assert_int_eq(msi(5, n), 1);
	}
	fill(0, 4);
	ck_assert_uint_eq(v[0]->gic->used, 4);
	ck_assert(v[0]->gic->overflow);
	for (n = 0; n < 4; n++)
		ck_assert_uint_eq(v[0]->gic->lr_irq[n]->intid - VGIC_LPI_FIRST, 30 + 31 * n);
	back(0);
	for (n = 0; n < 50; n++)
		ck_assert_uint_ne(entry(0), 0);
	ck_assert_uint_eq(entry(0), 0);
}
END_TEST

START_TEST(nonsense)
{
	u64 entry1 = VALID | (DEVICES + 0x8000);

	mapped();
	/* Beyond the table, beyond what there can be. */
	mapd(8192, 4, true);
	mapd(0x10000, 4, true);
	mapd(7, 17, true);
	mapd(7, 32, true);
	ck_assert(!its_device_find(its, 8192) && !its_device_find(its, 0x10000));
	ck_assert(!its_device_find(its, 7));
	mapti(5, 16, VGIC_LPI_FIRST + 20, 0);
	mapti(5, 4, VGIC_LPI_FIRST - 1, 0);
	mapti(5, 4, 0x10000, 0);
	mapti(5, 4, 0xffffffff, 0);
	mapti(5, 4, VGIC_LPI_FIRST + 20, ITS_COLLECTIONS);
	mapti(5, 4, VGIC_LPI_FIRST + 20, 0xffff);
	/* In use. */
	mapti(5, 4, VGIC_LPI_FIRST + 3, 0);
	ck_assert_int_eq(msi(5, 16) | msi(5, 4), 0);
	mapti(5, 3, VGIC_LPI_FIRST + 20, 0);
	ck_assert_int_eq(msi(5, 3), 1);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 3);
	mapc(ITS_COLLECTIONS, 0, true);
	mapc(0, 0x100000000, true);
	command(0x0e, 0, 9 << 16, 0);
	ck_assert_ptr_eq(its->collection[0], v[0]);
	/* Tables where no memory is; one of two levels. */
	set(CTLR, 0);
	set(BASER0, VALID | (NOWHERE & GENMASK_ULL(47, 16)) | PAGE_64K);
	set(BASER1, VALID | (NOWHERE & GENMASK_ULL(47, 16)) | PAGE_64K);
	set(CTLR, 1);
	mapd(6, 4, true);
	mapc(3, 0, true);
	ck_assert(!its_device_find(its, 6) && !its->collection[3]);
	set(CTLR, 0);
	set(BASER0, VALID | BIT_ULL(62) | DEVICES);
	set(CTLR, 1);
	mapd(600, 4, true);
	ck_assert(!its_device_find(its, 600));
	memcpy(memory + (DEVICES - MEMORY) + 8, &entry1, 8);
	mapd(600, 4, true);
	ck_assert(its_device_find(its, 600));
	entry1 = VALID | NOWHERE;
	memcpy(memory + (DEVICES - MEMORY) + 16, &entry1, 8);
	mapd(1100, 4, true);
	ck_assert(!its_device_find(its, 1100));
	/* A ring where no memory is: it is gone through, with nothing to do. */
	set(CTLR, 0);
	set(CBASER, VALID | NOWHERE | 255);
	set(CTLR, 1);
	set(CWRITER, 0xfffe0);
	ck_assert_uint_eq(get(CREADR), 0xfffe0);
}
END_TEST

/* What the guest's table of pending LPIs says is taken over once. */
START_TEST(pending_table)
{
	u8 *pending = memory + (PENDING(0) - MEMORY) + VGIC_LPI_FIRST / 8;

	pending[0] = 0x82;
	mapped();
	ck_assert_uint_eq(pending[0], 0x80);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 1);
	ck_assert_uint_eq(entry(0), 0);
	/* Without LPIs messages are kept; what waits when they go off is lost. */
	ck_assert_int_eq(msi(5, 0), 1);
	vgic_reg_write(gic, v[0], GICR_CTLR, 4, 0);
	work();
	ck_assert_uint_eq(vgic_reg_read(gic, v[0], GICR_CTLR, 4), 2);
	ck_assert_uint_eq(entry(0), 0);
	ck_assert(!vgic_wakes(v[0]));
	ck_assert_int_eq(msi(5, 3), 1);
	ck_assert_uint_eq(entry(0), 0);
	pending[0] = 0x04;
	memory[CONFIG - MEMORY + 3] = 0;
	vgic_reg_write(gic, v[0], GICR_CTLR, 4, 1);
	work();
	ck_assert_uint_eq(pending[0], 0);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 2);
	ck_assert_uint_eq(entry(0), 0);
	memory[CONFIG - MEMORY + 3] = 1;
	on_event(INV, 5, 3, 0);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 3);
	/* A reset of the vCPU is none of its redistributor's LPIs. */
	ck_assert_int_eq(msi(5, 0), 1);
	vgic_vcpu_reset(v[0]);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST);
}
END_TEST

/* A long ring is gone through in parts, between which a vCPU looks at its other requests. */
START_TEST(in_parts)
{
	unsigned int n, parts = 0;

	mapped();
	set(CTLR, 0);
	set(CBASER, VALID | RING | (RING_PAGES - 1));
	set(CTLR, 1);
	for (n = 0; n < RING_PAGES * 4096 / 32; n++)
		put_command(32 * n, 0x0d, 0, 0, 0);
	ck_assert(vgic_its_reg_write(its, CWRITER, 8, RING_PAGES * 4096 - 32));
	kvmx_vcpu_request(&v[0]->vcpu, KVMX_REQ_ITS);
	while (kvmx_vcpu_take(&v[0]->vcpu, KVMX_REQ_ITS)) {
		reads = 0;
		vgic_its_work(v[0]);
		ck_assert_uint_le(reads, 256);
		parts++;
	}
	ck_assert_uint_gt(parts, 100);
	ck_assert_uint_eq(get(CREADR), RING_PAGES * 4096 - 32);
}
END_TEST

static long control(u64 attr)
{
	return attribute(KVMX_DEV_ARM_VGIC_GRP_CTRL, attr, 0);
}

static long reg_set(u64 offset, u64 val)
{
	return attribute(KVMX_DEV_ARM_VGIC_GRP_ITS_REGS, offset, val);
}

static u64 reg_get(u64 offset)
{
	u64 val = 0;
	struct kvmx_device_attr attr = {
		.group = KVMX_DEV_ARM_VGIC_GRP_ITS_REGS, .attr = offset, .addr = (uintptr_t)&val,
	};

	ck_assert_int_eq(vgic_its_has_attr(its, &attr), 0);
	ck_assert_int_eq(vgic_its_get_attr(its, &attr), 0);
	return val;
}

/* Saves, forgets all, restores: as the API says it is to be done. */
static long again(void)
{
	static const u32 offsets[] = { CBASER, 4, CREADR, CWRITER, BASER0, BASER1 };
	u64 val[ARRAY_SIZE(offsets)], ctlr = reg_get(CTLR);
	unsigned int i;
	long ret;

	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		val[i] = reg_get(offsets[i]);
	ck_assert_int_eq(control(KVMX_DEV_ARM_ITS_SAVE_TABLES), 0);
	ck_assert_int_eq(vgic_its_save_pending(its), 0);
	ck_assert_int_eq(control(KVMX_DEV_ARM_ITS_CTRL_RESET), 0);
	ck_assert_int_eq(entry(0) | entry(1), 0);
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		ck_assert_int_eq(reg_set(offsets[i], val[i]), 0);
		ck_assert_uint_eq(reg_get(offsets[i]), val[i]);
	}
	ret = control(KVMX_DEV_ARM_ITS_RESTORE_TABLES);
	ck_assert_int_eq(reg_set(CTLR, ctlr), 0);
	work();
	return ret;
}

START_TEST(saved)
{
	u64 part = VALID | (DEVICES + 0x8000), far = VALID | (DEVICES + 0x9000);

	/* A table of two levels: the devices' numbers are further apart than an entry can say. */
	set(CTLR, 0);
	set(BASER0, VALID | BIT_ULL(62) | DEVICES);
	set(CTLR, 1);
	memcpy(memory + (DEVICES - MEMORY), &part, 8);
	memcpy(memory + (DEVICES - MEMORY) + 8 * 100, &far, 8);
	mapped();
	command(51200ULL << 32 | 0x08, 15, (ITT + 0x1000) | VALID, 0);
	mapti(51200, 0, 0xffff, 1);
	mapti(51200, 0x7fff, 0x9000, 0);
	ck_assert_int_eq(msi(5, 1), 1);
	ck_assert_int_eq(msi(51200, 0x7fff), 1);
	on_event(DISCARD, 5, 0, 0);
	ck_assert_int_eq(again(), 0);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 1);
	ck_assert_uint_eq(entry(0), 0);
	ck_assert_int_eq(msi(5, 0) | msi(5, 4), 0);
	ck_assert_int_eq(msi(5, 3) & msi(51200, 0) & msi(51200, 0x7fff), 1);
	ck_assert_uint_eq(entry(0), VGIC_LPI_FIRST + 3);
	ck_assert_uint_eq(entry(1), 0xffff);
	/* What was in the tables once, and has ended. */
	mapd(5, 4, false);
	on_event(DISCARD, 51200, 0, 0);
	ck_assert_int_eq(again(), 0);
	ck_assert(!its_device_find(its, 5) && its_device_find(its, 51200));
	ck_assert(!its_event_find(its, 51200, 0) && its_event_find(its, 51200, 0x7fff));
	/* Nothing at all. */
	on_event(DISCARD, 51200, 0x7fff, 0);
	command(51200ULL << 32 | 0x08, 0, 0, 0);
	mapc(0, 0, false);
	mapc(1, 0, false);
	ck_assert_int_eq(again(), 0);
	ck_assert(RB_EMPTY_ROOT(&its->devices) && !its->collection[0]);
}
END_TEST

/* The format is the API's. */
START_TEST(saved_format)
{
	const u8 *at = memory + (DEVICES - MEMORY);
	u64 want[] = {
		VALID | 2ULL << 49 | ITT >> 8 << 5 | 3, VALID | (ITT + 0x100) >> 8 << 5 | 0,
		1ULL << 48 | (u64)VGIC_LPI_FIRST << 16, 1ULL << 48 | (u64)(VGIC_LPI_FIRST + 1) << 16,
		(u64)(VGIC_LPI_FIRST + 3) << 16 | 1, VALID, VALID | 1 << 16 | 1, 0,
	};
	u64 got[ARRAY_SIZE(want)];

	mapped();
	command(7ULL << 32 | 0x08, 0, (ITT + 0x100) | VALID, 0);
	on_event(MOVI, 5, 3, 1);
	ck_assert_int_eq(msi(5, 3), 1);
	ck_assert_int_eq(control(KVMX_DEV_ARM_ITS_SAVE_TABLES), 0);
	ck_assert_int_eq(vgic_its_save_pending(its), 0);
	memcpy(&got[0], at + 5 * 8, 8);
	memcpy(&got[1], at + 7 * 8, 8);
	memcpy(&got[2], memory + (ITT - MEMORY), 16);
	memcpy(&got[4], memory + (ITT - MEMORY) + 24, 8);
	memcpy(&got[5], memory + (COLLECTIONS - MEMORY), 24);
	ck_assert_mem_eq(got, want, sizeof(want));
	ck_assert_uint_eq(memory[PENDING(1) - MEMORY + VGIC_LPI_FIRST / 8], 8);
	ck_assert_uint_eq(memory[PENDING(0) - MEMORY + VGIC_LPI_FIRST / 8], 0);
	/* And it is taken out of the table when it is not pending any more. */
	ck_assert_uint_eq(entry(1), VGIC_LPI_FIRST + 3);
	ck_assert_int_eq(vgic_its_save_pending(its), 0);
	ck_assert_uint_eq(memory[PENDING(1) - MEMORY + VGIC_LPI_FIRST / 8], 0);
}
END_TEST

static void put64(gpa_t to, u64 val)
{
	memcpy(memory + (to - MEMORY), &val, 8);
}

static void refused(int error)
{
	ck_assert_int_eq(control(KVMX_DEV_ARM_ITS_RESTORE_TABLES), error);
	ck_assert(RB_EMPTY_ROOT(&its->devices) && RB_EMPTY_ROOT(&its->events));
	ck_assert(!its->collection[0] && bitmap_empty(its->used, ITS_NR_LPIS));
}

START_TEST(restored_nonsense)
{
	mapped();
	ck_assert_int_eq(control(KVMX_DEV_ARM_ITS_SAVE_TABLES), 0);
	/* The same LPI twice, one that cannot be, a collection that cannot be, no memory. */
	put64(ITT, 1ULL << 48 | (u64)(VGIC_LPI_FIRST + 1) << 16);
	refused(-EINVAL);
	put64(ITT, 1ULL << 48 | 77 << 16);
	refused(-EINVAL);
	put64(ITT, 1ULL << 48 | (u64)(VGIC_LPI_FIRST + 9) << 16 | 0xffff);
	refused(-EINVAL);
	put64(DEVICES + 40, VALID | (NOWHERE >> 8 << 5 & GENMASK_ULL(48, 5)) | 3);
	refused(-EFAULT);
	put64(DEVICES + 40, VALID | 31);
	refused(-EINVAL);
	put64(DEVICES + 40, 0);
	put64(COLLECTIONS, VALID | 7 << 16);
	refused(-EINVAL);
	put64(COLLECTIONS, VALID | ITS_COLLECTIONS);
	refused(-EINVAL);
	put64(COLLECTIONS, 0);
	ck_assert_int_eq(control(KVMX_DEV_ARM_ITS_RESTORE_TABLES), 0);
	/* Registers. */
	ck_assert_int_eq(reg_set(0x18, 0), -ENXIO);
	ck_assert_int_eq(reg_set(0x140, 0), -ENXIO);
	ck_assert_int_eq(reg_set(0x10040, 0), -ENXIO);
	ck_assert_int_eq(reg_set(0x100000000 | CTLR, 0), -ENXIO);
	ck_assert_int_eq(reg_set(BASER0 + 4, 0), -EINVAL);
	ck_assert_int_eq(reg_set(4, 0x143b), -EINVAL);
	ck_assert_int_eq(reg_set(CREADR, 0), -EBUSY);
	ck_assert_int_eq(reg_set(CTLR, 0), 0);
	ck_assert_int_eq(reg_set(CREADR, RING_PAGES * 4096), -EINVAL);
	ck_assert_int_eq(reg_set(CREADR, 0x40), 0);
	ck_assert_uint_eq(reg_get(CREADR), 0x40);
	ck_assert_int_eq(reg_set(8, 0), 0);
}
END_TEST

static void random_command(void)
{
	static const u8 kinds[] = { 1, 3, 4, 5, 8, 9, 10, 10, 10, 11, 12, 13, 14, 15 };
	u64 device = unit_random_below(4), event = unit_random_below(16);
	u64 intid = VGIC_LPI_FIRST + unit_random_below(32), w2 = unit_random_below(3);
	u8 kind = kinds[unit_random_below(sizeof(kinds))];

	if (!unit_random_below(20))
		intid = unit_random_edge();
	if (!unit_random_below(20))
		event = unit_random_edge();
	w2 |= (u64)unit_random_below(3) << 16;
	if (unit_random_below(8))
		w2 |= VALID;
	command(device << 32 | kind, kind == 8 ? unit_random_below(20) : (u32)event | intid << 32,
		unit_random_below(20) ? w2 : unit_random_edge(), unit_random_below(3) << 16);
}

/* Anything, between entries that do what a CPU may: for the sanitizers. */
START_TEST(random_accesses)
{
	unsigned int n, i, k;

	for (n = 0; n < 100000; n++) {
		i = unit_random_below(2);
		switch (unit_random_below(8)) {
		case 0:
			vgic_its_reg_read(its, unit_random_below(ITS_FRAMES_SIZE),
					  1 << unit_random_below(4));
			break;
		case 1:
			vgic_reg_write(gic, v[i], unit_random_below(0x80), 4 << unit_random_below(2),
				       unit_random_edge());
			work();
			break;
		case 2:
			msi(unit_random_below(4), unit_random_below(16));
			break;
		case 3:
			fill(i, 2);
			ck_assert_uint_le(v[i]->gic->used, 2);
			for (k = 0; k < unit_random_below(4); k++)
				msi(unit_random_below(4), unit_random_below(16));
			if (get(CTLR) & 1)
				random_command();
			for (k = 0; k < v[i]->gic->used; k++)
				v[i]->gic->lr[k] ^= unit_random_below(4) << 62;
			back(i);
			break;
		case 4:
			if (unit_random_below(50))
				break;
			vgic_its_reg_write(its, unit_random_below(0x120), 8, unit_random_edge());
			/* Back to what can be worked with. */
			set(CTLR, 0);
			set(BASER0, VALID | DEVICES | PAGE_64K);
			set(BASER1, VALID | COLLECTIONS | PAGE_64K);
			set(CBASER, VALID | RING | (RING_PAGES - 1));
			redist(0, PROPBASER, CONFIG | ID_BITS);
			set(CTLR, 1);
			break;
		default:
			random_command();
			break;
		}
		if (n % 1000 == 999) {
			vgic_its_save_pending(its);
			if (!control(KVMX_DEV_ARM_ITS_SAVE_TABLES))
				control(KVMX_DEV_ARM_ITS_RESTORE_TABLES);
		}
	}
	unit_figure("random accesses to the ITS", n);
}
END_TEST

static TCase *tests(void)
{
	TCase *tc = UNIT_CASE("its", registers, messages, configuration, targets, ends, by_command,
			      many, nonsense, pending_table, in_parts, saved, saved_format, restored_nonsense,
			      random_accesses);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

static TCase *bare(void)
{
	TCase *tc = UNIT_CASE("its_attributes", attributes);

	tcase_add_checked_fixture(tc, world, teardown);
	return tc;
}

UNIT_MAIN("arm64_its", tests(), bare())
