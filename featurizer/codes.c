/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/codes.h"

struct word {
    struct str text;
    uint8_t code;
};

#define EVENT_TYPE(number, name) {STR(#name), number},
#define DEVICE(number, name)
#define CHANNEL(number, name)
static const struct word event_types[] = {
#include "schemas/codes.def"
};
#undef EVENT_TYPE
#undef DEVICE
#undef CHANNEL

#define EVENT_TYPE(number, name)
#define DEVICE(number, name) {STR(#name), number},
#define CHANNEL(number, name)
static const struct word devices[] = {
#include "schemas/codes.def"
};
#undef EVENT_TYPE
#undef DEVICE
#undef CHANNEL

#define EVENT_TYPE(number, name)
#define DEVICE(number, name)
#define CHANNEL(number, name) {STR(#name), number},
static const struct word channels[] = {
#include "schemas/codes.def"
};
#undef EVENT_TYPE
#undef DEVICE
#undef CHANNEL

static uint8_t find(const struct word *words, size_t n, struct str text)
{
    if (text.len == 0)
        return CODE_NONE;
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = str_cmp(text, words[middle].text);
        if (order == 0)
            return words[middle].code;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return CODE_OTHER;
}

static struct str name_of(const struct word *words, size_t n, uint8_t code)
{
    if (code == CODE_OTHER)
        return STR("other");
    for (size_t i = 0; i < n; i++)
        if (words[i].code == code)
            return words[i].text;
    return (struct str){NULL, 0};
}

uint8_t code_event_type(struct str word)
{
    return find(event_types, ARRAY_LEN(event_types), word);
}

uint8_t code_device(struct str word)
{
    return find(devices, ARRAY_LEN(devices), word);
}

uint8_t code_channel(struct str word)
{
    return find(channels, ARRAY_LEN(channels), word);
}

struct str code_device_name(uint8_t code)
{
    return name_of(devices, ARRAY_LEN(devices), code);
}

struct str code_channel_name(uint8_t code)
{
    return name_of(channels, ARRAY_LEN(channels), code);
}

/* Fowler, Noll, Vo: offset basis and prime for 32 bits. */
enum { FNV_PRIME = 16777619 };
#define FNV_BASIS 2166136261u

uint32_t code_fnv_on(uint32_t h, struct str more)
{
    for (size_t i = 0; i < more.len; i++)
        h = (h ^ (uint8_t)more.at[i]) * FNV_PRIME;
    return h;
}

uint32_t code_fnv(struct str word)
{
    return code_fnv_on(FNV_BASIS, word);
}

static uint32_t fnv_small(struct str word)
{
    uint32_t h = FNV_BASIS;
    for (size_t i = 0; i < word.len; i++) {
        uint8_t c = (uint8_t)word.at[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c)) * FNV_PRIME;
    }
    return h;
}

static uint8_t code_hash(struct str word)
{
    return (uint8_t)(1 + code_fnv(word) % 255);
}

uint8_t code_word(struct str word)
{
    return word.len > 0 ? code_hash(word) : CODE_NONE;
}

static uint16_t wide(uint32_t fnv)
{
    return (uint16_t)(1 + fnv % 65535);
}

uint16_t code_wide(struct str word)
{
    return word.len > 0 ? wide(code_fnv(word)) : CODE_NONE;
}

uint16_t code_wide_small(struct str word)
{
    return word.len > 0 ? wide(fnv_small(word)) : CODE_NONE;
}

uint8_t code_language(struct str tag)
{
    size_t len = 0;
    while (len < tag.len && tag.at[len] != '-' && tag.at[len] != '_')
        len++;
    return len > 0 ? (uint8_t)(1 + fnv_small(str_over(tag.at, len)) % 255) : CODE_NONE;
}

static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

uint8_t code_screen(struct str screen)
{
    static const uint64_t below[] = {600, 1024, 1920};
    uint64_t width;
    struct str height, number = str_cut(screen, 'x', &height);
    if (!is_number(number) || !is_number(height))
        return CODE_NONE;
    if (!str_u64(number, &width))
        width = UINT64_MAX; /* too many digits */
    size_t n = 0;           /* bounds that it reaches */
    while (n < ARRAY_LEN(below) && width >= below[n])
        n++;
    return (uint8_t)(1 + n);
}

uint8_t code_page(struct str path)
{
    if (path.len == 0)
        return CODE_NONE;
    if (path.at[0] == '/')
        path = str_over(path.at + 1, path.len - 1);
    struct str rest;
    return code_hash(str_cut(path, '/', &rest));
}

uint16_t code_country(struct str country)
{
    if (country.len != 2)
        return 0;
    unsigned first = (unsigned)(uint8_t)country.at[0] - 'A';
    unsigned second = (unsigned)(uint8_t)country.at[1] - 'A';
    return first < 26 && second < 26 ? (uint16_t)(1 + 26 * first + second) : 0;
}

bool code_country_name(uint32_t code, char name[2])
{
    if (code == 0)
        return false;
    name[0] = (char)('A' + (code - 1) / 26);
    name[1] = (char)('A' + (code - 1) % 26);
    return true;
}
