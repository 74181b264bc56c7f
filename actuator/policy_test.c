/* SPDX-License-Identifier: Apache-2.0 */
/* Policies as people write them: what is read, what is refused and in which words, and which
 * conditions hold. */
#include "actuator/policy.h"
#include "common/base/rng.h"
#include "common/wire/feature.h"
#include "common/wire/out.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void read_to(const char *json, struct rule **r)
{
    struct err e = {0};
    *r = rule_read(str_of(json), &e);
    if (!*r)
        fail_msg("%s: %s", json, e.text);
}

static void defaults_are_filled_in(void **state)
{
    (void)state;
    struct rule *r;
    struct buf b = {0}, c = {0};
    struct err e = {0};
    read_to(" {\"when\" : {\"fact\": \"type\",\n \"op\":\"=\", \"value\": \"a b\"},"
            "\"action\":\"offer\",\"name\":\"n\"} ",
            &r);
    rule_json(r, &b);
    assert_string_equal(
        buf_cstr(&b), "{\"name\":\"n\",\"when\":{\"fact\":\"type\",\"op\":\"=\",\"value\":\"a "
                      "b\"},\"action\":\"offer\",\"channel\":\"topic\",\"priority\":\"normal\","
                      "\"holdout\":0,\"max_age_s\":3600,\"window_s\":86400}");
    assert_false(rule_wants_features(r));
    struct rule *again = rule_read(buf_as_str(&b), &e);
    rule_json(again, &c);
    assert_true(str_eq(buf_as_str(&b), buf_as_str(&c)));
    rule_free(again);
    rule_free(r);
    buf_fini(&b);
    buf_fini(&c);
}

#define LEAF             "{\"fact\":\"type\",\"op\":\"=\",\"value\":\"x\"}"
#define WITH(when, more) "{\"name\":\"n\",\"when\":" when ",\"action\":\"offer\"" more "}"
#define ASK(what, name, op, value) \
    WITH("{\"" what "\":\"" name "\",\"op\":\"" op "\",\"value\":" value "}", "")

