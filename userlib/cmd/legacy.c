// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Power-off through ACPI PM1, reset through port 0xcf9 and the keyboard
 * controller, and a clock that tells the host's time. Called through the port
 * bus. Sources: ACPI specification 6.5, 4.8.3 "PM1 Event Grouping"; Motorola
 * MC146818A data sheet.
 */
#include <string.h>
#include <time.h>
#include "layout.h"
#include "legacy.h"

#define PM1_SCI_ENABLE		(1u << 0)
#define PM1_SLEEP_TYPE_SHIFT	10
#define PM1_SLEEP_TYPE_MASK	7u
#define PM1_SLEEP_ENABLE	(1u << 13)
#define I8042_PULSE_RESET	0xfeu
#define RESET_CPU		(1u << 2)

/* ---- ACPI power management ------------------------------------------- */

/* Status (always 0: no fixed event happens here), then enable. */
static uint64_t pm1_event_read(void *opaque, uint64_t offset, unsigned int length)
{
	struct legacy *l = opaque;
	uint32_t both;

	(void)length;
	pthread_mutex_lock(&l->lock);
	both = (uint32_t)l->pm1_enable << 16;
	pthread_mutex_unlock(&l->lock);
	return both >> (8 * offset);
}

static void pm1_event_write(void *opaque, uint64_t offset, unsigned int length,
			    uint64_t value)
{
	struct legacy *l = opaque;

	pthread_mutex_lock(&l->lock);
	if (offset == 2 && length == 2)
		l->pm1_enable = value;
	else if (offset == 0 && length == 4)
		l->pm1_enable = value >> 16;
	pthread_mutex_unlock(&l->lock);
}

static uint64_t pm1_control_read(void *opaque, uint64_t offset,
				 unsigned int length)
{
	struct legacy *l = opaque;
	uint16_t v;

	(void)length;
	pthread_mutex_lock(&l->lock);
	v = l->pm1_control | PM1_SCI_ENABLE;
	pthread_mutex_unlock(&l->lock);
	return v >> (8 * offset);
}

static void pm1_control_write(void *opaque, uint64_t offset, unsigned int length,
			      uint64_t value)
{
	struct legacy *l = opaque;
	unsigned int type = (value >> PM1_SLEEP_TYPE_SHIFT) & PM1_SLEEP_TYPE_MASK;

	if (offset || length != 2)
		return;
	if ((value & PM1_SLEEP_ENABLE) && type == SLEEP_TYPE_S5) {
		l->poweroff(l->opaque);
		return;
	}
	pthread_mutex_lock(&l->lock);
	l->pm1_control = value & ~PM1_SLEEP_ENABLE;
	pthread_mutex_unlock(&l->lock);
}

/* ---- Reset ------------------------------------------------------------- */

static uint64_t reset_read(void *opaque, uint64_t offset, unsigned int length)
{
	(void)opaque;
	(void)offset;
	(void)length;
	return 0;
}

static void reset_write(void *opaque, uint64_t offset, unsigned int length,
			uint64_t value)
{
	struct legacy *l = opaque;

	(void)offset;
	(void)length;
	if (value & RESET_CPU)
		l->reset(l->opaque);
}

/* The command port of the keyboard controller, with nothing behind it. */
static void i8042_write(void *opaque, uint64_t offset, unsigned int length,
			uint64_t value)
{
	struct legacy *l = opaque;

	(void)offset;
	(void)length;
	if (value == I8042_PULSE_RESET)
		l->reset(l->opaque);
}

static void ignore_write(void *opaque, uint64_t offset, unsigned int length,
			 uint64_t value)
{
	(void)opaque;
	(void)offset;
	(void)length;
	(void)value;
}

/* ---- Clock ------------------------------------------------------------- */

