/* SPDX-License-Identifier: Apache-2.0 */
/* Requests without a socket: what becomes of an event for raw, and that the collector then
 * gives exactly the verdicts of the edge. */
#include "collector/collector_kit.h"
#include "collector/draft.h"
#include "collector/edge_kit.h"
#include "collector/edge_request.h"
#include "collector/sample.h"
#include "common/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define UUID "01020304-0506-4708-890a-0b0c0d0e0f10"

/* The same bytes over and over: the first messageId is UUID. */
static void counting(void *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)to)[i] = (uint8_t)(i + 1);
}

struct rig {
    struct sites *sites;
    struct edge_request *request;
    struct edge_answer answer;
    struct buf value;
    struct str key;
    struct kit kit;
};

static int open_rig(void **state)
{
    struct rig *r = mem_zero(1, sizeof *r);
    r->sites = edge_kit_sites();
    struct edge_setup setup = {.sites = r->sites, .body_max = 1 << 20, .random = counting};
    r->request = edge_request_new(&setup);
    kit_open(&r->kit);
    *state = r;
    return 0;
}

static int close_rig(void **state)
{
    struct rig *r = *state;
    edge_request_free(r->request);
    sites_free(r->sites);
    edge_answer_fini(&r->answer);
    buf_fini(&r->value);
    kit_close(&r->kit);
    free(r);
    return 0;
}

static const struct edge_head head = {
    .method = {"POST", 4}, .path = {"/v1/batch", 9}, .authorization = {"Bearer " KIT_KEY, 29}};

static bool ask(struct rig *r, const struct edge_head *h, struct str body)
{
    edge_answer_fini(&r->answer);
    buf_reset(&r->value);
    return edge_request_head(r->request, h, &r->answer) &&
           edge_request_body(r->request, h, body, 1000000, &r->answer, &r->value, &r->key);
}