static const struct {
    const char *json, *part;
} refused[] = {
    {"", "not JSON"},
    {"{\"name\":\"n\"", "not JSON"},
    {"\xff", "not UTF-8"},
    {"[]", "a policy is a JSON object"},
    {"{}", "\"name\" is missing"},
    {"{\"nam\":\"n\"}", "unknown member \"nam\"; the nearest is \"name\""},
    {"{\"name\":\"n\",\"name\":\"m\"}", "\"name\" stands twice"},
    {"{\"name\":7}", "name: must be a text"},
    {"{\"name\":null}", "name: must be a text"},
    {"{\"n\\u0000\":7}", "a key that is no text"},
    {"{\"name\":\"N\"}", "name: must be a to z"},
    {"{\"name\":\"n\"}", "\"when\" is missing"},
    {"{\"name\":\"n\",\"when\":" LEAF "}", "\"action\" is missing"},
    {"{\"name\":\"n\",\"when\":" LEAF ",\"action\":\"ofer\"}",
     "action: unknown \"ofer\"; the nearest is \"offer\""},
    {WITH(LEAF, ",\"channel\":\"webhok\""), "the nearest is \"webhook\""},
    {WITH(LEAF, ",\"channel\":\"webhook\""), "webhook: the channel webhook needs its name"},
    {WITH(LEAF, ",\"webhook\":\"w\""), "webhook: is for the channel webhook"},
    {WITH(LEAF, ",\"priority\":\"hi\""), "priority: unknown \"hi\""},
    {WITH(LEAF, ",\"holdout\":0.91"), "holdout: must be from 0 to 0.9"},
    {WITH(LEAF, ",\"holdout\":-0.1"), "holdout: must be from 0 to 0.9"},
    {WITH(LEAF, ",\"holdout\":\"0.1\""), "holdout: must be a number"},
    {WITH(LEAF, ",\"cap_per_day\":-1"), "cap_per_day: must be a whole number"},
    {WITH(LEAF, ",\"cap_per_day\":1.5"), "cap_per_day: must be a whole number"},
    {WITH(LEAF, ",\"cap_per_day\":1000001"), "cap_per_day: must be from 0 to 1000000"},
    {WITH(LEAF, ",\"max_age_s\":0"), "max_age_s: must be from 1 to 2592000"},
    {WITH(LEAF, ",\"window_s\":7776001"), "window_s: must be from 1 to 7776000"},
    {WITH(LEAF, ",\"site\":2147483648"), "site: must be from 0 to 2147483647"},
    {WITH(LEAF, ",\"imports\":1"), "imports: must be true or false"},
    {WITH(LEAF, ",\"message\":\"{{a\""), "message: {{ without its }}"},
    {WITH(LEAF, ",\"message\":\"{{vistor}}\""),
     "message: unknown value \"vistor\"; the nearest is \"visitor\""},
    {WITH("7", ""), "when: must be an object"},
    {WITH("{}", ""), "when: neither all, any, not nor fact"},
    {WITH("{\"op\":\"=\"}", ""), "when: neither all, any, not nor fact"},
    {WITH("{\"all\":[]}", ""), "when.all[0]: must be a list of at least one condition"},
    {WITH("{\"all\":" LEAF "}", ""), "when.all[0]: must be a list"},
    {WITH("{\"all\":[" LEAF ",7]}", ""), "when.all[1]: must be an object"},
    {WITH("{\"not\":[" LEAF "]}", ""), "when.not: must be an object"},
    {WITH("{\"not\":" LEAF ",\"op\":\"=\"}", ""),
     "when: beside \"not\" nothing else may stand"},
    {WITH("{\"op\":\"=\",\"any\":[" LEAF "]}", ""),
     "when: beside \"any\" nothing else may stand"},
    {WITH("{\"any\":[{\"not\":{\"fact\":\"typ\",\"op\":\"=\",\"value\":1}}]}", ""),
     "when.any[0].not: unknown fact \"typ\"; the nearest is \"type\""},
    {WITH("{\"fact\":\"type\",\"feature\":\"pages\",\"op\":\"=\",\"value\":1}", ""),
     "a comparison is of one thing, not of fact and feature"},
    {WITH("{\"fact\":\"type\",\"op\":\"=\",\"op\":\"=\",\"value\":1}", ""),
     "\"op\" stands twice"},
    {WITH("{\"fact\":\"type\",\"value\":1}", ""), "\"op\" is missing"},
    {WITH("{\"fact\":\"type\",\"op\":\"=\"}", ""), "\"value\" is missing"},
    {WITH("{\"fact\":\"type\",\"op\":7,\"value\":1}", ""), "op: must be a text"},
    {WITH("{\"fact\":7,\"op\":\"=\",\"value\":1}", ""), "fact: must be a text, its name"},
    {WITH("{\"fact\":\"type\",\"is\":\"=\",\"value\":1}", ""),
     "unknown member \"is\"; the nearest is"},
    {ASK("feature", "cart_itms", "=", "1"),
     "unknown feature \"cart_itms\"; the nearest is \"cart_items\""},
    {ASK("prediction", "conversoin", "=", "1"),
     "unknown prediction \"conversoin\"; the nearest is \"conversion\""},
    {ASK("fact", "visitor", "=", "\"v\""), "unknown fact \"visitor\""},
    {ASK("fact", "value", "=<", "1"), "unknown operator \"=<\"; the nearest is"},
    {ASK("fact", "value", "==", "1"), "unknown operator \"==\"; the nearest is ="},
    {ASK("fact", "value", "<", "\"1\""), "value: must be a number"},
    {ASK("fact", "value", "<", "true"), "value: must be a number"},
    {ASK("fact", "value", "<", "1e999"), "value: a number out of range"},
    {ASK("fact", "value", "=", "null"), "value: must be a number"},
    {ASK("fact", "type", "<", "\"x\""), "op: a text can be asked by = != and in, not by <"},
    {ASK("fact", "type", "\xe2\x89\xa5", "\"x\""), "a text can be asked by = != and in"},
    {ASK("fact", "type", "=", "7"), "value: must be a text"},
    {ASK("fact", "late", "in", "[true]"), "op: a flag can be asked by = and !="},
    {ASK("fact", "late", "=", "1"), "value: must be true or false"},
    {ASK("fact", "type", "in", "\"x\""), "value: behind \"in\" must be a list"},
    {ASK("fact", "type", "in", "[]"), "value: the list is empty"},
    {ASK("fact", "type", "in", "[\"x\",7]"), "value: must be a text"},
    {ASK("fact", "site_id", "in", "[7,\"x\"]"), "value: must be a number"},
    {ASK("feature", "pages", "<", "1e39"), "beyond what a feature can be"},
    {ASK("fact", "type", "=", "\"\\ud800\""), "value: must be a text"},
};

