// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots, stage-2 faults, the host's invalidations and the dirty log, in any order, beside
 * a model of a few lines. No translation is stale or grants more than its slot does, memory
 * reads as what was written, and no page that was written to is missing in the log.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/srcu.h>

#include "machine.h"

#define SLOTS	6
#define GFNS	128
#define STEPS	64

struct model {
	bool used, logged, readonly;
	u64 gfn, pages;
	u8 *at;
};

static struct model slot[SLOTS];
static bool written[SLOTS][GFNS];	/* and not logged yet */
static bool manual, rings;
static int vm_fd, vcpu_fd;
static struct kvmx_vm *vm;
static struct kvmx_vcpu *vcpu;

static void *behind(int fd)
{
	struct file *file = fget(fd);
	void *object = file->private_data;

	fput(file);
	return object;
}

static struct model *slot_of(u64 gfn)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (slot[i].used && gfn - slot[i].gfn < slot[i].pages)
			return &slot[i];
	return NULL;
}

static u8 *page_of(const struct model *m, u64 gfn)
{
	return m->at + ((gfn - m->gfn) << 12);
}

static void note_write(struct model *m, u64 gfn)
{
	if (m->logged)
		written[m - slot][gfn - m->gfn] = true;
}

/* Every leaf is what the model says. */
static void check_tree(void)
{
	struct stage2_leaf leaf;
	struct model *m;
	u64 gfn;

	rcu_read_lock();
	for (gfn = 0; gfn < GFNS; gfn++) {
		if (!stage2_lookup(vm->memory.s2, gfn, &leaf))
			continue;
		m = slot_of(gfn);
		fuzz_demand(m, ": a translation without a slot");
		fuzz_demand(leaf.level == 1 && leaf.gfn == gfn);
		fuzz_demand(leaf.pfn == virt_to_phys(page_of(m, gfn)) >> 12, ": a stale translation");
		fuzz_demand(!(leaf.access & STAGE2_WRITE) || !m->readonly);
	}
	rcu_read_unlock();
}

static void set_slot(struct fuzz_input *in)
{
	struct kvmx_userspace_memory_region r = { .slot = fuzz_below(in, SLOTS) };
	struct model *m = &slot[r.slot], old = *m;
	u8 how = fuzz_u8(in);
	unsigned int page = fuzz_u8(in) % MACHINE_PAGES, gfn, n;
	long ret;

	r.flags = how & 3;
	n = how & 4 ? 0 : 1 + fuzz_u8(in) % MACHINE_PAGES;
	gfn = fuzz_u8(in) % GFNS;
	if (how & 8 && old.used) {		/* only the flags */
		gfn = old.gfn;
		n = old.pages;
		page = (old.at - machine_ram) >> 12;
	}
	if (page + n > MACHINE_PAGES)
		n = MACHINE_PAGES - page;
	if (gfn + n > GFNS)
		n = GFNS - gfn;
	r.guest_phys_addr = (u64)gfn << 12;
	r.memory_size = (u64)n << 12;
	r.userspace_addr = (unsigned long)machine_ram + (page << 12);
	if (how & 16)
		r.userspace_addr += fuzz_u16(in) | 1;
	memcpy(machine_arg, &r, sizeof(r));
	ret = machine_call(vm_fd, KVMX_SET_USER_MEMORY_REGION);
	if (ret)
		return;
	fuzz_demand(!(r.userspace_addr & 4095));
	if (!n) {
		fuzz_demand(old.used);
		m->used = false;
		return;
	}
	*m = (struct model) {
		.used = true, .logged = r.flags & KVMX_MEM_LOG_DIRTY_PAGES,
		.readonly = r.flags & KVMX_MEM_READONLY, .gfn = gfn, .pages = n,
		.at = machine_ram + (page << 12),
	};
	if (!old.used || !old.logged || !m->logged)
		memset(written[r.slot], 0, sizeof(written[r.slot]));
	/* No two slots overlap. */
	for (n = 0; n < SLOTS; n++)
		fuzz_demand(n == r.slot || !slot[n].used || slot[n].gfn + slot[n].pages <= gfn ||
			    slot[n].gfn >= gfn + m->pages);
}

