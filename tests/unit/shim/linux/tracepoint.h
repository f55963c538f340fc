/* SPDX-License-Identifier: GPL-2.0-only */
/* Trace points check their arguments' types and do nothing. */
#pragma once

#define TP_PROTO(args...)	args
#define TP_ARGS(args...)	args
#define TRACE_DEFINE_ENUM(value)
#define TRACE_EVENT(name, proto, args...)	static inline void trace_##name(proto) { }
#define DECLARE_EVENT_CLASS(name, proto, args...)
#define DEFINE_EVENT(class, name, proto, args...)	static inline void trace_##name(proto) { }