static void refused_in_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct err e = {0};
        struct rule *r = rule_read(str_of(refused[i].json), &e);
        if (r || !strstr(e.text, refused[i].part) || e.code != EXIT_CODE_CONFIG)
            fail_msg("%s: \"%s\" lacks \"%s\"", refused[i].json, e.text, refused[i].part);
    }
}

/* `n` times `open`, a leaf, `n` times `close`. */
static bool nested(const char *open, const char *close, unsigned n)
{
    struct buf b = {0};
    struct err e = {0};
    buf_text(&b, "{\"name\":\"n\",\"action\":\"offer\",\"when\":");
    for (unsigned i = 0; i < n; i++)
        buf_text(&b, open);
    buf_text(&b, LEAF);
    for (unsigned i = 0; i < n; i++)
        buf_text(&b, close);
    buf_text(&b, "}");
    struct rule *r = rule_read(buf_as_str(&b), &e);
    bool is_read = r != NULL;
    if (!is_read)
        assert_non_null(strstr(e.text, n > POLICY_LEAVES ? "comparisons" : "nested deeper"));
    rule_free(r);
    buf_fini(&b);
    return is_read;
}

static void bounds_hold(void **state)
{
    (void)state;
    assert_true(nested("{\"not\":", "}", POLICY_DEPTH));
    assert_false(nested("{\"not\":", "}", POLICY_DEPTH + 1));
    assert_true(nested("{\"any\":[", "]}", POLICY_DEPTH));
    assert_false(nested("{\"any\":[", "]}", POLICY_DEPTH + 1));
    for (unsigned n = POLICY_LEAVES; n <= POLICY_LEAVES + 1; n++) {
        struct buf b = {0};
        struct err e = {0};
        buf_text(&b, "{\"name\":\"n\",\"action\":\"offer\",\"when\":{\"any\":[" LEAF);
        for (unsigned i = 1; i < n; i++)
            buf_text(&b, "," LEAF);
        buf_text(&b, "]}}");
        struct rule *r = rule_read(buf_as_str(&b), &e);
        assert_int_equal(r != NULL, n == POLICY_LEAVES);
        rule_free(r);
        for (size_t len = b.len; len <= POLICY_MAX; len++)
            buf_byte(&b, ' ');
        assert_null(rule_read(buf_as_str(&b), &e));
        assert_non_null(strstr(e.text, "longer than"));
        buf_fini(&b);
    }
}

/* What the conditions below are asked of. */
struct sample {
    struct prediction p;
    float row[FEATURES_N];
    struct buf kinds;
};

static void sample_init(struct sample *s)
{
    struct kind k;
    *s = (struct sample){0};
    prediction_init(&s->p);
    s->p.type = STR("purchase");
    s->p.site_id = 7;
    s->p.user_id = STR("u");
    s->p.value = 20;
    s->p.visitor = STR("v1");
    for (size_t i = 0; i < FEATURES_N; i++)
        s->row[i] = NAN;
    s->row[FEATURE_pages] = 3;
    s->row[FEATURE_cart_value] = 0.1f;
    s->p.features_n = FEATURES_N;
    kind_init(&k);
    k.kind = STR("conversion");
    k.probability = 0.25;
    out_array(&s->kinds, 1);
    kind_pack(&s->kinds, &k);
    s->p.kinds = (struct wire_list){s->kinds.at, s->kinds.len, 1};
}

#define FACT(name, op, value) "{\"fact\":\"" name "\",\"op\":\"" op "\",\"value\":" value "}"
#define FEAT(name, op, value) "{\"feature\":\"" name "\",\"op\":\"" op "\",\"value\":" value "}"
#define PRED(op, value)       "{\"prediction\":\"conversion\",\"op\":\"" op "\",\"value\":" value "}"
#define YES                   FACT("site_id", "=", "7")
#define NO                    FACT("site_id", "=", "8")

