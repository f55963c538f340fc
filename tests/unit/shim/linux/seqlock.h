/* SPDX-License-Identifier: GPL-2.0-only */
/* Sequence counters: a reader that met a writer goes round. */
#pragma once

#include <linux/lockdep.h>
#include <linux/spinlock.h>
#include <asm/processor.h>

typedef struct { unsigned int sequence; } seqcount_t;
typedef seqcount_t seqcount_spinlock_t, seqcount_raw_spinlock_t, seqcount_mutex_t, seqcount_rwlock_t;
typedef struct { seqcount_t seqcount; spinlock_t lock; } seqlock_t;

#define SEQCNT_ZERO(name)	{ 0 }
#define seqcount_init(s)	((void)((s)->sequence = 0))
#define seqcount_spinlock_init(s, lock)		seqcount_init(s)
#define seqcount_raw_spinlock_init(s, lock)	seqcount_init(s)
#define seqcount_mutex_init(s, lock)		seqcount_init(s)

static inline unsigned int read_seqcount_begin(const seqcount_t *s)
{
	unsigned int seq;

	while ((seq = __atomic_load_n(&s->sequence, __ATOMIC_SEQ_CST)) & 1)
		cpu_relax();
	return seq;
}

static inline bool read_seqcount_retry(const seqcount_t *s, unsigned int start)
{
	smp_rmb();
	return READ_ONCE(s->sequence) != start;
}

static inline void write_seqcount_begin(seqcount_t *s)
{
	if (__atomic_fetch_add(&s->sequence, 1, __ATOMIC_SEQ_CST) & 1)
		shim_bug("seqcount: two writers");
	smp_wmb();
}

static inline void write_seqcount_end(seqcount_t *s)
{
	if (!(__atomic_fetch_add(&s->sequence, 1, __ATOMIC_SEQ_CST) & 1))
		shim_bug("seqcount: ended without begin");
}

static inline void write_seqcount_invalidate(seqcount_t *s)
{
	__atomic_fetch_add(&s->sequence, 2, __ATOMIC_SEQ_CST);
}

#define raw_read_seqcount_begin	read_seqcount_begin
#define raw_write_seqcount_begin	write_seqcount_begin
#define raw_write_seqcount_end	write_seqcount_end

#define DEFINE_SEQLOCK(name)	seqlock_t name = { { 0 }, { SHIM_LOCK_INIT(#name) } }
#define seqlock_init(s)		do { seqcount_init(&(s)->seqcount); spin_lock_init(&(s)->lock); } while (0)
#define read_seqbegin(s)	read_seqcount_begin(&(s)->seqcount)
#define read_seqretry(s, start)	read_seqcount_retry(&(s)->seqcount, start)
#define write_seqlock(s)	do { spin_lock(&(s)->lock); write_seqcount_begin(&(s)->seqcount); } while (0)
#define write_sequnlock(s)	do { write_seqcount_end(&(s)->seqcount); spin_unlock(&(s)->lock); } while (0)
#define write_seqlock_irqsave(s, flags)	do { local_irq_save(flags); write_seqlock(s); } while (0)
#define write_sequnlock_irqrestore(s, flags)	do { write_sequnlock(s); local_irq_restore(flags); } while (0)
