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

# Said by the kernel's log when what is tested begins (guest/main).
LOG_BEGIN='machine: ready'

# log_part FILE...: what each log says since then; one that does not say it, whole.
log_part() {
	local file

	for file; do
		if grep -qaF "$LOG_BEGIN" "$file"; then
			sed "1,/$LOG_BEGIN/d" "$file"
		else
			cat "$file"
		fi
	done 2>/dev/null
}

# log_bad: the bad lines of its input, and some around them; true if there are any.
log_bad() {
	(IFS='|'; grep -avE "$LOG_GOOD" | tr -d '\r' | awk '!seen[$0]++' |
		grep -E -B "$1" -A "$2" "${LOG_BAD[*]}") | sed 's/^/| /' | head -n 60 | grep .
}

# log_judge TAINT FILE...: prints the bad lines; true if there is nothing bad.  What came
# before anything under test was touched is the emulated computer's fault, and only told.
log_judge() {
	local taint=$1 before
	shift

	log_part "$@" | log_bad 4 20 && return 1
	if before=$(cat "$@" 2>/dev/null | log_bad 0 0); then
		say "while booting, before what is tested, the kernel said:"
		head -n 1 <<<"$before" >&2
	fi
	if [ $((taint & LOG_TAINT)) -ne 0 ]; then
		echo "| the kernel is tainted ($taint: bad page, died, warned or locked up)"
		return 1
	fi
}