static void operators_and_trees(void **state)
{
    (void)state;
    static const struct {
        const char *when;
        bool holds;
    } cases[] = {
        {FACT("type", "=", "\"purchase\""), true},
        {FACT("type", "!=", "\"purchase\""), false},
        {FACT("type", "\xe2\x89\xa0", "\"click\""), true},
        {FACT("type", "in", "[\"click\",\"pur\\u0063hase\"]"), true},
        {FACT("type", "in", "[\"click\"]"), false},
        {FACT("value", "=", "20"), true},
        {FACT("value", "!=", "20"), false},
        {FACT("value", "<", "20"), false},
        {FACT("value", "<=", "20.0"), true},
        {FACT("value", "\xe2\x89\xa4", "2e1"), true},
        {FACT("value", ">", "19.99"), true},
        {FACT("value", ">=", "20.01"), false},
        {FACT("value", "\xe2\x89\xa5", "-1"), true},
        {FACT("value", "in", "[1,20]"), true},
        {FACT("identified", "=", "true"), true},
        {FACT("identified", "!=", "true"), false},
        {FACT("late", "=", "false"), true},
        {FACT("is_import", "!=", "false"), false},
        {PRED("<", "0.3"), true},
        {PRED("in", "[0.25]"), true},
        {FEAT("pages", ">=", "3"), true},
        {FEAT("cart_value", "=", "0.1"), true}, /* as float32 both */
        {FEAT("cart_value", ">", "0.1"), false},
        /* absent: false by every operator, and true by `not` of it */
        {FACT("channel", "=", "\"email\""), false},
        {FACT("channel", "!=", "\"email\""), false},
        {FACT("channel", "=", "\"\""), false},
        {"{\"not\":" FACT("channel", "=", "\"email\"") "}", true},
        {FEAT("price_min", "!=", "1"), false},
        {FEAT("price_min", "<", "1"), false},
        {"{\"not\":" FEAT("price_min", "!=", "1") "}", true},
        /* trees */
        {"{\"all\":[" YES "]}", true},
        {"{\"all\":[" YES "," NO "]}", false},
        {"{\"any\":[" NO "," YES "]}", true},
        {"{\"any\":[" NO "," NO "]}", false},
        {"{\"not\":{\"all\":[" YES "," NO "]}}", true},
        {"{\"not\":{\"any\":[" NO "," YES "]}}", false},
        {"{\"all\":[{\"any\":[" NO "," YES "]},{\"not\":" NO "}]}", true},
        {"{\"any\":[{\"all\":[" YES "," NO "]},{\"not\":{\"not\":" YES "}}]}", true},
        {"{\"all\":[{\"any\":[" YES "," NO "]},{\"any\":[" NO "," NO "]}]}", false},
    };
    struct sample s;
    sample_init(&s);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = {0};
        struct rule *r;
        buf_printf(&b, "{\"name\":\"n\",\"action\":\"offer\",\"when\":%s}", cases[i].when);
        read_to(buf_cstr(&b), &r);
        if (rule_holds(r, &s.p, s.row) != cases[i].holds)
            fail_msg("%s: not %d", cases[i].when, cases[i].holds);
        rule_free(r);
        buf_fini(&b);
    }
    buf_fini(&s.kinds);
}

/* A random tree as text, and its value as the definition has it. */
static bool tree_make(struct rng *r, struct buf *b, unsigned depth)
{
    static const char *const groups[] = {"all", "any"};
    unsigned way = depth == 0 ? 3 : rng_below(r, 4);
    if (way == 3) {
        bool value = rng_below(r, 2);
        buf_text(b, value ? YES : NO);
        return value;
    }
    if (way == 2) {
        buf_text(b, "{\"not\":");
        bool value = !tree_make(r, b, depth - 1);
        buf_byte(b, '}');
        return value;
    }
    bool value = way == 0;
    buf_printf(b, "{\"%s\":[", groups[way]);
    for (unsigned n = 1 + rng_below(r, 3); n > 0; n--) {
        bool one = tree_make(r, b, depth - 1);
        value = way == 0 ? value && one : value || one;
        buf_text(b, n > 1 ? "," : "]}");
    }
    return value;
}

static void any_tree_is_flattened_right(void **state)
{
    (void)state;
    struct sample s;
    struct rng r = rng_stream(1, 4);
    unsigned n_true = 0;
    sample_init(&s);
    for (unsigned i = 0; i < 20000; i++) {
        struct buf b = {0};
        struct rule *rule;
        buf_text(&b, "{\"name\":\"n\",\"action\":\"offer\",\"when\":");
        bool holds = tree_make(&r, &b, 4);
        buf_text(&b, "}");
        read_to(buf_cstr(&b), &rule);
        if (rule_holds(rule, &s.p, NULL) != holds)
            fail_msg("%s: not %d", buf_cstr(&b), holds);
        n_true += holds;
        rule_free(rule);
        buf_fini(&b);
    }
    assert_true(n_true > 5000 && n_true < 15000);
    buf_fini(&s.kinds);
}

