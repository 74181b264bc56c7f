/* SPDX-License-Identifier: Apache-2.0 */
/* What each type requires, by the cases that schemas/json_schema_test.py holds against the JSON
 * Schema; and that a type's own fields are read in its events only. The file's name is the
 * argument. */
#include "collector/collector_kit.h"
#include "collector/types.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct kit k;
static const char *cases_path;

static int open_kit(void **state)
{
    (void)state;
    kit_open(&k);
    return 0;
}

static int close_kit(void **state)
{
    (void)state;
    kit_close(&k);
    return 0;
}

static void each_case_gets_its_verdict(void **state)
{
    (void)state;
    char line[4096];
    unsigned n = 0;
    FILE *f = fopen(cases_path, "re");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        struct event e;
        struct str json, want = str_cut(str_trim(str_of(line)), ' ', &json);
        if (want.len == 0 || want.at[0] == '#')
            continue;
        if (want.at[0] == '*')
            want = str_over(want.at + 1, want.len - 1);
        const char *why = kit_event(&k, json, &e);
        if (!str_is(want, why[0] ? why : "accepted"))
            fail_msg("'%s': %.*s", why, STR_ARGS(json));
        n++;
    }
    assert_int_equal(fclose(f), 0);
    assert_true(n > 50);
}

static const struct event *sent(const char *json)
{
    static struct event e;
    const char *why = kit_event(&k, str_of(json), &e);
    if (why[0])
        fail_msg("%s: %s", why, json);
    return &e;
}

#define ASSERT_STR(s, text)                                                           \
    do {                                                                              \
        if (!str_is(s, text))                                                         \
            fail_msg("is '%.*s', should be '%s'", STR_ARGS(s), (const char *)(text)); \
    } while (0)

/* The detail of the last refusal. */
static struct str detail(void)
{
    union record_any r;
    uint64_t rec;
    k.next = outbox_first(k.out);
    assert_non_null(kit_next(&k, &r, &rec));
    assert_int_equal(rec, REC_rejected);
    return r.rejected.detail;
}

