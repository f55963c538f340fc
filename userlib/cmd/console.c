// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Standard input and output as the guest's console. A terminal is put into raw
 * mode, where Ctrl-a x leaves and Ctrl-a a is a Ctrl-a. Called by machine.c.
 */
#include <errno.h>
#include <unistd.h>
#include "console.h"

#define CTRL_A 1

void console_open(struct console *console)
{
	struct termios raw;

	console->prefix = false;
	console->ended = false;
	console->terminal = isatty(STDIN_FILENO) &&
			    !tcgetattr(STDIN_FILENO, &console->saved);
	if (!console->terminal)
		return;
	raw = console->saved;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST;	/* our own messages end in a bare newline */
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void console_close(struct console *console)
{
	if (console->terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &console->saved);
	console->terminal = false;
}

/* A reader that went away loses the output; the guest goes on. */
void console_put(uint8_t byte)
{
	while (write(STDOUT_FILENO, &byte, 1) < 0 && errno == EINTR)
		;
}

/* Takes the Ctrl-a keys out of @bytes; returns how many remain. */
size_t console_filter(struct console *console, uint8_t *bytes, size_t count,
		      bool *leave)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		uint8_t byte = bytes[i];

		if (!console->prefix && byte == CTRL_A) {
			console->prefix = true;
			continue;
		}
		if (console->prefix) {
			console->prefix = false;
			if (byte == 'x') {
				*leave = true;
				break;
			}
			if (byte != 'a' && byte != CTRL_A)
				continue;
			byte = CTRL_A;
		}
		bytes[kept++] = byte;
	}
	return kept;
}

/* Up to @room bytes for the guest; *leave says that the user wants out. */
int console_read(struct console *console, uint8_t *bytes, size_t room,
		 bool *leave)
{
	ssize_t n = read(STDIN_FILENO, bytes, room);

	if (n < 0)
		n = errno == EINTR || errno == EAGAIN ? 0 : -1;
	else if (!n)
		n = -1;
	if (n < 0) {
		console->ended = true;
		return 0;
	}
	return console->terminal ? (int)console_filter(console, bytes, n, leave) :
				   (int)n;
}
