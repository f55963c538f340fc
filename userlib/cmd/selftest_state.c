// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tests of `kvmx check` that look at a guest from outside: which pages it wrote
 * to, and whether it goes on when its state is put into another VM. Called by
 * cmd_check.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "selftest.h"

#define DIRTY_ROUNDS	8
#define DIRTY_WORDS	(LOGGED_PAGES / 64)
#define STEPS		600u
#define STEPS_PER_VM	50u

/* Some pages in each round; from one round to the next other ones. */
static int page_wanted(unsigned int round, unsigned int page)
{
	return (page * page + round) % 7 < round % 4;
}

/* One round: the guest writes to the pages wanted, and the log has exactly those. */
static int dirty_round(struct selftest *test, struct selftest_vm *vm,
		       unsigned int round, unsigned int *writes)
{
	uint64_t log[DIRTY_WORDS], wanted[DIRTY_WORDS] = { 0 };
	uint32_t end;
	int ret;

	for (unsigned int page = 0; page < LOGGED_PAGES; page++) {
		if (!page_wanted(round, page))
			continue;
		wanted[page / 64] |= UINT64_C(1) << page % 64;
		++*writes;
		if (selftest_asked(test, vm, LOGGED_START + page * 4096 + page))
			return -1;
	}
	if (selftest_asked(test, vm, 0) || selftest_told(test, vm, &end))
		return -1;
	ret = kvmx_vm_memory_dirty(vm->vm, 1, log, DIRTY_WORDS);
	if (ret)
		return selftest_fail(test, "reading the log: %s", strerror(-ret));
	for (unsigned int page = 0; page < LOGGED_PAGES; page++) {
		int got = log[page / 64] >> page % 64 & 1;

		if (got != (int)(wanted[page / 64] >> page % 64 & 1))
			return selftest_fail(test, "round %u: page %u was %swritten to, and the log says %s",
					     round, page, got ? "not " : "",
					     got ? "it was" : "it was not");
	}
	return 0;
}

static int dirty(struct selftest *test, struct selftest_vm *vm)
{
	const struct kvmx_memory_config memory = {
		.size = sizeof(memory), .slot = 1, .flags = KVMX_MEM_LOG_DIRTY_PAGES,
		.guest_address = LOGGED_START, .length = LOGGED_PAGES * 4096,
	};
	unsigned int writes = 0;
	void *host;
	int ret = kvmx_vm_memory_add(vm->vm, &memory, &host);

	if (ret)
		return selftest_fail(test, "memory with a log: %s", strerror(-ret));
	for (unsigned int round = 0; round < DIRTY_ROUNDS; round++)
		if (dirty_round(test, vm, round, &writes))
			return -1;
	selftest_say(test, "%u writes in %u rounds, each in the log once", writes,
		     DIRTY_ROUNDS);
	return 0;
}

int selftest_check_dirty(struct selftest *test)
{
	struct selftest_vm vm;
	int ret = selftest_vm_create(test, &vm, selftest_dirty, 0);

	if (!ret)
		ret = dirty(test, &vm);
	selftest_vm_close(&vm);
	return ret;
}

/* All MSRs that the device calls state, from one vCPU to the other. */
static int msrs_move(struct selftest *test, struct kvmx_vcpu *from,
		     struct kvmx_vcpu *to)
{
	struct kvmx_msr_entry *entries = NULL;
	struct kvmx_msr_list *list;
	int ret = kvmx_msr_index_list(test->kvmx, &list), moved;

