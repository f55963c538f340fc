// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator against the CPU that runs the test: random instructions with random operands,
 * executed natively in 64-bit, 32-bit and 16-bit code segments and by x86_emulate(), must leave
 * the same registers, flags, memory, instruction pointer, and raise the same exceptions.
 * Flags that the manuals leave undefined are not compared.
 */
#include <linux/kernel.h>
#include <linux/string.h>

#include <kvmx/x86_regs.h>
#include "emulate.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "unit.h"

/* links: src/x86/decode.c src/x86/emulate.c src/x86/emulate_alu.c src/x86/emulate_flow.c */
/* links: src/x86/emulate_seg.c src/x86/emulate_string.c src/x86/emulate_sys.c */

/* --- the native side: fixed addresses below 4 GiB, so that every mode reaches them --- */

#define CTX	0x20000000	/* struct native, then the trampoline, then the code page */
#define TRAMP	0x20001000
#define CODE	0x20002000
#define SEG16	0x20010000	/* 64 KiB, inaccessible but for: */
#define WINDOW	0x20014000	/* a page of data */
#define RDONLY	0x20015000	/* and one that is read-only */
#define PAGE	0x1000
#define GS_LIMIT 0x7ff

#define INSN_AT		0x40	/* in the code page; stub 0 follows the instruction */
#define STUB1_AT	0x80	/* where branches go */
#define FAR_AT		0xc0	/* the stubs' far pointers */

#define SEL_64		0x33	/* Linux' user segments */
#define SEL_DATA	0x2b
#define SEL_32		0x23
#define SEL_LDT(n)	((n) << 3 | 7)

struct native {
	u64 in[16];
	u64 flags_in;
	u64 out[16];
	u64 flags_out;
	u64 host_rsp;
	struct { u32 off; u16 sel; } __packed entry;
	u8 pad[2];
	u8 exit_id, pad2[3];
	u8 vector;
	u8 pad3[7];
	u16 ss;
	u8 pad4[512 - 302];
	u8 ymm_in[16][32], ymm_out[16][32];
} __packed;

static_assert(offsetof(struct native, entry) == 280, "entry");
static_assert(offsetof(struct native, exit_id) == 288, "exit_id");
static_assert(offsetof(struct native, vector) == 292, "vector");
static_assert(offsetof(struct native, ss) == 300, "ss");
static_assert(offsetof(struct native, ymm_in) == 512, "ymm_in");

static struct native *const native = (struct native *)CTX;
static u8 *const code = (u8 *)CODE;
static u8 *const window = (u8 *)WINDOW;

#define YMMS(op) \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) \
	op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define YMM_LOAD(n)	"vmovups 0x20000200+32*" #n ", %ymm" #n "\n"
#define YMM_SAVE(n)	"vmovups %ymm" #n ", 0x20000400+32*" #n "\n"

asm(".pushsection .rodata\n"
	"native_start:\n"
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"mov %rsp, 0x20000000+272\n"
	"cmpb $0, 0x20000000+292\n"
	"je 1f\n"
	YMMS(YMM_LOAD)
	"1: pushq 0x20000000+128\n"
	"popfq\n"
	"movw 0x20000000+300, %ss\n"
	"mov 0x20000000, %rax; mov 0x20000008, %rcx; mov 0x20000010, %rdx; mov 0x20000018, %rbx\n"
	"mov 0x20000020, %rsp; mov 0x20000028, %rbp; mov 0x20000030, %rsi; mov 0x20000038, %rdi\n"
	"mov 0x20000040, %r8; mov 0x20000048, %r9; mov 0x20000050, %r10; mov 0x20000058, %r11\n"
	"mov 0x20000060, %r12; mov 0x20000068, %r13; mov 0x20000070, %r14; mov 0x20000078, %r15\n"
	".byte 0xff, 0x2c, 0x25; .long 0x20000000+280\n"	/* jmp far */
	"native_exit0: movb $0, 0x20000000+288\n"
	"jmp 2f\n"
	"native_exit1: movb $1, 0x20000000+288\n"
	"2: mov %rax, 0x20000088; mov %rcx, 0x20000090; mov %rdx, 0x20000098; mov %rbx, 0x200000a0\n"
	"mov %rsp, 0x200000a8; mov %rbp, 0x200000b0; mov %rsi, 0x200000b8; mov %rdi, 0x200000c0\n"
	"mov %r8, 0x200000c8; mov %r9, 0x200000d0; mov %r10, 0x200000d8; mov %r11, 0x200000e0\n"
	"mov %r12, 0x200000e8; mov %r13, 0x200000f0; mov %r14, 0x200000f8; mov %r15, 0x20000100\n"
	"mov $0x2b, %eax\n"
	"mov %eax, %ss\n"
	"mov 0x20000000+272, %rsp\n"
	"pushfq; popq 0x20000000+264\n"
	"cmpb $0, 0x20000000+292\n"
	"je native_back\n"
	YMMS(YMM_SAVE)
	"vzeroupper\n"
	"native_back: pushq $0x202; popfq\n"
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"ret\n"
	"native_end:\n"
	".popsection\n");
extern const char native_start[], native_exit0[], native_exit1[], native_back[], native_end[];

static struct {
	bool raised;
	u8 vector;
	u64 error, cr2, rip;
} fault;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	static const u8 order[16] = {
		REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
		REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
	};
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	int i;

	bool native_code = g[REG_RIP] < PAGE || (g[REG_RIP] >= CTX && g[REG_RIP] < CODE + PAGE);

	__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~X86_EFLAGS_AC);
	if (!native_code) {		/* an error of the test's own */
		signal(sig, SIG_DFL);
		return;
	}
	fault.raised = true;
	fault.vector = g[REG_TRAPNO];
	fault.error = g[REG_ERR];
	fault.cr2 = g[REG_CR2];
	fault.rip = g[REG_RIP];
	for (i = 0; i < 16; i++)
		native->out[i] = g[order[i]];
	native->flags_out = g[REG_EFL];
	g[REG_RSP] = native->host_rsp;
	g[REG_RIP] = TRAMP + (native_back - native_start);
	g[REG_EFL] = 0x202;
	g[REG_CSGSFS] = (g[REG_CSGSFS] & 0x0000ffffffff0000) | SEL_64 | (u64)SEL_DATA << 48;
}

static void set_ldt(unsigned int n, u32 base, u32 limit, bool code16)
{
	struct user_desc d = {
		.entry_number = n, .base_addr = base, .limit = limit,
		.contents = code16 ? 2 : 0, .useable = 1,
	};

	ck_assert_int_eq(syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)), 0);
}

static void native_map(u64 addr, u64 len, int prot)
{
	void *p = mmap((void *)addr, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		       -1, 0);

	ck_assert_ptr_eq(p, (void *)addr);
}

