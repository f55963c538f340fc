/* KVMX_HAVE_EMERGENCY_VIRT_CALLBACK: one slot for whoever holds the unit in a crash; 6.6, backported to 6.1, gone by 6.19 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/reboot.h>
#include <asm/reboot.h>
void probe(void (*fn)(void));
void probe(void (*fn)(void))
{
	cpu_emergency_register_virt_callback(fn);
}
