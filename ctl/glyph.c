/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/glyph.h"

/* Code points of one column, and of two: those whose width terminals agree on (Unicode 15,
 * EastAsianWidth, without combining marks, formats and what is written from right to left). */
struct span {
    uint32_t first, last;
};
static const struct span narrow[] = {
    {0x20, 0x7e},     {0xa1, 0xac},     {0xae, 0x2ff},    {0x370, 0x377},   {0x37a, 0x37f},
    {0x384, 0x38a},   {0x38e, 0x3a1},   {0x3a3, 0x482},   {0x48a, 0x52f},   {0x531, 0x556},
    {0x561, 0x587},   {0x10a0, 0x10c5}, {0x10d0, 0x10fa}, {0x1e00, 0x1eff}, {0x2010, 0x2027},
    {0x2030, 0x205e}, {0x20a0, 0x20bf}, {0x2100, 0x214f}, {0x2190, 0x2199}, {0x2200, 0x22ff},
    {0x2500, 0x259f},
};
static const struct span wide[] = {
    {0x1100, 0x115f},   {0x2e80, 0x2e99},   {0x2e9b, 0x2ef3},   {0x3001, 0x3029},
    {0x3041, 0x3096},   {0x309b, 0x30ff},   {0x3105, 0x312f},   {0x3131, 0x318e},
    {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa48c},   {0xac00, 0xd7a3},
    {0xf900, 0xfa6d},   {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f320},
    {0x1f32d, 0x1f335}, {0x1f337, 0x1f37c}, {0x1f3a0, 0x1f3ca}, {0x1f400, 0x1f43e},
    {0x1f440, 0x1f440}, {0x1f442, 0x1f4fc}, {0x1f600, 0x1f64f}, {0x1f680, 0x1f6c5},
    {0x20000, 0x2a6df},
};

static bool is_in(const struct span *spans, size_t n, uint32_t c)
{
    for (size_t i = 0; i < n; i++)
        if (c >= spans[i].first && c <= spans[i].last)
            return true;
    return false;
}

/* The next character: its bytes, and its columns; 0 = it must not be shown. */
struct glyph {
    struct str bytes;
    size_t width;
};

static struct glyph glyph_next(struct str *rest)
{
    const uint8_t *at = (const uint8_t *)rest->at;
    size_t len = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    struct glyph g = {str_over(rest->at, 1), 0};
    if (len <= rest->len && str_is_utf8(str_over(rest->at, len))) {
        uint32_t c = len == 1 ? at[0] : at[0] & (0xffu >> (len + 1));
        for (size_t i = 1; i < len; i++)
            c = c << 6 | (at[i] & 0x3f);
        g.bytes.len = len;
        g.width = is_in(narrow, ARRAY_LEN(narrow), c) ? 1
                  : is_in(wide, ARRAY_LEN(wide), c)   ? 2
                                                      : 0;
    }
    *rest = str_over(rest->at + g.bytes.len, rest->len - g.bytes.len);
    return g;
}

static size_t columns(struct glyph g, bool is_ascii)
{
    return g.width == 0 || is_ascii ? 1 : g.width;
}

static void put_one(struct buf *out, struct glyph g, bool is_ascii)
{
    if (g.width > 0 && (!is_ascii || g.bytes.len == 1))
        buf_str(out, g.bytes);
    else
        buf_text(out, is_ascii ? "?" : "\xef\xbf\xbd");
}

static size_t text_columns(struct str text, bool is_ascii)
{
    size_t n = 0;
    while (text.len > 0)
        n += columns(glyph_next(&text), is_ascii);
    return n;
}

size_t glyph_width(struct str text)
{
    return text_columns(text, false);
}

void glyph_put(struct buf *out, struct str text, size_t width, bool is_ascii)
{
    /* no character has more than 4 bytes for a column, so a longer text need not be measured */
    struct str head = str_over(text.at, MIN(text.len, 4 * width + 4));
    bool is_cut = text_columns(head, is_ascii) > width;
    size_t used = 0, room = width - (is_cut && width > 0);
    while (head.len > 0) {
        struct glyph g = glyph_next(&head);
        if (used + columns(g, is_ascii) > room)
            break;
        put_one(out, g, is_ascii);
        used += columns(g, is_ascii);
    }
    if (is_cut && used < width) {
        buf_byte(out, '~');
        used++;
    }
    for (; used < width; used++)
        buf_byte(out, ' ');
}

void glyph_put_all(struct buf *out, struct str text, bool is_escaped)
{
    while (text.len > 0) {
        struct glyph g = glyph_next(&text);
        if (g.width > 0 || !is_escaped) {
            put_one(out, g, false);
            continue;
        }
        for (size_t i = 0; i < g.bytes.len; i++)
            buf_printf(out, "\\x%02x", (uint8_t)g.bytes.at[i]);
    }
}