static void each_event_becomes_a_record(void **state)
{
    static const struct {
        const char *path, *sent, *record;
    } rows[] = {
        {"/v1/track",
         "{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\",\"messageId\":\"m\"}",
         "{\"batch\":[{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\",\"messageId\":\"m\"}"
         "],\"siteId\":7}"},
        {"/v1/track", " {\"event\":\"x\" , \"userId\":\"u\"} ",
         "{\"batch\":[{\"type\":\"track\",\"messageId\":\"" UUID
         "\",\"event\":\"x\" , \"userId\":\"u\"} ],\"siteId\":7}"},
        {"/v1/page", "{\"type\":null,\"userId\":\"u\",\"messageId\":\"\",\"writeKey\":\"k\"}",
         "{\"batch\":[{\"type\":\"page\",\"messageId\":\"" UUID
         "\",\"userId\":\"u\"}],\"siteId\":7}"},
        {"/v1/identify", "{\"userId\":\"u\",\"messageId\":\"m\",\"write\\u004bey\":\"k\"}",
         "{\"batch\":[{\"type\":\"identify\",\"userId\":\"u\",\"messageId\":\"m\"}],\"siteId\":"
         "7}"},
        {"/v1/batch",
         "{\"writeKey\":\"k\",\"sentAt\":\"2026-01-01T00:00:00Z\",\"batch\":[{\"type\":"
         "\"page\","
         "\"userId\":\"u\",\"event_id\":\"e\",\"siteId\":7},{\"type\":\"page\",\"siteId\":8,"
         "\"userId\":\"u\"}]}",
         "{\"batch\":[{\"type\":\"page\",\"userId\":\"u\",\"event_id\":\"e\",\"siteId\":7}],"
         "\"siteId\":7,"
         "\"sentAt\":\"2026-01-01T00:00:00.000000Z\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        close_rig(state); /* random bytes from the beginning */
        open_rig(state);
        struct rig *r = *state;
        struct edge_head h = head;
        h.path = str_of(rows[i].path);
        if (!ask(r, &h, str_of(rows[i].sent)))
            fail_msg("%s: %s", rows[i].sent, buf_cstr(&r->answer.body));
        if (!str_is(buf_as_str(&r->value), rows[i].record))
            fail_msg("%s\n-> %s", rows[i].sent, buf_cstr(&r->value));
        assert_true(str_is(r->key, "u"));
    }
}

static void the_browser_is_told_once(void **state)
{
    struct rig *r = *state;
    struct edge_head h = head;
    union record_any got;
    uint64_t rec;
    static const char body[] =
        "{\"batch\":[{\"type\":\"page\",\"userId\":\"u\",\"messageId\":\"1\"},"
        "{\"type\":\"page\",\"userId\":\"u\",\"messageId\":\"2\","
        "\"context\":{\"userAgent\":\"curl/8\"}}]}";
    h.user_agent = STR("Mozilla/5.0 (Windows NT 10.0; Win64; x64) \"Firefox/120.0\"");
    assert_true(ask(r, &h, str_of(body)));
    kit_send(&r->kit, TOPIC_raw, buf_as_str(&r->value), "application/json");
    assert_non_null(kit_next(&r->kit, &got, &rec));
    assert_true(str_is(got.event.browser, "Firefox") && str_is(got.event.device, "desktop"));
    assert_int_equal(got.event.site_id, 7);
    assert_non_null(kit_next(&r->kit, &got, &rec));
    assert_false(str_is(got.event.browser, "Firefox")); /* its own word stands above */
    h.user_agent = STR("python-requests/2.31");         /* speaks for others */
    assert_true(ask(r, &h, str_of(body)));
    assert_null(strstr(buf_cstr(&r->value), "python"));
}

#define GA4_EVENTS                                                                      \
    "{\"name\":\"purchase\",\"params\":{\"value\":9,\"items\":[{\"item_id\":\"p\"}]}}," \
    "{\"name\":\"view_item\",\"messageId\":\"m2\"}"

/* What GA4 says around its events holds for those that the collector then reads. */
static void the_measurement_protocol_is_taken(void **state)
{
    struct rig *r = *state;
    struct edge_head h = head;
    union record_any got;
    uint64_t rec;
    h.path = STR("/mp/collect");
    h.authorization = (struct str){NULL, 0};
    h.query_key = STR(KIT_KEY);
    h.content_type = STR("text/plain;charset=UTF-8");
    static const char body[] =
        "{\"client_id\":\"11.22\",\"user_id\":\"u\\u00e9\",\"timestamp_micros\":"
        "\"1767225590500000\","
        "\"user_properties\":{ \"tier\":{\"value\":\"gold\"} },\"non_personalized_ads\":true,"
        "\"consent\":{\"ad_user_data\":\"GRANTED\",\"ad_personalization\":\"GRANTED\"},"
        "\"events\":[" GA4_EVENTS "]}";
    assert_true(ask(r, &h, str_of(body)));
    assert_int_equal(r->answer.n_accepted, 2);
    static const char record[] =
        "{\"batch\":[{\"messageId\":\"" UUID "\"," /* comes in front */
        "\"name\":\"purchase\",\"params\":{\"value\":9,\"items\":[{\"item_id\":\"p\"}]}},"
        "{\"name\":\"view_item\",\"messageId\":\"m2\"}],\"siteId\":7,"
        "\"timestamp\":\"2025-12-31T23:59:50.500000Z\",\"anonymousId\":\"11.22\","
        "\"userId\":\"u\xc3\xa9\",\"consent\":9,"
        "\"user_properties\":{\"tier\":{\"value\":\"gold\"}}}";
    if (!str_is(buf_as_str(&r->value), record))
        fail_msg("%s", buf_cstr(&r->value));
    kit_send(&r->kit, TOPIC_raw, buf_as_str(&r->value), "application/json");
    assert_non_null(kit_next(&r->kit, &got, &rec));
    assert_int_equal(rec, REC_event);
    assert_true(str_is(got.event.type, "purchase") && str_is(got.event.product_id, "p"));
    assert_true(str_is(got.event.visitor, "11.22") && str_is(got.event.user_id, "u\xc3\xa9"));
    assert_true(got.event.ts_us == KIT_RECEIVED_US - 9500000 && got.event.consent == 9);
    assert_true(
        str_is(got.event.properties, "{\"user_properties\":{\"tier\":{\"value\":\"gold\"}}}"));
    assert_non_null(kit_next(&r->kit, &got, &rec));
    assert_true(rec == REC_event && str_is(got.event.type, "product_view"));
    h.path = STR("/v1/batch");
    assert_true(ask(r, &h, str_of(body)));
    assert_int_equal(r->answer.n_accepted, 2);
    assert_false(ask(r, &h, STR("{\"client_id\":5.5,\"events\":[" GA4_EVENTS "]}")));
    assert_int_equal(r->answer.status, 400);
}

static void a_batch_may_not_be_of_another_site(void **state)
{
    struct rig *r = *state;
    assert_false(
        ask(r, &head, STR("{\"batch\":[{\"type\":\"page\",\"userId\":\"u\"}],\"siteId\":9}")));
    assert_int_equal(r->answer.status, 400);
    assert_non_null(strstr(buf_cstr(&r->answer.body), "\"reason\":\"bad_site\""));
}

static const struct edge_head eleven = {.method = {"POST", 4},
                                        .path = {"/v1/batch", 9},
                                        .authorization = {"Bearer " KIT_KEY_ELEVEN, 29}};

static void a_site_may_take_known_types_only(void **state)
{
    static const char body[] =
        "{\"batch\":[{\"type\":\"page\",\"userId\":\"u\",\"messageId\":\"1\"},"
        "{\"type\":\"track\",\"event\":\"Moon Landed\",\"userId\":\"u\"},"
        "{\"type\":\"track\",\"event\":\"Moon Landed\",\"userId\":\"u\",\"messageId\":\"3\"},"
        "{\"type\":\"group\",\"userId\":\"u\",\"groupId\":\"g\",\"messageId\":\"4\"}]}";
    struct rig *r = *state;
    assert_true(ask(r, &eleven, str_of(body)));
    assert_int_equal(r->answer.n_accepted, 2);
    assert_int_equal(r->answer.n_rejected, 2);
    assert_non_null(
        strstr(buf_cstr(&r->answer.body),
               "{\"index\":1,\"status\":\"rejected\",\"reason\":\"unknown_type\","));
    assert_non_null(strstr(buf_cstr(&r->answer.body),
                           "{\"index\":2,\"id\":\"3\",\"status\":\"rejected\",\"reason\":"
                           "\"unknown_type\","));
    assert_null(memmem(r->value.at, r->value.len, "Moon", 4));
    assert_true(ask(r, &head, str_of(body))); /* another site, the same bytes */
    assert_int_equal(r->answer.n_accepted, 4);
}

static void a_single_event_of_no_known_type_is_refused(void **state)
{
    static const char *const bodies[] = {
        "{\"event\":\"Moon Landed\",\"userId\":\"u\"}",
        "{\"type\":\"track\",\"event\":\"Moon Landed\",\"userId\":\"u\"}"};
    struct rig *r = *state;
    struct edge_head h = eleven;
    h.path = STR("/v1/track");
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        assert_false(ask(r, &h, str_of(bodies[i])));
        assert_int_equal(r->answer.status, 400);
        assert_int_equal(r->answer.n_rejected, 1);
        assert_non_null(strstr(buf_cstr(&r->answer.body), "\"reason\":\"unknown_type\""));
    }
    assert_true(ask(r, &h,
                    STR("{\"event\":\"Product Viewed\",\"userId\":\"u\",\"productId\":"
                        "\"p\"}")));
}

