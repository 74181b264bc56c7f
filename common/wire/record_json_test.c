/* SPDX-License-Identifier: Apache-2.0 */
/* Records as JSON and back: the text by example, the round trip over random records of every
 * table, and each way to be refused. */
#include "common/base/rng.h"
#include "common/wire/json_in.h"
#include "common/wire/json_out.h"
#include "common/wire/json_text.h"
#include "common/wire/out.h"
#include "common/wire/record_any.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void text_is_as_agreed(void **state)
{
    (void)state;
    struct buf b = {0};
    struct vector v;
    const float floats[3] = {1.5f, NAN, 0.1f};
    vector_init(&v);
    v.epoch = 1;
    v.origin = ORIGIN_EVENTS;
    v.partition = 3;
    v.offset = 9007199254740993;
    v.received_us = 1767225600123456;
    v.visitor = STR("a\"\n");
    v.value = 0.1;
    v.late = true;
    v.features = str_over(floats, sizeof floats);
    record_json(&b, &vector_def, &v);
    assert_string_equal(buf_cstr(&b),
                        "{\"rec\":7,\"epoch\":1,\"origin\":4,\"partition\":3,"
                        "\"offset\":9007199254740993,\"index\":0,\"import_id\":0,"
                        "\"received\":\"2026-01-01T00:00:00.123456Z\",\"visitor\":\"a\\\"\\n\","
                        "\"late\":true,\"features\":[1.5,null,0.1],\"value\":0.1}");
    buf_fini(&b);
}

static void a_rare_nan_keeps_its_bits(void **state)
{
    (void)state;
    static const uint32_t bits[2] = {0xffc00001, 0x3f800000};
    struct arena a = {0};
    struct buf b = {0};
    struct vector v, got;
    vector_init(&v);
    v.features = str_over(bits, sizeof bits);
    record_json(&b, &vector_def, &v);
    assert_int_equal(record_from_json(&vector_def, &got, &a, b.at, b.len), WIRE_OK);
    assert_true(str_eq(got.features, v.features));
    arena_fini(&a);
    buf_fini(&b);
}

static uint64_t random_u64(struct rng *r)
{
    return rng_u64(r) >> rng_below(r, 64);
}

static double random_f64(struct rng *r)
{
    uint64_t bits = rng_u64(r);
    double v;
    memcpy(&v, &bits, sizeof v);
    if (isnan(v) || rng_below(r, 2))
        v = rng_unit(r) * 1000;
    return rng_below(r, 8) ? v : (double)rng_below(r, 1000);
}

static struct str random_text(struct rng *r, struct arena *a)
{
    static const char *const pieces[] = {
        "a", "\"", "\\", "\n", "\x01", "\xc3\xa9", "\xf0\x9f\x98\x80", "/", "word", "\x7f"};
    struct buf b = {0};
    for (uint32_t n = rng_below(r, 12); n > 0; n--)
        buf_text(&b, pieces[rng_below(r, ARRAY_LEN(pieces))]);
    if (rng_below(r, 8) == 0)
        buf_byte(&b, 0);
    struct str s = arena_str(a, buf_as_str(&b));
    buf_fini(&b);
    return s;
}

static struct str random_bytes(struct rng *r, struct arena *a)
{
    size_t len = rng_below(r, 40);
    char *at = arena_take(a, len + 1);
    for (size_t i = 0; i < len; i++)
        at[i] = (char)rng_below(r, 256);
    return str_over(at, len);
}

static struct str random_floats(struct rng *r, struct arena *a)
{
    size_t n = rng_below(r, 40);
    float *at = arena_take(a, n * sizeof *at + 1);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)rng_u64(r);
        memcpy(&at[i], &bits, sizeof bits);
        if (isnan(at[i]) || rng_below(r, 4) == 0)
            at[i] = NAN;
    }
    return str_over(at, n * sizeof *at);
}

static const char *const jsons[] = {
    "{}",  "[1,\"a\\u00e9\"]", "{\"big\":18446744073709551615}", "\"text\"", "12.50", "true",
    "null"};

static void random_record(const struct record_def *def, void *record, struct rng *r,
                          struct arena *a);

