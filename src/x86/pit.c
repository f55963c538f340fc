// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 interval timer (Intel 8254 data sheet) at ports 0x40 to 0x43, and
 * port 0x61 when asked for. Counters are computed from the time when accessed;
 * an hrtimer stands for the rising edges of channel 0, which is GSI 0.
 *
 * The state of a channel is kept in the layout that the KVM API saves it in.
 */
#include <linux/kernel.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <kvmx/host.h>

#include "lapic.h"
#include "pit.h"

#define PIT_HZ			1193182
#define PIT_PORT		0x40
#define CONTROL_PORT		0x43
#define SPEAKER_PORT		0x61
#define SPEAKER_CHANNEL		2
#define PIT_GSI			0

/* kvmx_pit_channel_state.rw_mode as in the control word; read_state and write_state go beyond. */
#define RW_LATCH		0
#define RW_LSB			1
#define RW_MSB			2
#define RW_WORD			3	/* low byte is next */
#define RW_WORD_HIGH		4	/* high byte is next */

#define STATUS_NULL_COUNT	BIT(6)	/* written by a control word, not loaded yet */

/* Ticks that found the last interrupt still pending, at most; more are lost for good. */
#define MAX_LOST_TICKS		100000

struct pit {
	struct kvmx_io_device dev;
	struct x86_vm *vm;			/* [I] */
	bool has_speaker;			/* [I] answers SPEAKER_PORT */
	spinlock_t lock;
	/*
	 * [lock] count is 0 until software has loaded one. count_load_time is when
	 * the count began; 0 for modes 1 and 5 that still wait for their trigger.
	 */
	struct kvmx_pit_channel_state channel[3];
	u64 gate_fell;				/* [lock] the speaker's gate is low since */
	u32 flags;				/* [lock] KVMX_PIT_FLAGS_* */
	struct hrtimer timer;
	bool armed;				/* [lock] */
	bool stopped;				/* [lock] for good */
	u64 target;				/* [lock] ns, of the next edge */
	bool reinject;				/* [a] */
	atomic_t lost;				/* [a] ticks to be injected again */
	struct kvmx_irq_ack ack;
};

/*
 * Counters
 */

static u64 to_ticks(u64 ns)
{
	return mul_u64_u32_div(ns, PIT_HZ, NSEC_PER_SEC);
}

/* The first nanosecond at which to_ticks() gives @ticks. */
static u64 to_ns(u64 ticks)
{
	return mul_u64_u32_div(ticks, NSEC_PER_SEC, PIT_HZ) + !!ticks;
}

/* Modes 2 and 3 start over when they end. */
static bool is_periodic(const struct kvmx_pit_channel_state *c)
{
	return c->mode == 2 || c->mode == 3;
}

/* Modes 1 and 5 wait for an edge of the gate, then ignore its level. */
static bool is_triggered(const struct kvmx_pit_channel_state *c)
{
	return c->mode == 1 || c->mode == 5;
}

/* Ticks since the count began. The gate stops it, except in the triggered modes. */
static u64 elapsed(struct pit *pit, const struct kvmx_pit_channel_state *c)
{
	u64 now = ktime_get_ns();

	if (!c->gate && !is_triggered(c))
		now = pit->gate_fell;
	return now > c->count_load_time ? to_ticks(now - c->count_load_time) : 0;
}

/* "Mode Definitions" */
static bool output(struct pit *pit, const struct kvmx_pit_channel_state *c)
{
	u64 ticks;
	u32 phase;

	/* Nothing loaded or not triggered: the level that the mode begins with. */
	if (!c->count || (is_triggered(c) && !c->count_load_time))
		return c->mode != 0;
	ticks = elapsed(pit, c);
	div_u64_rem(ticks, c->count, &phase);
	switch (c->mode) {
	case 0:
	case 1:
		return ticks >= c->count;
	case 2:
		return !c->gate || c->count == 1 || phase != c->count - 1;
	case 3:
		return !c->gate || phase < (c->count + 1) / 2;
	default:
		return ticks != c->count;
	}
}

