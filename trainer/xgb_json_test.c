/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"
#include "common/kern/trees_grow.h"
#include "trainer/xgb_json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* What grow_json writes is what XGBoost reads; here it comes back as it was. */
static void test_reads_back(void **state)
{
    (void)state;
    for (uint32_t depth = 0; depth <= TREES_DEPTH_MAX; depth++) {
        struct rng rng = rng_stream(depth, 5);
        struct grown g;
        struct buf json = {0};
        struct xgb_trees t;
        struct err e = {0};
        grow_forest(&g, &rng, 12, depth, false);
        grow_json(&json, &g.forest, "2.5E-1");
        if (!xgb_json_read(&t, buf_as_str(&json), &e))
            fail_msg("%s", e.text);
        assert_int_equal(t.n_trees, 12);
        assert_int_equal(t.n_features, GROW_FEATURES);
        assert_true(t.base == -logf(1.0f / 0.25f - 1.0f));
        assert_memory_equal(t.starts.at, g.starts, 13 * sizeof *g.starts);
        assert_int_equal(t.nodes.len, g.starts[12] * sizeof *g.nodes);
        assert_memory_equal(t.nodes.at, g.nodes, t.nodes.len);
        xgb_trees_fini(&t);
        buf_fini(&json);
        grown_fini(&g);
    }
}

#define TREE(left, right, condition)                                                      \
    "{\"left_children\":" left ",\"right_children\":" right ",\"split_indices\":[3,0,0]," \
    "\"default_left\":[1,0,0],\"split_type\":[0,0,0],\"split_conditions\":" condition "}"
#define MODEL(booster, parallel, objective, score, classes, tree)                         \
    "{\"learner\":{\"gradient_booster\":{\"model\":{\"gbtree_model_param\":"              \
    "{\"num_parallel_tree\":\"" parallel "\"},\"trees\":[" tree "]},\"name\":\"" booster  \
    "\"},\"learner_model_param\":{\"base_score\":\"" score "\",\"num_class\":\"" classes  \
    "\",\"num_feature\":\"4\",\"num_target\":\"1\"},\"objective\":{\"name\":\"" objective \
    "\"}},\"version\":[1,7,4]}"
#define STUMP      TREE("[1,-1,-1]", "[2,-1,-1]", "[5E-1,1E0,2E0]")
#define WITH(tree) MODEL("gbtree", "1", "binary:logistic", "5E-1", "0", tree)

static const struct {
    const char *json, *because; /* NULL = sound */
} cases[] = {
    {WITH(STUMP), NULL},
    {"", "XGBoost's model: this is no JSON"},
    {"{", "XGBoost's model: this is no whole JSON text"},
    {"[1,2]", "XGBoost's model: this is no JSON"},
    {"binf\001", "XGBoost's model: this is no JSON"},
    {"{\"learner\":5}", "XGBoost's model: "},
    {MODEL("dart", "1", "binary:logistic", "5E-1", "0", STUMP),
     "the booster is \"dart\", but only \"gbtree\""},
    {MODEL("gbtree", "4", "binary:logistic", "5E-1", "0", STUMP), "num_parallel_tree is \"4\""},
    {MODEL("gbtree", "1", "multi:softmax", "5E-1", "0", STUMP),
     "the objective is \"multi:softmax\""},
    {MODEL("gbtree", "1", "binary:logistic", "1.5E0", "0", STUMP), "base_score"},
    {MODEL("gbtree", "1", "binary:logistic", "half", "0", STUMP), "not a number: half"},
    {MODEL("gbtree", "1", "binary:logistic", "5E-1", "3", STUMP), "num_class is \"3\""},
    {WITH("{}"), "columns are missing"},
    {WITH(TREE("[1,-1]", "[2,-1,-1]", "[5E-1,1E0,2E0]")), "columns are missing or differ"},
    {WITH(TREE("[1,-1,-1]", "[2,-1,-1]", "[5E-1,1E0]")), "columns are missing or differ"},
    {WITH(TREE("[1,-1,-1]", "[9,-1,-1]", "[5E-1,1E0,2E0]")), "not a tree"},
    {WITH(TREE("[1,-1,-1]", "[-1,-1,-1]", "[5E-1,1E0,2E0]")), "not a tree"},
    {WITH(TREE("[0,-1,-1]", "[0,-1,-1]", "[5E-1,1E0,2E0]")), "not a tree"},
    {WITH(TREE("[1,0,-1]", "[2,0,-1]", "[5E-1,1E0,2E0]")), "not a tree"},
    {WITH(TREE("[1,-1,-1]", "[2,-1,-1]", "[5E-1,NaN,2E0]")), "no whole JSON text"},
    {WITH(TREE("[1,-1,-1]", "[2,-1,-1]", "[5E-1,\"x\",2E0]")), "not a number"},
};

