/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest program is written with. A program is one C file with
 * PROGRAM(...) and a main() that runs in 64-bit mode on CPU 0, checks with
 * CHECK(), and passes by returning.
 */
#ifndef GUEST_LIB_H
#define GUEST_LIB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "cpu.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define PROGRAM(...) \
	__attribute__((section(".header"), used)) volatile struct program_header header = { \
		.magic = HEADER_MAGIC, .vcpus = 1, .memory_mb = 32, .seconds = 20, __VA_ARGS__ }
extern volatile struct program_header header;

int main(void);

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define barrier() asm volatile("" ::: "memory")

/* ---- Verdict ---- */

void print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The three ends of a program; the message goes to the runner. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void pass(void) __attribute__((noreturn));
extern volatile u32 checks;

/* CHECK(condition, "what is wrong", ...) */
#define CHECK(condition, ...) do {						\
	__atomic_fetch_add(&checks, 1, __ATOMIC_RELAXED);			\
	if (!(condition))							\
		fail(__VA_ARGS__);						\
} while (0)
/* CHECK_EQ("name", value, wanted) */
#define CHECK_EQ(name, value, wanted) do {					\
	u64 got_ = (u64)(value), wanted_ = (u64)(wanted);			\
	CHECK(got_ == wanted_, "%s is 0x%lx, not 0x%lx", name, got_, wanted_);	\
} while (0)

/* ---- Memory ---- */

void *memset(void *to, int byte, size_t length);
void *memcpy(void *to, const void *from, size_t length);
int memcmp(const void *a, const void *b, size_t length);
void *page_alloc(void);			/* zeroed; never freed */
void *pages_alloc(unsigned int count, u64 align);

extern u64 boot_pml4[512], boot_pdpt[512], boot_pd[2048];
/* The 4 KiB entry for an address in the tables under cr3, splitting and making tables. */
u64 *pte_get(u64 cr3, u64 address);
/* A fresh set of tables, as the boot tables. */
u64 tables_copy(void);

/* ---- Instructions ---- */

