// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM that others look at: its guest does one of each thing that has a trace
 * point, or does two of them for ever. Started by tests/vmm/observe.
 *
 *   observe once      says where in the guest what happens
 *   observe for-ever  nine CPUID for each OUT to user space, until it is killed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/kvmx.h>
#include "check.h"

#define CODE		0x1000
#define MEMORY_SIZE	0x10000
#define VECTOR		0x40

/* Real mode, but with segments that reach all of 4 GiB. */
extern const char guest_begin[], guest_end[], guest_cpuid[], guest_out[], guest_bad_msr[],
	guest_halt[], guest_after_halt[], guest_gp[], guest_irq[], guest_loop[];
asm(".pushsection .rodata\n.code16\n"
    "guest_begin:\n"
    "	movb	$0x5a, %al\n"
    "guest_out:\n"
    "	outb	%al, $0x7b\n"		/* user space */
    "	inb	$0x7c, %al\n"
    "	movb	$0xfb, %al\n"
    "	outb	%al, $0x21\n"		/* the PIC */
    "	inb	$0x21, %al\n"
    "	movl	$0xd0000000, %ebx\n"
    "	movl	$0x11223344, %eax\n"
    "	movl	%eax, (%ebx)\n"		/* user space */
    "	movl	4(%ebx), %eax\n"
    "	addw	%ax, 8(%ebx)\n"		/* the same by the emulator */
    "	movl	$0xfee000f0, %ebx\n"
    "	movl	$0x1ff, %eax\n"
    "	movl	%eax, (%ebx)\n"		/* the local APIC */
    "	movl	(%ebx), %eax\n"
    "	movw	$3, %cx\n"
    "	movw	$0x2000, %si\n"
    "	movw	$0x70, %dx\n"
    "	rep outsb\n"
    "	movw	$2, %cx\n"
    "	movw	$0x2000, %di\n"
    "	movw	$0x72, %dx\n"
    "	rep insb\n"
    "guest_cpuid:\n"
    "	cpuid\n"
    "	movl	$0x277, %ecx\n"		/* IA32_PAT */
    "	rdmsr\n"
    "	wrmsr\n"
    "	movl	$0x99, %ecx\n"
    "guest_bad_msr:\n"
    "	rdmsr\n"
    "	outb	%al, $0x7f\n"		/* an interrupt, please */
    "	sti\n"
    "guest_halt:\n"
    "	hlt\n"
    "guest_after_halt:\n"
    "	outb	%al, $0x80\n"		/* the end */
    "guest_gp:\n"
    "	movw	%sp, %bp\n"
    "	addw	$2, (%bp)\n"
    "	iret\n"
    "guest_irq:\n"
    "	movl	$0xfee000b0, %ebx\n"
    "	movl	$0, (%ebx)\n"
    "	iret\n"
    "guest_loop:\n"
    "	.rept	9\n"
    "	cpuid\n"
    "	.endr\n"
    "	outb	%al, $0x7b\n"
    "	jmp	guest_loop\n"
    "guest_end:\n"
    ".code64\n.popsection\n");

static unsigned int address(const char *label)
{
	return CODE + (label - guest_begin);
}

static char *memory;
static struct kvmx_run *run;
static int vm, cpu;

static void interrupt_vector(unsigned int vector, const char *handler)
{
	unsigned short entry[2] = { address(handler), 0 };

	memcpy(memory + vector * sizeof(entry), entry, sizeof(entry));
}

static void make_vm(int dev)
{
	struct kvmx_userspace_memory_region slot = { .memory_size = MEMORY_SIZE };
	size_t size = must("GET_VCPU_MMAP_SIZE", ioctl(dev, KVMX_GET_VCPU_MMAP_SIZE, 0));

	vm = must("CREATE_VM", ioctl(dev, KVMX_CREATE_VM, 0));
	must("CREATE_IRQCHIP", ioctl(vm, KVMX_CREATE_IRQCHIP, 0));
	memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must("memory", memory == MAP_FAILED ? -1 : 0);
	slot.userspace_addr = (unsigned long)memory;
	must("memory slot", ioctl(vm, KVMX_SET_USER_MEMORY_REGION, &slot));
	cpu = must("CREATE_VCPU", ioctl(vm, KVMX_CREATE_VCPU, 0));
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	must("mmap of the vCPU", run == MAP_FAILED ? -1 : 0);
}

static void load_guest(const char *start)
{
	struct kvmx_regs regs = { .rip = address(start), .rsp = 0x4000, .rflags = 2 };
	struct kvmx_sregs s;

	memcpy(memory + CODE, guest_begin, guest_end - guest_begin);
	memcpy(memory + 0x2000, "abc", 3);
	interrupt_vector(13, guest_gp);
	interrupt_vector(VECTOR, guest_irq);
	must("GET_SREGS", ioctl(cpu, KVMX_GET_SREGS, &s));
	s.cs.base = s.cs.selector = 0;
	s.ds.limit = s.es.limit = ~0u;
	s.ds.g = s.es.g = 1;
	must("SET_SREGS", ioctl(cpu, KVMX_SET_SREGS, &s));
	must("SET_REGS", ioctl(cpu, KVMX_SET_REGS, &regs));
}

/* Each read is answered by a value that the trace must show. False: the end. */
static bool serve_port(void)
{
	struct kvmx_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };
	unsigned char *data = (unsigned char *)run + run->io.data_offset;

	if (run->io.direction == KVMX_EXIT_IO_IN)
		memset(data, 0xa5, run->io.size * run->io.count);
	if (run->io.port == 0x7f)
		must("SIGNAL_MSI", ioctl(vm, KVMX_SIGNAL_MSI, &msi));
	return run->io.port != 0x80;
}

static void serve_memory(void)
{
	static const unsigned char answer[8] = { 0x88, 0x77, 0x66, 0x55 };

	if (!run->mmio.is_write)
		memcpy(run->mmio.data, answer, sizeof(answer));
}

static void once(void)
{
	bool more = true;

	load_guest(guest_begin);
	while (more) {
		must("RUN", ioctl(cpu, KVMX_RUN, 0));
		if (run->exit_reason == KVMX_EXIT_IO)
			more = serve_port();
		else if (run->exit_reason == KVMX_EXIT_MMIO)
			serve_memory();
		else
			must("an exit for I/O", (errno = EPROTO, -1));
	}
	printf("begin=0x%x out=0x%x cpuid=0x%x bad_msr=0x%x halt=0x%x after_halt=0x%x\n",
	       address(guest_begin), address(guest_out), address(guest_cpuid),
	       address(guest_bad_msr), address(guest_halt), address(guest_after_halt));
}

int main(int argc, char **argv)
{
	int dev = must("/dev/kvmx", open("/dev/kvmx", O_RDWR | O_CLOEXEC));

	watch(120);
	make_vm(dev);
	if (argc > 1 && !strcmp(argv[1], "once")) {
		once();
		return 0;
	}
	load_guest(guest_loop);
	for (;;)
		must("RUN", ioctl(cpu, KVMX_RUN, 0));
}
