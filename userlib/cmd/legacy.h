/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The small old devices: reset ports, ACPI power management, RTC.
 */
#ifndef KVMX_LEGACY_H
#define KVMX_LEGACY_H

#include <pthread.h>
#include "bus.h"

#define RTC_BYTES 128

struct legacy {
	void (*poweroff)(void *opaque);
	void (*reset)(void *opaque);
	void *opaque;
	pthread_mutex_t lock;	/* for what follows */
	uint16_t pm1_enable;
	uint16_t pm1_control;
	uint8_t rtc_index;
	uint8_t rtc[RTC_BYTES];
};

int legacy_init(struct legacy *legacy, struct bus *ports,
		void (*poweroff)(void *), void (*reset)(void *), void *opaque);
void legacy_destroy(struct legacy *legacy);

#endif
