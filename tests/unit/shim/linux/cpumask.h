/* SPDX-License-Identifier: GPL-2.0-only */
/* Masks of up to 64 CPUs, of which CPU 0 exists. */
#pragma once

#include <linux/bitmap.h>

#define NR_CPUS		64
#define nr_cpu_ids	1U
typedef struct cpumask { DECLARE_BITMAP(bits, NR_CPUS); } cpumask_t;
typedef struct cpumask cpumask_var_t[1];
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < 1; (cpu)++)
#define for_each_online_cpu(cpu)	for_each_possible_cpu(cpu)
#define for_each_present_cpu(cpu)	for_each_possible_cpu(cpu)
#define cpu_online(cpu)			((cpu) == 0)
#define num_online_cpus()		1U
#define num_possible_cpus()		1U
#define cpumask_clear(m)		bitmap_zero((m)->bits, NR_CPUS)
#define cpumask_set_cpu(cpu, m)		set_bit(cpu, (m)->bits)
#define __cpumask_set_cpu(cpu, m)	__set_bit(cpu, (m)->bits)
#define cpumask_clear_cpu(cpu, m)	clear_bit(cpu, (m)->bits)
#define cpumask_test_cpu(cpu, m)	test_bit(cpu, (m)->bits)
#define cpumask_test_and_set_cpu(cpu, m)	test_and_set_bit(cpu, (m)->bits)
#define cpumask_empty(m)		bitmap_empty((m)->bits, NR_CPUS)
#define cpumask_weight(m)		bitmap_weight((m)->bits, NR_CPUS)
#define for_each_cpu(cpu, m)		for_each_set_bit(cpu, (m)->bits, NR_CPUS)
#define zalloc_cpumask_var(m, gfp)	(cpumask_clear(*(m)), true)
#define free_cpumask_var(m)		((void)(m))
#define cpus_read_lock()		((void)0)
#define cpus_read_unlock()		((void)0)
#define this_cpu_cpumask_var_ptr(m)	(m)
