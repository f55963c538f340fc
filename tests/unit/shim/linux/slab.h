/* SPDX-License-Identifier: GPL-2.0-only */
/* Kernel heap over malloc: uninitialized memory is poisoned, failure can be ordered. */
#pragma once

#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/types.h>

#define ZERO_SIZE_PTR	((void *)16)
#define ZERO_OR_NULL_PTR(p)	((unsigned long)(p) <= 16)

void *shim_alloc(size_t size, size_t align, gfp_t gfp, const char *file, int line);
void kfree(const void *p);
void *krealloc(const void *p, size_t size, gfp_t gfp);
size_t ksize(const void *p);

#define kmalloc(size, gfp)	shim_alloc(size, 0, gfp, __FILE__, __LINE__)
#define kzalloc(size, gfp)	kmalloc(size, (gfp) | __GFP_ZERO)
#define kmalloc_array(n, size, gfp)	kmalloc(array_size(n, size), gfp)
#define kcalloc(n, size, gfp)	kzalloc(array_size(n, size), gfp)
#define kmalloc_node(size, gfp, node)	kmalloc(size, gfp)
#define kzalloc_node(size, gfp, node)	kzalloc(size, gfp)
#define kvmalloc(size, gfp)	shim_alloc(size, 8, gfp, __FILE__, __LINE__)
#define kvzalloc(size, gfp)	kvmalloc(size, (gfp) | __GFP_ZERO)
#define kvmalloc_array(n, size, gfp)	kvmalloc(array_size(n, size), gfp)
#define kvcalloc(n, size, gfp)	kvzalloc(array_size(n, size), gfp)
#define krealloc_array(p, n, size, gfp)	krealloc(p, array_size(n, size), gfp)
#define kvfree(p)		kfree(p)
#define kfree_sensitive(p)	kfree(p)

#define SLAB_HWCACHE_ALIGN	0x1U
#define SLAB_ACCOUNT		0x2U
#define SLAB_PANIC		0x4U
struct kmem_cache;
struct kmem_cache *shim_cache_create(const char *name, size_t size, size_t align,
				     void (*ctor)(void *object));
void kmem_cache_destroy(struct kmem_cache *cache);
void *shim_cache_alloc(struct kmem_cache *cache, gfp_t gfp, const char *file, int line);
void kmem_cache_free(struct kmem_cache *cache, void *object);
#define kmem_cache_create(name, size, align, flags, ctor) \
	shim_cache_create(name, size, align, ctor)
#define kmem_cache_create_usercopy(name, size, align, flags, off, len, ctor) \
	shim_cache_create(name, size, align, ctor)
#define KMEM_CACHE(type, flags) \
	shim_cache_create(#type, sizeof(struct type), __alignof__(struct type), NULL)
#define kmem_cache_alloc(cache, gfp)	shim_cache_alloc(cache, gfp, __FILE__, __LINE__)
#define kmem_cache_zalloc(cache, gfp)	kmem_cache_alloc(cache, (gfp) | __GFP_ZERO)
