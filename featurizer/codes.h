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

/* CODE_NONE for an empty word, CODE_OTHER for one that the table lacks. */
uint8_t code_event_type(struct str word);
uint8_t code_device(struct str word);
uint8_t code_channel(struct str word);
/* The way back: empty for CODE_NONE and for what is no code, "other" for CODE_OTHER. */
struct str code_device_name(uint8_t code);
struct str code_channel_name(uint8_t code);
/* FNV-1a over the bytes. */
uint32_t code_fnv(struct str word);
/* Free words: 0 when empty, else 1 + FNV-1a modulo 255. */
uint8_t code_word(struct str word);
/* code_word of a path's first segment; 0 without path. */
uint8_t code_page(struct str path);
/* ISO 3166 letters: 1 + 26 first + second; 0 for anything but two letters A to Z. */
uint16_t code_country(struct str country);

#endif