static void what_lacks_is_named(void **state)
{
    static const struct {
        const char *json, *lacks;
    } cases[] = {
        {"{\"type\":\"rating_submitted\",\"userId\":\"u\"}", "rating"},
        {"{\"type\":\"ad_spend\",\"userId\":\"u\",\"amount\":1}", "ad_channel"},
        {"{\"type\":\"ad_spend\",\"userId\":\"u\",\"amount\":1,\"ad_channel\":\"x\"}", "day"},
        {"{\"type\":\"external_signal\",\"userId\":\"u\",\"kind\":\"x\"}", "valid_from"},
        {"{\"type\":\"alias\",\"userId\":\"u\",\"previousId\":\"\"}", "previous_id"},
        {"{\"type\":\"satisfaction\",\"userId\":\"u\",\"score\":null}", "score"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event e;
        assert_string_equal(kit_event(&k, str_of(cases[i].json), &e), "missing_property");
        ASSERT_STR(detail(), cases[i].lacks);
    }
}

/* Each type of the table, bare and with every field that it lists, comes through as it is. */
static void every_type_is_taken(void **state)
{
    static const struct {
        const char *field, *json;
    } values[] = {
        {"rating", "5"},
        {"from_s", "1"},
        {"to_s", "2"},
        {"speed", "1.5"},
        {"score", "7"},
        {"ad_channel", "\"email\""},
        {"day", "\"2026-01-31\""},
        {"amount", "10"},
        {"kind", "\"weather\""},
        {"valid_from", "1767225600"},
        {"consent", "5"},
        {"previous_id", "\"p\""},
        {"x", "3"},
        {"file", "\"f.pdf\""},
        {"task", "\"t\""},
        {"video", "\"v\""},
        {"cost", "0.2"},
        {"distance", "9"},
        {"text_version", "\"2\""},
    };
    (void)state;
    struct buf b = {0};
    for (size_t i = 0; i < types_n(); i++) {
        struct str name = types_name(types_at(i));
        buf_reset(&b);
        buf_printf(&b, "{\"type\":\"%.*s\",\"userId\":\"u\"", STR_ARGS(name));
        for (size_t v = 0; v < ARRAY_LEN(values); v++)
            buf_printf(&b, ",\"%s\":%s", values[v].field, values[v].json);
        buf_text(&b, "}");
        const struct event *e = sent(buf_cstr(&b));
        assert_true(str_eq(e->type, name));
        assert_true(isnan(e->score) == !str_is(name, "satisfaction"));
        assert_true((e->file.len > 0) == str_is(name, "download"));
        assert_true(isnan(e->amount) == !str_is(name, "ad_spend"));
        assert_true((e->valid_from_us != 0) == str_is(name, "external_signal"));
    }
    buf_fini(&b);
}

static void a_word_of_other_types_is_a_property(void **state)
{
    (void)state;
    const struct event *e = sent("{\"type\":\"track\",\"event\":\"Level End\",\"userId\":\"u\","
                                 "\"properties\":{\"score\":2500,\"channel\":\"x\",\"a\":1}}");
    assert_true(isnan(e->score) && e->ad_channel.len == 0);
    ASSERT_STR(e->properties, "{\"a\":1,\"score\":2500,\"channel\":\"x\"}");
    e = sent("{\"type\":\"product_view\",\"userId\":\"u\",\"position\":3}");
    assert_true(isnan(e->position_s));
    ASSERT_STR(e->properties, "{\"position\":3}");
}

/* Of fields that any type may have, too: what does not fit is one, if the type has none such.
 */
static void what_fits_no_field_is_a_property(void **state)
{
    (void)state;
    const struct event *e =
        sent("{\"type\":\"track\",\"event\":\"Toggle\",\"userId\":\"u\",\"properties\":{"
             "\"value\":true,\"rating\":\"PG-13\",\"query\":{},\"price\":5,\"items\":3}}");
    assert_true(isnan(e->value) && isnan(e->rating) && e->query.len == 0 && e->price == 5);
    ASSERT_STR(e->properties, "{\"value\":true,\"rating\":\"PG-13\",\"query\":{},\"items\":3}");
    e = sent("{\"type\":\"page_view\",\"userId\":\"u\",\"quantity\":-1,\"value\":\"x\","
             "\"revenue\":2}");
    assert_true(isnan(e->quantity) && e->value == 2);
    ASSERT_STR(e->properties, "{\"quantity\":-1,\"value\":\"x\"}");
    struct event none;
    assert_string_equal(kit_event(&k,
                                  STR("{\"type\":\"purchase\",\"userId\":\"u\",\"value\":\"x\","
                                      "\"revenue\":2}"),
                                  &none),
                        "bad_field");
    ASSERT_STR(detail(), "value");
}

static void an_empty_text_tells_nothing(void **state)
{
    (void)state;
    const struct event *e =
        sent("{\"type\":\"page_view\",\"userId\":\"u\",\"consent\":\"\",\"site_id\":\"\","
             "\"screen\":\"\",\"source\":\"\",\"value\":\"\",\"timestamp_micros\":\"\"}");
    assert_true(e->properties.len == 0 && e->site_id == 1 && isnan(e->value));
    e = sent("{\"type\":\"level_end\",\"userId\":\"u\",\"score\":\"\",\"own\":\"\"}");
    ASSERT_STR(e->properties, "{\"own\":\"\",\"score\":\"\"}");
}

static void the_context_of_a_type_is_read(void **state)
{
    (void)state;
    const struct event *e =
        sent("{\"type\":\"external_signal\",\"userId\":\"feed\",\"kind\":\"trend\",\"value\":2,"
             "\"country\":\"DE\",\"valid_from\":\"2100-01-01\",\"valid_to\":4102531200000}");
    ASSERT_STR(e->kind, "trend");
    ASSERT_STR(e->country, "DE");
    assert_true(e->valid_from_us == 4102444800 * SECOND_US &&
                e->valid_to_us == 4102531200 * SECOND_US);
    assert_true(e->ts_us ==
                KIT_RECEIVED_US); /* of the year 2100 is the signal, not the event */
    e = sent("{\"type\":\"ad_spend\",\"userId\":\"ads\",\"channel\":\"paid_search\","
             "\"day\":\"2024-02-29\",\"amount\":\"12.5\"}");
    ASSERT_STR(e->ad_channel, "paid_search");
    ASSERT_STR(e->day, "2024-02-29");
    assert_true(e->amount == 12.5);
    e = sent("{\"type\":\"ad_click\",\"userId\":\"u\",\"channel\":\"web\",\"cost\":0.31}");
    ASSERT_STR(e->source, "web"); /* a word of sources at the top of a bare event is one */
    assert_true(e->cost == 0.31 && e->ad_channel.len == 0);
}

static void consent_is_told_in_many_ways(void **state)
{
    static const struct {
        const char *told;
        uint64_t mask;
    } cases[] = {
        {"\"consent\":0", 1},
        {"\"consent\":7", 7},
        {"\"purposes\":[]", 1},
        {"\"purposes\":[ \"analytics\" , \"Marketing\" ]", 7},
        {"\"purposes\":[\"analytics\",\"marketing\",\"gpc\"]", 3},
        {"\"purposes\":{\"analytics\":true,\"marketing\":false}", 3},
        {"\"purposes\":{\"personalization\":\"granted\",\"marketing\":1,\"gpc\":true}", 9},
        {"\"purposes\":{\"analytics\":true,\"statistics\":false}", 1},
        {"\"consent\":{\"ad_user_data\":\"GRANTED\",\"ad_personalization\":\"DENIED\"}", 5},
        {"\"context\":{\"consent\":{\"categoryPreferences\":{\"Advertising\":true,"
         "\"Analytics\":true,\"Functional\":false}}}",
         7},
    };
    (void)state;
    struct buf b = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&b);
        buf_printf(&b, "{\"type\":\"consent\",\"userId\":\"u\",%s}", cases[i].told);
        assert_int_equal(sent(buf_cstr(&b))->consent, cases[i].mask);
    }
    buf_fini(&b);
    const struct event *e =
        sent("{\"type\":\"consent\",\"userId\":\"u\",\"purposes\":[\"gpc\"],"
             "\"text_version\":3,\"source\":\"banner\"}");
    ASSERT_STR(e->properties, "{\"purposes\":[\"gpc\"]}");
    ASSERT_STR(e->text_version, "3");
    ASSERT_STR(e->consent_source, "banner");
    struct event none;
    assert_string_equal(kit_event(&k,
                                  STR("{\"type\":\"consent\",\"userId\":\"u\",\"purposes\":"
                                      "[\"world peace\"]}"),
                                  &none),
                        "missing_property");
    e = sent("{\"type\":\"page_view\",\"userId\":\"u\",\"purposes\":[\"analytics\"]}");
    assert_int_equal(e->consent, 0);
}

int main(int argc, char *argv[])
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_case_gets_its_verdict),
        cmocka_unit_test(what_lacks_is_named),
        cmocka_unit_test(every_type_is_taken),
        cmocka_unit_test(a_word_of_other_types_is_a_property),
        cmocka_unit_test(what_fits_no_field_is_a_property),
        cmocka_unit_test(an_empty_text_tells_nothing),
        cmocka_unit_test(the_context_of_a_type_is_read),
        cmocka_unit_test(consent_is_told_in_many_ways),
    };
    if (argc != 2) {
        fputs("which file of cases?\n", stderr);
        return EXIT_FAILURE;
    }
    cases_path = argv[1];
    return cmocka_run_group_tests(tests, open_kit, close_kit);
}