static u16 counter(struct pit *pit, const struct kvmx_pit_channel_state *c)
{
	u32 wrap = c->bcd ? 10000 : 0x10000, phase, value;
	u64 ticks;

	if (!c->count)
		return 0;
	if (is_triggered(c) && !c->count_load_time) {
		value = c->count;
	} else {
		ticks = elapsed(pit, c);
		if (c->mode == 3)
			ticks *= 2;	/* "decremented by two on each clock" */
		div_u64_rem(ticks, is_periodic(c) ? c->count : wrap, &phase);
		value = c->count + (is_periodic(c) ? 0 : wrap) - phase;
		if (c->mode == 3)
			value &= ~1u;
	}
	value %= wrap;
	if (c->bcd)
		value = value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 |
			value % 10;
	return value;
}

/*
 * Interrupts of channel 0
 */

static void arm(struct pit *pit, u64 target)
{
	pit->armed = true;
	pit->target = target;
	hrtimer_start(&pit->timer, ns_to_ktime(target), HRTIMER_MODE_ABS);
}

static void disarm(struct pit *pit)
{
	/* A callback that runs meanwhile finds it disarmed. */
	pit->armed = false;
	hrtimer_try_to_cancel(&pit->timer);
}

/* [lock] Ticks between edges. Of those that come faster than the host will bear, some are left out. */
static u64 period(struct pit *pit)
{
	u64 shortest = max_t(u64, READ_ONCE(x86_min_timer_period_us), 1) * NSEC_PER_USEC;
	u64 count = pit->channel[0].count;

	return count * DIV64_U64_ROUND_UP(to_ticks(shortest) + 1, count);
}

/* [lock] For the first edge after @now. */
static void arm_next(struct pit *pit, u64 now)
{
	const struct kvmx_pit_channel_state *c = &pit->channel[0];
	u64 load = c->count_load_time, step = c->count;

	if (!c->count || is_triggered(c) || pit->stopped ||
	    (pit->flags & KVMX_PIT_FLAGS_HPET_LEGACY)) {
		disarm(pit);
	} else if (is_periodic(c)) {
		step = period(pit);
		now = max(now, load);
		arm(pit, load + to_ns((div64_u64(to_ticks(now - load), step) + 1) * step));
	} else if (now < load + to_ns(step)) {
		arm(pit, load + to_ns(step));
	} else {
		disarm(pit);
	}
}

/* Up to @nr edges that the guest could not see: they are owed. */
static void lose(struct pit *pit, u64 nr)
{
	int old = atomic_read(&pit->lost);

	if (READ_ONCE(pit->reinject))
		while (!atomic_try_cmpxchg(&pit->lost, &old, min_t(u64, old + nr, MAX_LOST_TICKS)))
			;
}

/* One edge on the line. */
static void pulse(struct pit *pit)
{
	struct kvmx_vm *vm = &pit->vm->vm;
	int result = kvmx_irq_set(vm, KVMX_IRQ_SOURCE_PIT, PIT_GSI, 1);

	kvmx_irq_set(vm, KVMX_IRQ_SOURCE_PIT, PIT_GSI, 0);
	if (result < 0)
		atomic_set(&pit->lost, 0);	/* masked: nobody wants any */
	else if (!result)
		lose(pit, 1);	/* the last one is still pending */
}

static void acked(struct kvmx_irq_ack *ack)
{
	struct pit *pit = container_of(ack, struct pit, ack);

	if (atomic_dec_if_positive(&pit->lost) >= 0)
		pulse(pit);
}

static enum hrtimer_restart timer_fn(struct hrtimer *timer)
{
	struct pit *pit = container_of(timer, struct pit, timer);
	u64 now = ktime_get_ns(), target;
	unsigned long flags;
	bool due;

	spin_lock_irqsave(&pit->lock, flags);
	target = pit->target;
	due = pit->armed && now >= target;
	if (due) {
		arm_next(pit, now);
		/* The host was late: more edges than this one are over. */
		if (pit->armed && pit->target - target > 2 * to_ns(period(pit)))
			lose(pit, div64_u64(now - target, to_ns(period(pit))));
	}
	spin_unlock_irqrestore(&pit->lock, flags);
	if (due)
		pulse(pit);
	return HRTIMER_NORESTART;
}

/*
 * Programming. [lock]
 */

