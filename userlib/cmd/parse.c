// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Numbers, sizes and the device from the command line. Called by the sub-commands.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include "cmd.h"

/* Digits only: strtoul() alone would take signs and leading blanks. */
static int digits(const char *text, char **end, unsigned long long *out)
{
	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	*out = strtoull(text, end, 10);
	return errno ? -errno : 0;
}

int parse_number(const char *text, unsigned long min, unsigned long max,
		 unsigned long *out)
{
	unsigned long long value;
	char *end;
	int ret = digits(text, &end, &value);

	if (ret)
		return ret;
	if (*end)
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

/* Bytes; K, M, G or T after the digits multiply by powers of 1024. */
int parse_size(const char *text, uint64_t *out)
{
	unsigned long long value;
	unsigned int shift = 0;
	char *end;
	int ret = digits(text, &end, &value);

	if (ret)
		return ret;
	switch (toupper((unsigned char)*end)) {
	case 'T':
		shift += 10;
		/* fall through */
	case 'G':
		shift += 10;
		/* fall through */
	case 'M':
		shift += 10;
		/* fall through */
	case 'K':
		shift += 10;
		end++;
		break;
	default:
		break;
	}
	if (*end)
		return -EINVAL;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*out = (uint64_t)value << shift;
	return 0;
}

bool parse_device(int argc, char **argv, const char *usage, const char **device, int *code)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'D' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*code = EXIT_USAGE;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'D':
			*device = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			*code = 0;
			return false;
		default:
			return false;
		}
	}
	if (optind < argc)
		complain("'%s' belongs to no option", argv[optind]);
	return optind >= argc;
}
