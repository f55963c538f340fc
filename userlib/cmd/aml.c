// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Encodes the few AML terms of the DSDT. Called by acpi.c. Source: ACPI
 * specification 6.5, chapter 20 "ACPI Machine Language", and 6.4 "Resource Data
 * Types for ACPI".
 */
#include <string.h>
#include "aml.h"

enum {
	ZERO_OP = 0x00,
	NAME_OP = 0x08,
	BYTE_PREFIX = 0x0a,
	DWORD_PREFIX = 0x0c,
	STRING_PREFIX = 0x0d,
	SCOPE_OP = 0x10,
	BUFFER_OP = 0x11,
	PACKAGE_OP = 0x12,
	EXT_PREFIX = 0x5b,
	DEVICE_OP = 0x82,
};

void aml_bytes(struct aml *aml, const void *bytes, size_t count)
{
	if (aml->overflow || count > aml->limit - aml->size) {
		aml->overflow = true;
		return;
	}
	memcpy(aml->data + aml->size, bytes, count);
	aml->size += count;
}

void aml_byte(struct aml *aml, uint8_t byte)
{
	aml_bytes(aml, &byte, 1);
}

static void aml_u16(struct aml *aml, uint16_t value)
{
	aml_byte(aml, value & 0xff);
	aml_byte(aml, value >> 8);
}

static void aml_u32(struct aml *aml, uint32_t value)
{
	aml_u16(aml, value & 0xffff);
	aml_u16(aml, value >> 16);
}

void aml_integer(struct aml *aml, uint32_t value)
{
	if (!value) {
		aml_byte(aml, ZERO_OP);
	} else if (value <= 0xff) {
		aml_byte(aml, BYTE_PREFIX);
		aml_byte(aml, value);
	} else {
		aml_byte(aml, DWORD_PREFIX);
		aml_u32(aml, value);
	}
}

/* Four characters, or a root character and four. */
static void aml_name_string_raw(struct aml *aml, const char *name)
{
	aml_bytes(aml, name, strlen(name));
}

void aml_name(struct aml *aml, const char *name)
{
	aml_byte(aml, NAME_OP);
	aml_name_string_raw(aml, name);
}

void aml_name_integer(struct aml *aml, const char *name, uint32_t value)
{
	aml_name(aml, name);
	aml_integer(aml, value);
}

void aml_name_string(struct aml *aml, const char *name, const char *text)
{
	aml_name(aml, name);
	aml_byte(aml, STRING_PREFIX);
	aml_bytes(aml, text, strlen(text) + 1);
}

size_t aml_open_scope(struct aml *aml, const char *name)
{
	size_t start;

	aml_byte(aml, SCOPE_OP);
	start = aml->size;
	aml_name_string_raw(aml, name);
	return start;
}

size_t aml_open_device(struct aml *aml, const char *name)
{
	size_t start;

	aml_byte(aml, EXT_PREFIX);
	aml_byte(aml, DEVICE_OP);
	start = aml->size;
	aml_name_string_raw(aml, name);
	return start;
}

size_t aml_open_package(struct aml *aml, uint8_t elements)
{
	size_t start;

	aml_byte(aml, PACKAGE_OP);
	start = aml->size;
	aml_byte(aml, elements);
	return start;
}

/*
 * Puts the length in front of the content. It counts its own bytes, of which
 * the first tells how many follow ("Package Length Encoding").
 */
void aml_close(struct aml *aml, size_t start)
{
	size_t content = aml->size - start;
	unsigned int bytes = content + 1 < 0x40 ? 1 : content + 2 < 0x1000 ? 2 : 3;
	size_t length = content + bytes;
	uint8_t encoded[3];

	if (aml->overflow || length >= 0x100000 ||
	    bytes > aml->limit - aml->size) {
		aml->overflow = true;
		return;
	}
	if (bytes == 1) {
		encoded[0] = length;
	} else {
		encoded[0] = ((bytes - 1) << 6) | (length & 0xf);
		encoded[1] = (length >> 4) & 0xff;
		encoded[2] = (length >> 12) & 0xff;
	}
	memmove(aml->data + start + bytes, aml->data + start, content);
	memcpy(aml->data + start, encoded, bytes);
	aml->size += bytes;
}

/* A device's _CRS: one range of memory, one edge-triggered interrupt. */
void aml_resources(struct aml *aml, uint32_t address, uint32_t length,
		   uint32_t gsi)
{
	enum { BYTES = 12 + 9 + 2 };
	size_t start;

	aml_name(aml, "_CRS");
	aml_byte(aml, BUFFER_OP);
	start = aml->size;
	aml_integer(aml, BYTES);
	aml_byte(aml, 0x86);		/* 32-bit fixed memory range */
	aml_u16(aml, 9);
	aml_byte(aml, 1);		/* read-write */
	aml_u32(aml, address);
	aml_u32(aml, length);
	aml_byte(aml, 0x89);		/* extended interrupt */
	aml_u16(aml, 6);
	aml_byte(aml, 0x03);		/* consumer, edge, active high, exclusive */
	aml_byte(aml, 1);
	aml_u32(aml, gsi);
	aml_byte(aml, 0x79);		/* end */
	aml_byte(aml, 0);
	aml_close(aml, start);
}
