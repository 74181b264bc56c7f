/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"
#include "trainer/arguments.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 8 };

static bool read_words(struct arguments *a, const char *const words[WORDS], struct err *e)
{
    char kept[WORDS + 1][80] = {"auspex-trainer"}, *argv[WORDS + 2] = {kept[0]};
    int argc = 1;
    for (int i = 0; i < WORDS && words[i] != NULL; i++) {
        (void)snprintf(kept[argc], sizeof kept[argc], "%s", words[i]);
        argv[argc] = kept[argc];
        argc++;
    }
    return arguments_read(a, argc, argv, e);
}

static void test_reads(void **state)
{
    struct arguments a;
    struct err e = {0};
    (void)state;
    assert_true(read_words(&a, (const char *const[WORDS]){"conversion"}, &e));
    assert_true(a.verb == VERB_CONVERSION && !a.has_site && !a.no_publish && a.out == NULL);
    assert_string_equal(a.name, "conversion");
    assert_memory_equal(&a.boost, &boost_defaults, sizeof a.boost);
    assert_true(read_words(&a, (const char *const[WORDS]){"--site", "0", "export"}, &e));
    assert_true(a.verb == VERB_EXPORT && a.has_site && a.site == 0);
    assert_true(read_words(&a,
                           (const char *const[WORDS]){"conversion", "--eta=0.25", "--depth",
                                                      "3", "--seed=9", "--no-publish"},
                           &e));
    assert_true(a.boost.eta == 0.25 && a.boost.depth == 3 && a.boost.seed == 9 && a.no_publish);
    assert_null(a.backfill);
    assert_true(
        read_words(&a, (const char *const[WORDS]){"export", "--from-backfill", "may"}, &e));
    assert_true(a.verb == VERB_EXPORT && str_is(str_of(a.backfill), "may"));
    assert_true(read_words(&a, (const char *const[WORDS]){"--help"}, &e));
    assert_true(a.verb == VERB_HELP);
}

static void test_refuses(void **state)
{
    static const struct {
        const char *words[WORDS], *because;
    } cases[] = {
        {{NULL}, "one of conversion, export"},
        {{"conversion", "export"}, "one of conversion, export"},
        {{"churn"}, "what is \"churn\""},
        {{"conversion", "--roundz", "5"}, "what is \"--roundz\""},
        {{"conversion", "--rounds"}, "--rounds needs a value"},
        {{"conversion", "--rounds", "0"}, "from 1 to 4096, not \"0\""},
        {{"conversion", "--rounds", "4097"}, "from 1 to 4096"},
        {{"conversion", "--depth", "9"}, "from 1 to 8"},
        {{"conversion", "--depth", "2.5"}, "from 1 to 8"},
        {{"conversion", "--eta", "x"}, "from 0.0001 to 1"},
        {{"conversion", "--site", "-1"}, "--site takes"},
        {{"conversion", "--name", "a b"}, "--name takes"},
        {{"conversion", "--name", ""}, "--name takes"},
        {{"conversion", "--name", "a/b"}, "--name takes"},
        {{"conversion", "--from-backfill", "it's"}, "--from-backfill takes"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arguments a;
        struct err e = {0};
        if (read_words(&a, cases[i].words, &e))
            fail_msg("case %zu accepted", i);
        assert_int_equal(e.code, EXIT_CODE_USAGE);
        if (strstr(e.text, cases[i].because) == NULL)
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, e.text, cases[i].because);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refuses),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
