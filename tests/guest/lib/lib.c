// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs' common part: verdict, traps, processors, page tables, local
 * APIC and the calls to the host.
 */
#include "lib.h"

/* ---- Verdict ---- */

volatile u32 checks;

static void put(char c)
{
	outb(PORT_DEBUG, c);
}

static void put_number(u64 v, unsigned int base, unsigned int width, char pad)
{
	char digits[24];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n < width && n < sizeof(digits))
		digits[n++] = pad;
	while (n)
		put(digits[--n]);
}

static void vprint(const char *f, va_list args)
{
	for (; *f; f++) {
		unsigned int width = 0, longs = 0;
		char pad = ' ';
		s64 v;

		if (*f != '%') {
			put(*f);
			continue;
		}
		f++;
		if (*f == '0')
			pad = *f++;
		while (*f >= '0' && *f <= '9')
			width = width * 10 + *f++ - '0';
		for (; *f == 'l'; f++)
			longs++;
		switch (*f) {
		case 'd':
			v = longs ? va_arg(args, long) : va_arg(args, int);
			if (v < 0) {
				put('-');
				v = -v;
			}
			put_number(v, 10, width, pad);
			break;
		case 'u':
			put_number(longs ? va_arg(args, u64) : va_arg(args, u32), 10, width, pad);
			break;
		case 'x':
			put_number(longs ? va_arg(args, u64) : va_arg(args, u32), 16, width, pad);
			break;
		case 'p':
			put_number(va_arg(args, u64), 16, width, pad);
			break;
		case 'c':
			put(va_arg(args, int));
			break;
		case 's':
			for (const char *s = va_arg(args, const char *); *s; s++)
				put(*s);
			break;
		default:
			put(*f);
		}
	}
}

void print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprint(format, args);
	va_end(args);
}

static void __attribute__((noreturn)) end(u32 how)
{
	outl(PORT_END, how | checks << 8);
	for (;;)
		asm volatile("cli; hlt");
}

void fail(const char *format, ...)
{
	va_list args;

	cli();
	va_start(args, format);
	vprint(format, args);
	va_end(args);
	end(END_FAIL);
}

void skip(const char *format, ...)
{
	va_list args;

	cli();
	va_start(args, format);
	vprint(format, args);
	va_end(args);
	end(END_SKIP);
}

void pass(void)
{
	if (!checks)
		fail("the program checked nothing");
	end(END_PASS);
}

/* ---- Memory ---- */

void *memset(void *to, int byte, size_t length)
{
	void *start = to;

	asm volatile("rep stosb" : "+D"(to), "+c"(length) : "a"(byte) : "memory");
	return start;
}

