// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions on device memory: sizes, extensions, read-modify-write, strings,
 * SSE, accesses over a page's end. The device keeps what it is given.
 */
#include "lib.h"

PROGRAM(.seconds = 40);

static volatile u8 *const m8 = (volatile u8 *)MMIO_ADDRESS;
static volatile u64 *const m64 = (volatile u64 *)MMIO_ADDRESS;

static void expect(u64 index, u64 address, u64 value, u64 flags)
{
	struct host_call c = host(CALL_LOG_GET, index, 0, 0, 0);

	CHECK(!c.result, "no access number %lu", index);
	CHECK_EQ("the address", c.a, address);
	CHECK_EQ("the value", c.b, value);
	CHECK_EQ("length and direction", c.c, flags);
}

static void moves(void)
{
	u64 rax;

	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	m8[1] = 0x11;
	*(volatile u16 *)(m8 + 2) = 0x3322;
	*(volatile u32 *)(m8 + 4) = 0x77665544;
	m64[1] = 0xffeeddccbbaa9988;
	expect(0, MMIO_ADDRESS + 1, 0x11, LOG_WRITE | 1);
	expect(1, MMIO_ADDRESS + 2, 0x3322, LOG_WRITE | 2);
	expect(2, MMIO_ADDRESS + 4, 0x77665544, LOG_WRITE | 4);
	expect(3, MMIO_ADDRESS + 8, 0xffeeddccbbaa9988, LOG_WRITE | 8);
	CHECK_EQ("a qword", m64[1], 0xffeeddccbbaa9988);
	CHECK_EQ("a dword", *(volatile u32 *)(m8 + 12), 0xffeeddcc);
	CHECK_EQ("a word", *(volatile u16 *)(m8 + 2), 0x3322);
	CHECK_EQ("a byte", m8[15], 0xff);
	asm volatile("movb %1, %%al" : "=a"(rax) : "m"(m8[15]), "a"(0x1122334455667788));
	CHECK_EQ("RAX after a byte", rax, 0x11223344556677ff);
	asm volatile("movb %1, %%ah" : "=a"(rax) : "m"(m8[14]), "a"(0x1122334455667788));
	CHECK_EQ("RAX after a byte to AH", rax, 0x112233445566ee88);
	asm volatile("movl %1, %%eax" : "=a"(rax) : "m"(m8[8]), "a"(~0ull));
	CHECK_EQ("RAX after a dword", rax, 0xbbaa9988);
	asm volatile("movsbq %1, %0" : "=r"(rax) : "m"(m8[15]));
	CHECK_EQ("MOVSX of a byte", rax, ~0ull);
	asm volatile("movzbl %1, %k0" : "=r"(rax) : "m"(m8[15]));
	CHECK_EQ("MOVZX of a byte", rax, 0xff);
	asm volatile("movswl %1, %k0" : "=r"(rax) : "m"(*(volatile u16 *)(m8 + 14)));
	CHECK_EQ("MOVSX of a word", rax, 0xffffffee | 0xffffff00);
	asm volatile("movslq %1, %0" : "=r"(rax) : "m"(*(volatile u32 *)(m8 + 12)));
	CHECK_EQ("MOVSXD", rax, 0xffffffffffeeddcc);
	asm volatile("movzwq %1, %0" : "=r"(rax) : "m"(*(volatile u16 *)(m8 + 14)));
	CHECK_EQ("MOVZX of a word", rax, 0xffee);
	asm volatile("movq $-2, %0" : "=m"(m64[2]));
	CHECK_EQ("an immediate", m64[2], -2ull);
	asm volatile("movabs %P0, %%al; movabs %%eax, %P1" :: "i"(MMIO_ADDRESS + 1),
		     "i"(MMIO_ADDRESS + 24), "a"(0x5500) : "memory");
	CHECK_EQ("MOV with an absolute address", *(volatile u32 *)(m8 + 24), 0x5511);
	EXPECT(-1, "MOVBE", ({
		if (cpuid(1, 0).ecx >> 22 & 1) {
			asm volatile("movbe %1, %k0" : "=r"(rax) : "m"(*(volatile u32 *)(m8 + 4)));
			CHECK_EQ("MOVBE", rax, 0x44556677);
		}
	}));
}

