/* SPDX-License-Identifier: GPL-2.0-only */
/* One CPU, one copy. */
#pragma once

#include <linux/compiler.h>
#include <linux/preempt.h>
#include <linux/smp.h>
#include <linux/slab.h>

#define DEFINE_PER_CPU(type, name)	__typeof__(type) name
#define DEFINE_PER_CPU_ALIGNED		DEFINE_PER_CPU
#define DECLARE_PER_CPU(type, name)	extern __typeof__(type) name
#define per_cpu(var, cpu)		(var)
#define per_cpu_ptr(p, cpu)		(p)
#define this_cpu_ptr(p)			(p)
#define raw_cpu_ptr(p)			(p)
#define get_cpu_ptr(p)			(preempt_disable(), (p))
#define put_cpu_ptr(p)			preempt_enable()
#define get_cpu_var(var)		(*(preempt_disable(), &(var)))
#define put_cpu_var(var)		preempt_enable()
#define this_cpu_read(var)		(var)
#define this_cpu_write(var, v)		((void)((var) = (v)))
#define this_cpu_add(var, v)		((void)((var) += (v)))
#define this_cpu_inc(var)		((void)((var)++))
#define this_cpu_dec(var)		((void)((var)--))
#define __this_cpu_read			this_cpu_read
#define __this_cpu_write		this_cpu_write
#define __this_cpu_add			this_cpu_add
#define __this_cpu_inc			this_cpu_inc
#define raw_cpu_read			this_cpu_read
#define raw_cpu_write			this_cpu_write
#define alloc_percpu(type)		((type *)kzalloc(sizeof(type), GFP_KERNEL))
#define alloc_percpu_gfp(type, gfp)	((type *)kzalloc(sizeof(type), gfp))
#define free_percpu(p)			kfree(p)