enum {
	RTC_SECONDS = 0,
	RTC_MINUTES = 2,
	RTC_HOURS = 4,
	RTC_WEEKDAY = 6,
	RTC_DAY = 7,
	RTC_MONTH = 8,
	RTC_YEAR = 9,
	RTC_A = 10,
	RTC_B = 11,
	RTC_C = 12,
	RTC_D = 13,
	RTC_CENTURY = 0x32,
};

#define RTC_A_32KHZ	0x26u	/* divider on, 1024 Hz */
#define RTC_B_24_HOURS	0x02u
#define RTC_D_VALID	0x80u

static uint8_t bcd(int value)
{
	return (value / 10 % 10) << 4 | value % 10;
}

static uint8_t rtc_value(const struct legacy *l, uint8_t index)
{
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm))
		return 0;
	switch (index) {
	case RTC_SECONDS:
		return bcd(tm.tm_sec);
	case RTC_MINUTES:
		return bcd(tm.tm_min);
	case RTC_HOURS:
		return bcd(tm.tm_hour);
	case RTC_WEEKDAY:
		return bcd(tm.tm_wday + 1);
	case RTC_DAY:
		return bcd(tm.tm_mday);
	case RTC_MONTH:
		return bcd(tm.tm_mon + 1);
	case RTC_YEAR:
		return bcd(tm.tm_year % 100);
	case RTC_CENTURY:
		return bcd(tm.tm_year / 100 + 19);
	case RTC_A:
		return RTC_A_32KHZ;
	case RTC_B:
		return RTC_B_24_HOURS;
	case RTC_C:
		return 0;
	case RTC_D:
		return RTC_D_VALID;
	default:
		return l->rtc[index];
	}
}

static uint64_t rtc_read(void *opaque, uint64_t offset, unsigned int length)
{
	struct legacy *l = opaque;
	uint8_t v;

	(void)length;
	if (!offset)
		return 0xff;
	pthread_mutex_lock(&l->lock);
	v = rtc_value(l, l->rtc_index);
	pthread_mutex_unlock(&l->lock);
	return v;
}

/* Setting the time has no effect: the clock is the host's. */
static void rtc_write(void *opaque, uint64_t offset, unsigned int length,
		      uint64_t value)
{
	struct legacy *l = opaque;

	(void)length;
	pthread_mutex_lock(&l->lock);
	if (!offset)
		l->rtc_index = value % RTC_BYTES;
	else
		l->rtc[l->rtc_index] = value;
	pthread_mutex_unlock(&l->lock);
}

static const struct bus_device pm1_event = { pm1_event_read, pm1_event_write };
static const struct bus_device pm1_control = {
	pm1_control_read, pm1_control_write
};
static const struct bus_device reset_port = { reset_read, reset_write };
static const struct bus_device i8042 = { reset_read, i8042_write };
static const struct bus_device ignored = { reset_read, ignore_write };
static const struct bus_device rtc = { rtc_read, rtc_write };

int legacy_init(struct legacy *legacy, struct bus *ports,
		void (*poweroff)(void *), void (*reset)(void *), void *opaque)
{
	const struct {
		uint16_t port, length;
		const struct bus_device *device;
	} table[] = {
		{ DELAY_PORT, 1, &ignored },
		{ PM1_EVENT_PORT, 4, &pm1_event },
		{ PM1_CONTROL_PORT, 2, &pm1_control },
		{ RESET_PORT, 1, &reset_port },
		{ I8042_DATA_PORT, 1, &ignored },
		{ I8042_COMMAND_PORT, 1, &i8042 },
		{ RTC_PORT, 2, &rtc },
	};

	memset(legacy, 0, sizeof(*legacy));
	pthread_mutex_init(&legacy->lock, NULL);
	legacy->poweroff = poweroff;
	legacy->reset = reset;
	legacy->opaque = opaque;
	for (unsigned int i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int ret = bus_add(ports, table[i].port, table[i].length,
				  table[i].device, legacy);

		if (ret)
			return ret;
	}
	return 0;
}

void legacy_destroy(struct legacy *legacy)
{
	pthread_mutex_destroy(&legacy->lock);
}
