/* KVMX_HAVE_FOLL_INTERRUPTIBLE: get_user_pages() can be ended by any signal; 6.2 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/mm.h>
unsigned int probe(void);
unsigned int probe(void)
{
	return FOLL_INTERRUPTIBLE;
}
