/* SPDX-License-Identifier: Apache-2.0 */
/* What one pass finds against a search for each. */
#include "collector/atoms.h"

#include "common/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MANY = 300 };

static bool stands_in(struct str part, struct str text)
{
    return text.len >= part.len && memmem(text.at, text.len, part.at, part.len) != NULL;
}

static void compare(struct atoms *a, const struct str *texts, size_t n, struct str text)
{
    int found[MANY];
    bool has[MANY] = {false};
    size_t n_found = atoms_find(a, text, found);
    for (size_t i = 0; i < n_found; i++) {
        assert_false(has[found[i]]);
        has[found[i]] = true;
    }
    for (size_t i = 0; i < n; i++)
        if (has[i] != stands_in(texts[i], text))
            fail_msg("%.*s in %.*s: %d", STR_ARGS(texts[i]), STR_ARGS(text), has[i]);
}

static void texts_within_each_other(void **state)
{
    const struct str texts[] = {STR("he"), STR("she"),      STR("his"), STR("hers"),
                                STR("e"),  STR("\xc3\xa9"), STR("s"),   STR("ushers!")};
    const char *const in[] = {"ushers", "ushers!", "hhhis", "", "x", "shershe", "caf\xc3\xa9"};
    struct atoms *a = atoms_new(texts, ARRAY_LEN(texts));
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        compare(a, texts, ARRAY_LEN(texts), str_of(in[i]));
    atoms_free(a);
}

static void none_at_all(void **state)
{
    struct atoms *a = atoms_new(NULL, 0);
    int found[1];
    (void)state;
    assert_int_equal(atoms_find(a, STR("text"), found), 0);
    atoms_free(a);
}

/* A text of 1 to `most` letters out of three. */
static struct str random_text(struct rng *r, char *to, size_t most)
{
    size_t len = 1 + rng_below(r, (uint32_t)most);
    for (size_t i = 0; i < len; i++)
        to[i] = (char)('a' + rng_below(r, 3));
    return str_over(to, len);
}

static bool is_new(const struct str *texts, size_t n, struct str text)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(texts[i], text))
            return false;
    return true;
}

static void random_texts(void **state)
{
    static char bytes[MANY][8], long_text[64];
    struct str texts[MANY];
    struct rng r = {7};
    size_t n = 0;
    (void)state;
    while (n < MANY) {
        struct str text = random_text(&r, bytes[n], sizeof bytes[n]);
        if (is_new(texts, n, text))
            texts[n++] = text;
    }
    struct atoms *a = atoms_new(texts, MANY);
    for (int i = 0; i < 2000; i++)
        compare(a, texts, MANY, random_text(&r, long_text, sizeof long_text));
    atoms_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_within_each_other),
        cmocka_unit_test(none_at_all),
        cmocka_unit_test(random_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