static void fault(struct fuzz_input *in)
{
	u64 gfn = fuzz_u8(in) % (GFNS + 4);
	u8 how = fuzz_u8(in);
	u32 access = 1 << how % 3;
	struct model *m = slot_of(gfn);
	enum kvmx_fault_result ret;
	int idx = srcu_read_lock(&vm->memory.srcu);

	vcpu->srcu_idx = idx;
	ret = kvmx_memory_fault(vcpu, gfn << 12 | (how << 4), access, how & 0x80);
	srcu_read_unlock(&vm->memory.srcu, vcpu->srcu_idx);
	if (!m || (m->readonly && access == STAGE2_WRITE))
		fuzz_demand(ret == KVMX_FAULT_MMIO);
	else
		fuzz_demand(ret == KVMX_FAULT_MAPPED || ret == KVMX_FAULT_SLOW ||
			    ret == KVMX_FAULT_NOMEM);
}

/* The guest stores, if its translation lets it. */
static void store(struct fuzz_input *in)
{
	u64 gfn = fuzz_u8(in) % GFNS;
	struct stage2_leaf leaf;
	struct model *m = slot_of(gfn);
	bool can;

	rcu_read_lock();
	can = stage2_lookup(vm->memory.s2, gfn, &leaf) && (leaf.access & STAGE2_WRITE);
	rcu_read_unlock();
	if (!can)
		return;
	fuzz_demand(m);
	page_of(m, gfn)[fuzz_u8(in)] = fuzz_u8(in);
	note_write(m, gfn);
}

/* What the kernel writes and reads on the guest's behalf. */
static void copy(struct fuzz_input *in)
{
	static u8 data[8192], back[8192];
	u64 gpa = (u64)(fuzz_u8(in) % GFNS) << 12 | (fuzz_u16(in) & 0xfff), at;
	u32 len = 1 + fuzz_u16(in) % sizeof(data), i;
	bool can_read = true, can_write = true;
	int ret, idx;

	for (at = gpa >> 12; at <= (gpa + len - 1) >> 12; at++) {
		struct model *m = slot_of(at);

		can_read &= m != NULL;
		can_write &= m && !m->readonly;
	}
	memset(data, fuzz_u8(in), len);
	idx = srcu_read_lock(&vm->memory.srcu);
	ret = kvmx_guest_write(vm, gpa, data, len);
	fuzz_demand(!ret == can_write);
	for (i = 0; can_write && i < len; i++) {
		struct model *m = slot_of((gpa + i) >> 12);

		note_write(m, (gpa + i) >> 12);
		i |= 0xfff - ((gpa + i) & 0xfff);
	}
	ret = kvmx_guest_read(vm, gpa, back, len);
	fuzz_demand(!ret == can_read);
	/* Slots may share memory: what overlaps was written twice, with the same. */
	fuzz_demand(!can_write || !memcmp(data, back, len));
	srcu_read_unlock(&vm->memory.srcu, idx);
	/* A write that failed half way was to the slots that it met. */
}

static void get_log(struct fuzz_input *in)
{
	unsigned int i = fuzz_below(in, SLOTS), n;
	struct kvmx_dirty_log log = { .slot = i, .padding2 = (unsigned long)machine_arg + 4096 };
	const u8 *bits = machine_arg + 4096;
	long ret;

	memcpy(machine_arg, &log, sizeof(log));
	memset(machine_arg + 4096, 0, 64);
	ret = machine_call(vm_fd, KVMX_GET_DIRTY_LOG);
	if (ret == -ENOMEM)
		return;
	fuzz_demand(!ret == (slot[i].used && slot[i].logged && !rings));
	if (ret)
		return;
	for (n = 0; n < slot[i].pages; n++) {
		if (!written[i][n])
			continue;
		fuzz_demand(bits[n / 8] >> n % 8 & 1, ": a write is not in the log");
		if (!manual)
			written[i][n] = false;
	}
}

