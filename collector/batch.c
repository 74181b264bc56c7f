/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/batch.h"

#include "common/wire/in.h"

void batch_fini(struct batch *b)
{
    buf_fini(&b->envelope);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_blanks(struct str *s)
{
    size_t n = 0;
    while (n < s->len && is_blank(s->at[n]))
        n++;
    *s = str_over(s->at + n, s->len - n);
}

/* Bytes of the string that begins here; 0 when it has no end. */
static size_t string_len(struct str s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '\\')
            i++;
        else if (s.at[i] == '"')
            return i + 1;
    }
    return 0;
}

/* Bytes of the value that begins here, by its brackets; 0 when there is none or it has no end.
 */
static size_t value_len(struct str s)
{
    size_t depth = 0, i = 0;
    while (i < s.len) {
        char c = s.at[i];
        if (c == '"') {
            size_t len = string_len(str_over(s.at + i, s.len - i));
            if (len == 0)
                return 0;
            i += len;
        } else if (c == '{' || c == '[') {
            depth++;
            i++;
        } else if (depth > 0) {
            depth -= c == '}' || c == ']';
            i++;
        } else if (c == ',' || c == ']' || c == '}' || c == ':' || is_blank(c)) {
            return i;
        } else {
            i++;
            continue; /* within a word or number */
        }
        if (depth == 0)
            return i;
    }
    return depth == 0 ? i : 0;
}

static struct str take(struct str *s, size_t len)
{
    struct str head = str_over(s->at, len);
    *s = str_over(s->at + len, s->len - len);
    return head;
}

static bool take_char(struct str *s, char c)
{
    skip_blanks(s);
    if (s->len == 0 || s->at[0] != c)
        return false;
    (void)take(s, 1);
    return true;
}

/* Moves to behind the bracket that opens the batch. */
static bool find_array(struct str *s)
{
    if (!take_char(s, '{'))
        return false;
    do {
        skip_blanks(s);
        struct str key = take(s, value_len(*s));
        if (key.len == 0 || !take_char(s, ':'))
            return false;
        if (str_is(key, "\"batch\""))
            return take_char(s, '[');
        skip_blanks(s);
        size_t len = value_len(*s);
        (void)take(s, len);
        if (len == 0)
            return false;
    } while (take_char(s, ','));
    return false;
}

static void set_envelope(struct batch *b, struct str head, const char *empty, struct str tail)
{
    buf_reset(&b->envelope);
    buf_str(&b->envelope, head);
    buf_text(&b->envelope, empty);
    buf_str(&b->envelope, tail);
}

enum batch_found batch_json(struct batch *b, struct str text)
{
    struct str s = text;
    bool is_more = false;
    b->n = 0;
    if (!find_array(&s))
        return BATCH_NONE;
    struct str head = str_over(text.at, (size_t)(s.at - text.at));
    if (!take_char(&s, ']')) {
        do {
            skip_blanks(&s);
            struct str event = take(&s, value_len(s));
            if (event.len == 0)
                return BATCH_NONE;
            if (b->n == EVENTS_PER_RECORD)
                is_more = true;
            else
                b->events[b->n++] = event;
        } while (take_char(&s, ','));
        if (!take_char(&s, ']'))
            return BATCH_NONE;
    }
    set_envelope(b, head, "]", s);
    return is_more ? BATCH_TOO_MANY : BATCH_FOUND;
}

/* One value however deep it is: in_skip stops where an event would be refused anyway, but its
 * neighbours shall not. Counts values still to come, so it needs no stack. */
static void skip_any_depth(struct in *in)
{
    for (uint64_t left = 1; left > 0 && !in->bad; left--) {
        enum in_type type = in_peek(in);
        if (type == IN_MAP)
            left += 2 * (uint64_t)in_map(in);
        else if (type == IN_ARRAY)
            left += in_array(in);
        else
            in_skip(in);
    }
}

static struct str raw_between(const uint8_t *from, const uint8_t *to)
{
    return str_over(from, (size_t)(to - from));
}

/* Moves to the batch's array. */
static bool find_msgpack_array(struct in *in)
{
    for (uint32_t n = in_map(in); n > 0 && in_peek(in) == IN_STR; n--) {
        if (str_is(in_str(in), "batch"))
            return in_peek(in) == IN_ARRAY;
        skip_any_depth(in);
    }
    return false;
}

enum batch_found batch_msgpack(struct batch *b, struct str bytes)
{
    struct in in = in_over(bytes.at, bytes.len);
    b->n = 0;
    if (!find_msgpack_array(&in))
        return BATCH_NONE;
    struct str head = raw_between((const uint8_t *)bytes.at, in.at);
    uint32_t n = in_array(&in);
    for (uint32_t i = 0; i < n && !in.bad; i++) {
        const uint8_t *from = in.at;
        skip_any_depth(&in);
        if (b->n < EVENTS_PER_RECORD)
            b->events[b->n++] = raw_between(from, in.at);
    }
    if (in.bad)
        return BATCH_NONE;
    set_envelope(b, head, "\x90", raw_between(in.at, in.end));
    return n > EVENTS_PER_RECORD ? BATCH_TOO_MANY : BATCH_FOUND;
}
