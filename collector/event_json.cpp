// SPDX-License-Identifier: Apache-2.0
#include "collector/event_json.h"

#include "common/base/buf.h"
#include "common/wire/json_text.h"
#include "common/wire/json_walk.hpp"

#include <new>

using json_walk::inner_of;
using json_walk::key_of;
using json_walk::token_of;
using json_walk::trim_end;
namespace od = simdjson::ondemand;

struct event_json {
    od::parser parser;
    struct buf padded;
};

struct event_json *event_json_new(void)
{
    event_json *j = new (std::nothrow) event_json();
    CHECK(j != nullptr);
    CHECK(j->parser.allocate(2 * (size_t)EVENT_MAX) == simdjson::SUCCESS);
    buf_grow(&j->padded, EVENT_MAX + simdjson::SIMDJSON_PADDING);
    return j;
}

void event_json_free(struct event_json *j)
{
    if (j == nullptr)
        return;
    buf_fini(&j->padded);
    delete j;
}

namespace
{

// One event on its way into the draft.
struct walk {
    struct draft *d;
    od::document *document;
    enum place root; // the place whose members make up the body
};

enum reason read_object(const walk &w, od::object object, enum place place, unsigned depth);
enum reason read_array(const walk &w, od::array array, unsigned depth);

enum reason refuse(const walk &w, simdjson::error_code error)
{
    return draft_refuse(w.d, error == simdjson::UTF8_ERROR ? REASON_bad_utf8 : REASON_malformed,
                        simdjson::error_message(error));
}

enum reason refuse_text(const walk &w, enum json_fault fault)
{
    switch (fault) {
    case JSON_UTF8:
        return draft_refuse(w.d, REASON_bad_utf8, "half of a surrogate pair");
    case JSON_NUL:
        return draft_refuse(w.d, REASON_nul_in_string, "");
    case JSON_RANGE:
        return draft_refuse(w.d, REASON_number_out_of_range, "");
    case JSON_OK:
    case JSON_MALFORMED:
        break;
    }
    return draft_refuse(w.d, REASON_malformed, "a string or number");
}

// Where the token begins that follows what has been read.
const char *here(const walk &w)
{
    const char *at = nullptr;
    return w.document->current_location().get(at) ? nullptr : at;
}

enum reason read_string(const walk &w, od::value &v, struct datum *out)
{
    struct str inner;
    od::raw_json_string raw;
    out->type = DATUM_STR;
    if (!inner_of(out->json, &inner) || v.get_raw_json_string().get(raw))
        return draft_refuse(w.d, REASON_malformed, "a string");
    enum json_fault fault = json_unescape(inner, draft_arena(w.d), &out->text);
    return fault == JSON_OK ? REASON_NONE : refuse_text(w, fault);
}

enum reason read_number(const walk &w, od::value &v, struct datum *out)
{
    struct json_number n;
    enum json_fault fault = json_number_scan(out->json, &n);
    if (fault != JSON_OK)
        return refuse_text(w, fault);
    if (n.is_integer) {
        out->type = DATUM_INTEGER;
        out->bits = n.bits;
        out->is_negative = n.is_negative && n.bits != 0;
        // what is not asked for is skipped, and a skip may take a scalar for a key
        uint64_t u;
        int64_t i;
        bool is_past = n.is_negative ? !v.get_int64().get(i) : !v.get_uint64().get(u);
        return is_past ? REASON_NONE : refuse_text(w, JSON_RANGE);
    }
    out->type = DATUM_FLOAT;
    // infinite, or so small that it would vanish
    if (v.get_double().get(out->number) || (out->number == 0 && !n.is_zero))
        return refuse_text(w, JSON_RANGE);
    return REASON_NONE;
}

enum reason read_literal(const walk &w, od::value &v, struct datum *out)
{
    bool is_null;
    if (str_is(out->json, "null")) {
        out->type = DATUM_NULL;
        return v.is_null().get(is_null) || !is_null
                   ? draft_refuse(w.d, REASON_malformed, "a literal")
                   : REASON_NONE;
    }
    out->type = DATUM_FLAG;
    if ((!str_is(out->json, "true") && !str_is(out->json, "false")) ||
        v.get_bool().get(out->flag))
        return draft_refuse(w.d, REASON_malformed, "a literal");
    return REASON_NONE;
}

// A container that no field opens: read whole for its faults, kept as its text.
enum reason read_container(const walk &w, od::value &v, struct datum *out, unsigned depth)
{
    const char *from = out->json.at;
    od::object object;
    od::array array;
    enum reason why;
    if (*from == '{') {
        out->type = DATUM_OBJECT;
        simdjson::error_code error = v.get_object().get(object);
        why = error ? refuse(w, error) : read_object(w, object, PLACE_none, depth + 1);
    } else {
        out->type = DATUM_ARRAY;
        simdjson::error_code error = v.get_array().get(array);
        why = error ? refuse(w, error) : read_array(w, array, depth + 1);
    }
    const char *to = here(w);
    if (why == REASON_NONE && to == nullptr)
        why = draft_refuse(w.d, REASON_malformed, "no end");
    if (why == REASON_NONE)
        out->json = trim_end(from, (size_t)(to - from));
    return why;
}

// Any value but an object that opens a place.
enum reason read_value(const walk &w, od::value &v, struct datum *out, unsigned depth)
{
    *out = {};
    out->json = token_of(v);
    switch (out->json.len > 0 ? out->json.at[0] : 0) {
    case '{':
    case '[':
        return read_container(w, v, out, depth);
    case '"':
        return read_string(w, v, out);
    case 't':
    case 'f':
    case 'n':
        return read_literal(w, v, out);
    default:
        return read_number(w, v, out);
    }
}

enum reason read_member(const walk &w, od::field &field, enum place place, uint32_t object,
                        unsigned depth)
{
    const struct line *line;
    struct str key, raw_key = key_of(field);
    struct datum value;
    enum json_fault fault = json_unescape(raw_key, draft_arena(w.d), &key);
    enum reason why =
        fault == JSON_OK ? draft_key(w.d, place, object, key, &line) : refuse_text(w, fault);
    if (why != REASON_NONE)
        return why;
    od::value &v = field.value();
    enum place inner = draft_inner(line);
    od::object inside;
    if (inner != PLACE_none && token_of(v).at[0] == '{') {
        simdjson::error_code error = v.get_object().get(inside);
        why = error ? refuse(w, error) : read_object(w, inside, inner, depth + 1);
    } else {
        why = read_value(w, v, &value, depth);
        if (why == REASON_NONE && place != PLACE_none)
            draft_take(w.d, place, line, raw_key, &value);
    }
    if (why != REASON_NONE || place != w.root || draft_is_sent_at(line))
        return why;
    const char *from = raw_key.at - 1, *to = here(w);
    if (to == nullptr)
        return draft_refuse(w.d, REASON_malformed, "no end");
    draft_body(w.d, trim_end(from, (size_t)(to - from)));
    return REASON_NONE;
}

enum reason read_object(const walk &w, od::object object, enum place place, unsigned depth)
{
    if (depth > EVENT_DEPTH)
        return draft_refuse(w.d, REASON_too_deep, "");
    uint32_t number = draft_object(w.d);
    for (auto result : object) {
        if (result.error())
            return refuse(w, result.error());
        od::field field = result.value_unsafe();
        enum reason why = read_member(w, field, place, number, depth);
        if (why != REASON_NONE)
            return why;
    }
    return REASON_NONE;
}

enum reason read_array(const walk &w, od::array array, unsigned depth)
{
    if (depth > EVENT_DEPTH)
        return draft_refuse(w.d, REASON_too_deep, "");
    for (auto result : array) {
        if (result.error())
            return refuse(w, result.error());
        od::value v = result.value_unsafe();
        struct datum value;
        enum reason why = read_value(w, v, &value, depth);
        if (why != REASON_NONE)
            return why;
    }
    return REASON_NONE;
}

// Something else than an object at the top: an event of the wrong kind, or no JSON at all.
enum reason refuse_top(const walk &w, struct str text, simdjson::error_code error)
{
    return json_is_valid(text) ? draft_refuse(w.d, REASON_not_an_object, "") : refuse(w, error);
}

} // namespace

enum reason event_json_read(struct event_json *j, struct draft *d, enum place place,
                            struct str text)
{
    od::document document;
    od::object object;
    walk w = {d, &document, place};
    buf_reset(&j->padded);
    char *at = (char *)buf_take(&j->padded, text.len + simdjson::SIMDJSON_PADDING);
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    memset(at + text.len, 0, simdjson::SIMDJSON_PADDING);
    simdjson::error_code error =
        j->parser.iterate(at, text.len, text.len + simdjson::SIMDJSON_PADDING).get(document);
    if (error)
        return refuse(w, error);
    if (text.len == 0 || str_trim(str_over(at, text.len)).at[0] != '{')
        return refuse_top(w, str_over(at, text.len), simdjson::INCORRECT_TYPE);
    error = document.get_object().get(object);
    if (error)
        return refuse(w, error);
    enum reason why = read_object(w, object, place, 1);
    if (why == REASON_NONE && here(w) != nullptr)
        why = draft_refuse(d, REASON_malformed, "more behind the event");
    return why;
}
