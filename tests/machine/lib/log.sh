# SPDX-License-Identifier: GPL-2.0-only
# The judge of a machine's kernel log: which lines mean that the kernel was hurt,
# whatever the command said.  Called by run when the machine has ended.
# shellcheck shell=bash

LOG_BAD=(
	'BUG:' 'BUG at' 'WARNING:' 'Call Trace' 'Oops' 'Kernel panic' 'kernel panic'
	'unable to handle' 'general protection' 'double fault' 'invalid opcode:' 'divide error:'
	'stack segment:' 'soft lockup' '[Hh]ard LOCKUP' 'rcu.*stall' 'detected stalls'
	'blocked for more than' 'KASAN' 'UBSAN' 'KCSAN' 'KFENCE' 'kmemleak:' 'DEBUG_LOCKS_WARN'
	'scheduling while atomic' 'sleeping function called' 'suspicious RCU' 'circular locking'
	'[Bb]ad page' 'list_(add|del) corruption' 'refcount_t:' 'unchecked MSR access'
	'Out of memory:' 'page allocation failure' 'nobody cared'
)

# Not symptoms: a user program that died of a signal, a mitigation that wants to be
# read about, and what features say of themselves at boot.
LOG_GOOD='traps: [^ ]*\[[0-9]+\] |WARNING: See https:|kfence: initialized|rcu: .*stall.*(timeout|suppress)'

# Bits of /proc/sys/kernel/tainted that say the same, even if the log lost the lines:
# 5 bad page, 7 died, 9 warned, 14 soft lockup.
LOG_TAINT=$((1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))

# log_judge TAINT FILE...: prints the bad lines; true if there is nothing bad.
log_judge() {
	local taint=$1 bad
	shift

	bad=$(IFS='|'; grep -ahvE "$LOG_GOOD" "$@" 2>/dev/null | tr -d '\r' | awk '!seen[$0]++' |
		grep -E -B 4 -A 20 "${LOG_BAD[*]}")
	if [ -n "$bad" ]; then
		head -n 60 <<<"$bad" | sed 's/^/| /'
		return 1
	fi
	if [ $((taint & LOG_TAINT)) -ne 0 ]; then
		echo "| the kernel is tainted ($taint: bad page, died, warned or locked up)"
		return 1
	fi
}
