/* SPDX-License-Identifier: GPL-2.0-only */
/* The arm64 interface names limits of SVE that no test uses. */
