// SPDX-License-Identifier: GPL-2.0-only
/*
 * Task switches by hardware, in 32-bit mode with and without paging: by JMP, CALL and
 * IRET, through task gates of the GDT and of the IDT (INT n, exceptions with and
 * without an error code, an interrupt, NMIs), to a TSS of 16 bits, and their faults.
 * Intel SDM vol. 3, "Task Management"; AMD APM vol. 2, "Task Management".
 *
 * In-tree KVM has no faults of the new task on VT-x, and saves the old one in the new
 * one's format: the 16-bit TSS makes it fail an entry. QEMU's TCG does not leave a guest
 * of AMD-V for task switches, whatever the hypervisor asks for, and makes them itself.
 */
#include "lib.h"

PROGRAM(.seconds = 60);

#define SEL_MAIN	0x48		/* SEL_FREE and on; the assembler wants numbers */
#define SEL_OTHER	0x50
#define SEL_GATE	0x58		/* to the other */
#define SEL_FAULT	0x60
#define SEL_SMALL	0x68		/* of 16 bits */
#define SEL_ABSENT	0x70
#define SEL_SHORT	0x78
#define VECTOR_INT	30
#define VECTOR_IPI	31
#define NT		0x4000
#define ARITHMETIC	0x8d5		/* flags that the tasks themselves change */
#define CR0_ET		0x10		/* always set */

struct tss {
	u32 link, stacks[6], cr3, eip, eflags, eax, ecx, edx, ebx, esp, ebp, esi, edi;
	u32 es, cs, ss, ds, fs, gs, ldt;
	u16 trap, map;
};

extern volatile struct tss main_tss, other_tss, fault_tss;
volatile struct tss main_tss, other_tss, fault_tss;
extern volatile u16 small_tss[22];
volatile u16 small_tss[22];
static u8 other_stack[1024], fault_stack[1024];

/* What the other task finds when it is switched to; t_: what its code looks at. */
struct seen {
	u32 flags, tr, esp, cr0, cr3, link, main_ebx, main_busy, own_busy, error, count;
};
#define SEEN_WORDS	"11"

enum { JMP, CALL, CALL_GATE, JMP_GATE, INT, UD_GATE, GP_GATE, IPI, NMI_GATE, NMI_AGAIN, SMALL,
       STEPS };
static const char * const names[STEPS] = { "JMP to a TSS", "CALL of a TSS", "CALL of a task gate",
	"JMP to a task gate", "INT to a task gate", "#UD to a task gate", "#GP to a task gate",
	"an interrupt to a task gate", "an NMI to a task gate", "another NMI", "CALL of a 16-bit TSS" };

extern volatile struct seen t_seen, t_steps[STEPS];
volatile struct seen t_seen, t_steps[STEPS];
extern volatile u32 t_step, t_wrong, t_cr0, t_cr3, t_cr4, t_try, t_tr;
volatile u32 t_step, t_wrong, t_cr0, t_cr3, t_cr4, t_try, t_tr;
extern u64 idt32[32];

void tasks(void), other_task(void), fault_task(void), small_task(void), try_fault(void);

/* One step of the main task: its registers are there again afterwards. */
#define STEP(n, how)					\
"	movl	$" #n ", t_step\n"			\
"	movl	$0x1111" #n ", %ebx\n"			\
"	movl	$0x2222" #n ", %esi\n"			\
"	movl	$0x3333" #n ", %edi\n"			\
"	movl	$0x4444" #n ", %ebp\n"			\
"	movl	%esp, t_esp\n"				\
	how						\
"	cmpl	$0x1111" #n ", %ebx\n"			\
"	jne	tasks_wrong\n"				\
"	cmpl	$0x2222" #n ", %esi\n"			\
"	jne	tasks_wrong\n"				\
"	cmpl	$0x3333" #n ", %edi\n"			\
"	jne	tasks_wrong\n"				\
"	cmpl	$0x4444" #n ", %ebp\n"			\
"	jne	tasks_wrong\n"				\
"	cmpl	%esp, t_esp\n"				\
"	jne	tasks_wrong\n"				\
"	str	%ax\n"					\
"	cmpw	$0x48, %ax\n"				\
"	jne	tasks_wrong\n"				\
"	clts\n"						\
"	movl	$" #n ", %eax\n"			\
"	imull	$(4 * " SEEN_WORDS "), %eax\n"		\
"	leal	t_steps(%eax), %edi\n"			\
"	movl	$t_seen, %esi\n"			\
"	movl	$" SEEN_WORDS ", %ecx\n"		\
"	rep; movsl\n"