static void native_setup(void)
{
	static const int signals[] = { SIGFPE, SIGSEGV, SIGILL, SIGBUS };
	static char stack[65536];
	stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	unsigned int i;

	native_map(CTX, 3 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	native_map(SEG16, 0x10000, PROT_NONE);
	ck_assert_int_eq(mprotect(window, PAGE, PROT_READ | PROT_WRITE), 0);
	ck_assert_int_eq(mprotect((void *)RDONLY, PAGE, PROT_READ), 0);
	ck_assert_int_eq(READ_ONCE(*(u8 *)RDONLY), 0);	/* present from now on */
	memcpy((void *)TRAMP, native_start, native_end - native_start);
	ck_assert_int_eq(sigaltstack(&alt, NULL), 0);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		ck_assert_int_eq(sigaction(signals[i], &sa, NULL), 0);
	set_ldt(0, CODE, PAGE - 1, true);
	set_ldt(1, SEG16, 0xffff, false);
	set_ldt(2, WINDOW, GS_LIMIT, false);
}

static void put32(u8 *at, u32 val)
{
	memcpy(at, &val, 4);
}

/* A stub jumps far, through a pointer in the code page, to exit 0 or 1 in 64-bit code. */
static void put_stub(u8 *at, enum x86_insn_mode mode, int id)
{
	static const u8 head32[] = { 0x2e, 0xff, 0x2c, 0x25 };
	static const u8 head16[] = { 0x2e, 0x66, 0x67, 0xff, 0x2c, 0x25 };
	u32 far = FAR_AT + id * 8;

	if (mode == X86_MODE_16) {
		memcpy(at, head16, sizeof(head16));
		put32(at + sizeof(head16), far);
	} else {
		memcpy(at, head32, sizeof(head32));
		put32(at + sizeof(head32), CODE + far);
	}
}

static void native_mode(enum x86_insn_mode mode)
{
	u16 data = mode == X86_MODE_16 ? SEL_LDT(1) : SEL_DATA;

	native->entry.sel = mode == X86_MODE_64 ? SEL_64 : mode == X86_MODE_32 ? SEL_32 : SEL_LDT(0);
	native->entry.off = mode == X86_MODE_16 ? INSN_AT : CODE + INSN_AT;
	native->ss = data;
	asm volatile("mov %0, %%ds" : : "r"(data));
	asm volatile("mov %0, %%es" : : "r"((u16)SEL_LDT(1)));
	if (mode == X86_MODE_64)
		ck_assert_int_eq(syscall(SYS_arch_prctl, ARCH_SET_GS, WINDOW), 0);
	else
		asm volatile("mov %0, %%gs" : : "r"((u16)SEL_LDT(2)));
	put32(code + FAR_AT, TRAMP + (native_exit0 - native_start));
	put32(code + FAR_AT + 4, SEL_64);
	put32(code + FAR_AT + 8, TRAMP + (native_exit1 - native_start));
	put32(code + FAR_AT + 12, SEL_64);
	put_stub(code + STUB1_AT, mode, 1);
}

/* --- the emulated side: a copy of the window --- */

static u8 copy[2 * PAGE];

static u8 *emu_memory(struct x86_emu *e, u64 linear, unsigned int len, u32 access)
{
	u64 i;

	for (i = linear; i < linear + len; i++) {
		bool readonly = i >= RDONLY && i < RDONLY + PAGE;

		if ((i >= WINDOW && i < WINDOW + PAGE) || (readonly && !(access & X86_WALK_WRITE)))
			continue;
		x86_emu_raise_page_fault(e, i, X86_PF_U | (readonly ? X86_PF_P : 0) |
					 (access & X86_WALK_WRITE ? X86_PF_W : 0));
		return NULL;
	}
	return copy + (linear - WINDOW);
}

static int op_read(struct x86_emu *e, u64 linear, void *buf, unsigned int len, u32 access)
{
	u8 *p = emu_memory(e, linear, len, access);

	if (!p)
		return X86_EMU_FAULT;
	memcpy(buf, p, len);
	return X86_EMU_DONE;
}

static int op_write(struct x86_emu *e, u64 linear, const void *buf, unsigned int len, u32 access)
{
	u8 *p = emu_memory(e, linear, len, access | X86_WALK_WRITE);

	if (!p)
		return X86_EMU_FAULT;
	memcpy(p, buf, len);
	return X86_EMU_DONE;
}

static int op_cmpxchg(struct x86_emu *e, u64 linear, void *old, const void *new, unsigned int len)
{
	u8 *p = emu_memory(e, linear, len, X86_WALK_WRITE);

	if (!p)
		return X86_EMU_FAULT;
	if (memcmp(p, old, len))
		memcpy(old, p, len);
	else
		memcpy(p, new, len);
	return X86_EMU_DONE;
}

static int op_probe(struct x86_emu *e, u64 linear, unsigned int len, u32 access)
{
	return emu_memory(e, linear, len, access) ? X86_EMU_DONE : X86_EMU_FAULT;
}

static u8 ymm[16][32];

static int op_read_xmm(struct x86_emu *e, unsigned int reg, void *buf, unsigned int len)
{
	memcpy(buf, ymm[reg], len);
	return X86_EMU_DONE;
}

static int op_write_xmm(struct x86_emu *e, unsigned int reg, const void *buf, unsigned int len,
			bool zero_upper)
{
	memcpy(ymm[reg], buf, len);
	if (zero_upper)
		memset(ymm[reg] + len, 0, 32 - len);
	return X86_EMU_DONE;
}

static const struct x86_emu_ops ops = {
	.read = op_read, .write = op_write, .cmpxchg = op_cmpxchg, .probe = op_probe,
	.read_xmm = op_read_xmm, .write_xmm = op_write_xmm,
};

static void emu_setup(struct x86_emu *e, enum x86_insn_mode mode)
{
	static const struct x86_segment flat = { 0, ~0u, SEL_DATA, 0xcf3 };
	static const struct x86_segment seg16 = { SEG16, 0xffff, SEL_LDT(1), 0x0f3 };

	*e = (struct x86_emu) {
		.ops = &ops, .cpl = 3, .cr0 = 0x80050033, .cr4 = 0x40628, .efer = 0xd01,
	};
	e->seg[X86_SEG_ES] = seg16;
	e->seg[X86_SEG_DS] = e->seg[X86_SEG_SS] = mode == X86_MODE_16 ? seg16 : flat;
	e->seg[X86_SEG_GS] = (struct x86_segment){
		WINDOW, GS_LIMIT, mode == X86_MODE_64 ? 0 : SEL_LDT(2), 0x0f3,
	};
	if (mode == X86_MODE_64)
		e->seg[X86_SEG_CS] = (struct x86_segment){ 0, ~0u, SEL_64, 0xafb };
	else if (mode == X86_MODE_32)
		e->seg[X86_SEG_CS] = (struct x86_segment){ 0, ~0u, SEL_32, 0xcfb };
	else
		e->seg[X86_SEG_CS] = (struct x86_segment){ CODE, PAGE - 1, SEL_LDT(0), 0x0fb };
}

/* --- instructions to choose from --- */

#define CF	X86_EFLAGS_CF
#define PF	X86_EFLAGS_PF
#define AF	X86_EFLAGS_AF
#define ZF	X86_EFLAGS_ZF
#define SF	X86_EFLAGS_SF
#define OF	X86_EFLAGS_OF
#define DF	X86_EFLAGS_DF
#define ARITH	(CF | PF | AF | ZF | SF | OF)

enum {
	M = 1, I8 = 2, IZ = 4, IV = 8, I16 = 0x10, MOFFS = 0x20,
	LOCK = 0x40,		/* may be locked */
	SHIFT = 0x80,		/* OF is undefined unless the count is 1 */
	BITS = 0x100,		/* bit offset in a register */
	F3 = 0x200,		/* mandatory prefix */
	MAYBE_F3 = 0x400,	/* F3 makes another instruction of it */
	STRING = 0x800, STACK = 0x1000, NO64 = 0x2000, MEM = 0x4000,
	BRANCH = 0x8000,	/* relative */
	TARGET = 0x10000,	/* the operand is a branch target */
	RETURN = 0x20000,	/* a branch target is on the stack */
	FLAGS = 0x40000,	/* flags are on the stack */
	XLAT = 0x80000, ENTER = 0x100000, SCAN = 0x200000, DSHIFT = 0x400000,
	WIDE = 0x800000,	/* 8 or 16 bytes at once */
	VECTOR = 0x1000000, ONLY64 = 0x2000000,
	PLAIN = 0x4000000,	/* no 66: it makes another instruction of it */
	REGS = 0x8000000,	/* ModRM names a register */
	DIVIDE = 0x10000000, SELECTOR = 0x20000000,
};

struct template {
	u8 map, first, last;
	u8 regs;		/* ModRM.reg values allowed, 0: any */
	u32 flags;
	u16 undefined;
};

static const struct template templates[] = {
	{ 0, 0x00, 0x03, 0, M | LOCK }, { 0, 0x04, 0x04, 0, I8 }, { 0, 0x05, 0x05, 0, IZ },
	{ 0, 0x08, 0x0b, 0, M | LOCK, AF }, { 0, 0x0c, 0x0c, 0, I8, AF }, { 0, 0x0d, 0x0d, 0, IZ, AF },
	{ 0, 0x10, 0x13, 0, M | LOCK }, { 0, 0x14, 0x14, 0, I8 }, { 0, 0x15, 0x15, 0, IZ },
	{ 0, 0x18, 0x1b, 0, M | LOCK }, { 0, 0x1c, 0x1c, 0, I8 }, { 0, 0x1d, 0x1d, 0, IZ },
	{ 0, 0x20, 0x23, 0, M | LOCK, AF }, { 0, 0x24, 0x24, 0, I8, AF }, { 0, 0x25, 0x25, 0, IZ, AF },
	{ 0, 0x28, 0x2b, 0, M | LOCK }, { 0, 0x2c, 0x2c, 0, I8 }, { 0, 0x2d, 0x2d, 0, IZ },
	{ 0, 0x30, 0x33, 0, M | LOCK, AF }, { 0, 0x34, 0x34, 0, I8, AF }, { 0, 0x35, 0x35, 0, IZ, AF },
	{ 0, 0x38, 0x3b, 0, M }, { 0, 0x3c, 0x3c, 0, I8 }, { 0, 0x3d, 0x3d, 0, IZ },
	{ 0, 0x06, 0x06, 0, STACK | NO64 | SELECTOR }, { 0, 0x0e, 0x0e, 0, STACK | NO64 | SELECTOR },
	{ 0, 0x16, 0x16, 0, STACK | NO64 | SELECTOR }, { 0, 0x1e, 0x1e, 0, STACK | NO64 | SELECTOR },
	{ 1, 0xa0, 0xa0, 0, STACK | SELECTOR }, { 1, 0xa8, 0xa8, 0, STACK | SELECTOR },
	{ 0, 0x40, 0x4f, 0, NO64 }, { 0, 0x50, 0x5f, 0, STACK }, { 0, 0x60, 0x61, 0, STACK | NO64 },
	{ 0, 0x63, 0x63, 0, M | ONLY64 }, { 0, 0x82, 0x82, 0x81, M | I8 | NO64 }, { 0, 0x8c, 0x8c, 0x0f, M },
	{ 0, 0x68, 0x68, 0, STACK | IZ }, { 0, 0x6a, 0x6a, 0, STACK | I8 },
	{ 0, 0x69, 0x69, 0, M | IZ, SF | ZF | AF | PF }, { 0, 0x6b, 0x6b, 0, M | I8, SF | ZF | AF | PF },
	{ 0, 0x70, 0x7f, 0, BRANCH | I8 },
	{ 0, 0x80, 0x80, 0x2d, M | I8 | LOCK }, { 0, 0x80, 0x80, 0x52, M | I8 | LOCK, AF },
	{ 0, 0x81, 0x81, 0x2d, M | IZ | LOCK }, { 0, 0x81, 0x81, 0x52, M | IZ | LOCK, AF },
	{ 0, 0x83, 0x83, 0x2d, M | I8 | LOCK }, { 0, 0x83, 0x83, 0x52, M | I8 | LOCK, AF },
	{ 0, 0x80, 0x80, 0x80, M | I8 }, { 0, 0x81, 0x81, 0x80, M | IZ }, { 0, 0x83, 0x83, 0x80, M | I8 },
	{ 0, 0x84, 0x85, 0, M, AF }, { 0, 0x86, 0x87, 0, M | LOCK }, { 0, 0x88, 0x8b, 0, M },
	{ 0, 0x8d, 0x8d, 0, M | MEM }, { 0, 0x8f, 0x8f, 0x01, M | STACK },
	{ 0, 0x90, 0x99, 0, 0 }, { 0, 0x9c, 0x9c, 0, STACK }, { 0, 0x9d, 0x9d, 0, STACK | FLAGS },
	{ 0, 0x9e, 0x9f, 0, 0 }, { 0, 0xa0, 0xa3, 0, MOFFS },
	{ 0, 0xa4, 0xa7, 0, STRING }, { 0, 0xaa, 0xaf, 0, STRING },
	{ 0, 0xa8, 0xa8, 0, I8, AF }, { 0, 0xa9, 0xa9, 0, IZ, AF },
	{ 0, 0xb0, 0xb7, 0, I8 }, { 0, 0xb8, 0xbf, 0, IV },
	{ 0, 0xc0, 0xc1, 0x0f, M | I8 | SHIFT }, { 0, 0xc0, 0xc1, 0xf0, M | I8 | SHIFT, AF },
	{ 0, 0xd0, 0xd3, 0x0f, M | SHIFT }, { 0, 0xd0, 0xd3, 0xf0, M | SHIFT, AF },
	{ 0, 0xc2, 0xc2, 0, I16 | STACK | RETURN }, { 0, 0xc3, 0xc3, 0, STACK | RETURN },
	{ 0, 0xc6, 0xc6, 0x01, M | I8 }, { 0, 0xc7, 0xc7, 0x01, M | IZ },
	{ 0, 0xc8, 0xc8, 0, ENTER | STACK }, { 0, 0xc9, 0xc9, 0, ENTER | STACK },
	{ 0, 0xd6, 0xd6, 0, NO64 }, { 0, 0xd7, 0xd7, 0, XLAT },
	{ 0, 0xe0, 0xe3, 0, BRANCH | I8 }, { 0, 0xe8, 0xe8, 0, BRANCH | IZ | STACK },
	{ 0, 0xe9, 0xe9, 0, BRANCH | IZ }, { 0, 0xeb, 0xeb, 0, BRANCH | I8 },
	{ 0, 0xf5, 0xf5, 0, 0 }, { 0, 0xf8, 0xf9, 0, 0 }, { 0, 0xfc, 0xfd, 0, 0 },
	{ 0, 0xf6, 0xf6, 0x03, M | I8, AF }, { 0, 0xf7, 0xf7, 0x03, M | IZ, AF },
	{ 0, 0xf6, 0xf7, 0x0c, M | LOCK }, { 0, 0xf6, 0xf7, 0x30, M, SF | ZF | AF | PF },
	{ 0, 0xf6, 0xf7, 0xc0, M | DIVIDE, ARITH },
	{ 0, 0xfe, 0xff, 0x03, M | LOCK }, { 0, 0xff, 0xff, 0x04, M | TARGET | STACK },
	{ 0, 0xff, 0xff, 0x10, M | TARGET }, { 0, 0xff, 0xff, 0x40, M | STACK },
	{ 1, 0x0b, 0x0b, 0, 0 }, { 1, 0x0d, 0x0d, 0x03, M | MEM }, { 1, 0x1f, 0x1f, 0x01, M },
	{ 1, 0x40, 0x4f, 0, M }, { 1, 0x80, 0x8f, 0, BRANCH | IZ }, { 1, 0x90, 0x9f, 0, M },
	{ 1, 0xa3, 0xa3, 0, M | BITS, OF | SF | AF | PF },
	{ 1, 0xab, 0xab, 0, M | BITS | LOCK, OF | SF | AF | PF },
	{ 1, 0xb3, 0xb3, 0, M | BITS | LOCK, OF | SF | AF | PF },
	{ 1, 0xbb, 0xbb, 0, M | BITS | LOCK, OF | SF | AF | PF },
	{ 1, 0xba, 0xba, 0x10, M | I8, OF | SF | AF | PF },
	{ 1, 0xba, 0xba, 0xe0, M | I8 | LOCK, OF | SF | AF | PF },
	{ 1, 0xa4, 0xa4, 0, M | I8 | DSHIFT, AF }, { 1, 0xa5, 0xa5, 0, M | DSHIFT, AF },
	{ 1, 0xac, 0xac, 0, M | I8 | DSHIFT, AF }, { 1, 0xad, 0xad, 0, M | DSHIFT, AF },
	{ 1, 0xae, 0xae, 0x80, M | MEM }, { 1, 0xaf, 0xaf, 0, M, SF | ZF | AF | PF },
	{ 1, 0xb0, 0xb1, 0, M | LOCK }, { 1, 0xb6, 0xb7, 0, M }, { 1, 0xbe, 0xbf, 0, M },
	{ 1, 0xb8, 0xb8, 0, M | F3 },
	{ 1, 0xbc, 0xbd, 0, M | SCAN, CF | OF | SF | AF | PF },
	{ 1, 0xbc, 0xbd, 0, M | F3, OF | SF | AF | PF },
	{ 1, 0xc0, 0xc1, 0, M | LOCK }, { 1, 0xc3, 0xc3, 0, M | MEM },
	{ 1, 0xc7, 0xc7, 0x02, M | MEM | LOCK | WIDE }, { 1, 0xc8, 0xcf, 0, 0 },
	{ 1, 0xae, 0xae, 0xe0, M | REGS | PLAIN }, { 1, 0xb9, 0xb9, 0, M }, { 1, 0xff, 0xff, 0, M },
	{ 2, 0xf0, 0xf1, 0, M | MEM },
	/* What user code must not do. */
	{ 0, 0x6c, 0x6f, 0, STRING }, { 0, 0xe4, 0xe7, 0, I8 }, { 0, 0xec, 0xef, 0, 0 },
	{ 0, 0xf4, 0xf4, 0, 0 }, { 0, 0xfa, 0xfb, 0, 0 }, { 1, 0x01, 0x01, 0x8c, M | MEM },
	{ 1, 0x01, 0x01, 0x40, M }, { 1, 0x06, 0x06, 0, 0 }, { 1, 0x08, 0x09, 0, PLAIN },
	{ 1, 0x20, 0x23, 0, M | REGS },
	{ 1, 0x30, 0x30, 0, 0 }, { 1, 0x32, 0x32, 0, 0 },
};

struct insn {
	enum x86_insn_mode mode;
	const struct template *t;
	u8 bytes[24], len;
	u8 opcode, modrm, rex, imm_len;
	bool lock, op66, addr67, rep;
	s8 seg;			/* override, -1: none */
	u8 opsize, addrsize;
	s8 base, index, scale, disp_at;
	u8 disp_len;
	bool rip_relative, mem;
	u64 imm;
	u64 gpr[16], flags;
};

static void emit(struct insn *i, u64 val, unsigned int len)
{
	memcpy(i->bytes + i->len, &val, len);
	i->len += len;
}

static bool chance(unsigned int percent)
{
	return unit_random_below(100) < percent;
}

static u64 mask_of(unsigned int size)
{
	return size >= 8 ? ~0ull : (1ull << size * 8) - 1;
}

/* Where memory operands shall lie, as a linear address. */
static u64 random_target(const struct insn *i)
{
	u64 align = i->lock || (i->t->flags & WIDE) ? (chance(90) ? 16 : 8) : 1;

	if (i->t->flags & VECTOR)
		align = chance(90) ? 32 : chance(50) ? 16 : 1;
	if (i->mode == X86_MODE_64 && i->addrsize == 8 && chance(2))
		return 0x8000000000000000ull + unit_random_below(1ull << 34) * 64;
	if (chance(3))
		return WINDOW + PAGE * 2 - align * unit_random_below(4);
	if (chance(3))
		return WINDOW - align * unit_random_below(8);
	if (chance(4))
		return RDONLY + align * unit_random_below(16);
	return WINDOW + 64 + unit_random_below((GS_LIMIT - 128) / align) * align;
}

/* Base of the segment that a memory operand goes through. */
static u64 segment_base(const struct insn *i, unsigned int seg)
{
	if (seg == X86_SEG_GS)
		return WINDOW;
	if (i->mode == X86_MODE_64)
		return 0;
	if (seg == X86_SEG_CS)
		return i->mode == X86_MODE_16 ? CODE : 0;
	return i->mode == X86_MODE_16 || seg == X86_SEG_ES ? SEG16 : 0;
}

static unsigned int data_segment(const struct insn *i)
{
	return i->seg >= 0 ? i->seg : X86_SEG_DS;
}

static void set_reg(struct insn *i, unsigned int reg, unsigned int size, u64 val)
{
	i->gpr[reg] = (i->gpr[reg] & ~mask_of(size)) | (val & mask_of(size));
	if (i->mode != X86_MODE_64)
		i->gpr[reg] = (u32)i->gpr[reg];
}

/* ModRM, SIB and a displacement to be filled in by aim(). */
static void emit_modrm(struct insn *i, unsigned int reg)
{
	static const s8 base16[8] = { 3, 3, 5, 5, 6, 7, 5, 3 };
	static const s8 index16[8] = { 6, 7, 6, 7, -1, -1, -1, -1 };
	unsigned int mod = chance(30) ? 3 : unit_random_below(3), rm = unit_random_below(8);

	if ((i->t->flags & MEM) || (i->lock && chance(90)))
		mod %= 3;
	if (i->t->flags & REGS)
		mod = 3;
	i->modrm = mod << 6 | reg << 3 | rm;
	emit(i, i->modrm, 1);
	if (mod == 3)
		return;
	i->mem = true;
	i->disp_len = mod == 1 ? 1 : mod == 2 ? (i->addrsize == 2 ? 2 : 4) : 0;
	if (i->addrsize == 2) {
		i->base = base16[rm];
		i->index = index16[rm];
		if (mod == 0 && rm == 6) {
			i->base = -1;
			i->disp_len = 2;
		}
	} else if (rm == 4) {
		u8 sib = unit_random();

		emit(i, sib, 1);
		i->scale = sib >> 6;
		i->index = (sib >> 3 & 7) | (i->rex & 2) << 2;
		i->base = (sib & 7) | (i->rex & 1) << 3;
		if (i->index == 4)
			i->index = -1;
		if ((sib & 7) == 5 && mod == 0) {
			i->base = -1;
			i->disp_len = 4;
		}
	} else if (rm == 5 && mod == 0) {
		i->rip_relative = i->mode == X86_MODE_64;
		i->disp_len = 4;
	} else {
		i->base = rm | (i->rex & 1) << 3;
	}
	i->disp_at = i->len;
	emit(i, i->disp_len == 1 ? unit_random() & 0x7f : 0, i->disp_len);
}

/* Chooses registers and displacement so that the operand is at @target. False: cannot be. */
static bool aim(struct insn *i, u64 target)
{
	unsigned int seg = i->seg < 0 && (i->base == 4 || i->base == 5) ? X86_SEG_SS :
			   data_segment(i);
	u64 off = target - segment_base(i, seg), index = 0, disp = 0;

	if (i->disp_len == 1)
		disp = i->bytes[i->disp_at];
	if (i->base < 0 || i->base == i->index) {
		u64 factor = i->index < 0 ? 0 : (1ull << i->scale) + (i->base >= 0);

		if (i->disp_len < 2)
			return false;
		if (i->index >= 0) {
			i->gpr[i->index] = unit_random_below(1 << 16);
			index = i->gpr[i->index] * factor;
		}
		disp = off - index;
		if (i->rip_relative)
			disp -= CODE + INSN_AT + i->len;
		if (i->addrsize == 8 && (u64)(s32)disp != disp)
			return false;
	} else {
		if (i->disp_len > 1) {
			disp = unit_random_edge();
			disp = i->disp_len == 2 ? (u16)disp : (u64)(s32)disp;
		}
		if (i->index >= 0)
			index = i->gpr[i->index] << i->scale;
		set_reg(i, i->base, i->addrsize, off - disp - index);
	}
	memcpy(i->bytes + i->disp_at, &disp, i->disp_len);
	return true;
}

/*
 * A segment override: GS, or one of the others. In 64-bit mode those change nothing; elsewhere
 * CS cannot be written, and 16-bit code reaches little through it.
 */
static int choose_segment(const struct insn *i)
{
	bool mem = i->t->flags & (M | MOFFS | STRING | XLAT);

	if (!mem || !chance(i->addr67 && i->mode == X86_MODE_32 ? 90 : 15))
		return -1;
	if (chance(60))
		return X86_SEG_GS;
	if (chance(10))
		return X86_SEG_CS;
	return chance(50) ? X86_SEG_ES : chance(50) ? X86_SEG_SS : X86_SEG_DS;
}

static void emit_segment(struct insn *i, int seg)
{
	emit(i, seg == X86_SEG_GS ? 0x65 : 0x26 | seg << 3, 1);
}

/* F2 and F3 mean nothing to most of the one-byte opcodes; with LOCK they are hints. */
static bool choose_rep(const struct insn *i)
{
	u32 f = i->t->flags;

	if (f & (F3 | STRING))
		return f & F3 || chance(50);
	return !i->t->map && !(f & LOCK) && chance(3);
}

static void choose_prefixes(struct insn *i)
{
	u32 f = i->t->flags;
	bool near = f & (BRANCH | TARGET | RETURN);

	i->op66 = chance(20) && !(f & PLAIN) && !(near && i->mode != X86_MODE_16);
	i->addr67 = chance(10);
	i->seg = choose_segment(i);
	i->lock = chance(f & LOCK ? 25 : 1);
	i->rep = choose_rep(i);
	if (i->mode == X86_MODE_64)
		i->addrsize = i->addr67 ? 4 : 8;
	else
		i->addrsize = (i->mode == X86_MODE_32) != i->addr67 ? 4 : 2;
	if (i->seg >= 0 && chance(10))	/* the last one counts */
		emit_segment(i, X86_SEG_ES);
	if (i->op66)
		emit(i, 0x66, 1);
	/* A REX that is not the last prefix is ignored. */
	if (i->mode == X86_MODE_64 && (i->rep || i->addr67 || i->lock) && chance(10))
		emit(i, 0x40 | unit_random_below(16), 1);
	if (i->seg >= 0)
		emit_segment(i, i->seg);
	if (i->rep)
		emit(i, !(f & F3) && chance(50) ? 0xf2 : 0xf3, 1);
	if (i->addr67)
		emit(i, 0x67, 1);
	if (i->lock)
		emit(i, 0xf0, 1);
	/* In 64-bit mode DS and its kin do not undo GS. */
	if (i->mode == X86_MODE_64 && i->seg == X86_SEG_GS && chance(10))
		emit_segment(i, X86_SEG_DS);
	if (i->mode == X86_MODE_64 && chance(60)) {
		i->rex = 0x40 | unit_random_below(16);
		emit(i, i->rex, 1);
	}
	if (i->mode != X86_MODE_64)
		i->opsize = (i->mode == X86_MODE_32) != i->op66 ? 4 : 2;
	else
		i->opsize = i->rex & 8 ? 8 : i->op66 ? 2 : f & (STACK | TARGET) ? 8 : 4;
}

static unsigned int choose_reg(const struct template *t)
{
	unsigned int reg;

	do
		reg = unit_random_below(8);
	while (t->regs && !(t->regs >> reg & 1));
	return reg;
}

/* The branch's target, as an instruction pointer. */
static u64 stub1(const struct insn *i)
{
	return (i->mode == X86_MODE_16 ? 0 : CODE) + STUB1_AT;
}

static u64 ip_after(const struct insn *i)
{
	return (i->mode == X86_MODE_16 ? 0 : CODE) + INSN_AT + i->len;
}

static unsigned int imm_length(const struct insn *i)
{
	u32 f = i->t->flags;

	if (f & I8)
		return 1;
	if (f & IZ)
		return i->opsize == 2 ? 2 : 4;
	if (f & IV)
		return i->opsize;
	return f & I16 ? 2 : 0;
}

/* The stack: within the window, or rarely at its edges, and what an instruction finds there. */
static bool prepare_stack(struct insn *i)
{
	unsigned int width = i->mode == X86_MODE_64 ? 8 : i->mode == X86_MODE_32 ? 4 : 2;
	u64 sp, linear, val;

	if (!(i->mem && (i->base == 4))) {
		sp = chance(3) ? WINDOW + unit_random_below(8) : WINDOW + 1024 + unit_random_below(1024);
		i->gpr[4] = sp - segment_base(i, X86_SEG_SS);
	}
	if (i->t->flags & ENTER) {
		sp = WINDOW + 2048 + unit_random_below(256);
		set_reg(i, 5, width, sp - segment_base(i, X86_SEG_SS));
	}
	linear = (i->gpr[4] & mask_of(width)) + segment_base(i, X86_SEG_SS);
	if (linear < WINDOW || linear > WINDOW + PAGE - 256)
		return linear - SEG16 < 0x10000 && !(i->t->flags & (RETURN | FLAGS));
	if (i->t->flags & SELECTOR)
		memset(window + (linear - WINDOW) - min_t(u64, 8, linear - WINDOW), 0, 8);
	if (i->t->flags & RETURN) {
		val = stub1(i);
		memcpy(window + (linear - WINDOW), &val, i->opsize);
	}
	if (i->t->flags & FLAGS) {
		val = unit_random() & (ARITH | DF | X86_EFLAGS_ID | X86_EFLAGS_IF | 0x3028);
		memcpy(window + (linear - WINDOW), &val, i->opsize);
	}
	return true;
}

/* Branch through a register or memory. */
static bool prepare_target(struct insn *i, u64 target)
{
	unsigned int reg = (i->modrm & 7) | (i->rex & 1) << 3;
	u64 val = stub1(i);

	if (!i->mem) {
		set_reg(i, reg, i->opsize, val);
		return reg != 4;
	}
	if (target >= WINDOW && target + 8 <= WINDOW + PAGE)
		memcpy(window + (target - WINDOW), &val, i->opsize);
	else if (target >= RDONLY - 8 && target < RDONLY + PAGE)
		return false;
	return true;
}

static void prepare_string(struct insn *i)
{
	u64 n = unit_random_below(20), from = random_target(i), to = random_target(i);

	set_reg(i, 6, i->addrsize, from - segment_base(i, data_segment(i)));
	set_reg(i, 7, i->addrsize, to - segment_base(i, X86_SEG_ES));
	set_reg(i, 1, i->addrsize, n);
	/* Give CMPS and SCAS something to find equal. */
	if (chance(50)) {
		memset(window, unit_random(), PAGE);
		memset(&i->gpr[0], window[0], 8);
		if (i->mode != X86_MODE_64)
			i->gpr[0] = (u32)i->gpr[0];
	}
}

/* A bit offset that stays near, in a register that is not part of the address. */
static bool prepare_bits(struct insn *i)
{
	unsigned int reg = (i->modrm >> 3 & 7) | (i->rex & 4) << 1;
	s64 bit = (s64)unit_random_below(2048) - 512;

	if (!i->mem)
		return true;
	if (reg == i->base || reg == i->index)
		return false;
	set_reg(i, reg, i->opsize, bit);
	return true;
}

/* An upper half that leaves the quotient a chance to fit. */
static void prepare_division(struct insn *i)
{
	u64 high = unit_random_below(4) - 2;

	i->gpr[2] = i->mode == X86_MODE_64 ? high : (u32)high;
	if (chance(50))
		i->gpr[0] = (i->gpr[0] & ~0xff00ull) | (high & 0xff) << 8;
}

/* One random instruction with its operands. False: this try has no solution. */
static bool generate(struct insn *i, enum x86_insn_mode mode)
{
	static const u8 escapes[] = { 0, 0x0f, 0x38 };
	const struct template *t = &templates[unit_random_below(ARRAY_SIZE(templates))];
	u64 target = 0;
	int r;

	*i = (struct insn){ .mode = mode, .t = t, .base = -1, .index = -1, .seg = -1 };
	if ((t->flags & NO64) && mode == X86_MODE_64 && chance(95))
		return false;
	i->opcode = t->first + unit_random_below(t->last - t->first + 1);
	for (r = 0; r < 16; r++) {
		i->gpr[r] = unit_random_edge();
		if (mode != X86_MODE_64)
			i->gpr[r] = (u32)i->gpr[r];
	}
	i->flags = 0x202 | (unit_random() & (ARITH | DF));
	/* Of a selector CPUs store 16 bits, or as many as the operand has. */
	if (!(t->flags & SELECTOR) && chance(3))
		i->flags |= X86_EFLAGS_AC;
	if ((t->flags & DIVIDE) && chance(70))
		prepare_division(i);
	choose_prefixes(i);
	if ((t->flags & NO64) && mode == X86_MODE_64 && t->first == 0x40)
		return false;
	/* MOVSXD to 16 bits reads two bytes on Intel, four on AMD. */
	if ((t->flags & ONLY64) && (mode != X86_MODE_64 || i->opsize == 2))
		return false;
	if (t->map)
		emit(i, 0x0f, 1);
	if (t->map == 2)
		emit(i, escapes[2], 1);
	emit(i, i->opcode, 1);
	if (t->flags & M)
		emit_modrm(i, choose_reg(t));
	if (t->map == 1 && t->first == 0xc7 && i->opsize == 8 && !__builtin_cpu_supports("sse3"))
		return false;

	i->imm = unit_random_edge();
	i->imm_len = imm_length(i);
	if (t->flags & I16)
		i->imm = unit_random_below(64);
	if (t->flags & BRANCH)
		i->imm = STUB1_AT - (INSN_AT + i->len + i->imm_len);
	if (i->opcode == 0xc8 && (t->flags & ENTER)) {
		emit(i, unit_random_below(128), 2);
		emit(i, unit_random_below(8), 1);
	}
	emit(i, i->imm, i->imm_len);
	if (t->flags & MOFFS) {
		target = random_target(i);
		emit(i, target - segment_base(i, data_segment(i)), i->addrsize);
	}
	if (i->len > 15)
		return false;
	if (i->mem) {
		target = random_target(i);
		if (!aim(i, target))
			return false;
	}
	if ((t->flags & BITS) && !prepare_bits(i))
		return false;
	if ((t->flags & STACK) && !prepare_stack(i))
		return false;
	if ((t->flags & TARGET) && !prepare_target(i, target))
		return false;
	if (t->flags & STRING)
		prepare_string(i);
	if (t->flags & XLAT)
		set_reg(i, 3, i->addrsize, random_target(i) - (i->gpr[0] & 0xff) -
			segment_base(i, data_segment(i)));
	return true;
}

/* Vector moves: mandatory prefix, opcode, memory only; VEX: 0 none, 1 with L = 0, 2 any L. */
static const struct { u8 prefix, map, opcode; bool mem; u8 vex; } vectors[] = {
	{ 0x00, 1, 0x10, 0, 2 }, { 0x66, 1, 0x10, 0, 2 }, { 0xf3, 1, 0x10, 1, 1 }, { 0xf2, 1, 0x10, 1, 1 },
	{ 0x00, 1, 0x11, 0, 2 }, { 0x66, 1, 0x11, 0, 2 }, { 0xf3, 1, 0x11, 1, 1 }, { 0xf2, 1, 0x11, 1, 1 },
	{ 0x00, 1, 0x12, 1, 0 }, { 0x66, 1, 0x12, 1, 0 }, { 0x00, 1, 0x13, 1, 0 }, { 0x66, 1, 0x13, 1, 0 },
	{ 0x00, 1, 0x16, 1, 0 }, { 0x66, 1, 0x16, 1, 0 }, { 0x00, 1, 0x17, 1, 0 }, { 0x66, 1, 0x17, 1, 0 },
	{ 0x00, 1, 0x28, 0, 2 }, { 0x66, 1, 0x28, 0, 2 }, { 0x00, 1, 0x29, 0, 2 }, { 0x66, 1, 0x29, 0, 2 },
	{ 0x00, 1, 0x2b, 1, 2 }, { 0x66, 1, 0x2b, 1, 2 }, { 0x66, 1, 0xe7, 1, 2 }, { 0xf2, 1, 0xf0, 1, 2 },
	{ 0x66, 1, 0x6f, 0, 2 }, { 0xf3, 1, 0x6f, 0, 2 }, { 0x66, 1, 0x7f, 0, 2 }, { 0xf3, 1, 0x7f, 0, 2 },
	{ 0x66, 1, 0x6e, 0, 1 }, { 0x66, 1, 0x7e, 0, 1 }, { 0xf3, 1, 0x7e, 0, 1 }, { 0x66, 1, 0xd6, 0, 1 },
	{ 0x66, 2, 0x2a, 1, 2 },
};

static void emit_vex(struct insn *i, unsigned int v)
{
	u8 p = vectors[v].prefix, pp = p == 0x66 ? 1 : p == 0xf3 ? 2 : p == 0xf2 ? 3 : 0;
	u8 last = 0x78 | pp | (vectors[v].vex == 2 && chance(50) ? 4 : 0);

	if (vectors[v].map == 1 && !(i->rex & 0xb)) {
		emit(i, 0xc5, 1);
		emit(i, last | (i->rex & 4 ? 0 : 0x80), 1);
	} else {
		emit(i, 0xc4, 1);
		emit(i, ((~i->rex & 7) << 5) | vectors[v].map, 1);
		emit(i, last | (i->rex & 8) << 4, 1);
	}
}

static bool generate_vector(struct insn *i)
{
	static const struct template any = { .flags = M | VECTOR };
	static const struct template mem = { .flags = M | VECTOR | MEM };
	unsigned int v = unit_random_below(ARRAY_SIZE(vectors)), r;

	*i = (struct insn){ .mode = X86_MODE_64, .base = -1, .index = -1, .seg = -1, .addrsize = 8 };
	i->t = vectors[v].mem ? &mem : &any;
	i->opcode = vectors[v].opcode;
	for (r = 0; r < 16; r++)
		i->gpr[r] = unit_random_edge();
	i->flags = 0x202 | (unit_random() & ARITH);
	if (chance(10)) {
		i->seg = X86_SEG_GS;
		emit_segment(i, i->seg);
	}
	i->rex = 0x40 | unit_random_below(16);
	if (vectors[v].vex && chance(50)) {
		emit_vex(i, v);
	} else {
		if (vectors[v].prefix)
			emit(i, vectors[v].prefix, 1);
		emit(i, i->rex, 1);
		emit(i, 0x0f, 1);
		if (vectors[v].map == 2)
			emit(i, 0x38, 1);
	}
	emit(i, i->opcode, 1);
	emit_modrm(i, unit_random_below(8));
	return !i->mem || aim(i, random_target(i));
}

/* Flags that this instruction leaves undefined. */
static u64 undefined_flags(const struct insn *i)
{
	const struct template *t = i->t;
	u64 undefined = t->undefined;
	unsigned int count, bits = (t->flags & SHIFT) && !(i->opcode & 1) ? 8 : i->opsize * 8;

	if (!(t->flags & (SHIFT | DSHIFT)))
		return undefined;
	if (t->flags & I8)
		count = i->imm;
	else
		count = (t->flags & SHIFT) && !(i->opcode & 2) ? 1 : i->gpr[1];
	count &= bits == 64 ? 63 : 31;
	if (!count)
		return 0;
	if (count != 1)
		undefined |= OF;
	if (t->flags & DSHIFT && count > bits)
		undefined |= ARITH;
	if (t->flags & SHIFT && (i->modrm & 0x20) && count >= bits)
		undefined |= CF;
	return undefined;
}

/* The double shift of 16 bits by more leaves the destination undefined as well. */
static bool undefined_result(const struct insn *i)
{
	u64 count = i->t->flags & I8 ? i->imm : i->gpr[1];

	if (i->t->flags & DSHIFT)
		return i->opsize == 2 && (count & 31) > 16;
	return i->t->map == 1 && i->opcode >= 0xc8 && i->opcode <= 0xcf && i->opsize == 2;
}

static bool repeated_string(const struct insn *i)
{
	return (i->t->flags & STRING) && i->rep;
}

/* CMPS, whose operands may both fault: no manual says which is accessed first. */
static bool two_sources(const struct insn *i)
{
	return (i->t->flags & STRING) && (i->opcode & 0xfe) == 0xa6;
}

/*
 * Flags that this CPU may have after a fault otherwise than we do: a repeated CMPS or SCAS that
 * faults leaves those of before the instruction (Intel SDM, "REP/REPE/REPZ/REPNE/REPNZ") or those
 * of the iteration before (AMD). It is restarted and sets them anew either way.
 */
static u64 undefined_fault_flags(const struct insn *i)
{
	bool compares = (i->opcode & 0xfe) == 0xa6 || (i->opcode & 0xfe) == 0xae;

	if (fault.vector == X86_EXC_DE)
		return ARITH;
	return repeated_string(i) && compares ? ARITH : 0;
}

/*
 * Bits of a register that this CPU may have otherwise: outside of 64-bit mode an interrupt may
 * change the upper half of RSP; a REP of 32-bit addresses that does nothing, or faults, clears
 * the upper halves of its counter and pointers on Intel's CPUs, not on AMD's.
 */
static u64 undefined_bits(const struct insn *i, unsigned int reg)
{
	bool nothing = repeated_string(i) && i->addrsize == 4 && (fault.raised || !(u32)i->gpr[1]);

	if (i->mode != X86_MODE_64 || (nothing && (reg == 1 || reg == 6 || reg == 7)))
		return ~mask_of(4);
	return 0;
}

static void describe(const struct insn *i, const struct x86_emu *e, int ret)
{
	int n;

	printf("mode %d, bytes", i->mode);
	for (n = 0; n < i->len; n++)
		printf(" %02x", i->bytes[n]);
	printf("\nemulator: result %d rip %" PRIx64 " flags %" PRIx64 " vector %d error %x cr2 %" PRIx64 "\n",
	       ret, (uint64_t)e->rip, (uint64_t)e->rflags, e->exc.vector, e->exc.error,
	       (uint64_t)e->exc_payload);
	printf("native: exit %d flags %" PRIx64 " fault %d vector %d error %" PRIx64 " cr2 %" PRIx64 "\n",
	       native->exit_id, (uint64_t)native->flags_out, fault.raised, fault.vector,
	       (uint64_t)fault.error, (uint64_t)fault.cr2);
	printf("flags in %" PRIx64 "\n", (uint64_t)i->flags);
	for (n = 0; n < (i->mode == X86_MODE_64 ? 16 : 8); n++)
		printf("gpr %2d: in %016" PRIx64 " native %016" PRIx64 " emulated %016" PRIx64 "%s\n", n,
		       (uint64_t)i->gpr[n], (uint64_t)native->out[n], (uint64_t)e->gpr[n],
		       native->out[n] != e->gpr[n] ? " <--" : "");
	for (n = 0; n < PAGE; n++)
		if (window[n] != copy[n])
			printf("memory %x: native %02x emulated %02x\n", WINDOW + n, window[n], copy[n]);
}

static unsigned long comparisons[3], faults;
static unsigned long *total;	/* of all cases, which run in processes of their own */

static void run_native(const struct insn *i)
{
	memcpy(code + INSN_AT, i->bytes, i->len);
	put_stub(code + INSN_AT + i->len, i->mode, 0);
	memcpy(native->in, i->gpr, sizeof(i->gpr));
	native->flags_in = i->flags;
	fault.raised = false;
	((void (*)(void))TRAMP)();
}

static int run_emulated(const struct insn *i, struct x86_emu *e)
{
	int ret;

	emu_setup(e, i->mode);
	memcpy(e->gpr, i->gpr, sizeof(i->gpr));
	e->rflags = i->flags;
	e->rip = (i->mode == X86_MODE_16 ? 0 : CODE) + INSN_AT;
	memcpy(e->bytes, i->bytes, 15);
	e->nr_bytes = i->len;
	do
		ret = x86_emulate(e);
	while (ret == X86_EMU_REPEAT);
	return ret;
}

static const char *differs(const struct insn *i, const struct x86_emu *e, int ret)
{
	u64 flags = (ARITH | DF) & ~undefined_flags(i);
	int n, regs = i->mode == X86_MODE_64 ? 16 : 8;
	u64 after = native->exit_id ? stub1(i) : ip_after(i);

	if (ret != (fault.raised ? X86_EMU_FAULT : X86_EMU_DONE))
		return "result";
	if (fault.raised && two_sources(i)) {
		flags &= ~undefined_fault_flags(i);
	} else if (fault.raised) {
		if (e->exc.vector != fault.vector)
			return "vector";
		if (e->exc.error != fault.error && e->exc.has_error)
			return "error code";
		if (fault.vector == X86_EXC_PF && e->exc_payload != fault.cr2)
			return "CR2";
		flags &= ~undefined_fault_flags(i);
	} else if (e->rip != after) {
		return "rip";
	}
	if ((e->rflags ^ native->flags_out) & flags)
		return "flags";
	if (undefined_result(i))
		return NULL;
	for (n = 0; n < regs; n++) {
		/* BSF and BSR of zero leave the destination undefined. */
		if ((i->t->flags & SCAN) && (e->rflags & ZF) && !fault.raised)
			continue;
		if ((e->gpr[n] ^ native->out[n]) & ~undefined_bits(i, n))
			return "register";
	}
	/* What was stored before a later store faulted is not defined. */
	if (!fault.raised && memcmp(window, copy, PAGE))
		return "memory";
	if (native->vector && !fault.raised && memcmp(ymm, native->ymm_out, sizeof(ymm)))
		return "vector register";
	return NULL;
}

static void compare(const struct insn *i)
{
	struct x86_emu e;
	const char *what;
	int ret;

	memcpy(copy, window, PAGE);
	ret = run_emulated(i, &e);
	run_native(i);
	what = differs(i, &e, ret);
	if (what) {
		describe(i, &e, ret);
		fflush(stdout);
		ck_abort_msg("differs in %s", what);
	}
	comparisons[i->mode]++;
	faults += fault.raised;
}

static void fill_window(void)
{
	unsigned int n;
	u64 val;

	for (n = 0; n < PAGE; n += 8) {
		val = unit_random_edge();
		memcpy(window + n, &val, 8);
	}
}

static void compare_many(enum x86_insn_mode mode, unsigned int n)
{
	struct insn i;

	native_setup();
	native_mode(mode);
	fill_window();
	while (comparisons[mode] < n) {
		if (comparisons[mode] % 512 == 0)
			fill_window();
		if (generate(&i, mode))
			compare(&i);
	}
	ck_assert_uint_gt(faults, n / 100);
	ck_assert_uint_lt(faults, n / 3);
	*total += n;
}

static void compare_vectors(unsigned int n)
{
	struct insn i;
	unsigned int r;

	native_setup();
	native_mode(X86_MODE_64);
	native->vector = 1;
	while (comparisons[X86_MODE_64] < n) {
		if (comparisons[X86_MODE_64] % 64 == 0)
			fill_window();
		for (r = 0; r < sizeof(ymm); r++)
			native->ymm_in[r / 32][r % 32] = unit_random();
		memcpy(ymm, native->ymm_in, sizeof(ymm));
		if (generate_vector(&i))
			compare(&i);
	}
	*total += n;
}

static void total_begin(void)
{
	total = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(total, MAP_FAILED);
}

static void total_end(void)
{
	unit_figure("emulator comparisons", *total);
	munmap(total, PAGE);
}

START_TEST(native_vector)
{
	if (__builtin_cpu_supports("avx2"))
		compare_vectors(500000);
	else
		printf("vector moves were not compared: this CPU has no AVX2\n");
}
END_TEST

START_TEST(native_64)
{
	compare_many(X86_MODE_64, 6000000);
}
END_TEST

START_TEST(native_32)
{
	compare_many(X86_MODE_32, 2500000);
}
END_TEST

START_TEST(native_16)
{
	compare_many(X86_MODE_16, 2000000);
}
END_TEST

static TCase *native_case(void)
{
	TCase *tc = UNIT_CASE("native", native_64, native_32, native_16, native_vector);

	tcase_add_unchecked_fixture(tc, total_begin, total_end);
	return tc;
}

UNIT_MAIN("emulator against the CPU", native_case())
