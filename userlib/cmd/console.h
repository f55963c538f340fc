/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The terminal behind the guest's serial port.
 */
#ifndef KVMX_CONSOLE_H
#define KVMX_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <termios.h>

struct console {
	bool terminal;		/* standard input is one: raw, with Ctrl-a keys */
	bool prefix;		/* Ctrl-a was typed */
	bool ended;		/* no more input */
	struct termios saved;
};

void console_open(struct console *console);
void console_close(struct console *console);
void console_put(uint8_t byte);
int console_read(struct console *console, uint8_t *bytes, size_t room,
		 bool *leave);
size_t console_filter(struct console *console, uint8_t *bytes, size_t count,
		      bool *leave);

#endif