/* What a task notes when it comes to be; the flags first. */
#define NOTE(tss, selector)				\
"	pushfl\n"					\
"	popl	t_seen\n"				\
"	movl	$0, t_seen + 4\n"			\
"	str	t_seen + 4\n"				\
"	movl	%esp, t_seen + 8\n"			\
"	movl	%cr0, %eax\n"				\
"	movl	%eax, t_seen + 12\n"			\
"	movl	%cr3, %eax\n"				\
"	movl	%eax, t_seen + 16\n"			\
"	movzwl	" tss ", %eax\n"			\
"	movl	%eax, t_seen + 20\n"			\
"	movl	main_tss + 0x34, %eax\n"		\
"	movl	%eax, t_seen + 24\n"			\
"	movzbl	gdt + 0x48 + 5, %eax\n"			\
"	movl	%eax, t_seen + 28\n"			\
"	movzbl	gdt + " selector " + 5, %eax\n"		\
"	movl	%eax, t_seen + 32\n"			\
"	incl	t_seen + 40\n"

asm(
"	.code32\n"
"tasks:\n"
"	movl	t_cr4, %eax\n"
"	movl	%eax, %cr4\n"
"	movl	t_cr3, %eax\n"
"	movl	%eax, %cr3\n"
"	movl	t_cr0, %eax\n"
"	movl	%eax, %cr0\n"
"	jmp	1f\n"
"1:	movl	$0x48, %eax\n"
"	ltr	%ax\n"
	STEP(0, "	ljmp	$0x50, $0\n")
	STEP(1, "	lcall	$0x50, $0\n")
	STEP(2, "	lcall	$0x58, $0\n")
	STEP(3, "	ljmp	$0x58, $0\n")
	STEP(4, "	int	$30\n")
	STEP(5, "	ud2\n")
	STEP(6, "	movl	$0xfff8, %eax\n"
		"	movl	%eax, %fs\n")
	STEP(7, "	sti\n"
		"	movl	$0x4401f, 0xfee00300\n"
		"1:	pause\n"
		"	cmpl	$8, t_seen + 40\n"
		"	jb	1b\n"
		"	cli\n"
		"	movl	$0, 0xfee000b0\n")
	STEP(8, "	movl	$0x44400, 0xfee00300\n"
		"1:	pause\n"
		"	cmpl	$9, t_seen + 40\n"
		"	jb	1b\n")
	STEP(9, "	movl	$0x44400, 0xfee00300\n"
		"1:	pause\n"
		"	cmpl	$10, t_seen + 40\n"
		"	jb	1b\n")
	STEP(10, "	lcall	$0x68, $0\n")
"	movl	$0, t_wrong\n"
"	ret\n"
"tasks_wrong:\n"
"	movl	t_esp, %esp\n"
"	movl	$1, t_wrong\n"
"	ret\n"

/* Goes back by the way it came; when it comes again, it goes on there. */
"other_task:\n"
	NOTE("other_tss", "0x50")
"	testl	$0x4000, t_seen\n"
"	jz	1f\n"
"	iret\n"
"	jmp	other_task\n"
"1:	ljmp	$0x48, $0\n"
"	jmp	other_task\n"

/* Of an exception: the main task goes on behind its instruction, of two bytes. */
"fault_task:\n"
"	movl	$0, t_seen + 36\n"
"	cmpl	$6, t_step\n"
"	jb	1f\n"
"	popl	t_seen + 36\n"
"1:\n"
	NOTE("fault_tss", "0x60")
"	cmpl	$99, t_step\n"
"	jne	1f\n"
"	movl	$10, trap32_vector\n"
"	movl	t_seen + 36, %eax\n"
"	movl	%eax, trap32_error\n"
"	movl	trap32_esp, %esp\n"
"	jmp	try_trapped\n"
"1:\n"
"	addl	$2, main_tss + 0x20\n"
"	iret\n"
"	jmp	fault_task\n"

"small_task:\n"
	NOTE("small_tss", "0x68")
"	iret\n"
"	jmp	small_task\n"

/* The fault of what t_try says comes to the library's handlers. */
"try_fault:\n"
"	movl	%esp, trap32_esp\n"
"	movl	$try_trapped, trap32_resume\n"
"	movl	$-1, trap32_vector\n"
"	movl	$0x48, %eax\n"
"	ltr	%ax\n"
"	cmpl	$1, t_try\n"
"	jb	1f\n"
"	je	2f\n"
"	movl	$0x50, main_tss\n"		/* 2: IRET to whoever is said to have called */
"	pushfl\n"
"	orl	$0x4000, (%esp)\n"
"	popfl\n"
"	iret\n"
"1:	lcall	*t_pointer\n"
"	jmp	try_trapped\n"
"2:	ljmp	*t_pointer\n"
"try_trapped:\n"
"	movl	$0, t_tr\n"
"	str	t_tr\n"
"	pushl	$2\n"
"	popfl\n"
"	clts\n"
"	movl	$0x10, %eax\n"
"	movl	%eax, %ds\n"
"	movl	%eax, %es\n"
"	ret\n"
"	.code64\n"
"	.data\n"
"	.balign	4\n"
"	.globl	t_pointer\n"
"t_pointer:	.long 0\n"
"t_selector:	.word 0, 0\n"
"t_esp:		.long 0\n"
"	.text\n");
extern volatile struct { u32 offset; u16 selector; } __attribute__((packed)) t_pointer;

