/* SPDX-License-Identifier: Apache-2.0 */
/* The same content as JSON and as msgpack gives the same event, whatever it is: over random
 * events, good and bad, written once each way. Only the body's hash, which is over the bytes as
 * sent, may differ. */
#include "collector/collector_kit.h"
#include "common/base/rng.h"
#include "common/wire/json_text.h"
#include "common/wire/out.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One random value, written twice. */
struct both {
    struct rng r;
    struct buf json, msgpack;
};

static const char *const names[] = {
#define MEMBER(place, name, leaf, to, inner, rank) name,
#define OWN(place, name, leaf, to, rank, factor)   name,
#include "schemas/members.def"
#undef MEMBER
#undef OWN
    "x", "\xc3\xa9", "quote\"", "line\n", "longer unknown key", "",
};
static const char *const texts[] = {"",
                                    "track",
                                    "page",
                                    "Order Completed",
                                    "click",
                                    "web",
                                    "tablet",
                                    "https://www.google.com/search?q=1",
                                    "2025-12-31T23:00:00Z",
                                    "12.5",
                                    "7",
                                    "1920x1080",
                                    "\xf0\x9f\x98\x80",
                                    "a\"b\\c\n\x01",
                                    "Mozilla/5.0 (iPhone) Mobile Safari",
                                    "cpc",
                                    "video_seek",
                                    "external_signal",
                                    "ad_spend",
                                    "consent",
                                    "2026-01-31",
                                    "granted",
                                    "u1"};

static void put_text(struct both *b, const char *text)
{
    json_put_str(&b->json, str_of(text));
    out_str(&b->msgpack, str_of(text));
}

static void put_number(struct both *b)
{
    if (rng_below(&b->r, 4) == 0) {
        double v = (rng_unit(&b->r) - 0.2) * 1000;
        json_put_f64(&b->json, v);
        out_f64(&b->msgpack, v);
    } else if (rng_below(&b->r, 4) == 0) {
        int64_t v = -(int64_t)(rng_u64(&b->r) >> (1 + rng_below(&b->r, 62)));
        json_put_i64(&b->json, v);
        out_i64(&b->msgpack, v);
    } else {
        uint64_t v = rng_u64(&b->r) >> rng_below(&b->r, 64);
        json_put_u64(&b->json, v);
        out_u64(&b->msgpack, v);
    }
}

static void put_map(struct both *b, unsigned depth);

static void put_value(struct both *b, unsigned depth)
{
    uint32_t n;
    switch (rng_below(&b->r, depth < 4 ? 8 : 6)) {
    case 0:
        buf_text(&b->json, "null");
        buf_byte(&b->msgpack, 0xc0);
        return;
    case 1:
        n = rng_below(&b->r, 2);
        buf_text(&b->json, n ? "true" : "false");
        out_flag(&b->msgpack, n);
        return;
    case 2:
        put_number(b);
        return;
    case 6:
        put_map(b, depth + 1);
        return;
    case 7:
        n = rng_below(&b->r, 4);
        buf_byte(&b->json, '[');
        out_array(&b->msgpack, n);
        for (uint32_t i = 0; i < n; i++) {
            if (i > 0)
                buf_byte(&b->json, ',');
            put_value(b, depth + 1);
        }
        buf_byte(&b->json, ']');
        return;
    default:
        put_text(b, texts[rng_below(&b->r, ARRAY_LEN(texts))]);
        return;
    }
}

static void put_items(struct both *b, unsigned depth)
{
    buf_byte(&b->json, '[');
    out_array(&b->msgpack, 1);
    put_map(b, depth + 2);
    buf_byte(&b->json, ']');
}

/* Objects where the readers look for them, so that most events get somewhere. */
static void put_member(struct both *b, unsigned depth, const char *name)
{
    static const char *const objects[] = {"properties", "context", "page",
                                          "campaign",   "screen",  "location",
                                          "traits",     "device",  "params"};
    put_text(b, name);
    buf_byte(&b->json, ':');
    for (size_t i = 0; i < ARRAY_LEN(objects); i++)
        if (strcmp(name, objects[i]) == 0 && rng_below(&b->r, 8) && depth < 4) {
            put_map(b, depth + 1);
            return;
        }
    if (strcmp(name, "timestamp") == 0 && rng_below(&b->r, 4))
        put_text(b, "2025-12-31T23:59:59.5Z");
    else if (strcmp(name, "items") == 0 && rng_below(&b->r, 4))
        put_items(b, depth);
    else
        put_value(b, depth);
}