	if (ret)
		return selftest_fail(test, "list of MSRs: %s", strerror(-ret));
	entries = calloc(list->nmsrs, sizeof(*entries));
	ret = -1;
	if (!entries) {
		selftest_fail(test, "no memory");
		goto out;
	}
	for (uint32_t i = 0; i < list->nmsrs; i++)
		entries[i].index = list->indices[i];
	moved = kvmx_vcpu_get_msrs(from, entries, list->nmsrs);
	if (moved < (int)list->nmsrs) {
		selftest_fail(test, "MSR %#x cannot be read",
			      moved < 0 ? 0 : list->indices[moved]);
		goto out;
	}
	moved = kvmx_vcpu_set_msrs(to, entries, list->nmsrs);
	if (moved < (int)list->nmsrs) {
		selftest_fail(test, "MSR %#x cannot be put back",
			      moved < 0 ? 0 : list->indices[moved]);
		goto out;
	}
	ret = 0;
out:
	free(entries);
	free(list);
	return ret;
}

/* All that XSAVE holds; in-tree KVM may take the legacy half alone for unused. */
static int xsave_move(struct kvmx_vcpu *from, struct kvmx_vcpu *to,
		      struct kvmx_xsave *xsave)
{
	if (ioctl(kvmx_vcpu_fd(from), KVMX_GET_XSAVE, xsave) ||
	    ioctl(kvmx_vcpu_fd(to), KVMX_SET_XSAVE, xsave))
		return -errno;
	return 0;
}

static int state_move(struct selftest *test, struct selftest_vm *from,
		      struct selftest_vm *to)
{
	struct kvmx_regs regs;
	struct kvmx_sregs sregs;
	struct kvmx_xsave xsave;
	struct kvmx_lapic_state lapic;
	struct kvmx_mp_state mp;
	int ret;

	/* A run that is over at once finishes the last exit. */
	kvmx_vcpu_kick(from->vcpu);
	ret = kvmx_vcpu_run(from->vcpu);
	if (ret != -EINTR)
		return selftest_fail(test, "a kicked CPU runs: %s", strerror(-ret));
	memcpy(to->memory, from->memory, GUEST_MEMORY);
	if ((ret = kvmx_vcpu_get_sregs(from->vcpu, &sregs)) ||
	    (ret = kvmx_vcpu_set_sregs(to->vcpu, &sregs)) ||
	    (ret = kvmx_vcpu_get_regs(from->vcpu, &regs)) ||
	    (ret = kvmx_vcpu_set_regs(to->vcpu, &regs)) ||
	    (ret = xsave_move(from->vcpu, to->vcpu, &xsave)) ||
	    (ret = kvmx_vcpu_get_lapic(from->vcpu, &lapic)) ||
	    (ret = kvmx_vcpu_set_lapic(to->vcpu, &lapic)) ||
	    (ret = kvmx_vcpu_get_mp_state(from->vcpu, &mp)) ||
	    (ret = kvmx_vcpu_set_mp_state(to->vcpu, &mp)))
		return selftest_fail(test, "moving registers: %s", strerror(-ret));
	return msrs_move(test, from->vcpu, to->vcpu);
}

/* What the guest tells, step by step; with moves, in a new VM every now and then. */
static int sequence(struct selftest *test, uint32_t *told, int moves)
{
	struct selftest_vm vm, next;
	int ret = selftest_vm_create(test, &vm, selftest_state, 1);

	for (unsigned int step = 0; !ret && step < STEPS; step++) {
		ret = selftest_told(test, &vm, &told[step]);
		if (ret || !moves || (step + 1) % STEPS_PER_VM)
			continue;
		ret = selftest_vm_create(test, &next, selftest_state, 1);
		if (!ret)
			ret = state_move(test, &vm, &next);
		selftest_vm_close(&vm);
		vm = next;
	}
	selftest_vm_close(&vm);
	return ret;
}

int selftest_check_state(struct selftest *test)
{
	uint32_t alone[STEPS], moved[STEPS];

	if (sequence(test, alone, 0) || sequence(test, moved, 1))
		return -1;
	for (unsigned int step = 0; step < STEPS; step++)
		if (alone[step] != moved[step])
			return selftest_fail(test, "step %u: %#x in one VM, %#x in one that was moved",
					     step, alone[step], moved[step]);
	selftest_say(test, "a guest moved to a new VM %u times goes on as if it were not",
		     STEPS / STEPS_PER_VM);
	return 0;
}
