/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A writer of AML, as far as this machine's DSDT needs it. Overflow is
 * remembered in the buffer and asked once, at the end.
 */
#ifndef KVMX_AML_H
#define KVMX_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aml {
	uint8_t *data;
	size_t size;		/* written */
	size_t limit;
	bool overflow;
};

void aml_bytes(struct aml *aml, const void *bytes, size_t count);
void aml_byte(struct aml *aml, uint8_t byte);
void aml_integer(struct aml *aml, uint32_t value);
void aml_name_integer(struct aml *aml, const char *name, uint32_t value);
void aml_name_string(struct aml *aml, const char *name, const char *text);
void aml_name(struct aml *aml, const char *name);

/*
 * A term with a length: what lies between open and close is in it. close()
 * takes what open() returned.
 */
size_t aml_open_scope(struct aml *aml, const char *name);
size_t aml_open_device(struct aml *aml, const char *name);
size_t aml_open_package(struct aml *aml, uint8_t elements);
void aml_close(struct aml *aml, size_t start);

void aml_resources(struct aml *aml, uint32_t address, uint32_t length,
		   uint32_t gsi);

#endif
