/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/json_out.h"

#include "common/base/clock.h"
#include "common/wire/in.h"
#include "common/wire/json_text.h"
#include "common/wire/record_any.h"

#include <math.h>

struct str field_json_name(const struct field_def *f)
{
    struct str name = str_over(f->name, strlen(f->name));
    if (f->type == FIELD_TIME && str_ends(name, STR("_us")))
        name.len -= 3;
    return name;
}

/* A field's place in the struct; its type is `type`. */
#define VALUE(type, record, f) \
    (*(const type *)(const void *)((const char *)(record) + (f)->offset))

static bool is_default(const struct field_def *f, const void *record)
{
    switch ((enum field_type)f->type) {
    case FIELD_U64:
        return VALUE(uint64_t, record, f) == 0;
    case FIELD_F64:
        return isnan(VALUE(double, record, f));
    case FIELD_TIME:
        return VALUE(int64_t, record, f) == 0;
    case FIELD_STR:
    case FIELD_JSON:
    case FIELD_BIN:
        return VALUE(struct str, record, f).len == 0;
    case FIELD_FLAG:
        return !VALUE(bool, record, f);
    case FIELD_LIST:
        return VALUE(struct wire_list, record, f).n == 0;
    }
    return true;
}

static void put_time(struct buf *out, int64_t us)
{
    char text[CLOCK_TEXT];
    if (us < 0 || us >= CLOCK_END_US) {
        json_put_i64(out, us);
        return;
    }
    clock_format(us, text);
    buf_byte(out, '"');
    buf_text(out, text);
    buf_byte(out, '"');
}

/* A json field of the project's own making is valid; what is not becomes a string, so that the
 * line stays JSON. A line's end within it would tear the line and is a blank like any other. */
static void put_json(struct buf *out, struct str text)
{
    if (!json_is_valid(text)) {
        json_put_str(out, text);
        return;
    }
    uint8_t *at = buf_take(out, text.len);
    for (size_t i = 0; i < text.len; i++)
        at[i] = (uint8_t)(text.at[i] == '\n' || text.at[i] == '\r' ? ' ' : text.at[i]);
}

/* As numbers only if these tell all: whole floats, each NaN the usual one. */
static bool are_plain_floats(struct str bytes)
{
    if (bytes.len % 4 != 0)
        return false;
    for (size_t i = 0; i < bytes.len; i += 4) {
        uint32_t bits;
        memcpy(&bits, bytes.at + i, 4);
        if ((bits & 0x7fffffff) > 0x7f800000 && bits != 0x7fc00000)
            return false;
    }
    return true;
}

static void put_floats(struct buf *out, struct str bytes)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < bytes.len; i += 4) {
        float f;
        memcpy(&f, bytes.at + i, 4);
        if (i > 0)
            buf_byte(out, ',');
        json_put_f32(out, f);
    }
    buf_byte(out, ']');
}

static void put_bin(struct buf *out, const struct field_def *f, struct str bytes)
{
    if (strcmp(f->name, "features") == 0 && are_plain_floats(bytes))
        put_floats(out, bytes);
    else
        json_put_base64(out, bytes);
}

/* Items that cannot be read are left out: this writes for people and must not fail. */
static void put_list(struct buf *out, const struct record_def *item, struct wire_list list)
{
    struct in in = in_over(list.at, list.len);
    bool is_first = true;
    buf_byte(out, '[');
    for (uint32_t n = in_array(&in); n > 0; n--) {
        union record_any record;
        struct str raw = in_raw(&in);
        if (record_read(item, &record, raw.at, raw.len) != WIRE_OK)
            continue;
        if (!is_first)
            buf_byte(out, ',');
        is_first = false;
        record_json(out, item, &record);
    }
    buf_byte(out, ']');
}

static void put_value(struct buf *out, const struct field_def *f, const void *record)
{
    switch ((enum field_type)f->type) {
    case FIELD_U64:
        json_put_u64(out, VALUE(uint64_t, record, f));
        return;
    case FIELD_F64:
        json_put_f64(out, VALUE(double, record, f));
        return;
    case FIELD_TIME:
        put_time(out, VALUE(int64_t, record, f));
        return;
    case FIELD_STR:
        json_put_str(out, VALUE(struct str, record, f));
        return;
    case FIELD_JSON:
        put_json(out, VALUE(struct str, record, f));
        return;
    case FIELD_BIN:
        put_bin(out, f, VALUE(struct str, record, f));
        return;
    case FIELD_FLAG:
        buf_text(out, VALUE(bool, record, f) ? "true" : "false");
        return;
    case FIELD_LIST:
        put_list(out, f->item, VALUE(struct wire_list, record, f));
        return;
    }
}

void record_json_members(struct buf *out, const struct record_def *def, const void *record)
{
    enum { POSITION_KEYS = 7 }; /* of position.def: always written */
    bool is_first = true;
    for (size_t i = 0; i < def->n_fields; i++) {
        const struct field_def *f = &def->fields[i];
        bool is_position = def->number != 0 && f->key < POSITION_KEYS;
        if (!is_position && is_default(f, record))
            continue;
        if (!is_first)
            buf_byte(out, ',');
        is_first = false;
        buf_byte(out, '"');
        buf_str(out, field_json_name(f));
        buf_put(out, "\":", 2);
        put_value(out, f, record);
    }
}

void record_json(struct buf *out, const struct record_def *def, const void *record)
{
    buf_byte(out, '{');
    record_json_members(out, def, record);
    buf_byte(out, '}');
}
