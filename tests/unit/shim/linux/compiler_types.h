/* SPDX-License-Identifier: GPL-2.0-only */
/* Attributes and annotations; forced into every file, as the kernel does. */
#pragma once

#define __user
#define __kernel
#define __rcu
#define __percpu
#define __iomem
#define __force
#define __nocast
#define __acquires(x)
#define __releases(x)
#define __must_hold(x)
#define __acquire(x)	((void)0)
#define __release(x)	((void)0)
#define __init
#define __exit
#define __initdata
#define __initconst
#define __ro_after_init
#define __read_mostly
#define __counted_by(m)
#define notrace
#define noinstr
#define asmlinkage

#ifndef __always_inline
#define __always_inline	inline __attribute__((__always_inline__))
#endif
#define noinline	__attribute__((__noinline__))
#define __noclone
#define __packed	__attribute__((__packed__))
#define __aligned(x)	__attribute__((__aligned__(x)))
#define __maybe_unused	__attribute__((__unused__))
#define __always_unused	__attribute__((__unused__))
#define __used		__attribute__((__used__))
#define __must_check	__attribute__((__warn_unused_result__))
#define __printf(a, b)	__attribute__((__format__(__printf__, a, b)))
#define __noreturn	__attribute__((__noreturn__))
#define __weak		__attribute__((__weak__))
#define __pure		__attribute__((__pure__))
#define __cold		__attribute__((__cold__))
#define __section(s)	__attribute__((__section__(s)))
#define fallthrough	__attribute__((__fallthrough__))

#define __same_type(a, b)	__builtin_types_compatible_p(__typeof__(a), __typeof__(b))
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define typeof		__typeof__
/* The type of a scalar expression with const and volatile taken off. */
#define __unqual_scalar_typeof(x)	__typeof__((__typeof__(x))(x))
