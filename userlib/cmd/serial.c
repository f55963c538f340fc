// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A 16550A that sends at once and receives from a queue. Registers are touched
 * by vCPU threads, the queue is filled by the I/O thread. Source: National
 * Semiconductor PC16550D data sheet, section 8.0 "Registers".
 */
#include <string.h>
#include "serial.h"

enum { DATA, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCRATCH };

#define IER_RECEIVED	0x01u
#define IER_EMPTY	0x02u
#define IIR_NONE	0x01u
#define IIR_EMPTY	0x02u
#define IIR_RECEIVED	0x04u
#define IIR_FIFOS	0xc0u
#define FCR_ENABLE	0x01u
#define FCR_CLEAR_RX	0x02u
#define LCR_DLAB	0x80u
#define MCR_DTR		0x01u
#define MCR_RTS		0x02u
#define MCR_OUT1	0x04u
#define MCR_OUT2	0x08u
#define MCR_LOOP	0x10u
#define LSR_READY	0x01u
#define LSR_EMPTY	0x60u	/* holding and shift register */
#define MSR_CTS		0x10u
#define MSR_DSR		0x20u
#define MSR_RI		0x40u
#define MSR_DCD		0x80u

void serial_init(struct serial *serial, void (*transmit)(void *, uint8_t),
		 void (*irq)(void *, int), void *opaque)
{
	memset(serial, 0, sizeof(*serial));
	pthread_mutex_init(&serial->lock, NULL);
	serial->transmit = transmit;
	serial->irq = irq;
	serial->opaque = opaque;
	serial->dll = 12;	/* 9600 baud */
}

void serial_destroy(struct serial *serial)
{
	pthread_mutex_destroy(&serial->lock);
}

static unsigned int queued(const struct serial *s)
{
	return s->tail - s->head;
}

static uint8_t interrupt_id(const struct serial *s)
{
	if ((s->ier & IER_RECEIVED) && queued(s))
		return IIR_RECEIVED;
	if ((s->ier & IER_EMPTY) && s->empty_pending)
		return IIR_EMPTY;
	return IIR_NONE;
}

static void level_set(struct serial *s, int level)
{
	if (s->level != level) {
		s->level = level;
		s->irq(s->opaque, level);
	}
}

static void level_update(struct serial *s)
{
	level_set(s, interrupt_id(s) != IIR_NONE);
}

static void queue_put(struct serial *s, uint8_t byte)
{
	if (queued(s) < SERIAL_QUEUE)
		s->queue[s->tail++ % SERIAL_QUEUE] = byte;
}

static uint8_t modem_status(const struct serial *s)
{
	uint8_t v = 0;

	if (!(s->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (s->mcr & MCR_RTS)
		v |= MSR_CTS;
	if (s->mcr & MCR_DTR)
		v |= MSR_DSR;
	if (s->mcr & MCR_OUT1)
		v |= MSR_RI;
	if (s->mcr & MCR_OUT2)
		v |= MSR_DCD;
	return v;
}

static uint8_t register_read(struct serial *s, unsigned int reg)
{
	uint8_t v;

	switch (reg) {
	case DATA:
		if (s->lcr & LCR_DLAB)
			return s->dll;
		return queued(s) ? s->queue[s->head++ % SERIAL_QUEUE] : 0;
	case IER:
		return s->lcr & LCR_DLAB ? s->dlm : s->ier;
	case IIR_FCR:
		v = interrupt_id(s);
		if (v == IIR_EMPTY)
			s->empty_pending = 0;
		return v | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0);
	case LCR:
		return s->lcr;
	case MCR:
		return s->mcr;
	case LSR:
		return LSR_EMPTY | (queued(s) ? LSR_READY : 0);
	case MSR:
		return modem_status(s);
	default:
		return s->scratch;
	}
}

static void data_write(struct serial *s, uint8_t v)
{
	if (s->lcr & LCR_DLAB) {
		s->dll = v;
		return;
	}
	if (s->mcr & MCR_LOOP)
		queue_put(s, v);
	else
		s->transmit(s->opaque, v);
	/*
	 * The transmitter was full for an instant: lower the line, so that its
	 * becoming empty is a new edge.
	 */
	s->empty_pending = 0;
	level_update(s);
	s->empty_pending = 1;
}

static void register_write(struct serial *s, unsigned int reg, uint8_t v)
{
	switch (reg) {
	case DATA:
		data_write(s, v);
		break;
	case IER:
		if (s->lcr & LCR_DLAB) {
			s->dlm = v;
			break;
		}
		if ((v & IER_EMPTY) && !(s->ier & IER_EMPTY))
			s->empty_pending = 1;
		s->ier = v & 0x0f;
		break;
	case IIR_FCR:
		s->fcr = v;
		if (v & FCR_CLEAR_RX)
			s->head = s->tail;
		break;
	case LCR:
		s->lcr = v;
		break;
	case MCR:
		s->mcr = v & 0x1f;
		break;
	case SCRATCH:
		s->scratch = v;
		break;
	default:
		break;
	}
}

static uint64_t serial_read(void *opaque, uint64_t offset, unsigned int length)
{
	struct serial *s = opaque;
	uint8_t v;

	(void)length;
	pthread_mutex_lock(&s->lock);
	v = register_read(s, (unsigned int)offset);
	level_update(s);
	pthread_mutex_unlock(&s->lock);
	return v;
}

static void serial_write(void *opaque, uint64_t offset, unsigned int length,
			 uint64_t value)
{
	struct serial *s = opaque;

	(void)length;
	pthread_mutex_lock(&s->lock);
	register_write(s, (unsigned int)offset, (uint8_t)value);
	level_update(s);
	pthread_mutex_unlock(&s->lock);
}

const struct bus_device serial_device = { serial_read, serial_write };

/* How many bytes serial_receive() can take now. */
unsigned int serial_room(struct serial *serial)
{
	unsigned int room;

	pthread_mutex_lock(&serial->lock);
	room = SERIAL_QUEUE - queued(serial);
	pthread_mutex_unlock(&serial->lock);
	return room;
}

/* Bytes beyond serial_room() are lost, as on a real line. */
void serial_receive(struct serial *serial, const uint8_t *bytes,
		    unsigned int count)
{
	pthread_mutex_lock(&serial->lock);
	while (count--)
		queue_put(serial, *bytes++);
	level_update(serial);
	pthread_mutex_unlock(&serial->lock);
}