void *memcpy(void *to, const void *from, size_t length)
{
	void *start = to;

	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(length) :: "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t length)
{
	const u8 *x = a, *y = b;

	for (; length; length--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

static u64 next_page = 0x100000;

void *pages_alloc(unsigned int count, u64 align)
{
	u64 page;

	next_page = (next_page + align - 1) & ~(align - 1);
	page = next_page;
	next_page += count * 4096ull;
	if (next_page > (u64)header.memory_mb << 20)
		fail("the program's memory is used up");
	return memset((void *)page, 0, count * 4096ull);
}

void *page_alloc(void)
{
	return pages_alloc(1, 4096);
}

u64 *pte_get(u64 cr3, u64 address)
{
	u64 *table = (u64 *)(cr3 & PTE_ADDRESS);

	for (int shift = 39; shift > 12; shift -= 9) {
		u64 *entry = &table[address >> shift & 511];

		if (!(*entry & PTE_P)) {
			*entry = (u64)page_alloc() | PTE_P | PTE_W | PTE_U;
		} else if (*entry & PTE_PS) {
			u64 old = *entry & ~PTE_PS, step = 1ull << (shift - 9);
			u64 *split = page_alloc();

			for (int i = 0; i < 512; i++)
				split[i] = (old + i * step) | (shift > 21 ? PTE_PS : 0);
			*entry = (u64)split | PTE_P | PTE_W | PTE_U;
		}
		table = (u64 *)(*entry & PTE_ADDRESS);
	}
	return &table[address >> 12 & 511];
}

u64 tables_copy(void)
{
	u64 *pml4 = page_alloc(), *pdpt = page_alloc(), *pd = pages_alloc(4, 4096);

	pml4[0] = (u64)pdpt | 7;
	for (int i = 0; i < 4; i++)
		pdpt[i] = ((u64)pd + i * 4096) | 7;
	for (int i = 0; i < 2048; i++)
		pd[i] = (u64)i << 21 | PTE_PS | 7;
	return (u64)pml4;
}

/* ---- Traps ---- */

extern u8 stubs[], stubs32[];
extern u64 idt[512], idt32[32];
void trap(struct frame *f);
void user_return(void);

static void (*handlers[256])(struct frame *);
static struct caught catching[MAX_CPUS];
static u8 df_stacks[MAX_CPUS][4096] __attribute__((aligned(16)));
static u8 tss[MAX_CPUS][104] __attribute__((aligned(128)));
static u8 user_trap_stacks[MAX_CPUS][8192] __attribute__((aligned(16)));

static u64 tss_get(const u8 *from, unsigned int offset)
{
	u64 v;

	memcpy(&v, from + offset, 8);
	return v;
}

void set_handler(unsigned int vector, void (*handler)(struct frame *))
{
	handlers[vector] = handler;
}

unsigned int this_cpu(void)
{
	u16 tr;

	asm volatile("str %0" : "=r"(tr));
	return (tr - SEL_TSS) / 16;
}

struct caught *caught(void)
{
	return &catching[this_cpu()];
}

static void go_to(struct frame *f, void (*function)(void), u64 argument, u64 rsp)
{
	f->rip = (u64)function;
	f->rdi = argument;
	f->cs = SEL_CODE64;
	f->ss = SEL_DATA;
	f->rsp = rsp;
	f->rflags = 2;
}

void trap(struct frame *f)
{
	struct caught *c = caught();

	if (handlers[f->vector]) {
		handlers[f->vector](f);
		return;
	}
	if (f->vector == VECTOR_USER_EXIT) {
		go_to(f, user_return, f->rax, tss_get(tss[this_cpu()], 4));
		return;
	}
	/* Nothing here can be relied upon: the runner puts it right. */
	if (c->armed == ATTACKED)
		outb(PORT_PEACE, f->vector);
	if (c->armed) {
		c->armed = DISARMED;
		c->vector = f->vector;
		c->error = f->error;
		c->rip = f->rip;
		c->rflags = f->rflags;
		if (f->vector == PF)
			c->cr2 = read_cr2();
		go_to(f, trap_resume, (u64)&c->buffer, c->buffer.rsp);
		return;
	}
	fail("CPU %u: vector %lu, error 0x%lx, rip 0x%lx, cr2 0x%lx", this_cpu(), f->vector,
	     f->error, f->rip, read_cr2());
}

static void gate(unsigned int vector, unsigned int ist, unsigned int dpl)
{
	u64 at = (u64)stubs + vector * 16;

	idt[vector * 2] = (at & 0xffff) | SEL_CODE64 << 16 | (u64)ist << 32 |
			  (0x8e00ull | dpl << 13) << 32 | (at >> 16 & 0xffff) << 48;
	idt[vector * 2 + 1] = at >> 32;
}

static void tables_init(void)
{
	for (unsigned int i = 0; i < 256; i++)
		gate(i, 0, 0);
	gate(DF, 1, 0);
	gate(BP, 0, 3);
	gate(OF, 0, 3);
	gate(VECTOR_USER_EXIT, 0, 3);
	for (unsigned int i = 0; i < 32; i++) {
		u64 at = (u64)stubs32 + i * 32;

		idt32[i] = (at & 0xffff) | SEL_CODE32 << 16 | 0x8e00ull << 32 |
			   (at >> 16 & 0xffff) << 48;
	}
}

static void tss_load(unsigned int cpu)
{
	u64 base = (u64)tss[cpu], *descriptor = &gdt[SEL_TSS / 8 + cpu * 2];
	u64 rsp0 = (u64)user_trap_stacks[cpu + 1], ist1 = (u64)df_stacks[cpu + 1];

	memcpy(tss[cpu] + 4, &rsp0, 8);
	memcpy(tss[cpu] + 36, &ist1, 8);
	/* Its page is there when a #DF comes: TCG tells a push that exits as the first exception's. */
	*(volatile u64 *)(ist1 - 8) = 0;
	tss[cpu][102] = sizeof(tss[cpu]);	/* no permission bitmap */
	descriptor[0] = (sizeof(tss[cpu]) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
			(base >> 24 & 0xff) << 56;
	descriptor[1] = base >> 32;
	asm volatile("ltr %0" :: "r"((u16)(SEL_TSS + cpu * 16)));
}

/* ---- Random numbers ---- */

static u64 random_state;

void random_seed(void)
{
	random_state = header.seed | 1ull << 32;
	print("SEED=%u ", header.seed);
}

/* Marsaglia's xorshift, with the multiplier that is usual with it. */
u64 random64(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * 0x2545f4914f6cdd1dull;
}

/* ---- Processors ---- */

volatile int cpu_online[MAX_CPUS];
static void (*volatile work[MAX_CPUS])(void *);
static void *volatile work_argument[MAX_CPUS];

void cpu_main(unsigned int cpu);

void cpu_main(unsigned int cpu)
{
	if (cpu == 0)
		tables_init();
	asm volatile("lidt %0" :: "m"(idt_pointer));
	tss_load(cpu);
	if (cpu == 0) {
		main();
		pass();
	}
	cpu_online[cpu] = 1;
	for (;;) {
		while (!work[cpu])
			pause();
		work[cpu](work_argument[cpu]);
		work[cpu] = NULL;
	}
}

void smp_start(unsigned int cpu)
{
	cpu_online[cpu] = 0;
	work[cpu] = NULL;
	apic_ipi(ICR_INIT | ICR_ASSERT, cpu);
	sleep_ms(2);
	apic_ipi(ICR_SIPI | ICR_ASSERT | IMAGE_ADDRESS >> 12, cpu);
	/* A second SIPI, as the manuals advise, is not needed often. */
	if (WAIT(cpu_online[cpu], 2000))
		return;
	apic_ipi(ICR_SIPI | ICR_ASSERT | IMAGE_ADDRESS >> 12, cpu);
	if (!WAIT(cpu_online[cpu], 5000))
		fail("CPU %u did not start", cpu);
}

void run_on(unsigned int cpu, void (*function)(void *), void *argument)
{
	work_argument[cpu] = argument;
	barrier();
	work[cpu] = function;
}

void wait_for(unsigned int cpu)
{
	if (!WAIT(!work[cpu], 15000))
		fail("CPU %u does not end its work", cpu);
}

/* ---- Local APIC, I/O APIC, PIC ---- */

static u8 x2_mode[MAX_CPUS];

u32 apic_read(u32 reg)
{
	if (x2_mode[this_cpu()])
		return rdmsr(MSR_X2APIC + reg / 16);
	return *(volatile u32 *)(0xfee00000ul + reg);
}

void apic_write(u32 reg, u32 v)
{
	if (x2_mode[this_cpu()])
		wrmsr(MSR_X2APIC + reg / 16, v);
	else
		*(volatile u32 *)(0xfee00000ul + reg) = v;
}

void apic_enable(void)
{
	if (header.x2apic && !x2_mode[this_cpu()])
		apic_x2();
	apic_write(APIC_SVR, 0x1ff);
	apic_write(APIC_TPR, 0);
}

void apic_x2(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0xc00);
	x2_mode[this_cpu()] = 1;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_ipi(u32 icr, u32 destination)
{
	if (x2_mode[this_cpu()]) {
		wrmsr(MSR_X2APIC + APIC_ICR / 16, icr | (u64)destination << 32);
		return;
	}
	apic_write(APIC_ICR2, destination << 24);
	apic_write(APIC_ICR, icr);
}

bool apic_bit(u32 reg, unsigned int vector)
{
	return apic_read(reg + vector / 32 * 16) >> vector % 32 & 1;
}

u32 ioapic_read(u32 reg)
{
	*(volatile u32 *)0xfec00000ul = reg;
	return *(volatile u32 *)0xfec00010ul;
}

void ioapic_write(u32 reg, u32 v)
{
	*(volatile u32 *)0xfec00000ul = reg;
	*(volatile u32 *)0xfec00010ul = v;
}

void ioapic_route(unsigned int pin, u64 entry)
{
	ioapic_write(0x10 + pin * 2, 1 << 16);
	ioapic_write(0x11 + pin * 2, entry >> 32);
	ioapic_write(0x10 + pin * 2, entry);
}

void pic_init(u8 base)
{
	outb(0x20, 0x11);
	outb(0x21, base);
	outb(0x21, 4);
	outb(0x21, 1);
	outb(0xa0, 0x11);
	outb(0xa1, base + 8);
	outb(0xa1, 2);
	outb(0xa1, 1);
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
}

/* ---- Time and the host ---- */

void sleep_ms(unsigned int ms)
{
	WAIT(false, ms);
}

static volatile int host_lock;	/* the CPU whose call it is, from 1 on */

static struct host_call call(struct host_call request)
{
	/* The runner reads it where it lies: low memory, mapped one to one. */
	static struct host_call slots[MAX_CPUS];
	struct host_call *slot = &slots[this_cpu()];
	int me = this_cpu() + 1, owner = 0;
	u64 flags = read_flags();

	/* A handler may call too. */
	cli();

	/* If this CPU holds it, an attack has cut a call short. */
	while (!__atomic_compare_exchange_n(&host_lock, &owner, me, false, __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED) && owner != me) {
		owner = 0;
		pause();
	}
	*slot = request;
	outl(PORT_CALL, (u64)slot);
	request = *slot;
	__atomic_store_n(&host_lock, 0, __ATOMIC_RELEASE);
	write_flags(flags);
	return request;
}

struct host_call host(enum call_op op, u64 a, u64 b, u64 c, u64 d)
{
	return call((struct host_call){ .op = op, .a = a, .b = b, .c = c, .d = d });
}

void host_later(unsigned int ms, enum call_op op, u64 a, u64 b, u64 c, u64 d)
{
	call((struct host_call){ .op = op, .delay_ms = ms, .a = a, .b = b, .c = c, .d = d });
}

static u32 xgetbv(void)
{
	u32 low, high;

	asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

void set_xcr0(u64 v)
{
	write_cr4(read_cr4() | CR4_OSXSAVE);
	xsetbv(0, v);
	inb(PORT_ECHO);
	if (xgetbv() == v)
		return;
	if (host(CALL_XCR0, v, 0, 0, 0).result)
		fail("the host refuses XCR0 = 0x%lx", v);
	if (xgetbv() != v)
		fail("XCR0 is 0x%x, not 0x%lx", xgetbv(), v);
}
