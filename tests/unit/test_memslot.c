// SPDX-License-Identifier: GPL-2.0-only
/* Memory slots: each refusal, each change and what it does to mappings. */
/* links: src/core/memslot.c src/core/memory.c src/core/dirty.c src/core/notifier.c */
/* links: src/core/stage2.c src/svm/npt.c src/vmx/ept.c */
/* links: src/arm64/stage2_format.c */
#include <linux/srcu.h>
#include <pthread.h>
#include <unistd.h>

#include "unit.h"
#include "memory_vm.h"

#define LOG	KVMX_MEM_LOG_DIRTY_PAGES
#define RO	KVMX_MEM_READONLY

static struct kvmx_memslot *find(u64 gpa)
{
	int idx = srcu_read_lock(&vm.memory.srcu);
	struct kvmx_memslot *slot = kvmx_memslot_find(&vm, gpa >> 12);

	srcu_read_unlock(&vm.memory.srcu, idx);
	return slot;
}

static u32 nr_slots(void)
{
	return rcu_access_pointer(vm.memory.slots)->nr;
}

static u64 generation(void)
{
	return rcu_access_pointer(vm.memory.slots)->generation;
}

static unsigned long hva(u64 offset)
{
	return (unsigned long)user + offset;
}

START_TEST(refusals)
{
	u64 before;

	vm_begin();
	ck_assert_int_eq(slot_set(0, 0, 0, MB, hva(0)), 0);
	before = generation();
	/* alignment */
	ck_assert_int_eq(slot_set(1, 0, 4 * MB + 1, MB, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, 4 * MB + 2048, MB, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, 4 * MB, MB + 1, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, 4 * MB, 2048, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, 4 * MB, MB, hva(MB) + 2048), -EINVAL);
	/* ids; the upper half of the word is an address space, of which there is one */
	ck_assert_int_eq(slot_set(KVMX_MAX_SLOTS, 0, 4 * MB, MB, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(0x10000, 0, 4 * MB, MB, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(~0U, 0, 4 * MB, MB, hva(MB)), -EINVAL);
	/* flags: all that are not known, guest_memfd's among them */
	ck_assert_int_eq(slot_set(1, KVMX_MEM_GUEST_MEMFD, 4 * MB, MB, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(1, 1U << 31, 4 * MB, MB, hva(MB)), -EINVAL);
	/* guest addresses: wrap, beyond what the tree can map */
	ck_assert_int_eq(slot_set(1, 0, -PAGE, 2 * PAGE, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, -PAGE, PAGE, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, 1ULL << 48, PAGE, hva(MB)), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, (1ULL << 48) - PAGE, 2 * PAGE, hva(MB)), -EINVAL);
	/* size: the API's limit; more than there is user address space */
	ck_assert_int_eq(slot_set(1, 0, 4 * MB, 1ULL << 43, 0), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, 4 * MB, -PAGE, 0), -EINVAL);
	/* user addresses: the kernel's, the edge, tagged ones, wrap */
	ck_assert_int_eq(slot_set(1, 0, 4 * MB, MB, 0xffff800000000000UL), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, 4 * MB, MB, TASK_SIZE_MAX - PAGE), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, 4 * MB, MB, hva(0) | 1UL << 56), -EINVAL);
	ck_assert_int_eq(slot_set(1, 0, 4 * MB, MB, -PAGE), -EINVAL);
	/* overlap: at either end, within, around, the same */
	ck_assert_int_eq(slot_set(1, 0, MB - PAGE, MB, hva(MB)), -EEXIST);
	ck_assert_int_eq(slot_set(1, 0, PAGE, PAGE, hva(MB)), -EEXIST);
	ck_assert_int_eq(slot_set(1, 0, 0, 2 * MB, hva(MB)), -EEXIST);
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(MB)), -EEXIST);
	/* a slot there is: another size, other memory, read-only or not */
	ck_assert_int_eq(slot_set(0, 0, 0, 2 * MB, hva(0)), -EINVAL);
	ck_assert_int_eq(slot_set(0, 0, 0, PAGE, hva(0)), -EINVAL);
	ck_assert_int_eq(slot_set(0, 0, 0, MB, hva(PAGE)), -EINVAL);
	ck_assert_int_eq(slot_set(0, RO, 0, MB, hva(0)), -EINVAL);
	/* deletion of what there is not */
	ck_assert_int_eq(slot_set(1, 0, 0, 0, 0), -EINVAL);
	ck_assert_int_eq(slot_set(KVMX_MAX_SLOTS, 0, 0, 0, 0), -EINVAL);
	/* nothing of that changed anything */
	ck_assert_uint_eq(generation(), before);
	ck_assert_uint_eq(nr_slots(), 1);
	ck_assert_uint_eq(flushes, 0);
	/* the same again is no change, and no error */
	ck_assert_int_eq(slot_set(0, 0, 0, MB, hva(0)), 0);
	ck_assert_uint_eq(generation(), before);
	vm_end();
}
END_TEST

