/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding bits; each search answers "size" when there is none. */
#pragma once

#include <linux/bits.h>
#include <linux/types.h>

static inline unsigned long shim_find(const unsigned long *map, unsigned long size,
				      unsigned long start, unsigned long flip)
{
	unsigned long i, word, at;

	if (start >= size)
		return size;
	for (i = BIT_WORD(start); i * BITS_PER_LONG < size; i++) {
		word = __atomic_load_n(&map[i], __ATOMIC_RELAXED) ^ flip;
		if (i == BIT_WORD(start))
			word &= ~0UL << (start % BITS_PER_LONG);
		if (word) {
			at = i * BITS_PER_LONG + __builtin_ctzl(word);
			return at < size ? at : size;
		}
	}
	return size;
}

#define find_first_bit(map, size)		shim_find(map, size, 0, 0)
#define find_next_bit(map, size, start)		shim_find(map, size, start, 0)
#define find_first_zero_bit(map, size)		shim_find(map, size, 0, ~0UL)
#define find_next_zero_bit(map, size, start)	shim_find(map, size, start, ~0UL)
#define find_next_bit_le(map, size, start) \
	shim_find((const unsigned long *)(map), size, start, 0)

static inline unsigned long find_last_bit(const unsigned long *map, unsigned long size)
{
	unsigned long nr = size;

	while (nr-- > 0)
		if (map[BIT_WORD(nr)] & BIT_MASK(nr))
			return nr;
	return size;
}

#define for_each_set_bit(bit, map, size)				\
	for ((bit) = find_first_bit(map, size); (bit) < (size);		\
	     (bit) = find_next_bit(map, size, (bit) + 1))
#define for_each_set_bit_from(bit, map, size)				\
	for ((bit) = find_next_bit(map, size, bit); (bit) < (size);	\
	     (bit) = find_next_bit(map, size, (bit) + 1))
#define for_each_clear_bit(bit, map, size)				\
	for ((bit) = find_first_zero_bit(map, size); (bit) < (size);	\
	     (bit) = find_next_zero_bit(map, size, (bit) + 1))
