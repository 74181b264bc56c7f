/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/kern/trees_grow.h"
#include "common/model/model.h"
#include "common/model/model_grow.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool loads(const void *at, size_t len, struct err *e)
{
    struct model *m = model_load(at, len, e);
    model_free(m);
    return m != NULL;
}

static void expect_refused(const struct buf *b, const char *because)
{
    struct err e = {0};
    if (loads(b->at, b->len, &e))
        fail_msg("accepted, but should have been refused: %s", because);
    if (strstr(e.text, because) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", e.text, because);
}

static void test_same_bytes_and_all_back(void **state)
{
    struct buf a = {0}, b = {0};
    struct err e = {0};
    (void)state;
    model_grow(&a, 5, 20, 4);
    model_grow(&b, 5, 20, 4);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.at, b.at, a.len);
    struct model *m = model_load(a.at, a.len, &e);
    assert_non_null(m);
    const struct container_head *h = model_head(m);
    assert_string_equal(h->kind, "conversion");
    assert_string_equal(h->form, "trees");
    assert_string_equal(h->name, "grown");
    assert_int_equal(h->n_features, GROW_FEATURES);
    assert_true(h->features_hash == 0x0123456789abcdef);
    assert_true(h->data_from_us == 1700000000000000 && h->data_to_us == 1700086400000000);
    assert_true(str_is(model_metrics(m), "{\"auc\":0.5}"));
    model_free(m);
    buf_fini(&a);
    buf_fini(&b);
}

static void test_block_needs_no_alignment(void **state)
{
    struct buf b = {0}, shifted = {0};
    struct err e = {0};
    (void)state;
    model_grow(&b, 5, 3, 2);
    buf_byte(&shifted, 0);
    buf_put(&shifted, b.at, b.len);
    assert_true(loads(shifted.at + 1, b.len, &e));
    buf_fini(&b);
    buf_fini(&shifted);
}

/* One row at a time, longer vectors, batches of any size: the same bits. */
static void test_score_is_independent_of_batch(void **state)
{
    enum { ROWS = 300, STRIDE = GROW_FEATURES + 9 };
    static float rows[ROWS * STRIDE], narrow[ROWS * GROW_FEATURES];
    static struct score whole[ROWS], one, batch[ROWS];
    struct buf b = {0};
    struct err e = {0};
    struct rng rng = {3};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        rows[i] = rng_below(&rng, 6) ? grow_value(&rng) : NAN;
    for (size_t r = 0; r < ROWS; r++)
        memcpy(narrow + r * GROW_FEATURES, rows + r * STRIDE, GROW_FEATURES * sizeof *rows);
    model_grow(&b, 9, 50, 6);
    struct model *m = model_load(b.at, b.len, &e);
    assert_non_null(m);
    model_score(m, rows, ROWS, STRIDE, whole);
    model_score(m, narrow, ROWS, GROW_FEATURES, batch);
    assert_memory_equal(batch, whole, sizeof whole);
    for (size_t r = 0; r < ROWS; r++) {
        model_score(m, rows + r * STRIDE, 1, STRIDE, &one);
        assert_memory_equal(&one, &whole[r], sizeof one);
        assert_true(one.lower <= one.probability && one.probability <= one.upper);
    }
    for (size_t r = 0, n = 1; r < ROWS; r += n, n = n % 70 + 3)
        model_score(m, rows + r * STRIDE, MIN(n, ROWS - r), STRIDE, batch + r);
    assert_memory_equal(batch, whole, sizeof whole);
    model_free(m);
    buf_fini(&b);
}

static void flip(struct buf *b, size_t bit)
{
    b->at[bit / 8] ^= (uint8_t)(1u << bit % 8);
}

static void test_no_flipped_bit_passes(void **state)
{
    struct buf large = {0}, small = {0};
    struct err e = {0};
    struct rng rng = {11};
    unsigned accepted = 0;
    (void)state;
    model_grow(&large, 1, 100, 6);
    for (int i = 0; i < 200; i++) {
        size_t bit = (size_t)(rng_u64(&rng) % (large.len * 8));
        flip(&large, bit);
        accepted += loads(large.at, large.len, &e);
        flip(&large, bit);
    }
    assert_true(loads(large.at, large.len, &e));
    model_grow(&small, 1, 2, 1);
    for (size_t bit = 0; bit < small.len * 8; bit++) { /* each bit there is, padding too */
        flip(&small, bit);
        accepted += loads(small.at, small.len, &e);
        flip(&small, bit);
    }
    assert_int_equal(accepted, 0);
    buf_fini(&large);
    buf_fini(&small);
}

static void test_no_other_length_passes(void **state)
{
    struct buf b = {0};
    struct err e = {0};
    (void)state;
    unsigned accepted = 0;
    model_grow(&b, 1, 2, 1);
    assert_false(loads("", 0, &e));
    for (size_t len = 1; len < b.len; len++) {
        uint8_t *exact = malloc(len); /* so that a sanitizer sees the first byte behind it */
        memcpy(exact, b.at, len);
        accepted += loads(exact, len, &e);
        free(exact);
    }
    assert_int_equal(accepted, 0);
    buf_byte(&b, 0);
    expect_refused(&b, "its head says");
    memcpy(b.at + 16, &(uint64_t){b.len}, 8); /* a head that knows of the byte behind */
    assert_true(container_seal(b.at, b.len));
    expect_refused(&b, "1 bytes behind the last section");
    buf_fini(&b);
}

/* Where the bytes of section `i` begin; entry i of the table is at 192 + 32 i, its offset 8 in.
 */