#define FLAGS "pushfq; pop %1"

static void arithmetic(void)
{
	u64 flags, r;

	m64[0] = 0x100;
	asm volatile("addq $0x23, %0" : "+m"(m64[0]));
	CHECK_EQ("ADD", m64[0], 0x123);
	asm volatile("subl $0x124, %0; " FLAGS : "+m"(*(volatile u32 *)m8), "=r"(flags));
	CHECK_EQ("SUB", m64[0], 0xffffffff);
	CHECK_EQ("CF after SUB", flags & 1, 1);
	asm volatile("stc; adcq $0, %0" : "+m"(m64[0]));
	CHECK_EQ("ADC", m64[0], 0x100000000);
	asm volatile("andb $0, %0; " FLAGS : "+m"(m8[4]), "=r"(flags));
	CHECK_EQ("AND", m64[0], 0);
	CHECK_EQ("ZF after AND", flags & RFLAGS_ZF, RFLAGS_ZF);
	asm volatile("orw $0x8001, %0" : "+m"(*(volatile u16 *)m8));
	asm volatile("xorb $0xff, %0" : "+m"(m8[0]));
	CHECK_EQ("OR and XOR", m64[0], 0x80fe);
	asm volatile("cmpw $0x80fe, %1; sete %0" : "=q"(*(u8 *)&flags) : "m"(*(volatile u16 *)m8));
	CHECK_EQ("ZF after CMP", (u8)flags, 1);
	asm volatile("testb $1, %1; setz %0" : "=q"(*(u8 *)&flags) : "m"(m8[0]));
	CHECK_EQ("ZF after TEST", (u8)flags, 1);
	asm volatile("incl %0" : "+m"(*(volatile u32 *)m8));
	asm volatile("decb %0" : "+m"(m8[1]));
	CHECK_EQ("INC and DEC", m64[0], 0x7fff);
	asm volatile("notq %0" : "+m"(m64[0]));
	CHECK_EQ("NOT", m64[0], ~0x7fffull);
	asm volatile("negq %0" : "+m"(m64[0]));
	CHECK_EQ("NEG", m64[0], 0x8000);
	asm volatile("shlq $4, %0; shrb $1, %0" : "+m"(m64[0]));
	CHECK_EQ("SHL and SHR", m64[0], 0x80000);
	asm volatile("roll $16, %0" : "+m"(*(volatile u32 *)m8));
	CHECK_EQ("ROL", m64[0], 0x8);
	r = 0x1234;
	asm volatile("xchgq %0, %1" : "+r"(r), "+m"(m64[0]));
	CHECK_EQ("XCHG, the register", r, 8);
	CHECK_EQ("XCHG, the memory", m64[0], 0x1234);
	r = 1;
	asm volatile("lock xaddl %k0, %1" : "+r"(r), "+m"(*(volatile u32 *)m8));
	CHECK_EQ("XADD, the register", r, 0x1234);
	CHECK_EQ("XADD, the memory", m64[0], 0x1235);
	r = 0x1235;
	asm volatile("lock cmpxchgq %2, %1; setz %b0" : "+a"(r), "+m"(m64[0]) : "r"(0x5678ull));
	CHECK_EQ("ZF of CMPXCHG", (u8)r, 1);
	CHECK_EQ("CMPXCHG", m64[0], 0x5678);
	r = 0;
	asm volatile("lock cmpxchgq %2, %1" : "+a"(r), "+m"(m64[0]) : "r"(0x1111ull));
	CHECK_EQ("RAX of a failed CMPXCHG", r, 0x5678);
	CHECK_EQ("a failed CMPXCHG", m64[0], 0x5678);
	asm volatile("btsl $0, %1; setc %0" : "=q"(*(u8 *)&r), "+m"(*(volatile u32 *)m8));
	CHECK_EQ("CF of BTS", (u8)r, 0);
	asm volatile("btl $0, %1; setc %0" : "=q"(*(u8 *)&r), "+m"(*(volatile u32 *)m8));
	CHECK_EQ("CF of BT", (u8)r, 1);
	asm volatile("btrl $0, %1; setc %0" : "=q"(*(u8 *)&r), "+m"(*(volatile u32 *)m8));
	asm volatile("btcl $1, %0" : "+m"(*(volatile u32 *)m8));
	CHECK_EQ("BTR and BTC", m64[0], 0x567a);
	asm volatile("mov $3, %%eax; imull %1, %%eax" : "=a"(r) : "m"(*(volatile u32 *)m8));
	CHECK_EQ("IMUL", (u32)r, 0x567a * 3);
	asm volatile("addq %1, %0" : "+r"(r) : "m"(m64[0]));
	CHECK_EQ("ADD to a register", r, 0x567a * 4);
	asm volatile("pushq %1; popq %0" : "=r"(r) : "m"(m64[0]));
	CHECK_EQ("PUSH from the device", r, 0x567a);
	asm volatile("pushq $0x77; popq %0" : "=m"(m64[0]));
	CHECK_EQ("POP to the device", m64[0], 0x77);
	asm volatile("cmp $1, %%eax; sete %0" : "=m"(m8[0]) : "a"(1));
	CHECK_EQ("SETcc", m8[0], 1);
	asm volatile("cmp $1, %%eax; cmove %1, %0" : "=r"(r) : "m"(m64[0]), "a"(1));
	CHECK_EQ("CMOVcc", r, 1);
}

