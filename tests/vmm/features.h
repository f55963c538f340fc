/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of the test of features, features_*.c. */
#ifndef TESTS_VMM_FEATURES_H
#define TESTS_VMM_FEATURES_H

#include "guest.h"

void test_coalesced(void);
void test_dirty(void);
void test_faults(void);
void test_attributes(void);
void test_irqfd(void);

#endif