static void restart_channel(struct pit *pit, u32 nr)
{
	struct kvmx_pit_channel_state *c = &pit->channel[nr];

	c->count_load_time = ktime_get_ns();
	pit->gate_fell = nr == SPEAKER_CHANNEL ? c->count_load_time : pit->gate_fell;
	if (nr == 0) {
		atomic_set(&pit->lost, 0);
		arm_next(pit, c->count_load_time);
	}
}

/* "Write Operations": a count of 0 is the largest one. */
static void load_count(struct pit *pit, u32 nr, u16 val)
{
	struct kvmx_pit_channel_state *c = &pit->channel[nr];
	u32 count = val;

	if (c->bcd)
		count = (val >> 12) * 1000 + (val >> 8 & 15) * 100 + (val >> 4 & 15) * 10 + (val & 15);
	if (!count)
		count = c->bcd ? 10000 : 0x10000;
	/* A periodic count in progress runs to its end first; here the new one begins at once. */
	if (!is_triggered(c)) {
		c->count = count;
		restart_channel(pit, nr);
		return;
	}
	/* An edge before the first count triggered nothing. */
	if (!c->count)
		c->count_load_time = 0;
	c->count = count;
}

static void latch_count(struct pit *pit, u32 nr)
{
	struct kvmx_pit_channel_state *c = &pit->channel[nr];

	if (c->count_latched)
		return;
	c->latched_count = counter(pit, c);
	c->count_latched = c->rw_mode;
}

static void latch_status(struct pit *pit, u32 nr)
{
	struct kvmx_pit_channel_state *c = &pit->channel[nr];

	if (c->status_latched)
		return;
	c->status = output(pit, c) << 7 | (c->count ? 0 : STATUS_NULL_COUNT) | c->rw_mode << 4 |
		    c->mode << 1 | c->bcd;
	c->status_latched = 1;
}

static void write_control(struct pit *pit, u8 val)
{
	u32 nr = val >> 6, i;
	struct kvmx_pit_channel_state *c;

	if (nr == 3) {	/* "Read-Back Command" */
		for (i = 0; i < 3; i++) {
			if (!(val & BIT(i + 1)))
				continue;
			if (!(val & 0x20))
				latch_count(pit, i);
			if (!(val & 0x10))
				latch_status(pit, i);
		}
		return;
	}
	nr = array_index_nospec(nr, 3);
	c = &pit->channel[nr];
	if ((val >> 4 & 3) == RW_LATCH) {
		latch_count(pit, nr);
		return;
	}
	c->rw_mode = val >> 4 & 3;
	c->mode = val >> 1 & (val & 4 ? 3 : 7);	/* 6 and 7 are 2 and 3 */
	c->bcd = val & 1;
	c->read_state = c->write_state = c->rw_mode;
	c->count_latched = c->status_latched = 0;
	c->count = 0;
	c->count_load_time = 0;
	if (nr == 0)
		disarm(pit);
}

static void write_channel(struct pit *pit, u32 nr, u8 val)
{
	struct kvmx_pit_channel_state *c = &pit->channel[array_index_nospec(nr, 3)];

	switch (c->write_state) {
	case RW_LSB:
		load_count(pit, nr, val);
		break;
	case RW_MSB:
		load_count(pit, nr, val << 8);
		break;
	case RW_WORD:
		c->write_latch = val;
		c->write_state = RW_WORD_HIGH;
		break;
	case RW_WORD_HIGH:
		c->write_state = RW_WORD;
		load_count(pit, nr, c->write_latch | val << 8);
		break;
	}
}

static u8 read_channel(struct pit *pit, u32 nr)
{
	struct kvmx_pit_channel_state *c = &pit->channel[array_index_nospec(nr, 3)];
	u16 value;

	if (c->status_latched) {
		c->status_latched = 0;
		return c->status;
	}
	switch (c->count_latched) {
	case RW_LSB:
		c->count_latched = 0;
		return c->latched_count;
	case RW_MSB:
		c->count_latched = 0;
		return c->latched_count >> 8;
	case RW_WORD:
		c->count_latched = RW_MSB;
		return c->latched_count;
	}
	value = counter(pit, c);
	switch (c->read_state) {
	case RW_MSB:
		return value >> 8;
	case RW_WORD:
		c->read_state = RW_WORD_HIGH;
		return value;
	case RW_WORD_HIGH:
		c->read_state = RW_WORD;
		return value >> 8;
	default:
		return value;
	}
}