static void strings(void)
{
	u8 *buffer = page_alloc();
	u64 rcx, rsi, rdi;

	for (int i = 0; i < 256; i++)
		buffer[i] = i ^ 0x5a;
	rsi = (u64)buffer;
	rdi = MMIO_ADDRESS + 0x100;
	rcx = 64;
	asm volatile("rep movsb" : "+S"(rsi), "+D"(rdi), "+c"(rcx) :: "memory");
	CHECK_EQ("RDI after REP MOVSB", rdi, MMIO_ADDRESS + 0x140);
	for (int i = 0; i < 64; i += 8)
		CHECK_EQ("REP MOVSB to the device", m64[0x20 + i / 8], *(u64 *)(buffer + i));
	memset(buffer, 0, 256);
	rsi = MMIO_ADDRESS + 0x100;
	rdi = (u64)buffer;
	rcx = 8;
	asm volatile("rep movsq" : "+S"(rsi), "+D"(rdi), "+c"(rcx) :: "memory");
	for (int i = 0; i < 64; i++)
		CHECK_EQ("REP MOVSQ from the device", buffer[i], i ^ 0x5a);
	/* Device to device. */
	rsi = MMIO_ADDRESS + 0x100;
	rdi = MMIO_ADDRESS + 0x200;
	rcx = 16;
	asm volatile("rep movsl" : "+S"(rsi), "+D"(rdi), "+c"(rcx) :: "memory");
	CHECK_EQ("REP MOVSL device to device", m64[0x40], m64[0x20]);
	CHECK_EQ("REP MOVSL device to device, its end", m64[0x47], m64[0x27]);
	rdi = MMIO_ADDRESS + 0x300;
	rcx = 5;
	asm volatile("rep stosw" : "+D"(rdi), "+c"(rcx) : "a"(0xabcd) : "memory");
	CHECK_EQ("REP STOSW", m64[0x60], 0xabcdabcdabcdabcd);
	CHECK_EQ("REP STOSW, its end", (u32)m64[0x61], 0xabcd);
	rsi = MMIO_ADDRESS + 0x300;
	asm volatile("lodsq" : "+S"(rsi), "=a"(rcx) :: "memory");
	CHECK_EQ("LODSQ", rcx, 0xabcdabcdabcdabcd);
	rsi = MMIO_ADDRESS + 0x100;
	rdi = MMIO_ADDRESS + 0x200;
	m8[0x20a] = 0;
	rcx = 64;
	asm volatile("repe cmpsb" : "+S"(rsi), "+D"(rdi), "+c"(rcx) :: "memory", "cc");
	CHECK_EQ("RCX after REPE CMPSB", rcx, 64 - 11);
	rdi = MMIO_ADDRESS + 0x300;
	rcx = 64;
	asm volatile("repne scasb" : "+D"(rdi), "+c"(rcx) : "a"(0) : "cc");
	CHECK_EQ("RDI after REPNE SCASB", rdi, MMIO_ADDRESS + 0x30b);
}