static inline void outb(u16 port, u8 v) { asm volatile("outb %0, %1" :: "a"(v), "Nd"(port)); }
static inline void outw(u16 port, u16 v) { asm volatile("outw %0, %1" :: "a"(v), "Nd"(port)); }
static inline void outl(u16 port, u32 v)
{
	asm volatile("outl %0, %1" :: "a"(v), "Nd"(port) : "memory");
}
static inline u8 inb(u16 port)
{
	u8 v;
	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline u16 inw(u16 port)
{
	u16 v;
	asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline u32 inl(u16 port)
{
	u32 v;
	asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline u64 rdmsr(u32 msr)
{
	u32 low, high;
	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr) : "memory");
	return low | (u64)high << 32;
}
static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" :: "c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static inline u64 rdtsc(void)
{
	u32 low, high;
	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) :: "memory");
	return low | (u64)high << 32;
}
struct cpuid { u32 eax, ebx, ecx, edx; };
static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
	struct cpuid r;
	asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
		     : "a"(leaf), "c"(subleaf) : "memory");
	return r;
}
#define CR_ACCESS(n)								\
static inline u64 read_cr##n(void)						\
{ u64 v; asm volatile("mov %%cr" #n ", %0" : "=r"(v) :: "memory"); return v; }	\
static inline void write_cr##n(u64 v)						\
{ asm volatile("mov %0, %%cr" #n :: "r"(v) : "memory"); }
CR_ACCESS(0) CR_ACCESS(2) CR_ACCESS(3) CR_ACCESS(4) CR_ACCESS(8)
#define DR_ACCESS(n)								\
static inline u64 read_dr##n(void)						\
{ u64 v; asm volatile("mov %%dr" #n ", %0" : "=r"(v) :: "memory"); return v; }	\
static inline void write_dr##n(u64 v)						\
{ asm volatile("mov %0, %%dr" #n :: "r"(v) : "memory"); }
DR_ACCESS(0) DR_ACCESS(1) DR_ACCESS(2) DR_ACCESS(3) DR_ACCESS(6) DR_ACCESS(7)
static inline u64 read_flags(void)
{
	u64 v;
	asm volatile("pushfq; pop %0" : "=r"(v) :: "memory");
	return v;
}
static inline void write_flags(u64 v) { asm volatile("push %0; popfq" :: "r"(v) : "memory", "cc"); }
static inline void sti(void) { asm volatile("sti" ::: "memory"); }
static inline void cli(void) { asm volatile("cli" ::: "memory"); }
static inline void sti_hlt(void) { asm volatile("sti; hlt" ::: "memory"); }
static inline void pause(void) { asm volatile("pause" ::: "memory"); }
static inline void invlpg(u64 address) { asm volatile("invlpg (%0)" :: "r"(address) : "memory"); }
static inline void xsetbv(u32 index, u64 v)
{
	asm volatile("xsetbv" :: "c"(index), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

/* ---- Traps ---- */

struct frame {
	u64 rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
	u64 vector, error, rip, cs, rflags, rsp, ss;
};

/* For all CPUs; NULL: traps are caught by CATCH() or fail the program. */
void set_handler(unsigned int vector, void (*handler)(struct frame *));

struct trap_buffer { u64 rip, rsp, rbx, rbp, r12, r13, r14, r15; };
struct caught {
	struct trap_buffer buffer;	/* where CATCH() goes on */
	struct trap_buffer attack;	/* where ATTACK() does: statements of it may catch */
	int vector;			/* -1: none */
	enum { DISARMED, CATCHING, ATTACKED } armed;
	u64 error, rip, cr2, rflags;
};
struct caught *caught(void);	/* this CPU's */
int trap_set(struct trap_buffer *buffer) __attribute__((returns_twice));
void trap_resume(void);

/* CATCH(statement): the vector of the exception it raised, or -1; caught() has the rest. */
#define CATCH(...) ({								\
	struct caught *c_ = caught();						\
	int armed_ = c_->armed;							\
	c_->vector = -1;							\
	c_->armed = CATCHING;							\
	barrier();								\
	if (!trap_set(&c_->buffer)) {						\
		__VA_ARGS__;							\
	}									\
	barrier();								\
	caught()->armed = armed_;						\
	caught()->vector;							\
})
/*
 * ATTACK(ms, statement): as CATCH(), and it comes back too when the statement ends the
 * vCPU's run (a triple fault, an instruction that cannot be emulated) or takes too
 * long; with the registers that it began with. Its value: an exit reason or ATTACK_*.
 */
#define ATTACK(ms, ...) ({							\
	struct caught *a_ = caught();						\
	if (!trap_set(&a_->attack)) {						\
		host(CALL_ATTACK, ms, 0, (u64)trap_resume, (u64)&a_->attack);	\
		a_->armed = ATTACKED;						\
		barrier();							\
		__VA_ARGS__;							\
		outb(PORT_PEACE, ATTACK_WENT_ON & 0xff);			\
	}									\
	caught()->armed = DISARMED;						\
	host(CALL_PEACE, 0, 0, 0, 0).a;						\
})
/* Pseudo-random; random_seed() tells the seed in the program's message. */
void random_seed(void);
u64 random64(void);
static inline u32 random_below(u32 n) { return (u32)(random64() >> 32) % n; }
/* EXPECT(vector or -1, "name", statement) */
#define EXPECT(wanted, name, ...) do {						\
	int vector_ = CATCH(__VA_ARGS__);					\
	CHECK(vector_ == (wanted), "%s: vector %d (error 0x%lx), not %d", name,	\
	      vector_, caught()->error, wanted);				\
} while (0)

/* ---- Other modes (CPU 0 only) ---- */

int call_real(void (*function)(void));		/* a function of section .text16 */
int call_protected(void (*function)(void));	/* 32-bit, unpaged */
int call_compat(void (*function)(void), unsigned int selector);
u64 call_user(u64 (*function)(u64), u64 argument, u64 stack);
extern u64 gdt[];
extern u32 trap32_vector, trap32_error, trap32_eip, trap32_cr2, trap32_esp, trap32_resume;
extern struct { u16 limit; u64 base; } __attribute__((packed)) idt_pointer;

/* ---- Processors ---- */

unsigned int this_cpu(void);
/*
 * INIT, SIPI, and wait for it. After apic_enable(): in-tree KVM does not find a
 * vCPU by its APIC id before the guest's first write to some APIC's SVR.
 */
void smp_start(unsigned int cpu);
void run_on(unsigned int cpu, void (*function)(void *), void *argument);
void wait_for(unsigned int cpu);		/* until its function returned */
extern volatile int cpu_online[MAX_CPUS];

/* ---- Local APIC ---- */

#define APIC_ID		0x20
#define APIC_VERSION	0x30
#define APIC_TPR	0x80
#define APIC_PPR	0xa0
#define APIC_EOI	0xb0
#define APIC_LDR	0xd0
#define APIC_DFR	0xe0
#define APIC_SVR	0xf0
#define APIC_ISR	0x100
#define APIC_TMR	0x180
#define APIC_IRR	0x200
#define APIC_ESR	0x280
#define APIC_ICR	0x300
#define APIC_ICR2	0x310
#define APIC_LVT_TIMER	0x320
#define APIC_LVT_LINT0	0x350
#define APIC_LVT_LINT1	0x360
#define APIC_LVT_ERROR	0x370
#define APIC_TIMER_INIT	0x380
#define APIC_TIMER_NOW	0x390
#define APIC_TIMER_DIV	0x3e0

#define ICR_SELF	(1 << 18)
#define ICR_ALL		(2 << 18)
#define ICR_OTHERS	(3 << 18)
#define ICR_LOGICAL	(1 << 11)
#define ICR_LOWEST	(1 << 8)
#define ICR_NMI		(4 << 8)
#define ICR_INIT	(5 << 8)
#define ICR_SIPI	(6 << 8)
#define ICR_ASSERT	(1 << 14)

void apic_enable(void);			/* software enable, spurious vector 0xff; header.x2apic */
void apic_x2(void);			/* this CPU to x2APIC mode */
u32 apic_read(u32 reg);
void apic_write(u32 reg, u32 v);
void apic_eoi(void);
void apic_ipi(u32 icr, u32 destination);
bool apic_bit(u32 reg, unsigned int vector);	/* of ISR, TMR or IRR */

u32 ioapic_read(u32 reg);
void ioapic_write(u32 reg, u32 v);
void ioapic_route(unsigned int pin, u64 entry);
void pic_init(u8 base);			/* both PICs at base and base + 8, all masked */

/* ---- Time and the host ---- */

void sleep_ms(unsigned int ms);		/* spins on the TSC */
/* WAIT(condition, ms): spins without an exit; false when time ran out. */
#define WAIT(condition, ms) ({							\
	u64 end_ = rdtsc() + (u64)(ms) * header.tsc_khz;			\
	bool ok_;								\
	while (!(ok_ = (condition)) && rdtsc() < end_)				\
		pause();							\
	ok_;									\
})

/*
 * XCR0 := v, and CR4.OSXSAVE. QEMU's TCG does not intercept XSETBV, so that the
 * hypervisor does not learn of it and the next exit undoes it: where that is
 * seen, the host is asked to set it.
 */
void set_xcr0(u64 v);

struct host_call host(enum call_op op, u64 a, u64 b, u64 c, u64 d);
void host_later(unsigned int ms, enum call_op op, u64 a, u64 b, u64 c, u64 d);

#endif