static void put_map(struct both *b, unsigned depth)
{
    uint32_t n = rng_below(&b->r, 6), from = rng_below(&b->r, 1000);
    bool is_event = depth == 1 && rng_below(&b->r, 8);
    buf_byte(&b->json, '{');
    out_map(&b->msgpack, n + (is_event ? 2 : 0));
    if (is_event) {
        put_text(b, "type");
        buf_byte(&b->json, ':');
        put_text(b, rng_below(&b->r, 2) ? "click" : texts[rng_below(&b->r, ARRAY_LEN(texts))]);
        buf_byte(&b->json, ',');
        put_text(b, "userId");
        buf_byte(&b->json, ':');
        put_text(b, "u");
        if (n > 0)
            buf_byte(&b->json, ',');
    }
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            buf_byte(&b->json, ',');
        /* mostly other names each time; a step of 0 makes a duplicate */
        from += rng_below(&b->r, 60) ? 1 + rng_below(&b->r, 20) : 0;
        put_member(b, depth, names[from % ARRAY_LEN(names)]);
    }
    buf_byte(&b->json, '}');
}

/* What became of the record, as bytes to compare. */
static const char *outcome(struct kit *k, struct str bytes, struct buf *packed)
{
    struct event e;
    k->offset = 100;
    const char *why = kit_event(k, bytes, &e);
    buf_reset(packed);
    if (why[0])
        return why;
    e.body_hash = 0;
    event_pack(packed, &e);
    return why;
}

static void both_give_the_same(void **state)
{
    (void)state;
    struct kit k;
    struct both b = {.r = {42}};
    struct buf of_json = {0}, of_msgpack = {0};
    unsigned n_taken = 0, n_refused = 0;
    kit_open(&k);
    for (unsigned i = 0; i < 40000; i++) {
        buf_reset(&b.json);
        buf_reset(&b.msgpack);
        put_map(&b, 1);
        const char *json = outcome(&k, buf_as_str(&b.json), &of_json);
        const char *msgpack = outcome(&k, buf_as_str(&b.msgpack), &of_msgpack);
        if (strcmp(json, msgpack) != 0 ||
            !str_eq(buf_as_str(&of_json), buf_as_str(&of_msgpack)))
            fail_msg("'%s' or '%s': %s", json, msgpack, buf_cstr(&b.json));
        n_taken += json[0] == 0;
        n_refused += json[0] != 0;
    }
    print_message("# %u taken, %u refused\n", n_taken, n_refused);
    assert_true(n_taken > 2000 && n_refused > 2000);
    kit_close(&k);
    buf_fini(&b.json);
    buf_fini(&b.msgpack);
    buf_fini(&of_json);
    buf_fini(&of_msgpack);
}

/* One member of each type, under a name of its own, which random ones would seldom meet. */
static void types_give_the_same(void **state)
{
    static const char *const types[] = {"rating_submitted", "video_seek",      "video_speed",
                                        "satisfaction",     "external_signal", "ad_spend",
                                        "mouse_summary",    "alias",           "consent"};
    (void)state;
    struct kit k;
    struct both b = {.r = {43}};
    struct buf of_json = {0}, of_msgpack = {0};
    unsigned n_taken = 0, n_refused = 0;
    kit_open(&k);
    for (unsigned i = 0; i < 20000; i++) {
        buf_reset(&b.json);
        buf_reset(&b.msgpack);
        buf_text(&b.json, "{\"batch\":[");
        out_map(&b.msgpack, 2);
        out_str(&b.msgpack, STR("batch"));
        out_array(&b.msgpack, 1);
        uint32_t n = (uint32_t)ARRAY_LEN(names);
        out_map(&b.msgpack, 7);
        buf_byte(&b.json, '{');
        put_text(&b, "type");
        buf_byte(&b.json, ':');
        put_text(&b, types[rng_below(&b.r, ARRAY_LEN(types))]);
        for (uint32_t m = 0, from = rng_below(&b.r, n); m < 6; m++) {
            buf_byte(&b.json, ',');
            put_member(&b, 4, names[from % n]);
            from += 1 + rng_below(&b.r, n / 6);
        }
        buf_text(&b.json, "}],");
        put_text(&b, "client_id");
        buf_byte(&b.json, ':');
        put_text(&b, "c");
        buf_byte(&b.json, '}');
        const char *json = outcome(&k, buf_as_str(&b.json), &of_json);
        const char *msgpack = outcome(&k, buf_as_str(&b.msgpack), &of_msgpack);
        if (strcmp(json, msgpack) != 0 ||
            !str_eq(buf_as_str(&of_json), buf_as_str(&of_msgpack)))
            fail_msg("'%s' or '%s': %s", json, msgpack, buf_cstr(&b.json));
        n_taken += json[0] == 0;
        n_refused += json[0] != 0;
    }
    print_message("# %u taken, %u refused\n", n_taken, n_refused);
    assert_true(n_taken > 500 && n_refused > 2000);
    kit_close(&k);
    buf_fini(&b.json);
    buf_fini(&b.msgpack);
    buf_fini(&of_json);
    buf_fini(&of_msgpack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_give_the_same),
                                       cmocka_unit_test(types_give_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
