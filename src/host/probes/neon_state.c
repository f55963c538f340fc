/* KVMX_HAVE_NEON_STATE: kernel_neon_begin() takes room for the kernel's own registers (arm64); 6.19 */
/* SPDX-License-Identifier: GPL-2.0-only */
#include <asm/neon.h>
void probe(struct user_fpsimd_state *state);
void probe(struct user_fpsimd_state *state)
{
	kernel_neon_begin(state);
}