START_TEST(edges)
{
	vm_begin();
	/* The last page, the last id, neighbours that touch, read-only for good. */
	ck_assert_int_eq(slot_set(KVMX_MAX_SLOTS - 1, 0, (1ULL << 48) - PAGE, PAGE, hva(0)), 0);
	ck_assert_int_eq(slot_set(1, 0, MB, MB, hva(0)), 0);
	ck_assert_int_eq(slot_set(2, RO, 0, MB, hva(0)), 0);
	ck_assert_int_eq(slot_set(3, 0, 2 * MB, PAGE, hva(MB)), 0);
	ck_assert_int_eq(slot_set(2, 0, 0, MB, hva(0)), -EINVAL);
	ck_assert_uint_eq(find(0)->id, 2);
	ck_assert_uint_eq(find(MB - 1)->id, 2);
	ck_assert_uint_eq(find(MB)->id, 1);
	ck_assert_uint_eq(find(2 * MB)->id, 3);
	ck_assert_ptr_null(find(2 * MB + PAGE));
	ck_assert_uint_eq(find((1ULL << 48) - 1)->id, KVMX_MAX_SLOTS - 1);
	ck_assert_ptr_null(find(1ULL << 48));
	ck_assert_ptr_null(find(~0ULL));
	/* The largest slot that can be: mostly nothing behind it. */
	ck_assert_int_eq(slot_set(4, 0, 1ULL << 44, ((1ULL << 31) - 1) << 12, 0), 0);
	ck_assert_int_eq(slot_set(5, 0, 1ULL << 45, 1ULL << 43, 0), -EINVAL);
	ck_assert_int_eq(fault_at(1ULL << 44, STAGE2_READ, false), KVMX_FAULT_BAD);
	ck_assert_int_eq(slot_set(4, 0, 0, 0, 0), 0);
	vm_end();
}
END_TEST

START_TEST(add_move_delete)
{
	struct kvmx_memslot *slot;

	vm_begin();
	ck_assert_ptr_null(find(0));
	ck_assert_int_eq(slot_set(7, 0, 4 * MB, 4 * MB, hva(0)), 0);
	ck_assert_uint_eq(generation(), 1);
	slot = find(5 * MB);
	ck_assert_uint_eq(slot->base_gfn, 4 * MB / PAGE);
	ck_assert_uint_eq(slot->npages, 4 * MB / PAGE);
	ck_assert_uint_eq(slot->hva, hva(0));
	ck_assert_int_eq(fault_at(5 * MB, STAGE2_WRITE, false), KVMX_FAULT_MAPPED);
	ck_assert(guest_reaches(5 * MB, RWX));

	/* A move takes the mappings away; over itself is no overlap. */
	ck_assert_int_eq(slot_set(7, 0, 6 * MB, 4 * MB, hva(0)), 0);
	ck_assert_uint_gt(flushes, 0);
	ck_assert(!guest_reaches(5 * MB, STAGE2_READ));
	ck_assert_ptr_null(find(5 * MB));
	ck_assert_int_eq(fault_at(5 * MB, STAGE2_READ, false), KVMX_FAULT_MMIO);
	ck_assert_int_eq(fault_at(7 * MB, STAGE2_READ, false), KVMX_FAULT_MAPPED);
	ck_assert(guest_reaches(7 * MB, STAGE2_READ));

	/* A move onto another is. */
	ck_assert_int_eq(slot_set(8, 0, 32 * MB, MB, hva(8 * MB)), 0);
	ck_assert_int_eq(slot_set(7, 0, 30 * MB, 4 * MB, hva(0)), -EEXIST);
	ck_assert(guest_reaches(7 * MB, STAGE2_READ));

	flushes = 0;
	ck_assert_int_eq(slot_set(7, 0, 0, 0, 0), 0);
	ck_assert_uint_eq(flushes, 1);
	ck_assert(!guest_reaches(7 * MB, STAGE2_READ));
	ck_assert_ptr_null(find(7 * MB));
	ck_assert_uint_eq(nr_slots(), 1);
	/* Its id and its place are free again. */
	ck_assert_int_eq(slot_set(7, RO, 6 * MB, MB, hva(16 * MB)), 0);
	vm_end();
}
END_TEST

