// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rows of two vCPUs, each a thread, on the one CPU of a counting machine:
 * interrupts from one to the other. Called by main.c.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "bench.h"

static void *other_cpu(void *arg)
{
	machine_serve(arg, 1);
	return NULL;
}

static void priority(int fifo)
{
	struct sched_param param = { .sched_priority = fifo };

	must(-pthread_setschedparam(pthread_self(), fifo ? SCHED_FIFO : SCHED_OTHER, &param),
	     "setting a priority");
}

/*
 * vCPU 1 runs @other in a thread of its own. It is given time to get where it
 * sleeps or spins; then vCPU 0 runs @code. At a higher priority it is never
 * interrupted by the other, whose work then is not in the figure.
 */
static double pair(const char *code, const char *other, uint64_t rounds, int fifo)
{
	struct machine m;
	pthread_t thread;
	uint64_t ticks;

	machine_create(&m, 2);
	machine_start(&m, 1, other, 0, 0);
	machine_start(&m, 0, code, rounds, 0);
	must(-pthread_create(&thread, NULL, other_cpu, &m), "starting a thread");
	usleep(20000);
	priority(fifo);
	ticks = machine_finish(&m, 0);
	priority(0);
	must(kvmx_vcpu_kick(m.vcpu[1]), "stopping the other vCPU");
	must(-pthread_kill(thread, SIGUSR1), "stopping the other vCPU");
	pthread_join(thread, NULL);
	machine_destroy(&m);
	return (double)ticks / rounds;
}

void rows_ipi(void)
{
	uint64_t rounds = quick ? 500 : 5000;

	row("ipi_send", pair(guest_ipi_send, guest_spin, rounds, 2));
	row("ipi_sleeping", pair(guest_ipi_ask, guest_ipi_answer, rounds, 0) / 2);
}
