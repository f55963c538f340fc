/* KVMX_HAVE_CLOSE_FD: a descriptor is closed by this function; 5.11, backported to 5.10 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/fdtable.h>
int probe(unsigned int fd);
int probe(unsigned int fd)
{
	return close_fd(fd);
}