static void clear_log(struct fuzz_input *in)
{
	unsigned int i = fuzz_below(in, SLOTS), n;
	struct kvmx_clear_dirty_log log = {
		.slot = i, .first_page = fuzz_u8(in) & 64, .num_pages = fuzz_u8(in),
		.padding2 = (unsigned long)machine_arg + 4096,
	};
	u8 *bits = machine_arg + 4096;

	memcpy(machine_arg, &log, sizeof(log));
	fuzz_bytes(in, bits, 16);
	if (machine_call(vm_fd, KVMX_CLEAR_DIRTY_LOG))
		return;
	for (n = 0; n < log.num_pages && log.first_page + n < slot[i].pages; n++)
		if (bits[n / 8] >> n % 8 & 1)
			written[i][log.first_page + n] = false;
}

/* The host moves its memory: nothing of it stays mapped. */
static void invalidate(struct fuzz_input *in)
{
	unsigned int page = fuzz_u8(in) % MACHINE_PAGES, n = 1 + fuzz_u8(in) % 16;
	unsigned long start = (unsigned long)machine_ram + (page << 12);
	struct stage2_leaf leaf;
	u64 gfn;

	shim_mmu_invalidate_start(shim_mm(), start, start + (n << 12), true);
	rcu_read_lock();
	for (gfn = 0; gfn < GFNS; gfn++)
		if (stage2_lookup(vm->memory.s2, gfn, &leaf))
			fuzz_demand(leaf.pfn - (virt_to_phys((void *)start) >> 12) >= n,
				    "mapped after it was invalidated");
	rcu_read_unlock();
	if (fuzz_u8(in) & 1)
		fault(in);
	shim_mmu_invalidate_end(shim_mm(), start, start + (n << 12));
}

static void create(struct fuzz_input *in)
{
	struct kvmx_enable_cap cap = { .cap = KVMX_CAP_MANUAL_DIRTY_LOG_PROTECT2 };
	u8 how = fuzz_u8(in);

	memset(slot, 0, sizeof(slot));
	memset(written, 0, sizeof(written));
	vm_fd = machine_ioctl(MACHINE_SYSTEM, KVMX_CREATE_VM, 0);
	vm = behind(vm_fd);
	manual = how & 1;
	rings = how & 4;
	cap.args[0] = how & 3;
	memcpy(machine_arg, &cap, sizeof(cap));
	if (manual)
		fuzz_demand(!machine_call(vm_fd, KVMX_ENABLE_CAP));
	cap.cap = KVMX_CAP_DIRTY_LOG_RING_ACQ_REL;
	cap.args[0] = 4096;
	memcpy(machine_arg, &cap, sizeof(cap));
	if (rings)
		fuzz_demand(!machine_call(vm_fd, KVMX_ENABLE_CAP));
	vcpu_fd = machine_ioctl(vm_fd, KVMX_CREATE_VCPU, 0);
	vcpu = behind(vcpu_fd);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	machine_load();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	unsigned int steps;

	machine_begin(&in);
	create(&in);
	for (steps = 0; in.left && steps < STEPS; steps++) {
		u8 what = fuzz_u8(&in);

		if ((what & 0xf0) == 0xf0)
			shim_fail_alloc_after(fuzz_u8(&in) & 15);
		switch (what % 8) {
		case 0: case 1:
			set_slot(&in);
			break;
		case 2: case 3:
			fault(&in);
			break;
		case 4:
			store(&in);
			break;
		case 5:
			copy(&in);
			break;
		case 6:
			what & 8 ? get_log(&in) : clear_log(&in);
			break;
		default:
			what & 8 ? invalidate(&in) : (void)machine_ioctl(vm_fd, KVMX_RESET_DIRTY_RINGS, 0);
			break;
		}
		shim_fail_alloc_after(-1);
		shim_assert_idle();
		check_tree();
	}
	machine_close(vm_fd);
	machine_close(vcpu_fd);
	machine_end();
	return 0;
}
