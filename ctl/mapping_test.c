/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/mapping.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void row_is(struct mapping *m, const char *line, const char *json)
{
    struct buf b = {0};
    bool is_row = mapping_row(m, str_of(line), &b);
    if (json)
        assert_string_equal(buf_cstr(&b), json);
    else
        assert_int_equal(b.len, 0);
    assert_int_equal(is_row, json != NULL);
    buf_fini(&b);
}

static struct mapping *bound(const char *text, const char *header)
{
    struct err e = {0};
    struct mapping *m = mapping_new(str_of(text), "test.map", &e);
    if (!m || !mapping_header(m, str_of(header), &e))
        fail_msg("%s", e.text);
    return m;
}

static void columns_become_members(void **state)
{
    (void)state;
    struct mapping *m = bound("# orders\n"
                              "separator = ;\n"
                              "type = kind\n"
                              "type[V] = product_view\n"
                              "userId = \"shop-\" [Customer No]\n"
                              "timestamp = day \"T\" time | stamp\n"
                              "properties.price = price\n"
                              "context.page.path = page\n"
                              "context.locale = \"de\"\n",
                              "\xef\xbb\xbfKind;Customer No;Day;Time;Price;Page;Unused");
    row_is(m, "V;7;2024-05-01;10:00:00;9.99;/a \"b;x", NULL); /* a quote where none may stand */
    row_is(m, "V;7;2024-05-01;10:00:00;9.99;/a;x",
           "{\"type\":\"product_view\",\"userId\":\"shop-7\",\"timestamp\":"
           "\"2024-05-01T10:00:00\",\"properties\":{\"price\":\"9.99\"},\"context\":{"
           "\"page\":{\"path\":\"/a\"},\"locale\":\"de\"}}");
    row_is(m, "sale; ;2024-05-01;10:00:00;;\"say \"\"hi\"\"\";x",
           "{\"type\":\"sale\",\"timestamp\":\"2024-05-01T10:00:00\",\"context\":{"
           "\"page\":{\"path\":\"say \\\"hi\\\"\"},\"locale\":\"de\"}}");
    row_is(m, "V;7;2024-05-01", NULL);
    row_is(m, "V;7;2024-05-01;10:00:00;9.99;/a;x;more", NULL);
    row_is(m, "V;7;2024-05-01;10:00:00;9.99;\xff;x", NULL);
    mapping_free(m);
}

static void what_is_not_named_goes_along(void **state)
{
    (void)state;
    struct mapping *m =
        bound("userId = id\nproperties.a = a\nproperties.* = *\ntype = id\n", "id,a,b.c,d,");
    row_is(m, "1,2,3,4,5",
           "{\"userId\":\"1\",\"properties\":{\"a\":\"2\",\"b.c\":\"3\",\"d\":\"4\"},\"type\":"
           "\"1\"}");
    row_is(m, "1,,,,", "{\"userId\":\"1\",\"type\":\"1\"}");
    row_is(m, ",,,,", NULL);
    mapping_free(m);
}

static void numbers_with_a_comma_get_a_point(void **state)
{
    (void)state;
    static const struct {
        const char *told, *given;
    } cases[] = {
        {"1.299,50", "1299.50"},  {"-1 299 000,5", "-1299000.5"},
        {"1'299", "1299"},        {"1.299", "1299"},
        {"19,99", "19.99"},       {"+7", "+7"},
        {"12.99", "12.99"}, /* no group of three */
        {"1,299.50", "1,299.50"}, {"19,99 EUR", "19,99 EUR"},
    };
    struct mapping *m =
        bound("comma = properties.price\nseparator = ;\nproperties.price = price\n"
              "properties.note = note\nevent = note\n",
              "price;note");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char row[64], json[128];
        (void)snprintf(row, sizeof row, "%s;1,5", cases[i].told);
        (void)snprintf(json, sizeof json,
                       "{\"properties\":{\"price\":\"%s\",\"note\":\"1,5\"},\"event\":\"1,5\"}",
                       cases[i].given);
        row_is(m, row, json);
    }
    row_is(m, ";1", "{\"properties\":{\"note\":\"1\"},\"event\":\"1\"}");
    mapping_free(m);
}

