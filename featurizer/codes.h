/* SPDX-License-Identifier: Apache-2.0 */
/* codes - words of an event as the small numbers that features hold; tables in
 * schemas/codes.def. */
#ifndef AUSPEX_CODES_H
#define AUSPEX_CODES_H

#include "common/base/str.h"

enum { CODE_NONE, CODE_OTHER };

enum event_type {
#define EVENT_TYPE(number, name) EVENT_TYPE_##name = (number),
#define DEVICE(number, name)
#define CHANNEL(number, name)
#include "schemas/codes.def"
#undef EVENT_TYPE
#undef DEVICE
#undef CHANNEL
};

enum device {
#define EVENT_TYPE(number, name)
#define DEVICE(number, name) DEVICE_##name = (number),
#define CHANNEL(number, name)
#include "schemas/codes.def"
#undef EVENT_TYPE
#undef DEVICE
#undef CHANNEL
};

enum channel {
#define EVENT_TYPE(number, name)
#define DEVICE(number, name)
#define CHANNEL(number, name) CHANNEL_##name = (number),
#include "schemas/codes.def"
#undef EVENT_TYPE
#undef DEVICE
#undef CHANNEL
};

/* CODE_NONE for an empty word, CODE_OTHER for one that the table lacks. */
uint8_t code_event_type(struct str word);
uint8_t code_device(struct str word);
uint8_t code_channel(struct str word);
/* The way back: empty for CODE_NONE and for what is no code, "other" for CODE_OTHER. */
struct str code_device_name(uint8_t code);
struct str code_channel_name(uint8_t code);
/* FNV-1a over the bytes; and over more bytes behind those of `h`. */
uint32_t code_fnv(struct str word);
uint32_t code_fnv_on(uint32_t h, struct str more);
/* Free words: 0 when empty, else 1 + FNV-1a modulo 255. */
uint8_t code_word(struct str word);
/* Of those of which there are many: modulo 65535; and with A to Z as small letters. */
uint16_t code_wide(struct str word);
uint16_t code_wide_small(struct str word);
/* A tag's primary subtag, what stands before its first - or _, as a word in small letters. */
uint8_t code_language(struct str tag);
/* By the width of WIDTHxHEIGHT: 1 below 600, 2 below 1024, 3 below 1920, 4 wider; else 0. */
uint8_t code_screen(struct str screen);
/* code_word of a path's first segment; 0 without path. */
uint8_t code_page(struct str path);
/* ISO 3166 letters: 1 + 26 first + second; 0 for anything but two letters A to Z. */
uint16_t code_country(struct str country);
/* The way back; false for 0. */
bool code_country_name(uint32_t code, char name[2]);

#endif
