/* SPDX-License-Identifier: GPL-2.0-only */
/* Nothing is exported here. */
#pragma once

#define EXPORT_SYMBOL(s)
#define EXPORT_SYMBOL_GPL(s)
#define EXPORT_SYMBOL_NS_GPL(s, ns)
