/* SPDX-License-Identifier: Apache-2.0 */
/* After warm-up the core asks for no memory: malloc and its kin, as called by the project's own
 * objects (the linker wraps them), are counted over 100,000 records of all kinds. */
#include "collector/agents.h"
#include "collector/collector_kit.h"
#include "collector/enrich.h"
#include "collector/geo.h"
#include "collector/sample.h"
#include "common/base/err.h"
#include "common/base/malloc_count.h"
#include "common/wire/out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct given {
    enum topic topic;
    struct str value;
};

/* Outputs are dropped as acknowledgements would drop them. */
static void run(struct collector *c, struct outbox *out, const struct given *given, size_t n,
                uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        struct stage_message m = {.topic = given[i % n].topic,
                                  .partition = (uint32_t)(i % KIT_PARTITIONS),
                                  .offset = 1000000000 + i, /* as wide all the time */
                                  .append_us = KIT_RECEIVED_US + (int64_t)i * 1000,
                                  .value = given[i % n].value};
        assert_int_equal(collector_record(c, &m, out), STEP_DONE);
        if (i % 1000 == 0)
            collector_timer(c, (int64_t)i * 1000, out);
        if (i % 100 == 99)
            outbox_drop(out, outbox_next(out));
    }
}

static struct str import_row(struct buf *b)
{
    struct import_line line;
    import_line_init(&line);
    line.import_id = 46;
    line.offset = 2;
    line.format = STR("rees46");
    line.body = STR("2019-10-01 00:00:00 UTC,view,44,210,a.b,aqua,35.79,541,72d7");
    import_line_pack(b, &line);
    return buf_as_str(b);
}

static void put_pair(struct buf *b, struct str name, struct str value)
{
    out_str(b, name);
    out_str(b, value);
}

static struct str msgpack_event(struct buf *b)
{
    out_map(b, 3);
    put_pair(b, STR("type"), STR("page"));
    put_pair(b, STR("userId"), STR("u"));
    out_str(b, STR("properties"));
    out_map(b, 1);
    out_str(b, STR("tags\n"));
    out_array(b, 2);
    out_str(b, STR("x"));
    out_f64(b, 1.5);
    return buf_as_str(b);
}

static void records_take_no_memory(void **state)
{
    (void)state;
    struct buf row = {0}, packed = {0};
    struct given given[] = {
        {TOPIC_raw, STR(SAMPLE_EVENT)},
        {TOPIC_raw, STR("{\"batch\":[" SAMPLE_EVENT ",{\"a\":1,\"a\":2},5," SAMPLE_EVENT "]}")},
        {TOPIC_raw,
         STR("{\"type\":\"My Type\",\"userId\":\"\\u00e9\",\"x\":[ {\"y\":\"\\n\"} ]}")},
        {TOPIC_raw,
         STR("{\"type\":\"page\",\"userId\":\"u\",\"url\":\"https://shop.example/"
             "?utm_source=a+b&"
             "utm_medium=%63pc&gclid=1\",\"referrer\":\"https://Blog.example/\",\"currency\":"
             "\"usd\",\"timezone\":\"Asia/Kathmandu\"}")},
        {TOPIC_raw, STR("not JSON")},
        {TOPIC_raw,
         STR("{\"events\":[{\"name\":\"purchase\",\"params\":{\"outbound\":1,\"channel\":5,"
             "\"items\":[{\"item_id\":\"p\\u0031\",\"price\":1.5}]}}],\"client_id\":\"c\","
             "\"user_properties\":{\"a\":{\"value\": 1}},\"timestamp_micros\":5,"
             "\"consent\":{\"ad_user_data\":\"GRANTED\"}}")},
        {TOPIC_raw, STR("{\"type\":\"external_signal\",\"userId\":\"feed\",\"kind\":\"trend\","
                        "\"valid_from\":\"2026-01-01\",\"purposes\":[\"analytics\"]}")},
        {TOPIC_raw, msgpack_event(&packed)},
        {TOPIC_raw,
         STR("{\"type\":\"page\",\"userId\":\"u\",\"context\":{\"ip\":\"203.0.113.77\","
             "\"userAgent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:125.0) "
             "Gecko/20100101 Firefox/125.0\"}}")},
        {TOPIC_imports, import_row(&row)},
        {TOPIC_control, STR("\x81")},
    };
    struct err e = {0};
    struct enrich x = {.agents = agents_new("/usr/share/uap-core/regexes.yaml", 1, &e),
                       .geo = geo_open(getenv("AUSPEX_TINY_MMDB"), &e)};
    assert_true(x.agents != NULL && x.geo != NULL);
    struct collector_setup setup = {KIT_PARTITIONS, KIT_PARTITIONS, SECOND_US, &x};
    struct collector *c = collector_new(&setup);
    struct outbox *out = outbox_new();
    run(c, out, given, ARRAY_LEN(given), 0,
        20000);                      /* two rounds of ticks, which come each 10 s */
    assert_true(malloc_count() > 0); /* the wrapping works */
    uint64_t before = malloc_count();
    run(c, out, given, ARRAY_LEN(given), 20000, 120000);
    assert_int_equal(malloc_count() - before, 0);
    assert_true(collector_counts(c)->events > 80000);
    assert_true(agents_counts(x.agents)->hits > 10000 && x.counts.geo_found > 10000);
    assert_true(agents_counts(x.agents)->misses <= 3);
    collector_free(c);
    outbox_free(out);
    agents_free(x.agents);
    geo_free(x.geo);
    buf_fini(&row);
    buf_fini(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_take_no_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