/* Port 0x61: bit 0 the gate of channel 2, bit 1 the speaker, bit 4 toggles with memory refresh. */
static u8 read_speaker(struct pit *pit)
{
	const struct kvmx_pit_channel_state *c = &pit->channel[SPEAKER_CHANNEL];
	bool refresh = div_u64(ktime_get_ns(), 15085) & 1;

	return output(pit, c) << 5 | refresh << 4 |
	       !!(pit->flags & KVMX_PIT_FLAGS_SPEAKER_DATA_ON) << 1 | c->gate;
}

static void write_speaker(struct pit *pit, u8 val)
{
	struct kvmx_pit_channel_state *c = &pit->channel[SPEAKER_CHANNEL];
	u64 now = ktime_get_ns();

	if (val & 2)
		pit->flags |= KVMX_PIT_FLAGS_SPEAKER_DATA_ON;
	else
		pit->flags &= ~KVMX_PIT_FLAGS_SPEAKER_DATA_ON;
	if (c->gate == (val & 1))
		return;
	c->gate = val & 1;
	if (!c->gate)
		pit->gate_fell = now;
	else if (is_triggered(c) || is_periodic(c))
		c->count_load_time = now;
	else
		c->count_load_time += now - pit->gate_fell;
}

/* A wide access is that many byte accesses to adjoining ports; the bus keeps it in our range. */
static int pit_read(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		    void *val)
{
	struct pit *pit = container_of(dev, struct pit, dev);
	unsigned long flags;
	u8 *byte = val;
	int i;

	spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++, addr++) {
		if (addr == SPEAKER_PORT)
			byte[i] = read_speaker(pit);
		else if (addr == CONTROL_PORT)
			byte[i] = 0xff;	/* write only */
		else
			byte[i] = read_channel(pit, addr & 3);
	}
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static int pit_write(struct kvmx_io_device *dev, struct kvmx_vcpu *vcpu, u64 addr, int len,
		     const void *val)
{
	struct pit *pit = container_of(dev, struct pit, dev);
	unsigned long flags;
	const u8 *byte = val;
	int i;

	spin_lock_irqsave(&pit->lock, flags);
	for (i = 0; i < len; i++, addr++) {
		if (addr == SPEAKER_PORT)
			write_speaker(pit, byte[i]);
		else if (addr == CONTROL_PORT)
			write_control(pit, byte[i]);
		else
			write_channel(pit, addr & 3, byte[i]);
	}
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

static const struct kvmx_io_ops pit_ops = { .read = pit_read, .write = pit_write };

/*
 * State. Load times are CLOCK_MONOTONIC in ns. reserved[0] carries the lost
 * ticks; who does not know of it writes 0 there.
 *
 * User space divides by counts, so one that is not loaded is told as the
 * largest, begun at no time and with the status that says so. Of one that waits
 * for its trigger, with a status that was latched before it was loaded, that
 * is true as well: reserved[1] has the channels with a count.
 */

static void tell_count(struct kvmx_pit_channel_state *c)
{
	if (c->count) {
		if (!c->status_latched)
			c->status = 0;
		return;
	}
	if (!c->status_latched)
		c->status = STATUS_NULL_COUNT;
	c->count = 0x10000;
	c->count_load_time = 0;
}

void pit_get_state(struct pit *pit, struct kvmx_pit_state2 *s)
{
	struct kvmx_pit_channel_state *c = &s->channels[SPEAKER_CHANNEL];
	unsigned long flags;
	u32 i;

	memset(s, 0, sizeof(*s));
	spin_lock_irqsave(&pit->lock, flags);
	memcpy(s->channels, pit->channel, sizeof(s->channels));
	/* While the gate is low the count stands still: it moves along with the time. */
	if (!c->gate && !is_triggered(c) && c->count)
		c->count_load_time += ktime_get_ns() - pit->gate_fell;
	for (i = 0; i < 3; i++) {
		s->reserved[1] |= s->channels[i].count ? BIT(i) : 0;
		tell_count(&s->channels[i]);
	}
	s->flags = pit->flags;
	s->reserved[0] = atomic_read(&pit->lost);
	spin_unlock_irqrestore(&pit->lock, flags);
}

/* What user space gives, as this file can have written it. */
static void sanitize(struct kvmx_pit_channel_state *c, u32 nr, bool loaded, u64 now)
{
	c->mode = c->mode & (c->mode & 2 ? 3 : 7);
	c->bcd = !!c->bcd;
	c->gate = nr != SPEAKER_CHANNEL || c->gate;
	c->rw_mode &= 3;
	c->read_state = min_t(u8, c->read_state, RW_WORD_HIGH);
	c->write_state = min_t(u8, c->write_state, RW_WORD_HIGH);
	c->count_latched &= 3;
	c->status_latched = !!c->status_latched;
	if (!loaded && c->count == 0x10000 && !c->count_load_time &&
	    (c->status & STATUS_NULL_COUNT))
		c->count = 0;
	if (!c->count)
		c->status |= STATUS_NULL_COUNT;
	/* From another machine's clock, or none: the count begins now. */
	if ((u64)c->count_load_time > now ||
	    (!c->count_load_time && c->count && !is_triggered(c)))
		c->count_load_time = now;
}

int pit_set_state(struct pit *pit, const struct kvmx_pit_state2 *s)
{
	unsigned long flags;
	u64 now;
	u32 i;

	for (i = 0; i < 3; i++)
		if (s->channels[i].count > 0x10000)
			return -EINVAL;
	spin_lock_irqsave(&pit->lock, flags);
	now = ktime_get_ns();
	memcpy(pit->channel, s->channels, sizeof(pit->channel));
	for (i = 0; i < 3; i++)
		sanitize(&pit->channel[i], i, s->reserved[1] & BIT(i), now);
	pit->gate_fell = now;
	pit->flags = s->flags & (KVMX_PIT_FLAGS_HPET_LEGACY | KVMX_PIT_FLAGS_SPEAKER_DATA_ON);
	atomic_set(&pit->lost, min_t(u32, s->reserved[0], MAX_LOST_TICKS));
	arm_next(pit, now);
	spin_unlock_irqrestore(&pit->lock, flags);
	return 0;
}

void pit_set_reinject(struct pit *pit, bool reinject)
{
	WRITE_ONCE(pit->reinject, reinject);
	if (!reinject)
		atomic_set(&pit->lost, 0);
}

int pit_create(struct x86_vm *vm, u32 flags)
{
	struct pit *pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	u32 i;
	int err;

	if (!pit)
		return -ENOMEM;
	pit->dev.ops = &pit_ops;
	pit->vm = vm;
	pit->has_speaker = flags & KVMX_PIT_SPEAKER_DUMMY;
	pit->reinject = true;
	spin_lock_init(&pit->lock);
	for (i = 0; i < 3; i++) {
		pit->channel[i].mode = 3;
		pit->channel[i].gate = i != SPEAKER_CHANNEL;
	}
	kvmx_host_hrtimer_setup(&pit->timer, timer_fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS);
	err = kvmx_bus_register(&vm->vm, KVMX_BUS_PIO, PIT_PORT, 4, &pit->dev);
	if (!err && pit->has_speaker)
		err = kvmx_bus_register(&vm->vm, KVMX_BUS_PIO, SPEAKER_PORT, 1, &pit->dev);
	if (err) {
		kvmx_bus_unregister(&vm->vm, KVMX_BUS_PIO, &pit->dev);
		kfree(pit);
		return err;
	}
	pit->ack.gsi = PIT_GSI;
	pit->ack.acked = acked;
	kvmx_irq_ack_register(&vm->vm, &pit->ack);
	vm->pit = pit;
	return 0;
}

void pit_quiesce(struct x86_vm *vm)
{
	struct pit *pit = vm->pit;

	if (!pit)
		return;
	spin_lock_irq(&pit->lock);
	pit->stopped = true;
	pit->armed = false;
	spin_unlock_irq(&pit->lock);
	hrtimer_cancel(&pit->timer);
}

void pit_destroy(struct x86_vm *vm)
{
	struct pit *pit = vm->pit;

	if (!pit)
		return;
	kvmx_bus_unregister(&vm->vm, KVMX_BUS_PIO, &pit->dev);
	kvmx_irq_ack_unregister(&vm->vm, &pit->ack);
	pit_quiesce(vm);
	vm->pit = NULL;
	kfree(pit);
}