static void signals_do_not_come_over_http(void **state)
{
    static const char body[] =
        "{\"type\":\"external_signal\",\"userId\":\"u\",\"messageId\":\"1\","
        "\"kind\":\"weather\",\"valid_from\":1700000000}";
    struct rig *r = *state;
    struct buf batch = {0};
    buf_printf(&batch, "{\"batch\":[%s]}", body);
    (void)ask(r, &head, buf_as_str(&batch));
    buf_fini(&batch);
    assert_int_equal(r->answer.n_accepted, 0);
    assert_non_null(strstr(buf_cstr(&r->answer.body), "\"reason\":\"bad_type\""));
    assert_non_null(strstr(buf_cstr(&r->answer.body), "through Kafka or a file"));
}

static void a_record_fits_into_raw(void **state)
{
    struct rig *r = *state;
    struct buf body = {0};
    for (int i = 0; i < 33; i++)
        buf_printf(&body,
                   "%s{\"type\":\"page\",\"userId\":\"u\",\"context\":{\"x\":\"%030700d\"}}",
                   i ? "," : "{\"batch\":[", 0);
    buf_text(&body, "]}");
    assert_false(ask(r, &head, buf_as_str(&body)));
    assert_int_equal(r->answer.status, 413);
    assert_int_equal(r->answer.n_accepted, 0);
    buf_fini(&body);
}

/* Members to build events of: good, bad, empty, under every name of the id. */
static const char *const members[] = {
    "\"type\":\"track\"",
    "\"type\":\"page\"",
    "\"type\":\"purchase\"",
    "\"type\":\"\"",
    "\"type\":null",
    "\"event\":\"Product Viewed\"",
    "\"event\":\"!\"",
    "\"anonymousId\":\"a\"",
    "\"userId\":\"u\"",
    "\"userId\":7",
    "\"userId\":\"\"",
    "\"anonymousId\":{}",
    "\"messageId\":\"m\"",
    "\"messageId\":\"\"",
    "\"messageId\":null",
    "\"message_id\":\"m2\"",
    "\"event_id\":null",
    "\"messageId\":[1]",
    "\"writeKey\":\"k\"",
    "\"write\\u004bey\":1",
    "\"siteId\":7",
    "\"siteId\":8",
    "\"site_id\":\"x\"",
    "\"timestamp\":\"2026-01-01T00:00:00Z\"",
    "\"timestamp\":\"yesterday\"",
    "\"sentAt\":5",
    "\"properties\":{\"price\":1.5,\"a\":[1,{\"b\":\"]}\\\"\"}]}",
    "\"properties\":{\"price\":-1}",
    "\"properties\":{\"a\":1,\"a\":2}",
    "\"context\":{\"userAgent\":\"x\",\"page\":{\"url\":\"https://a/b\"}}",
    "\"batch\":null",
    "\"batch\":[]",
    "\"x\":1e999",
    "\"x\":\"\\ud800\"",
    "\"x\":\"\\u0000\"",
    "\"y\" : [ 1 , 2 ]",
    "\"type\":\"rating_submitted\"",
    "\"rating\":4",
    "\"name\":\"view_item\"",
    "\"params\":{\"items\":[{\"item_id\":\"p\"}],\"outbound\":true}",
    "\"consent\":{\"analytics\":true}",
    "\"timestamp_micros\":1767225600000000",
    "\"events\":[1]",
};