static void test_refuses_what_it_does_not_know(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct xgb_trees t;
        struct err e = {0};
        bool is_read = xgb_json_read(&t, str_of(cases[i].json), &e);
        if (is_read != (cases[i].because == NULL))
            fail_msg("case %zu: %s", i, is_read ? "accepted" : e.text);
        if (!is_read && cases[i].because != NULL && strstr(e.text, cases[i].because) == NULL)
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.text, cases[i].because);
        if (is_read)
            xgb_trees_fini(&t);
    }
}

static void test_refuses_categories(void **state)
{
    char json[] = WITH(STUMP);
    struct xgb_trees t;
    struct err e = {0};
    (void)state;
    strstr(json, "\"split_type\":[0")[14] = '1';
    assert_false(xgb_json_read(&t, str_of(json), &e));
    assert_non_null(strstr(e.text, "category"));
}

static void test_reads_names(void **state)
{
    static const struct {
        const char *names, *because; /* NULL = sound */
    } named[] = {
        {"[]", NULL},
        {"[\"a\",\"b\",\"c\",\"d\\u00e9\"]", NULL},
        {"[\"a\",\"b\",\"c\"]", "another number of features than the 4"},
        {"[\"a\",\"b\",\"c\",\"d\",\"e\"]", "another number of features than the 4"},
        {"[\"a\",\"b\",\"c\",\"\"]", "a name of a feature is empty"},
        {"[\"a\",\"b\",\"c\",\"\\u0000\"]", "no text"},
        {"[1,2,3,4]", "XGBoost's model: "},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        struct buf json = {0};
        struct xgb_trees t;
        struct err e = {0};
        const struct str whole = STR(WITH(STUMP)), head = STR("{\"learner\":{");
        buf_printf(&json, "%.*s\"feature_names\":%s,", STR_ARGS(head), named[i].names);
        buf_str(&json, str_over(&WITH(STUMP)[head.len], whole.len - head.len));
        bool is_read = xgb_json_read(&t, buf_as_str(&json), &e);
        assert_int_equal(is_read, named[i].because == NULL);
        if (named[i].because != NULL)
            assert_non_null(strstr(e.text, named[i].because));
        if (i == 1)
            assert_true(t.n_names == 4 &&
                        str_eq(buf_as_str(&t.names), STR("a\0b\0c\0d\xc3\xa9\0")));
        if (is_read)
            xgb_trees_fini(&t);
        buf_fini(&json);
    }
}

static void test_reads_the_score_of_newer_versions(void **state)
{
    struct xgb_trees t;
    struct err e = {0};
    (void)state;
    assert_true(xgb_json_read(
        &t, STR(MODEL("gbtree", "1", "binary:logistic", "[2.5E-1]", "0", STUMP)), &e));
    assert_true(t.base == -logf(1.0f / 0.25f - 1.0f));
    xgb_trees_fini(&t);
    assert_false(xgb_json_read(&t, STR("{L\0\0\0\0\0\0\0\7learner{"), &e));
    assert_non_null(strstr(e.text, "binary form"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_back),
        cmocka_unit_test(test_refuses_what_it_does_not_know),
        cmocka_unit_test(test_refuses_categories),
        cmocka_unit_test(test_reads_names),
        cmocka_unit_test(test_reads_the_score_of_newer_versions),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("xgb_json", tests, NULL, NULL);
}
