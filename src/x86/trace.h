/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The trace points, which tracefs shows under events/kvmx: what a guest does,
 * as far as it leaves the CPU for it, and what is done about it. Hit where the
 * things happen; one that is off costs a no-op. The vCPU is named by its id, the
 * VM is told by the thread that tracing notes by itself.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvmx

#if !defined(X86_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define X86_TRACE_H

#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <kvmx/x86.h>

/* Names that readers of the binary trace buffer need, too. */
#define TRACE_EXIT_KINDS(name, last)				\
	name(X86_EXIT_HOST,		"host")		\
	name(X86_EXIT_CPUID,		"cpuid")	\
	name(X86_EXIT_RDMSR,		"rdmsr")	\
	name(X86_EXIT_WRMSR,		"wrmsr")	\
	name(X86_EXIT_IO,		"io")		\
	name(X86_EXIT_FAULT,		"fault")	\
	name(X86_EXIT_HLT,		"hlt")		\
	name(X86_EXIT_HYPERCALL,	"hypercall")	\
	name(X86_EXIT_EXCEPTION,	"exception")	\
	name(X86_EXIT_INTR_WINDOW,	"interrupt_window") \
	name(X86_EXIT_NMI_WINDOW,	"nmi_window")	\
	name(X86_EXIT_TIMER,		"timer")	\
	name(X86_EXIT_WRITES,		"writes")	\
	name(X86_EXIT_EOI,		"eoi")		\
	name(X86_EXIT_APIC_WRITE,	"apic_write")	\
	name(X86_EXIT_CR,		"cr")		\
	name(X86_EXIT_DR,		"dr")		\
	name(X86_EXIT_XSETBV,		"xsetbv")	\
	name(X86_EXIT_CACHE,		"cache")	\
	name(X86_EXIT_INVLPG,		"invlpg")	\
	name(X86_EXIT_RDPMC,		"rdpmc")	\
	name(X86_EXIT_RDTSC,		"rdtsc")	\
	name(X86_EXIT_PAUSE,		"pause")	\
	name(X86_EXIT_MONITOR,		"monitor")	\
	name(X86_EXIT_MWAIT,		"mwait")	\
	name(X86_EXIT_TASK_SWITCH,	"task_switch")	\
	name(X86_EXIT_UNDEFINED,	"undefined")	\
	name(X86_EXIT_SHUTDOWN,		"shutdown")	\
	name(X86_EXIT_FAIL_ENTRY,	"fail_entry")	\
	last(X86_EXIT_UNKNOWN,		"unknown")

#define TRACE_EVENT_TYPES(name, last)				\
	name(X86_EVENT_INTR,		"interrupt")	\
	name(X86_EVENT_NMI,		"nmi")		\
	name(X86_EVENT_EXCEPTION,	"exception")	\
	name(X86_EVENT_SOFT_INT,	"soft_interrupt") \
	last(X86_EVENT_SOFT_EXC,	"soft_exception")

#define TRACE_FAULT_RESULTS(name, last)			\
	name(KVMX_FAULT_MAPPED,		"mapped")	\
	name(KVMX_FAULT_MMIO,		"mmio")		\
	name(KVMX_FAULT_SLOW,		"slow")		\
	name(KVMX_FAULT_SIGNAL,		"signal")	\
	name(KVMX_FAULT_NOMEM,		"nomem")	\
	name(KVMX_FAULT_HWPOISON,	"hwpoison")	\
	last(KVMX_FAULT_BAD,		"bad")

#define TRACE_NAME_VALUE(value, name)	TRACE_DEFINE_ENUM(value);
#define TRACE_NAME_PAIR(value, name)	{ value, name },
#define TRACE_NAME_LAST(value, name)	{ value, name }

TRACE_EXIT_KINDS(TRACE_NAME_VALUE, TRACE_NAME_VALUE)
TRACE_EVENT_TYPES(TRACE_NAME_VALUE, TRACE_NAME_VALUE)
TRACE_FAULT_RESULTS(TRACE_NAME_VALUE, TRACE_NAME_VALUE)

TRACE_EVENT(kvmx_entry,
	TP_PROTO(const struct x86_vcpu *v),
	TP_ARGS(v),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vcpu = v->vcpu.id;
		__entry->rip = v->rip;
	),
	TP_printk("vcpu %u rip 0x%llx", __entry->vcpu, __entry->rip)
);

/* @raw: the unit's own exit code, as its manual has it. */
TRACE_EVENT(kvmx_exit,
	TP_PROTO(const struct x86_vcpu *v),
	TP_ARGS(v),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u8, kind)
		__field(u64, raw)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vcpu = v->vcpu.id;
		__entry->kind = v->exit.kind;
		__entry->raw = v->exit.raw;
		__entry->rip = v->rip;
	),
	TP_printk("vcpu %u kind %s raw 0x%llx rip 0x%llx", __entry->vcpu,
		  __print_symbolic(__entry->kind, TRACE_EXIT_KINDS(TRACE_NAME_PAIR, TRACE_NAME_LAST)),
		  __entry->raw, __entry->rip)
);

