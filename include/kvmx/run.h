/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVMX_RUN: src/core/run.c has the loop, and asks the guest floor for its parts.
 */
#ifndef KVMX_RUN_H
#define KVMX_RUN_H

#include <kvmx/vm.h>

/* What comes after an exit was handled, or after one part of the loop. */
enum run_next {
	RUN_STAY,	/* the guest runs on, in this window */
	RUN_LEAVE,	/* close the window, look at requests, run on */
	RUN_SLOW,	/* close the window, then call the slow handler */
	RUN_USER,	/* return to user space: run says why */
	RUN_ERROR,	/* return to user space: vcpu->run_error */
};

static inline enum run_next run_fail(struct kvmx_vcpu *vcpu, int error)
{
	vcpu->run_error = error;
	return RUN_ERROR;
}

/* 0 or -errno (-EINTR: signal). vcpu->mutex is held, the slots' SRCU is not. */
int kvmx_run(struct kvmx_vcpu *vcpu);

/*
 * The guest floor's parts, called with the slots' SRCU held but for the first
 * and the last: these are called once, the last one whenever the first said 0.
 */
int kvmx_arch_run_begin(struct kvmx_vcpu *vcpu);	/* 0, or -errno: it cannot run */
/* What user space owes from the last exit. RUN_STAY: nothing any more. */
enum run_next kvmx_arch_run_complete(struct kvmx_vcpu *vcpu);
/* Requests that need the window closed, of its own and of the window. RUN_STAY: go on. */
enum run_next kvmx_arch_run_requests(struct kvmx_vcpu *vcpu);
/* True when the guest may run; false when a request or a signal has to be looked at first. */
bool kvmx_arch_run_wait(struct kvmx_vcpu *vcpu);
/* Opens the window, runs the guest in it, closes it; handles the slow exits behind it. */
enum run_next kvmx_arch_run_guest(struct kvmx_vcpu *vcpu);
void kvmx_arch_run_end(struct kvmx_vcpu *vcpu);

#endif
