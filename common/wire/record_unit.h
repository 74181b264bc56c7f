/* SPDX-License-Identifier: Apache-2.0 */
/* record_unit - the functions of one record, made from its table; included by record.c once for
 * each, with RECORD_NAME, RECORD_FILE and RECORD_NUMBER set, which it takes away again. */
#define PASTE2(a, b)    a##b
#define PASTE(a, b)     PASTE2(a, b)
#define UNIT(suffix)    PASTE(RECORD_NAME, suffix)
#define FIELD_TYPE_u64  FIELD_U64
#define FIELD_TYPE_f64  FIELD_F64
#define FIELD_TYPE_time FIELD_TIME
#define FIELD_TYPE_str  FIELD_STR
#define FIELD_TYPE_json FIELD_JSON
#define FIELD_TYPE_bin  FIELD_BIN
#define FIELD_TYPE_flag FIELD_FLAG

/* clang-format off */
#define FIELD(key, type, name, meaning) \
    {key, FIELD_TYPE_##type, offsetof(struct RECORD_NAME, name), #name, meaning, NULL},
#define LIST(key, item, name, meaning) \
    {key, FIELD_LIST, offsetof(struct RECORD_NAME, name), #name, meaning, &item##_def},
static const struct field_def UNIT(_fields)[] = {
#if RECORD_NUMBER != 0
#include "schemas/position.def"
#endif
#include RECORD_FILE
};
#undef FIELD
#undef LIST

const struct record_def UNIT(_def) = {
    .name = RECORD_TEXT, .number = RECORD_NUMBER, .size = sizeof(struct RECORD_NAME),
    .fields = UNIT(_fields), .n_fields = ARRAY_LEN(UNIT(_fields)),
};

#define FIELD(key, type, name, meaning) r->name = default_##type();
#define LIST(key, item, name, meaning)  r->name = (struct wire_list){NULL, 0, 0};
void UNIT(_init)(struct RECORD_NAME *r)
{
#if RECORD_NUMBER != 0
#include "schemas/position.def"
#endif
#include RECORD_FILE
#if RECORD_NUMBER != 0
    r->rec = RECORD_NUMBER;
#endif
}
#undef FIELD
#undef LIST

void UNIT(_pack)(struct buf *b, const struct RECORD_NAME *r)
{
    size_t n = 0;
#define FIELD(key, type, name, meaning) n += has_##type(r->name);
#define LIST(key, item, name, meaning)  n += has_list(r->name);
#if RECORD_NUMBER != 0
#include "schemas/position.def"
#endif
#include RECORD_FILE
#undef FIELD
#undef LIST
    out_map(b, n);
#define FIELD(key, type, name, meaning) \
    if (has_##type(r->name)) { out_u64(b, key); pack_##type(b, r->name); }
#define LIST(key, item, name, meaning) \
    if (has_list(r->name)) { out_u64(b, key); pack_list(b, r->name); }
#if RECORD_NUMBER != 0
#include "schemas/position.def"
#endif
#include RECORD_FILE
#undef FIELD
#undef LIST
}

enum wire_status UNIT(_read)(struct RECORD_NAME *out, const void *msg, size_t len)
{
    struct in in = in_over(msg, len);
    struct RECORD_NAME local, *r = &local;
    uint64_t seen[2] = {0, 0};
    bool is_duplicate = false;
    UNIT(_init)(r);
    for (uint32_t n = in_map(&in); n > 0 && !in.bad; n--) {
        uint64_t key = in_u64(&in);
        is_duplicate |= !key_is_new(seen, key);
        switch (key) {
#define FIELD(key, type, name, meaning) case key: r->name = read_##type(&in); break;
#define LIST(key, item, name, meaning)  case key: r->name = read_list(&in); break;
#if RECORD_NUMBER != 0
#include "schemas/position.def"
#endif
#include RECORD_FILE
#undef FIELD
#undef LIST
        default: in_skip(&in); break; /* a newer writer's field */
        }
    }
    if (in.bad || in.at != in.end)
        return WIRE_MALFORMED;
    if (is_duplicate)
        return WIRE_DUPLICATE;
#if RECORD_NUMBER != 0
    if (!(seen[0] & 1) || r->rec != RECORD_NUMBER)
        return WIRE_OTHER;
#endif
    *out = local;
    return WIRE_OK;
}
/* clang-format on */

#undef RECORD_NAME
#undef RECORD_FILE
#undef RECORD_NUMBER
#undef RECORD_TEXT
#undef UNIT
#undef PASTE
#undef PASTE2
#undef FIELD_TYPE_u64
#undef FIELD_TYPE_f64
#undef FIELD_TYPE_time
#undef FIELD_TYPE_str
#undef FIELD_TYPE_json
#undef FIELD_TYPE_bin
#undef FIELD_TYPE_flag
