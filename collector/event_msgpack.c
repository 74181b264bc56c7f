/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/event_msgpack.h"

#include "common/base/buf.h"
#include "common/wire/in.h"
#include "common/wire/json_text.h"

#include <math.h>
#include <stdlib.h>

struct event_msgpack {
    struct draft *d;
    struct in in;
    enum place root; /* the place whose members make up the body */
    struct buf json; /* of the container being read */
};

struct event_msgpack *event_msgpack_new(void)
{
    return mem_zero(1, sizeof(struct event_msgpack));
}

void event_msgpack_free(struct event_msgpack *m)
{
    if (!m)
        return;
    buf_fini(&m->json);
    free(m);
}

static enum reason read_json(struct event_msgpack *m, unsigned depth);

static enum reason refuse_form(struct event_msgpack *m)
{
    return draft_refuse(m->d, REASON_malformed, "msgpack ends early, or is none");
}

static enum reason read_text(struct event_msgpack *m, struct str *text)
{
    *text = in_str(&m->in);
    if (m->in.bad)
        return refuse_form(m);
    if (!str_is_utf8(*text))
        return draft_refuse(m->d, REASON_bad_utf8, "");
    if (text->len > 0 && memchr(text->at, 0, text->len))
        return draft_refuse(m->d, REASON_nul_in_string, "");
    return REASON_NONE;
}

static enum reason read_float(struct event_msgpack *m, struct datum *out)
{
    out->type = DATUM_FLOAT;
    out->number = in_f64(&m->in);
    if (m->in.bad)
        return refuse_form(m);
    return isfinite(out->number) ? REASON_NONE
                                 : draft_refuse(m->d, REASON_number_out_of_range, "");
}

/* Anything but a map or an array. */
static enum reason read_scalar(struct event_msgpack *m, struct datum *out)
{
    *out = (struct datum){0};
    switch (in_peek(&m->in)) {
    case IN_STR:
        out->type = DATUM_STR;
        return read_text(m, &out->text);
    case IN_FLOAT:
        return read_float(m, out);
    case IN_UINT:
        out->type = DATUM_INTEGER;
        out->bits = in_u64(&m->in);
        break;
    case IN_INT: {
        out->type = DATUM_INTEGER;
        int64_t v = in_i64(&m->in);
        out->bits = (uint64_t)v;
        out->is_negative = v < 0;
        break;
    }
    case IN_BOOL:
        out->type = DATUM_FLAG;
        out->flag = in_flag(&m->in);
        break;
    case IN_NIL:
        out->type = DATUM_NULL;
        in_skip(&m->in);
        break;
    case IN_BIN:
    case IN_EXT:
        out->type = DATUM_OTHER;
        in_skip(&m->in);
        break;
    case IN_ARRAY:
    case IN_MAP:
    case IN_END:
        return refuse_form(m);
    }
    return m->in.bad ? refuse_form(m) : REASON_NONE;
}

static void put_scalar(struct event_msgpack *m, const struct datum *v)
{
    switch (v->type) {
    case DATUM_NULL:
    case DATUM_OTHER:
        buf_text(&m->json, "null");
        return;
    case DATUM_FLAG:
        buf_text(&m->json, v->flag ? "true" : "false");
        return;
    case DATUM_INTEGER:
        if (v->is_negative)
            json_put_i64(&m->json, (int64_t)v->bits);
        else
            json_put_u64(&m->json, v->bits);
        return;
    case DATUM_FLOAT:
        json_put_f64(&m->json, v->number);
        return;
    case DATUM_STR:
        json_put_str(&m->json, v->text);
        return;
    case DATUM_ARRAY:
    case DATUM_OBJECT:
        CHECK(v->type < DATUM_ARRAY);
    }
}

static enum reason read_map_json(struct event_msgpack *m, unsigned depth)
{
    uint32_t n = in_map(&m->in), object = draft_object(m->d);
    buf_byte(&m->json, '{');
    for (uint32_t i = 0; i < n; i++) {
        struct str key;
        const struct line *line;
        enum reason why = read_text(m, &key);
        if (why == REASON_NONE)
            why = draft_key(m->d, PLACE_none, object, key, &line);
        if (why != REASON_NONE)
            return why;
        if (i > 0)
            buf_byte(&m->json, ',');
        json_put_str(&m->json, key);
        buf_byte(&m->json, ':');
        why = read_json(m, depth);
        if (why != REASON_NONE)
            return why;
    }
    buf_byte(&m->json, '}');
    return m->in.bad ? refuse_form(m) : REASON_NONE;
}

