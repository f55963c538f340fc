/* SPDX-License-Identifier: GPL-2.0-only */
/* Module information. */
#pragma once

#include <linux/export.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>

#define MODULE_LICENSE(s)
#define MODULE_AUTHOR(s)
#define MODULE_DESCRIPTION(s)
#define MODULE_VERSION(s)
#define MODULE_ALIAS(s)
#define MODULE_ALIAS_MISCDEV(m)
#define MODULE_IMPORT_NS(ns)
#define MODULE_SOFTDEP(s)
#define MODULE_DEVICE_TABLE(bus, table)
struct module;
#define THIS_MODULE	((struct module *)0)
#define try_module_get(m)	((void)(m), true)
#define __module_get(m)	((void)(m))
#define module_put(m)	((void)(m))