static void make_event(struct rng *rng, struct buf *b)
{
    buf_reset(b);
    if (rng_below(rng, 8) == 0) {
        buf_text(b, SAMPLE_EVENT);
    } else {
        buf_byte(b, '{');
        for (uint32_t n = rng_below(rng, 7), i = 0; i < n; i++)
            buf_printf(b, "%s%s", i ? "," : "", members[rng_below(rng, ARRAY_LEN(members))]);
        buf_byte(b, '}');
    }
    static const char bytes[] = "{}[]\",:\\ \xff\xc3\x00u0";
    for (uint32_t n = rng_below(rng, 3) == 0 ? 1 + rng_below(rng, 3) : 0; n > 0; n--)
        b->at[rng_below(rng, (uint32_t)b->len)] =
            (uint8_t)bytes[rng_below(rng, sizeof bytes - 1)];
}

/* Sends a record to the collector and counts what becomes of it. */
static void judge(struct rig *r, struct str record, uint32_t *accepted, uint32_t *rejected)
{
    union record_any got;
    uint64_t rec;
    *accepted = *rejected = 0;
    kit_send(&r->kit, TOPIC_raw, record, "application/json");
    while (kit_next(&r->kit, &got, &rec)) {
        *accepted += rec == REC_event;
        *rejected += rec == REC_rejected;
        if (rec == REC_event)
            assert_int_equal(got.event.site_id, 7);
    }
}

static void edge_and_collector_agree(void **state)
{
    struct rig *r = *state;
    struct rng rng = {20261121};
    struct buf event = {0}, body = {0};
    uint32_t accepted, rejected, n_accepted = 0, n_rejected = 0;
    for (int i = 0; i < 30000; i++) {
        uint32_t n = rng_below(&rng, 4) == 0 ? 5 : 1;
        buf_reset(&body);
        for (uint32_t k = 0; k < n; k++) {
            make_event(&rng, &event);
            buf_text(&body, k       ? ","
                            : i % 3 ? "{\"batch\":["
                                    : "{\"client_id\":\"c\",\"events\":[");
            buf_str(&body, buf_as_str(&event));
        }
        buf_text(&body, "]");
        size_t len = body.len;
        buf_text(&body, "}");
        bool has_record = ask(r, &head, buf_as_str(&body));
        struct edge_answer *a = &r->answer;
        if (a->n_accepted + a->n_rejected == 0)
            continue; /* not divisible */
        n_accepted += a->n_accepted;
        n_rejected += a->n_rejected;
        assert_true(has_record == (a->n_accepted > 0));
        if (has_record) {
            judge(r, buf_as_str(&r->value), &accepted, &rejected);
            assert_int_equal(accepted, a->n_accepted);
            assert_int_equal(rejected, 0);
            assert_null(memmem(r->value.at, r->value.len, "\"writeKey\"", 10));
        }
        body.len = len; /* what was sent, as another sender would append it */
        buf_text(&body, ",\"siteId\":7}");
        judge(r, buf_as_str(&body), &accepted, &rejected);
        if (accepted != a->n_accepted || rejected != a->n_rejected)
            fail_msg("%s: %u and %u, not %u and %u: %s", buf_cstr(&body), accepted, rejected,
                     a->n_accepted, a->n_rejected, buf_cstr(&a->body));
    }
    print_message("# %u accepted, %u rejected\n", n_accepted, n_rejected);
    assert_true(n_accepted > 3000 && n_rejected > 3000);
    buf_fini(&event);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_event_becomes_a_record, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(the_browser_is_told_once, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(the_measurement_protocol_is_taken, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_batch_may_not_be_of_another_site, open_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(a_site_may_take_known_types_only, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_single_event_of_no_known_type_is_refused, open_rig,
                                        close_rig),
        cmocka_unit_test_setup_teardown(signals_do_not_come_over_http, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(a_record_fits_into_raw, open_rig, close_rig),
        cmocka_unit_test_setup_teardown(edge_and_collector_agree, open_rig, close_rig),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
