/* KVMX_HAVE_REGISTER_SYSCORE: syscore callbacks take data and are registered as struct syscore; 6.19, backported to 6.12 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/syscore_ops.h>
void probe(struct syscore *entry);
void probe(struct syscore *entry)
{
	register_syscore(entry);
}