static void descriptor(unsigned int selector, volatile void *at, u32 limit, u64 type)
{
	u64 base = (u64)at;

	gdt[selector / 8] = (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 |
			    (u64)(limit >> 16 & 15) << 48 | base >> 24 << 56;
}

static u64 task_gate(unsigned int selector)
{
	return (u64)selector << 16 | 0x85ull << 40;
}

static void task(volatile struct tss *t, void (*code)(void), u8 *stack_end)
{
	memset((void *)t, 0, sizeof(*t));
	t->cr3 = t_cr3;
	t->eip = (u64)code;
	t->eflags = 2;
	t->esp = (u64)stack_end;
	t->es = t->ss = t->ds = SEL_DATA;
	t->cs = SEL_CODE32;
	t->map = sizeof(*t);
}

static void prepare(void)
{
	task(&main_tss, NULL, NULL);
	task(&other_tss, other_task, other_stack + sizeof(other_stack));
	task(&fault_tss, fault_task, fault_stack + sizeof(fault_stack));
	memset((void *)small_tss, 0, sizeof(small_tss));
	small_tss[7] = (u64)small_task;
	small_tss[8] = 2;
	small_tss[13] = REAL_STACK;
	small_tss[17] = small_tss[19] = small_tss[20] = SEL_DATA;
	small_tss[18] = SEL_CODE32;
	descriptor(SEL_MAIN, &main_tss, sizeof(main_tss) - 1, 0x89);
	descriptor(SEL_OTHER, &other_tss, sizeof(other_tss) - 1, 0x89);
	descriptor(SEL_FAULT, &fault_tss, sizeof(fault_tss) - 1, 0x89);
	descriptor(SEL_SMALL, small_tss, sizeof(small_tss) - 1, 0x81);
	descriptor(SEL_ABSENT, &other_tss, sizeof(other_tss) - 1, 0x09);
	descriptor(SEL_SHORT, &other_tss, sizeof(other_tss) - 2, 0x89);
	gdt[SEL_GATE / 8] = task_gate(SEL_OTHER);
}

/* The long-mode TSS is wanted again. */
static void restore(void)
{
	gdt[SEL_TSS / 8] &= ~(2ull << 40);
	asm volatile("ltr %w0" : : "r" (SEL_TSS) : "memory");
}

static void all_ways(const char *mode)
{
	u64 saved[32];

	CHECK((u64)small_task < 0x10000, "the 16-bit task's code is too high");
	prepare();
	memcpy(saved, idt32, sizeof(saved));
	idt32[VECTOR_INT] = idt32[VECTOR_IPI] = idt32[NMI] = task_gate(SEL_OTHER);
	idt32[UD] = idt32[GP] = task_gate(SEL_FAULT);
	memset((void *)&t_seen, 0, sizeof(t_seen));
	t_wrong = 2;
	call_protected(tasks);
	memcpy(idt32, saved, sizeof(saved));
	restore();
	CHECK(!t_wrong, "%s: %s: registers or TR differ afterwards", mode, names[t_step]);

	for (u32 i = 0; i < STEPS; i++) {
		const volatile struct seen *s = &t_steps[i];
		bool jumped = i == JMP || i == JMP_GATE;
		bool fault = i == UD_GATE || i == GP_GATE;
		u32 selector = fault ? SEL_FAULT : i == SMALL ? SEL_SMALL : SEL_OTHER;

		CHECK(s->count == i + 1, "%s: %s: %u switches so far", mode, names[i], s->count);
		CHECK(s->tr == selector, "%s: %s: TR is 0x%x", mode, names[i], s->tr);
		CHECK((s->flags & ~ARITHMETIC) == (jumped ? 2 : 2 | NT), "%s: %s: flags are 0x%x", mode, names[i],
		      s->flags);
		CHECK(jumped || s->link == SEL_MAIN, "%s: %s: the link is 0x%x", mode, names[i],
		      s->link);
		CHECK((s->cr0 & ~CR0_ET) == (t_cr0 | CR0_TS), "%s: %s: CR0 is 0x%x", mode, names[i], s->cr0);
		CHECK(s->cr3 == t_cr3, "%s: %s: CR3 is 0x%x", mode, names[i], s->cr3);
		CHECK(s->main_ebx == (i < 10 ? 0x11110 + i : 0x111110),
		      "%s: %s: EBX was saved as 0x%x", mode, names[i], s->main_ebx);
		CHECK(s->main_busy == (jumped ? 0x89 : 0x8b), "%s: %s: the old descriptor has 0x%x",
		      mode, names[i], s->main_busy);
		CHECK(s->own_busy == (i == SMALL ? 0x83 : 0x8b),
		      "%s: %s: the new descriptor has 0x%x", mode, names[i], s->own_busy);
		CHECK(s->error == (i == GP_GATE ? 0xfff8 : s->error), "%s: %s: error code 0x%x", mode,
		      names[i], s->error);
	}
	CHECK_EQ("the caller's descriptor at the end", gdt[SEL_MAIN / 8] >> 40 & 0xff, 0x8b);
	CHECK_EQ("the other's", gdt[SEL_OTHER / 8] >> 40 & 0xff, 0x89);
}

static void faults(const char *what, u32 how, unsigned int selector, u32 vector, u32 error,
		   u32 tr)
{
	t_try = how;
	t_pointer.offset = 0;
	t_pointer.selector = selector;
	call_protected(try_fault);
	restore();
	CHECK(trap32_vector == vector, "%s: vector %d", what, trap32_vector);
	CHECK(trap32_error == error, "%s: error code 0x%x", what, trap32_error);
	CHECK(t_tr == tr, "%s: TR is 0x%x", what, t_tr);
	prepare();
}

static void late_fault(const char *what, u32 how, unsigned int selector, u32 error)
{
	faults(what, how, selector, TS, error, SEL_FAULT);
	CHECK(t_seen.link == SEL_OTHER, "%s: it was task 0x%x's", what, t_seen.link);
}

static void all_faults(void)
{
	u64 saved;

	prepare();
	faults("CALL of a busy task", 0, SEL_MAIN, GP, SEL_MAIN, SEL_MAIN);
	faults("JMP to a TSS that is not present", 1, SEL_ABSENT, NP, SEL_ABSENT, SEL_MAIN);
	faults("CALL of a TSS that is too short", 0, SEL_SHORT, TS, SEL_SHORT, SEL_MAIN);
	faults("IRET to a task that is not busy", 2, 0, TS, SEL_OTHER, SEL_MAIN);
	/*
	 * From here on it is the new task that faults, whose stack may not be there:
	 * that is for yet another task.
	 */
	saved = idt32[TS];
	idt32[TS] = task_gate(SEL_FAULT);
	t_step = 99;
	other_tss.ds = SEL_ABSENT;
	late_fault("a DS that is no segment", 0, SEL_OTHER, SEL_ABSENT);
	other_tss.cs = SEL_DATA;
	late_fault("a CS that is no code", 1, SEL_OTHER, SEL_DATA);
	other_tss.ldt = SEL_DATA;
	late_fault("an LDT that is none", 1, SEL_GATE, SEL_DATA);
	idt32[TS] = saved;
}

int main(void)
{
	u32 *directory = page_alloc();

	apic_enable();
	t_cr0 = CR0_PE | CR0_NE;
	all_ways("unpaged");
	all_faults();

	for (u32 i = 0; i < 1024; i++)
		directory[i] = i << 22 | 0x83;
	t_cr3 = (u64)directory;
	t_cr4 = CR4_PSE;
	t_cr0 = CR0_PE | CR0_NE | CR0_PG;
	all_ways("paged");
	return 0;
}
