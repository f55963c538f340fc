# SPDX-License-Identifier: GPL-2.0-only
# Sums the closing lines of all logs named on the command line. A program without a log, without
# a closing line, or that ended badly though its line reports no failure, is one failure more.
BEGIN {
	for (i = 1; i < ARGC; i++)
		count(ARGV[i])
	printf "%d passed, %d failed\n", passed, failed
	exit (failed || !passed) ? 1 : 0
}

function count(log_name,    line, part, bad, closed, status, subject)
{
	bad = closed = 0
	status = ""
	while ((getline line < log_name) > 0) {
		if (line ~ /^[0-9]+%: Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/) {
			split(line, part, /[^0-9]+/)
			bad = part[3] + part[4]
			passed += part[2] - bad
			failed += bad
			closed = part[2] > 0
		} else if (line ~ /^exit: /) {
			status = substr(line, 7)
		}
	}
	close(log_name)
	if (!closed || (status != "0" && !bad)) {
		subject = log_name
		sub(/^.*\/test_/, "", subject)
		sub(/\.log$/, "", subject)
		printf "%s: %s\n", subject, status == "" ? "did not build or run" : "ended with " status
		failed++
	}
}