/* The columns at both ends of the header have no name. */
static void tabs_at_the_ends_are_columns(void **state)
{
    (void)state;
    struct mapping *m = bound("separator = tab\nuserId = id\ntype = id\n", "\tid\t\r");
    row_is(m, "1\tu\tx", "{\"userId\":\"u\",\"type\":\"u\"}");
    mapping_free(m);
}

static void presets_fit_common_headers(void **state)
{
    (void)state;
    struct err e = {0};
    struct mapping *m = mapping_new(mapping_preset("crm"), "crm", &e);
    assert_non_null(m);
    assert_true(mapping_header(m, STR("Customer_ID,Created_At,Plan,City"), &e));
    row_is(m, "c9,2024-01-02,gold,Ulm",
           "{\"type\":\"profile_update\",\"source\":\"crm\",\"userId\":\"c9\",\"timestamp\":"
           "\"2024-01-02\",\"traits\":{\"Plan\":\"gold\",\"City\":\"Ulm\"}}");
    mapping_free(m);
    m = mapping_new(mapping_preset("ad_spend"), "ad_spend", &e);
    assert_non_null(m);
    assert_true(mapping_header(m, STR("date,channel,cost,currency,clicks"), &e));
    row_is(m, "2024-01-02,search,12.5,EUR,40",
           "{\"type\":\"ad_spend\",\"source\":\"ads\",\"anonymousId\":\"ad_spend:search\","
           "\"timestamp\":\"2024-01-02\",\"properties\":{\"day\":\"2024-01-02\",\"channel\":"
           "\"search\",\"amount\":\"12.5\",\"currency\":\"EUR\",\"clicks\":\"40\"}}");
    mapping_free(m);
}

static void faults_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "test.map:1: no line says what `type`"},
        {"tipe = a\nuserId = b\n", "no line says what `type` (or `event`)"},
        {"\nuserId\n", "test.map:2: a line is MEMBER = COLUMN"},
        {"= x\n", "test.map:1: a line is"},
        {"userId =\n", "test.map:1: nothing behind = or |"},
        {"userId = a |\n", "test.map:1: nothing behind = or |"},
        {"userId = | a\n", "nothing before |"},
        {"userId = [a\n", "not closed"},
        {"userId = \"a\n", "not closed"},
        {"userId = a\nuserId = b\n", "test.map:2: this member stands above already"},
        {"a..b = c\n", "a member is named as"},
        {"properties.* = x\n", "behind PLACE.* = stands *"},
        {"separator = ::\nuserId = a\n", "separator is one character"},
        {"type[a] = \nuserId = a\n", "nothing behind ="},
        {"userId = \xff\n", "not UTF-8"},
        {"event = a\ncomma = properties.price\n", "test.map:2: comma names a member that no"},
        {"userId = a b c d e f g h i\n", "more than 8 terms"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err e = {0};
        assert_null(mapping_new(str_of(cases[i].text), "test.map", &e));
        if (!strstr(e.text, cases[i].says))
            fail_msg("%s, not %s", e.text, cases[i].says);
        assert_int_equal(e.code, EXIT_CODE_CONFIG);
    }
}

static void a_missing_column_is_named(void **state)
{
    (void)state;
    struct err e = {0};
    struct mapping *m = mapping_new(STR("userId = id | [user no]\ntype = x\n"), "test.map", &e);
    assert_non_null(m);
    assert_false(mapping_header(m, STR("Name,Town"), &e));
    assert_string_equal(e.text,
                        "no column for userId (test.map:1: one of id, user no); the file "
                        "has Name, Town");
    assert_false(mapping_header(m, STR("a,\"b"), &e));
    mapping_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_become_members),
        cmocka_unit_test(what_is_not_named_goes_along),
        cmocka_unit_test(numbers_with_a_comma_get_a_point),
        cmocka_unit_test(tabs_at_the_ends_are_columns),
        cmocka_unit_test(presets_fit_common_headers),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(a_missing_column_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