static struct wire_list random_list(const struct record_def *item, struct rng *r,
                                    struct arena *a)
{
    struct buf b = {0};
    uint32_t n = rng_below(r, 20);
    out_array(&b, n);
    for (uint32_t i = 0; i < n; i++) {
        union record_any record;
        random_record(item, &record, r, a);
        record_pack(item, &b, &record);
    }
    struct str s = arena_str(a, buf_as_str(&b));
    buf_fini(&b);
    return (struct wire_list){(const uint8_t *)s.at, s.len, n};
}

static void random_record(const struct record_def *def, void *record, struct rng *r,
                          struct arena *a)
{
    record_init(def, record);
    for (size_t i = 0; i < def->n_fields; i++) {
        const struct field_def *f = &def->fields[i];
        void *at = (char *)record + f->offset;
        if (rng_below(r, 3) == 0 || (def->number != 0 && f->key == 0))
            continue;
        switch ((enum field_type)f->type) {
        case FIELD_U64:
            *(uint64_t *)at = random_u64(r);
            break;
        case FIELD_F64:
            *(double *)at = random_f64(r);
            break;
        case FIELD_TIME:
            *(int64_t *)at = (int64_t)random_u64(r) * (rng_below(r, 8) ? 1 : -1);
            break;
        case FIELD_STR:
            *(struct str *)at = random_text(r, a);
            break;
        case FIELD_JSON:
            *(struct str *)at = str_of(jsons[rng_below(r, ARRAY_LEN(jsons))]);
            break;
        case FIELD_BIN:
            *(struct str *)at = strcmp(f->name, "features") == 0 && rng_below(r, 4)
                                    ? random_floats(r, a)
                                    : random_bytes(r, a);
            break;
        case FIELD_FLAG:
            *(bool *)at = rng_below(r, 2);
            break;
        case FIELD_LIST:
            *(struct wire_list *)at = random_list(f->item, r, a);
            break;
        }
    }
}

static void every_record_comes_back(void **state)
{
    (void)state;
    struct rng r = {20260101};
    struct arena a = {0};
    struct buf packed = {0}, json = {0}, again = {0};
    for (unsigned i = 0; i < 400 * RECORD_DEFS_N; i++) {
        const struct record_def *def = record_defs[i % RECORD_DEFS_N];
        union record_any record, got;
        random_record(def, &record, &r, &a);
        buf_reset(&packed);
        buf_reset(&json);
        buf_reset(&again);
        record_pack(def, &packed, &record);
        record_json(&json, def, &record);
        assert_true(json_is_valid(buf_as_str(&json)));
        assert_null(memchr(json.at, '\n', json.len));
        assert_int_equal(record_from_json(def, &got, &a, json.at, json.len), WIRE_OK);
        record_pack(def, &again, &got);
        assert_true(str_eq(buf_as_str(&packed), buf_as_str(&again)));
        arena_reset(&a);
    }
    arena_fini(&a);
    buf_fini(&packed);
    buf_fini(&json);
    buf_fini(&again);
}