TRACE_EVENT(kvmx_inject,
	TP_PROTO(const struct x86_vcpu *v, const struct x86_event *event),
	TP_ARGS(v, event),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u8, type)
		__field(u8, vector)
		__field(bool, has_error)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->vcpu = v->vcpu.id;
		__entry->type = event->type;
		__entry->vector = event->vector;
		__entry->has_error = event->has_error;
		__entry->error = event->has_error ? event->error : 0;
	),
	TP_printk("vcpu %u type %s vector 0x%x has_error %u error 0x%x", __entry->vcpu,
		  __print_symbolic(__entry->type, TRACE_EVENT_TYPES(TRACE_NAME_PAIR, TRACE_NAME_LAST)),
		  __entry->vector, __entry->has_error, __entry->error)
);

/* A stage-2 fault, each time it is looked at: "slow" is followed by another look. */
TRACE_EVENT(kvmx_fault,
	TP_PROTO(const struct x86_vcpu *v, int result),
	TP_ARGS(v, result),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, access)
		__field(u64, gpa)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->vcpu = v->vcpu.id;
		__entry->access = v->exit.fault.access;
		__entry->gpa = v->exit.fault.gpa;
		__entry->result = result;
	),
	TP_printk("vcpu %u gpa 0x%llx access %s result %s", __entry->vcpu, __entry->gpa,
		  __print_flags(__entry->access, "|", { STAGE2_READ, "read" },
				{ STAGE2_WRITE, "write" }, { STAGE2_EXEC, "exec" }),
		  __print_symbolic(__entry->result,
				   TRACE_FAULT_RESULTS(TRACE_NAME_PAIR, TRACE_NAME_LAST)))
);

/*
 * An access to a device: a write when it is made, a read when it was answered.
 * @user: by user space, not by a device in the kernel.
 */
TRACE_EVENT(kvmx_mmio,
	TP_PROTO(const struct x86_vcpu *v, bool write, u64 gpa, unsigned int len, const void *data,
		 bool user),
	TP_ARGS(v, write, gpa, len, data, user),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(bool, write)
		__field(bool, user)
		__field(u8, len)
		__field(u64, gpa)
		__field(u64, val)
	),
	TP_fast_assign(
		__entry->vcpu = v->vcpu.id;
		__entry->write = write;
		__entry->user = user;
		__entry->len = len;
		__entry->gpa = gpa;
		__entry->val = 0;
		memcpy(&__entry->val, data, min_t(unsigned int, len, sizeof(u64)));
	),
	TP_printk("vcpu %u %s gpa 0x%llx len %u val 0x%llx user %u", __entry->vcpu,
		  __entry->write ? "write" : "read", __entry->gpa, __entry->len, __entry->val,
		  __entry->user)
);

/* The same for ports. @val: the first of @count values, which INS and OUTS have. */
TRACE_EVENT(kvmx_pio,
	TP_PROTO(const struct x86_vcpu *v, bool write, u16 port, unsigned int size,
		 unsigned int count, const void *data, bool user),
	TP_ARGS(v, write, port, size, count, data, user),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(bool, write)
		__field(bool, user)
		__field(u8, size)
		__field(u16, port)
		__field(u32, count)
		__field(u32, val)
	),
	TP_fast_assign(
		__entry->vcpu = v->vcpu.id;
		__entry->write = write;
		__entry->user = user;
		__entry->size = size;
		__entry->port = port;
		__entry->count = count;
		__entry->val = 0;
		memcpy(&__entry->val, data, min_t(unsigned int, size, sizeof(u32)));
	),
	TP_printk("vcpu %u %s port 0x%x size %u count %u val 0x%x user %u", __entry->vcpu,
		  __entry->write ? "write" : "read", __entry->port, __entry->size, __entry->count,
		  __entry->val, __entry->user)
);

/* @error: 0, or why the instruction did not succeed here: x86_msr_failed(). */
TRACE_EVENT(kvmx_msr,
	TP_PROTO(const struct x86_vcpu *v, bool write, u32 msr, const u64 *val, int error),
	TP_ARGS(v, write, msr, val, error),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(bool, write)
		__field(u32, msr)
		__field(u64, val)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->vcpu = v->vcpu.id;
		__entry->write = write;
		__entry->msr = msr;
		__entry->val = write || !error ? *val : 0;
		__entry->error = error;
	),
	TP_printk("vcpu %u %s msr 0x%x val 0x%llx error %d", __entry->vcpu,
		  __entry->write ? "write" : "read", __entry->msr, __entry->val, __entry->error)
);

/* From a HLT, or from waiting for a SIPI, until there is a reason to run or to look around. */
DECLARE_EVENT_CLASS(kvmx_wait,
	TP_PROTO(const struct x86_vcpu *v),
	TP_ARGS(v),
	TP_STRUCT__entry(
		__field(u32, vcpu)
	),
	TP_fast_assign(
		__entry->vcpu = v->vcpu.id;
	),
	TP_printk("vcpu %u", __entry->vcpu)
);
DEFINE_EVENT(kvmx_wait, kvmx_halt, TP_PROTO(const struct x86_vcpu *v), TP_ARGS(v));
DEFINE_EVENT(kvmx_wait, kvmx_wake, TP_PROTO(const struct x86_vcpu *v), TP_ARGS(v));

#endif

/* Found by the -I of this room. */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
