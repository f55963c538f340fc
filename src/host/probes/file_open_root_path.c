/* KVMX_HAVE_FILE_OPEN_ROOT_PATH: file_open_root() takes a path, before a dentry and a mount; 5.13 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/fs.h>
#include <linux/path.h>
struct file *probe(const struct path *root);
struct file *probe(const struct path *root)
{
	return file_open_root(root, "name", O_RDWR, 0);
}