static void without_features_there_are_none(void **state)
{
    (void)state;
    struct sample s;
    struct rule *r;
    sample_init(&s);
    read_to(ASK("feature", "pages", ">", "0"), &r);
    assert_true(rule_wants_features(r));
    assert_true(rule_holds(r, &s.p, s.row));
    assert_false(rule_holds(r, &s.p, NULL));
    s.p.features_n = FEATURE_pages; /* a shorter vector */
    assert_false(rule_holds(r, &s.p, s.row));
    rule_free(r);
    buf_fini(&s.kinds);
}

static void messages_are_filled(void **state)
{
    (void)state;
    static const struct {
        const char *message, *filled;
    } cases[] = {
        {"", ""},
        {"plain } }} text", "plain } }} text"},
        {"{{visitor}}{{ type }}{{user_id}}", "v1purchaseu"},
        {"[{{channel}}] {{site_id}} {{value}}", "[] 7 20"},
        {"{{conversion}} {{pages}} {{cart_value}} {{price_min}}.", "0.25 3 0.1 ."},
        {"{{identified}} {{late}} {{is_import}}", "true false false"},
        {"{{{type}}", NULL},
        {"\xe2\x82\xac {{value}}", "\xe2\x82\xac 20"},
    };
    struct sample s;
    sample_init(&s);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = {0};
        struct err e = {0};
        buf_printf(&b, WITH(LEAF, ",\"message\":\"%s\""), cases[i].message);
        struct rule *r = rule_read(buf_as_str(&b), &e);
        buf_reset(&b);
        if (r)
            rule_message(r, &s.p, s.row, &b);
        assert_int_equal(r != NULL, cases[i].filled != NULL);
        if (cases[i].filled)
            assert_string_equal(buf_cstr(&b), cases[i].filled);
        rule_free(r);
        buf_fini(&b);
    }
    buf_fini(&s.kinds);
}

static void numbers_are_written_shortly(void **state)
{
    (void)state;
    static const struct {
        double probability;
        const char *text;
    } cases[] = {{0, "0.00"},     {0.005, "0.01"}, {0.0049, "0.00"}, {0.994, "0.99"},
                 {0.996, "1.00"}, {1, "1.00"},     {1.5, "1.00"},    {-1, "0.00"}};
    struct rule *r;
    read_to(WITH(LEAF, ",\"message\":\"{{conversion}}\""), &r);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct prediction p;
        struct kind k;
        struct buf kinds = {0}, b = {0};
        prediction_init(&p);
        kind_init(&k);
        k.kind = STR("conversion");
        k.probability = cases[i].probability;
        out_array(&kinds, 1);
        kind_pack(&kinds, &k);
        p.kinds = (struct wire_list){kinds.at, kinds.len, 1};
        rule_message(r, &p, NULL, &b);
        assert_string_equal(buf_cstr(&b), cases[i].text);
        buf_fini(&kinds);
        buf_fini(&b);
    }
    rule_free(r);
}

static void long_messages_are_cut(void **state)
{
    (void)state;
    char user[POLICY_MESSAGE];
    struct prediction p;
    struct rule *r;
    struct buf b = {0};
    for (size_t i = 0; i < sizeof user; i++)
        user[i] = (char)(i % 2 ? 0xa9 : 0xc3); /* two bytes a character */
    prediction_init(&p);
    p.user_id = str_over(user, sizeof user);
    read_to(WITH(LEAF, ",\"message\":\"a{{user_id}}{{user_id}}\""), &r);
    rule_message(r, &p, NULL, &b);
    assert_int_equal(b.len, POLICY_MESSAGE - 1);
    assert_true(str_is_utf8(buf_as_str(&b)));
    rule_free(r);
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(refused_in_words),
        cmocka_unit_test(bounds_hold),
        cmocka_unit_test(operators_and_trees),
        cmocka_unit_test(any_tree_is_flattened_right),
        cmocka_unit_test(without_features_there_are_none),
        cmocka_unit_test(messages_are_filled),
        cmocka_unit_test(numbers_are_written_shortly),
        cmocka_unit_test(long_messages_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