static void sse(void)
{
	static u64 data[2] __attribute__((aligned(16))), back[2] __attribute__((aligned(16)));

	data[0] = 0x1122334455667788;
	data[1] = 0x99aabbccddeeff00;
	asm volatile("movups %1, %%xmm3; movups %%xmm3, %0" : "=m"(*(volatile u64 (*)[2])(m8 + 0x400))
		     : "m"(data));
	CHECK_EQ("MOVUPS to the device", m64[0x80], data[0]);
	CHECK_EQ("MOVUPS to the device, second half", m64[0x81], data[1]);
	asm volatile("movups %1, %%xmm4; movaps %%xmm4, %0" : "=m"(back)
		     : "m"(*(volatile u64 (*)[2])(m8 + 0x400)));
	CHECK_EQ("MOVUPS from the device", back[0], data[0]);
	CHECK_EQ("MOVUPS from the device, second half", back[1], data[1]);
	asm volatile("movdqa %1, %%xmm5; movdqa %%xmm5, %0"
		     : "=m"(*(volatile u64 (*)[2])(m8 + 0x420)) : "m"(data));
	CHECK_EQ("MOVDQA to the device", m64[0x85], data[1]);
	asm volatile("movnti %1, %0" : "=m"(m64[0x90]) : "r"(0x77ull));
	CHECK_EQ("MOVNTI", m64[0x90], 0x77);
}

static void borders(void)
{
	u64 cr3 = tables_copy(), *ram = page_alloc(), virtual = 0x40000000000, *pte;

	/* Two device pages. */
	*(volatile u64 *)(m8 + 0xffc) = 0x8877665544332211;
	CHECK_EQ("a qword over a page's end, first half", *(volatile u32 *)(m8 + 0xffc), 0x44332211);
	CHECK_EQ("a qword over a page's end, second half", *(volatile u32 *)(m8 + 0x1000), 0x88776655);
	CHECK_EQ("a qword over a page's end, read", *(volatile u64 *)(m8 + 0xffc), 0x8877665544332211);

	/* RAM, then device. */
	*pte_get(cr3, virtual) = (u64)ram | PTE_P | PTE_W;
	*pte_get(cr3, virtual + 4096) = (MMIO_ADDRESS + 0x2000) | PTE_P | PTE_W;
	write_cr3(cr3);
	*(volatile u64 *)(virtual + 0xffd) = 0xefcdab8967452301;
	CHECK_EQ("the part in RAM", ram[511] >> 40, 0x452301);
	CHECK_EQ("the part in the device", m64[0x400], 0xefcdab8967);
	CHECK_EQ("both, read", *(volatile u64 *)(virtual + 0xffd), 0xefcdab8967452301);
	/* Device, then a page that is missing: nothing may be written. */
	pte = pte_get(cr3, virtual + 8192);
	*pte = 0;
	host(CALL_LOG_CLEAR, 0, 0, 0, 0);
	EXPECT(PF, "a write over the end of the device's page",
	       *(volatile u64 *)(virtual + 0x1ffc) = 1);
	CHECK_EQ("CR2", caught()->cr2, virtual + 0x2000);
	CHECK(host(CALL_LOG_GET, 0, 0, 0, 0).result < 0, "half of the write was done");
	/* A page without W: the guest's fault comes first. */
	*pte_get(cr3, virtual + 4096) = (MMIO_ADDRESS + 0x2000) | PTE_P;
	invlpg(virtual + 4096);
	EXPECT(PF, "a write to a device's page without W", *(volatile u64 *)(virtual + 0x1000) = 1);
	CHECK_EQ("its error code", caught()->error, PF_P | PF_W);
	CHECK(host(CALL_LOG_GET, 0, 0, 0, 0).result < 0, "the write was done");
}

int main(void)
{
	moves();
	arithmetic();
	strings();
	sse();
	borders();
	return 0;
}
