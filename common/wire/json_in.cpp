// SPDX-License-Identifier: Apache-2.0
#include "common/wire/json_in.h"

#include "common/base/clock.h"
#include "common/wire/json_out.h"
#include "common/wire/json_text.h"
#include "common/wire/json_walk.hpp"
#include "common/wire/out.h"
#include "common/wire/record_any.h"

#include <limits>

using json_walk::inner_of;
using json_walk::key_of;
using json_walk::token_of;
using json_walk::trim_end;
namespace od = simdjson::ondemand;

namespace
{

enum wire_status read_object(od::object object, const record_def *def, void *record, arena *a);

bool read_string(od::value &v, arena *a, struct str *out)
{
    struct str inner;
    if (!inner_of(token_of(v), &inner))
        return false;
    enum json_fault fault = json_unescape(inner, a, out);
    return fault == JSON_OK || fault == JSON_NUL; // records may hold U+0000, events may not
}

bool read_u64(od::value &v, uint64_t *out)
{
    struct json_number n;
    if (json_number_scan(token_of(v), &n) != JSON_OK || !n.is_integer || n.is_negative)
        return false;
    *out = n.bits;
    return true;
}

bool read_i64(od::value &v, int64_t *out)
{
    struct json_number n;
    if (json_number_scan(token_of(v), &n) != JSON_OK || !n.is_integer ||
        (!n.is_negative && n.bits > INT64_MAX))
        return false;
    *out = (int64_t)n.bits;
    return true;
}

// Numbers, and the three values that JSON has no number for.
bool read_f64(od::value &v, double *out)
{
    struct str token = token_of(v);
    if (str_is(token, "null"))
        *out = std::numeric_limits<double>::quiet_NaN();
    else if (str_is(token, "\"inf\""))
        *out = std::numeric_limits<double>::infinity();
    else if (str_is(token, "\"-inf\""))
        *out = -std::numeric_limits<double>::infinity();
    else
        return v.get_double().get(*out) == simdjson::SUCCESS;
    return true;
}

bool read_time(od::value &v, arena *a, int64_t *out)
{
    struct str text;
    return read_i64(v, out) || (read_string(v, a, &text) && clock_parse(text, out));
}

bool read_floats(od::array array, arena *a, size_t most, struct str *out)
{
    float *at = (float *)arena_take(a, most * sizeof *at);
    size_t n = 0;
    for (auto result : array) {
        double number;
        if (result.error() || n == most)
            return false;
        od::value v = result.value_unsafe();
        if (!read_f64(v, &number))
            return false;
        at[n++] = (float)number;
    }
    *out = str_over(at, n * sizeof *at);
    return true;
}

bool read_bin(od::value &v, struct str token, arena *a, struct str *out)
{
    struct str text;
    od::array array;
    if (token.len > 0 && token.at[0] == '[') {
        // an entry takes two bytes at least, and raw_json tells how many there are
        std::string_view raw;
        if (v.get_array().get(array) || array.raw_json().get(raw))
            return false;
        array.reset();
        return read_floats(array, a, raw.size() / 2 + 1, out);
    }
    return read_string(v, a, &text) && json_base64(text, a, out);
}

// The whole value's text.
bool read_json(od::value &v, struct str token, struct str *out)
{
    std::string_view raw;
    od::object object;
    od::array array;
    if (token.len > 0 && token.at[0] == '{') {
        if (v.get_object().get(object) || object.raw_json().get(raw))
            return false;
        *out = trim_end(raw.data(), raw.size());
    } else if (token.len > 0 && token.at[0] == '[') {
        if (v.get_array().get(array) || array.raw_json().get(raw))
            return false;
        *out = trim_end(raw.data(), raw.size());
    } else {
        *out = token;
    }
    return true;
}

// Appends the items, packed; false when one is not as its table says.
bool pack_items(od::array array, const record_def *item, arena *a, struct buf *items,
                uint32_t *n)
{
    for (auto result : array) {
        union record_any record;
        od::object object;
        if (result.error() || result.value_unsafe().get_object().get(object) ||
            read_object(object, item, &record, a) != WIRE_OK)
            return false;
        record_pack(item, items, &record);
        (*n)++;
    }
    return true;
}

// A buf that ends with its thread.
struct scratch {
    struct buf b {
    };
    ~scratch()
    {
        buf_fini(&b);
    }
};

bool read_list(od::value &v, const record_def *item, arena *a, wire_list *out)
{
    static thread_local struct scratch own; // lists do not nest
    struct buf *b = &own.b;
    od::array array;
    uint32_t n = 0;
    buf_reset(b);
    if (v.get_array().get(array) || !pack_items(array, item, a, b, &n))
        return false;
    struct str items = arena_str(a, buf_as_str(b));
    buf_reset(b);
    out_array(b, n);
    buf_str(b, items);
    struct str whole = arena_str(a, buf_as_str(b));
    *out = {(const uint8_t *)whole.at, whole.len, n};
    return true;
}

bool read_flag(od::value &v, bool *out)
{
    struct str token = token_of(v);
    *out = str_is(token, "true");
    return *out || str_is(token, "false");
}

bool read_value(od::value &v, const field_def *f, void *record, arena *a)
{
    void *at = (char *)record + f->offset;
    struct str token = token_of(v);
    switch ((enum field_type)f->type) {
    case FIELD_U64:
        return read_u64(v, (uint64_t *)at);
    case FIELD_F64:
        return read_f64(v, (double *)at);
    case FIELD_TIME:
        return read_time(v, a, (int64_t *)at);
    case FIELD_STR:
        return read_string(v, a, (struct str *)at);
    case FIELD_JSON:
        return read_json(v, token, (struct str *)at);
    case FIELD_BIN:
        return read_bin(v, token, a, (struct str *)at);
    case FIELD_FLAG:
        return read_flag(v, (bool *)at);
    case FIELD_LIST:
        return read_list(v, f->item, a, (wire_list *)at);
    }
    return false;
}

// Fields mostly come in the order of the table: the search begins behind the last one found.
size_t find_field(const record_def *def, struct str key, size_t from)
{
    for (size_t i = 0; i < def->n_fields; i++) {
        size_t at = from + i < def->n_fields ? from + i : from + i - def->n_fields;
        if (str_eq(field_json_name(&def->fields[at]), key))
            return at;
    }
    return def->n_fields;
}

enum wire_status read_object(od::object object, const record_def *def, void *record, arena *a)
{
    uint64_t seen[2] = {0, 0};
    size_t next = 0;
    CHECK(def->n_fields <= 128);
    record_init(def, record);
    for (auto result : object) {
        if (result.error())
            return WIRE_MALFORMED;
        od::field field = result.value_unsafe();
        struct str key;
        if (json_unescape(key_of(field), a, &key) != JSON_OK)
            continue; // no field has such a name
        size_t at = find_field(def, key, next);
        if (at == def->n_fields)
            continue; // the iterator passes over what is not read
        uint64_t bit = (uint64_t)1 << (at & 63);
        if (seen[at >> 6] & bit)
            return WIRE_DUPLICATE;
        seen[at >> 6] |= bit;
        next = at + 1;
        if (!read_value(field.value(), &def->fields[at], record, a))
            return WIRE_MALFORMED;
    }
    // field `rec` is the first of the table, wherever it lies in the struct
    const char *rec = (const char *)record + def->fields[0].offset;
    if (def->number != 0 &&
        (!(seen[0] & 1) || memcmp(rec, &def->number, sizeof def->number) != 0))
        return WIRE_OTHER;
    return WIRE_OK;
}

} // namespace

enum wire_status record_from_json(const struct record_def *def, void *record, struct arena *a,
                                  const void *bytes, size_t len)
{
    static thread_local od::parser parser;
    union record_any found;
    od::document document;
    od::object object;
    // simdjson looks at structure and at what is asked for: what is passed over is checked here
    if (!json_is_valid(str_over(bytes, len)))
        return WIRE_MALFORMED;
    char *text = (char *)arena_take(a, len + simdjson::SIMDJSON_PADDING);
    memcpy(text, bytes, len);
    memset(text + len, 0, simdjson::SIMDJSON_PADDING);
    if (parser.iterate(text, len, len + simdjson::SIMDJSON_PADDING).get(document) ||
        document.get_object().get(object))
        return WIRE_MALFORMED;
    enum wire_status status = read_object(object, def, &found, a);
    if (status != WIRE_OK)
        return status;
    memcpy(record, &found, def->size);
    return WIRE_OK;
}
