/* SPDX-License-Identifier: GPL-2.0-only */
/* Module parameters stay plain variables. */
#pragma once

#define module_param(name, type, mode)
#define module_param_named(name, var, type, mode)
#define module_param_cb(name, ops, arg, mode)
#define MODULE_PARM_DESC(name, text)
