/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/clock.h"
#include "featurizer/modes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 12 };

static int words_put(const char *const words[WORDS], char kept[][64], char *argv[])
{
    int argc = 0;
    (void)snprintf(kept[argc], 64, "auspex-featurizer");
    argv[argc] = kept[argc];
    argc++;
    for (int i = 0; i < WORDS && words[i]; i++, argc++) {
        (void)snprintf(kept[argc], 64, "%s", words[i]);
        argv[argc] = kept[argc];
    }
    return argc;
}

static bool read_words(struct modes_arguments *a, const char *const words[WORDS], struct err *e)
{
    static char kept[WORDS + 1][64];
    char *argv[WORDS + 2] = {NULL};
    return modes_read(a, words_put(words, kept, argv), argv, e);
}

static enum mode mode_by(const char *const words[WORDS])
{
    char kept[WORDS + 1][64], *argv[WORDS + 2] = {NULL};
    int argc = words_put(words, kept, argv);
    return mode_of(argc, argv);
}

static void finds_the_mode(void **state)
{
    (void)state;
    assert_int_equal(mode_by((const char *const[WORDS]){NULL}), MODE_STAGE);
    assert_int_equal(mode_by((const char *const[WORDS]){"-c", "x.ini", "--instance", "1"}),
                     MODE_STAGE);
    assert_int_equal(mode_by((const char *const[WORDS]){"-c", "x.ini", "--check-skew"}),
                     MODE_CHECK_SKEW);
    assert_int_equal(mode_by((const char *const[WORDS]){"--backfill", "--help"}),
                     MODE_BACKFILL);
}

static void reads(void **state)
{
    struct modes_arguments a;
    struct err e = {0};
    (void)state;
    assert_true(read_words(&a, (const char *const[WORDS]){"--backfill"}, &e));
    assert_true(a.from_us == INT64_MIN && a.to_us == INT64_MAX && a.known_us == 0);
    assert_true(!a.has_site && !a.is_replacing && a.config == NULL && !a.is_help);
    assert_string_equal(a.name, "backfill");
    assert_true(read_words(
        &a,
        (const char *const[WORDS]){"-c", "x.ini", "--backfill", "--from", "2026-01-31", "--to",
                                   "2026-02-01T12:00:00Z", "--known-at=2026-03-01", "--site=9",
                                   "--name=jan", "--replace"},
        &e));
    assert_int_equal(a.from_us, clock_days(2026, 1, 31) * DAY_US);
    assert_int_equal(a.to_us, clock_days(2026, 2, 1) * DAY_US + 12 * HOUR_US);
    assert_int_equal(a.known_us, clock_days(2026, 3, 1) * DAY_US);
    assert_true(a.has_site && a.site_id == 9 && a.is_replacing);
    assert_string_equal(a.name, "jan");
    assert_string_equal(a.config, "x.ini");
    assert_true(read_words(&a, (const char *const[WORDS]){"--check-skew"}, &e));
    assert_true(a.every_s == 0 && a.percent == 1 && a.period_h == 1);
    assert_true(
        read_words(&a,
                   (const char *const[WORDS]){"--check-skew", "--every", "300", "--sample=0.5",
                                              "--period=24", "--instance=x"},
                   &e));
    assert_true(a.every_s == 300 && a.percent == 0.5 && a.period_h == 24);
    assert_string_equal(a.instance, "x");
}

static void refuses(void **state)
{
    static const struct {
        const char *words[WORDS], *because;
    } cases[] = {
        {{"--backfill", "--from", "soon"}, "--from takes a time"},
        {{"--backfill", "--from", "2026-02-01", "--to", "2026-02-01"}, "before --to"},
        {{"--backfill", "--site", "0"}, "--site takes"},
        {{"--backfill", "--name", "It's"}, "--name takes"},
        {{"--backfill", "--name", ""}, "--name takes"},
        {{"--backfill", "--to"}, "--to needs a value"},
        {{"--backfill", "--every", "5"}, "what is \"--every\""},
        {{"--backfill", "more"}, "what is \"more\""},
        {{"--check-skew", "--backfill"}, "what is"},
        {{"--check-skew", "--sample", "101"}, "up to 100"},
        {{"--check-skew", "--sample", "0"}, "above 0"},
        {{"--check-skew", "--every", "0"}, "from 1 to 86400"},
        {{"--check-skew", "--period", "x"}, "--period takes"},
        {{"--check-skew", "--replace"}, "what is \"--replace\""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct modes_arguments a;
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
        cmocka_unit_test(finds_the_mode),
        cmocka_unit_test(reads),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