static uint8_t *section_at(const struct buf *b, uint32_t i)
{
    uint64_t offset;
    memcpy(&offset, b->at + 192 + 32 * (size_t)i + 8, sizeof offset);
    return b->at + offset;
}

enum { SHAPE = 1, STARTS, NODES, KNOTS, GOLDEN, IN_FILE = 99 };

/* Changes behind valid checksums: bytes `at` in section `in` (or in the file) become `bytes`.
 */
struct forged {
    const char *because;
    uint32_t in;
    size_t at, len;
    const char *bytes;
};
#define NAN_BYTES "\x00\x00\xc0\x7f"
#define INF_BYTES "\x00\x00\x80\x7f"

static const struct forged forgeries[] = {
    {"does not begin", IN_FILE, 0, 1, "B"},
    {"format 2", IN_FILE, 8, 1, "\2"},
    {"0 sections", IN_FILE, 12, 1, "\0"},
    {"its head says", IN_FILE, 16, 1, "\7"},
    {"4294967295 features are too many", IN_FILE, 32, 4, "\xff\xff\xff\xff"},
    {"spare bytes", IN_FILE, 36, 1, "\1"},
    {"spare bytes", IN_FILE, 56, 1, "\1"},
    {"window ends", IN_FILE, 48, 8, "\0\0\0\0\0\0\0\0"},
    {"not a word", IN_FILE, 64, 1, "K"},
    {"not a word", IN_FILE, 64, 1, "\0"},
    {"not a word", IN_FILE, 128 + 63, 1, "x"},
    {"form treez", IN_FILE, 96 + 4, 1, "z"},
    {"section metricx where metrics", IN_FILE, 192 + 6, 1, "x"},
    {"ends behind the file", IN_FILE, 192 + 16 + 7, 1, "\1"},
    {"instead of", IN_FILE, 192 + 8, 1, "\x41"},
    {"bytes before it are not zero", IN_FILE, 192 + 6 * 32 + 8, 1, "\1"},
    {"section metrics is not", 0, 0, 1, "["},
    {"section metrics is not", 0, 1, 1, "\xff"},
    {"section starts has", SHAPE, 0, 1, "\x0a"},
    {"too many", SHAPE, 3, 1, "\xff"},
    {"section nodes has", SHAPE, 7, 1, "\xff"},
    {"base margin", SHAPE, 8, 4, NAN_BYTES},
    {"section knots has", SHAPE, 15, 1, "\xff"},
    {"golden rows, but", SHAPE, 16, 1, "\0"},
    {"golden rows, but", SHAPE, 19, 1, "\xff"},
    {"section golden has", SHAPE, 16, 1, "\5"},
    {"do not cover", STARTS, 0, 1, "\1"},
    {"ends before it starts, or behind", STARTS, 4, 4, "\xff\xff\xff\xff"},
    {"ends before it starts, or behind", STARTS, 4, 4, "\0\0\0\0"},
    {"left child 2 where only 1", NODES, 0, 1, "\2"},
    {"asks for feature 23 of 23", NODES, 4, 4, "\x17\0\0\0"},
    {"asks for feature 2147483647", NODES, 4, 4, "\xff\xff\xff\x7f"},
    {"threshold or leaf is not finite", NODES, 8, 4, NAN_BYTES},
    {"threshold or leaf is not finite", NODES, 8, 4, INF_BYTES},
    {"calibration: knot 0: margins", KNOTS, 0, 4, NAN_BYTES},
    {"calibration: knot 1: margins", KNOTS, 0, 4, "\0\0\0\x41"},
    {"calibration: knot 0: not 0", KNOTS, 16, 4, NAN_BYTES},
    {"golden row 0", GOLDEN, (size_t)16 * GROW_FEATURES, 1, "\x55"},
    {"golden row 3", GOLDEN, (size_t)16 * GROW_FEATURES + 60, 1, "\x55"},
};

/* Seals; where the table leads out of the file, head and table at least. */
static void seal_hard(struct buf *b)
{
    enum { TABLE_END = 192 + 6 * 32 };
    if (container_seal(b->at, b->len))
        return;
    uint64_t hash = hash64(b->at, TABLE_END);
    memcpy(b->at + TABLE_END, &hash, sizeof hash);
}

static void test_refuses_forgeries(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forgeries); i++) {
        const struct forged *f = &forgeries[i];
        struct buf b = {0};
        model_grow(&b, 1, 9, 3);
        uint8_t *place = f->in == IN_FILE ? b.at + f->at : section_at(&b, f->in) + f->at;
        assert_memory_not_equal(place, f->bytes, f->len);
        memcpy(place, f->bytes, f->len);
        seal_hard(&b);
        expect_refused(&b, f->because);
        buf_fini(&b);
    }
}

/* A claim of four billion nodes in a file of some kilobytes asks for no memory. */
static void test_claims_cost_nothing(void **state)
{
    struct buf b = {0};
    (void)state;
    model_grow(&b, 1, 9, 3);
    memset(section_at(&b, SHAPE) + 4, 0xff, 4);
    memset(b.at + 192 + 32 * (size_t)NODES + 16, 0xff, 8);
    seal_hard(&b);
    expect_refused(&b, "ends behind the file");
    buf_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes_and_all_back),
        cmocka_unit_test(test_block_needs_no_alignment),
        cmocka_unit_test(test_score_is_independent_of_batch),
        cmocka_unit_test(test_no_flipped_bit_passes),
        cmocka_unit_test(test_no_other_length_passes),
        cmocka_unit_test(test_refuses_forgeries),
        cmocka_unit_test(test_claims_cost_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