static void each_fault_is_told(void **state)
{
    static const struct {
        const char *text;
        enum wire_status status;
    } cases[] = {
        {"{\"rec\":2,\"raw_partition\":5}", WIRE_OK},
        {" { \"new\" : [ { \"a\" : 1 } ] , \"rec\" : 2 , \"raw_partition\" : 5 } ", WIRE_OK},
        {"{\"r\\u0065c\":2,\"raw_partition\":5}", WIRE_OK},
        {"{\"rec\":2,\"received\":\"2026-01-01T00:00:00Z\",\"raw_partition\":5}", WIRE_OK},
        {"{\"rec\":2,\"received\":1767225600000000,\"raw_partition\":5}", WIRE_OK},
        {"{\"rec\":1}", WIRE_OTHER},
        {"{\"raw_partition\":5}", WIRE_OTHER},
        {"{\"rec\":2,\"rec\":2}", WIRE_DUPLICATE},
        {"{\"rec\":2,\"raw_partition\":5,\"raw_p\\u0061rtition\":5}", WIRE_DUPLICATE},
        {"{\"rec\":2,\"raw_partition\":-1}", WIRE_MALFORMED},
        {"{\"rec\":2,\"raw_partition\":\"5\"}", WIRE_MALFORMED},
        {"{\"rec\":2,\"raw_partition\":5.0}", WIRE_MALFORMED},
        {"{\"rec\":2,\"raw_partition\":18446744073709551616}", WIRE_MALFORMED},
        {"{\"rec\":2,\"received\":\"yesterday\"}", WIRE_MALFORMED},
        {"{\"rec\":2,\"new\":tru}", WIRE_MALFORMED},
        {"{\"rec\":2,\"new\":{\"a\" 1}}", WIRE_MALFORMED},
        {"{\"rec\":2,\"new\":\"\xff\"}", WIRE_MALFORMED},
        {"{\"rec\":2}x", WIRE_MALFORMED},
        {"{\"rec\":2", WIRE_MALFORMED},
        {"[2]", WIRE_MALFORMED},
        {"2", WIRE_MALFORMED},
        {"", WIRE_MALFORMED},
    };
    (void)state;
    struct arena a = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct tick t;
        tick_init(&t);
        enum wire_status status =
            record_from_json(&tick_def, &t, &a, cases[i].text, strlen(cases[i].text));
        if (status != cases[i].status)
            fail_msg("%s: %s", cases[i].text, wire_status_text(status));
        assert_int_equal(t.raw_partition, status == WIRE_OK ? 5 : 0);
    }
    struct vector v;
    struct str bad = STR("{\"rec\":7,\"features\":[1,\"x\"]}");
    assert_int_equal(record_from_json(&vector_def, &v, &a, bad.at, bad.len), WIRE_MALFORMED);
    arena_fini(&a);
}

static void a_position_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct buf b = {0};
    struct prediction r;
    struct position p;
    prediction_init(&r);
    POSITION_SET(&r, (&(struct position){.epoch = 1,
                                         .origin = 4,
                                         .partition = 7,
                                         .offset = UINT64_MAX,
                                         .index = 3,
                                         .import_id = 9}));
    r.visitor = STR("v");
    record_json(&b, &prediction_def, &r);
    assert_int_equal(position_from_json(&p, buf_as_str(&b)), WIRE_OK);
    assert_true(p.rec == REC_prediction && p.partition == 7 && p.import_id == 9);
    assert_int_equal(position_cmp(&p, &POSITION_OF(&r)), 0);
    for (size_t len = 0; len < strlen("{\"rec\":9,\"epoch\":1,\"origin\":4"); len++)
        assert_int_equal(position_from_json(&p, str_over(b.at, len)), WIRE_MALFORMED);
    assert_int_equal(position_from_json(&p, STR("{\"rec\":-9,\"epoch\":1}")), WIRE_MALFORMED);
    buf_fini(&b);
}

static void an_invalid_json_field_does_not_break_the_line(void **state)
{
    (void)state;
    struct buf b = {0};
    struct event e;
    event_init(&e);
    e.properties = STR("{\"a\":\n1");
    record_json(&b, &event_def, &e);
    assert_true(json_is_valid(buf_as_str(&b)));
    buf_reset(&b);
    e.properties = STR("{\"a\":\n1}");
    record_json(&b, &event_def, &e);
    assert_non_null(strstr(buf_cstr(&b), "\"properties\":{\"a\": 1}"));
    buf_fini(&b);
}

static void *read_a_list(void *good)
{
    static const char json[] = "{\"site\":1,\"keys\":[{\"prefix\":\"a\",\"sha256\":\"b\"}]}";
    struct arena a = {0};
    struct site s;
    *(bool *)good =
        record_from_json(&site_def, &s, &a, json, sizeof json - 1) == WIRE_OK && s.keys.n == 1;
    arena_fini(&a);
    return NULL;
}

/* What is kept for the next list goes with the thread; the sanitizer tells. */
static void a_thread_leaves_nothing_behind(void **state)
{
    pthread_t thread;
    bool good = false;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, read_a_list, &good), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thread_leaves_nothing_behind),
        cmocka_unit_test(text_is_as_agreed),
        cmocka_unit_test(a_rare_nan_keeps_its_bits),
        cmocka_unit_test(every_record_comes_back),
        cmocka_unit_test(each_fault_is_told),
        cmocka_unit_test(a_position_is_read_as_it_was_written),
        cmocka_unit_test(an_invalid_json_field_does_not_break_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
