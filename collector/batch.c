/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/batch.h"

#include "collector/span.h"
#include "common/wire/in.h"

void batch_fini(struct batch *b)
{
    buf_fini(&b->envelope);
}

/* GA4's name for it is the other. */
static bool is_batch(struct str key)
{
    return str_is(key, "batch") || str_is(key, "events");
}

/* Moves to behind the bracket that opens the batch. */
static bool find_array(struct str *s)
{
    if (!span_char(s, '{'))
        return false;
    do {
        span_blanks(s);
        struct str key = span_take(s, span_value(*s));
        if (key.len == 0 || !span_char(s, ':'))
            return false;
        if (key.len > 2 && is_batch(str_over(key.at + 1, key.len - 2)) && span_char(s, '['))
            return true;
        span_blanks(s);
        size_t len = span_value(*s);
        (void)span_take(s, len);
        if (len == 0)
            return false;
    } while (span_char(s, ','));
    return false;
}

bool batch_is_first(struct str text)
{
    static const struct str key = {"\"batch\"", 7};
    if (!span_char(&text, '{'))
        return false;
    span_blanks(&text);
    if (!str_starts(text, key))
        return false;
    (void)span_take(&text, key.len);
    return span_char(&text, ':') && span_char(&text, '[');
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
    if (!span_char(&s, ']')) {
        do {
            span_blanks(&s);
            struct str event = span_take(&s, span_value(s));
            if (event.len == 0)
                return BATCH_NONE;
            if (b->n == EVENTS_PER_RECORD)
                is_more = true;
            else
                b->events[b->n++] = event;
        } while (span_char(&s, ','));
        if (!span_char(&s, ']'))
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
        if (is_batch(in_str(in)) && in_peek(in) == IN_ARRAY)
            return true;
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
