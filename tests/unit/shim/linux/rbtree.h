/* SPDX-License-Identifier: GPL-2.0-only */
/* Sorted trees, which nothing balances here: what is looked at is what they hold. */
#pragma once

#include <stddef.h>
#include <linux/container_of.h>

struct rb_node { struct rb_node *rb_parent, *rb_left, *rb_right; };
struct rb_root { struct rb_node *rb_node; };
#define RB_ROOT		(struct rb_root){ NULL }
#define RB_EMPTY_ROOT(root)	(!(root)->rb_node)
#define rb_entry	container_of

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	*node = (struct rb_node){ .rb_parent = parent };
	*link = node;
}

static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
}

/* @with, which may be NULL, takes the place of @node under its parent. */
static inline void shim_rb_replace(struct rb_node *node, struct rb_node *with, struct rb_root *root)
{
	struct rb_node *parent = node->rb_parent;

	*(!parent ? &root->rb_node : parent->rb_left == node ? &parent->rb_left :
							       &parent->rb_right) = with;
	if (with)
		with->rb_parent = parent;
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *next = node->rb_right;

	if (!node->rb_left || !node->rb_right) {
		shim_rb_replace(node, node->rb_left ? node->rb_left : node->rb_right, root);
		return;
	}
	while (next->rb_left)
		next = next->rb_left;
	shim_rb_replace(next, next->rb_right, root);
	shim_rb_replace(node, next, root);
	next->rb_left = node->rb_left;
	next->rb_left->rb_parent = next;
	next->rb_right = node->rb_right;
	if (next->rb_right)
		next->rb_right->rb_parent = next;
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *node = root->rb_node;

	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

static inline struct rb_node *rb_next(const struct rb_node *node)
{
	struct rb_node *next = node->rb_right;

	if (next) {
		while (next->rb_left)
			next = next->rb_left;
		return next;
	}
	while (node->rb_parent && node == node->rb_parent->rb_right)
		node = node->rb_parent;
	return node->rb_parent;
}