static enum reason read_array_json(struct event_msgpack *m, unsigned depth)
{
    uint32_t n = in_array(&m->in);
    buf_byte(&m->json, '[');
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            buf_byte(&m->json, ',');
        enum reason why = read_json(m, depth);
        if (why != REASON_NONE)
            return why;
    }
    buf_byte(&m->json, ']');
    return m->in.bad ? refuse_form(m) : REASON_NONE;
}

/* Any value, appended as JSON; `depth` containers are open around it. */
static enum reason read_json(struct event_msgpack *m, unsigned depth)
{
    enum in_type type = in_peek(&m->in);
    if (type == IN_MAP || type == IN_ARRAY) {
        if (depth == EVENT_DEPTH)
            return draft_refuse(m->d, REASON_too_deep, "");
        return type == IN_MAP ? read_map_json(m, depth + 1) : read_array_json(m, depth + 1);
    }
    struct datum v;
    enum reason why = read_scalar(m, &v);
    if (why != REASON_NONE)
        return why;
    if (v.type == DATUM_OTHER)
        draft_fault(m->d, REASON_bad_field, "a type that JSON has not");
    put_scalar(m, &v);
    return REASON_NONE;
}

static enum reason read_value(struct event_msgpack *m, unsigned depth, struct datum *out)
{
    enum in_type type = in_peek(&m->in);
    if (type != IN_MAP && type != IN_ARRAY)
        return read_scalar(m, out);
    buf_reset(&m->json);
    enum reason why = read_json(m, depth);
    *out = (struct datum){.type = type == IN_MAP ? DATUM_OBJECT : DATUM_ARRAY};
    if (why == REASON_NONE)
        out->json = arena_str(draft_arena(m->d), buf_as_str(&m->json));
    return why;
}

/* The key as it stands between quotes in JSON. */
static struct str key_json(struct event_msgpack *m, struct str key)
{
    buf_reset(&m->json);
    json_put_str(&m->json, key);
    if (m->json.len == key.len + 2)
        return key;
    return arena_str(draft_arena(m->d), str_over(m->json.at + 1, m->json.len - 2));
}

static enum reason read_place(struct event_msgpack *m, enum place place, unsigned depth);

static enum reason read_member(struct event_msgpack *m, enum place place, uint32_t object,
                               unsigned depth)
{
    const char *from = (const char *)m->in.at;
    const struct line *line;
    struct str key;
    struct datum value;
    enum reason why = read_text(m, &key);
    if (why == REASON_NONE)
        why = draft_key(m->d, place, object, key, &line);
    if (why != REASON_NONE)
        return why;
    enum place inner = draft_inner(line);
    if (inner != PLACE_none && in_peek(&m->in) == IN_MAP) {
        why = read_place(m, inner, depth + 1);
    } else {
        why = read_value(m, depth, &value);
        if (why == REASON_NONE)
            draft_take(m->d, place, line, line ? key : key_json(m, key), &value);
    }
    if (why == REASON_NONE && place == m->root && !draft_is_sent_at(line))
        draft_body(m->d, str_over(from, (size_t)((const char *)m->in.at - from)));
    return why;
}

static enum reason read_place(struct event_msgpack *m, enum place place, unsigned depth)
{
    if (depth > EVENT_DEPTH)
        return draft_refuse(m->d, REASON_too_deep, "");
    uint32_t object = draft_object(m->d);
    for (uint32_t n = in_map(&m->in); n > 0; n--) {
        enum reason why = read_member(m, place, object, depth);
        if (why != REASON_NONE)
            return why;
    }
    return m->in.bad ? refuse_form(m) : REASON_NONE;
}

enum reason event_msgpack_read(struct event_msgpack *m, struct draft *d, enum place place,
                               struct str bytes)
{
    m->d = d;
    m->in = in_over(bytes.at, bytes.len);
    m->root = place;
    if (in_peek(&m->in) != IN_MAP) {
        in_skip(&m->in);
        return m->in.bad || m->in.at != m->in.end ? refuse_form(m)
                                                  : draft_refuse(d, REASON_not_an_object, "");
    }
    enum reason why = read_place(m, place, 1);
    if (why == REASON_NONE && m->in.at != m->in.end)
        why = draft_refuse(d, REASON_malformed, "more behind the event");
    return why;
}