START_TEST(many_sorted)
{
	static u32 order[500];
	u64 gpa, before;
	u32 i, j, nr = ARRAY_SIZE(order);

	vm_begin();
	for (i = 0; i < nr; i++)
		order[i] = i;
	for (i = nr - 1; i; i--) {
		u32 swap = order[i];

		j = unit_random_below(i + 1);
		order[i] = order[j];
		order[j] = swap;
	}
	for (i = 0; i < nr; i++)
		ck_assert_int_eq(slot_set(order[i], 0, (2 * order[i] + 1) * PAGE, PAGE,
					  hva(order[i] * PAGE)), 0);
	ck_assert_uint_eq(nr_slots(), nr);
	ck_assert_uint_eq(generation(), nr);
	for (gpa = 0; gpa < 2 * (nr + 1) * PAGE; gpa += PAGE) {
		struct kvmx_memslot *slot = find(gpa);
		u64 page = gpa / PAGE;

		if (!(page & 1) || page / 2 >= nr) {
			ck_assert_ptr_null(slot);
			continue;
		}
		ck_assert_uint_eq(slot->id, page / 2);
		ck_assert_uint_eq(slot->hva, hva(page / 2 * PAGE));
	}
	for (i = 0; i < nr; i += 2) {
		before = nr_slots();
		ck_assert_int_eq(slot_set(order[i], 0, 0, 0, 0), 0);
		ck_assert_uint_eq(nr_slots(), before - 1);
		ck_assert_ptr_null(find((2 * order[i] + 1) * PAGE));
	}
	vm_end();
}
END_TEST

/* Every allocation of every change fails once: nothing may have happened then. */
START_TEST(no_memory)
{
	static const struct { u32 flags; u64 gpa, size; } change[] = {
		{ LOG, 8 * MB, MB },	/* add */
		{ LOG, 9 * MB, MB },	/* move */
		{ 0, 9 * MB, MB },	/* log off */
		{ LOG, 9 * MB, MB },	/* log on */
		{ 0, 9 * MB, 0 },	/* delete */
	};
	u64 before;
	u32 i, nr;
	long n;

	vm_begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	for (i = 0; i < ARRAY_SIZE(change); i++) {
		for (n = 0; ; n++) {
			int ret;

			before = generation();
			nr = nr_slots();
			shim_fail_alloc_after(n);
			ret = slot_set(2, change[i].flags, change[i].gpa, change[i].size,
				       hva(MB));
			shim_fail_alloc_after(-1);
			if (!ret)
				break;
			ck_assert_int_eq(ret, -ENOMEM);
			ck_assert_uint_eq(generation(), before);
			ck_assert_uint_eq(nr_slots(), nr);
		}
		ck_assert_int_ge(n, 1);
		shim_rcu_run();
	}
	vm_end();

	/* The VM itself. */
	for (n = 0; ; n++) {
		int ret;

		memset(&vm, 0, sizeof(vm));
		vm.mm = shim_mm();
		shim_fail_alloc_after(n);
		ret = kvmx_memory_init(&vm, &format_npt);
		shim_fail_alloc_after(-1);
		if (!ret)
			break;
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert_uint_eq(shim_alloc_live(), 0);
		ck_assert(list_empty(&shim_mm()->shim_notifiers));
	}
	ck_assert_int_ge(n, 3);
	kvmx_memory_destroy(&vm);
	ck_assert_uint_eq(shim_alloc_live(), 0);
}
END_TEST

/* A reader keeps what it found until it leaves: slots go only after that. */
struct reader {
	bool inside, leave, changed;
};

static void *deleting(void *arg)
{
	struct reader *r = arg;

	if (slot_set(1, 0, 0, 0, 0))
		abort();
	WRITE_ONCE(r->changed, true);
	return NULL;
}

START_TEST(readers_are_waited_for)
{
	struct kvmx_memslot *slot;
	struct reader r = { 0 };
	pthread_t thread;
	int idx, i;

	vm_begin();
	ck_assert_int_eq(slot_set(1, 0, 0, MB, hva(0)), 0);
	idx = srcu_read_lock(&vm.memory.srcu);
	slot = kvmx_memslot_find(&vm, 0);
	pthread_create(&thread, NULL, deleting, &r);
	/* It is unpublished soon, but neither freed nor unmapped while we are inside. */
	for (i = 0; i < 1000 && kvmx_memslot_find(&vm, 0); i++)
		usleep(1000);
	ck_assert_ptr_null(kvmx_memslot_find(&vm, 0));
	/* vCPUs were told, or they might stay in guest code, holding the old set, for ever. */
	for (i = 0; i < 1000 && !READ_ONCE(knocks); i++)
		usleep(1000);
	ck_assert_uint_eq(knocks, 1);
	ck_assert(!READ_ONCE(r.changed));
	ck_assert_uint_eq(slot->npages, MB / PAGE);
	/* A fault that found it before can still finish: it is unmapped after us. */
	srcu_read_unlock(&vm.memory.srcu, idx);
	pthread_join(thread, NULL);
	ck_assert(r.changed);
	vm_end();
}
END_TEST

UNIT_MAIN("memslot",
	  UNIT_CASE("slots", refusals, edges, add_move_delete, many_sorted, no_memory,
		    readers_are_waited_for))
