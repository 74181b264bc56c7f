/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"
#include "common/wire/record.h"
#include "trainer/release.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct received {
    struct buf container, metrics;
    size_t n;
    struct manifest manifest;
    uint8_t digest[SHA256_LEN];
    bool is_whole;
};

static bool receive(void *to, const struct release_record *record, struct err *e)
{
    struct received *r = to;
    char key[64];
    (void)e;
    assert_false(r->is_whole); /* nothing follows the manifest */
    if (record->is_last) {
        assert_true(str_is(record->key, "grown/7"));
        assert_int_equal(manifest_read(&r->manifest, record->value.at, record->value.len), 0);
        assert_int_equal(r->manifest.sha256.len, SHA256_LEN);
        memcpy(r->digest, r->manifest.sha256.at, SHA256_LEN);
        buf_str(&r->metrics, r->manifest.metrics);
        r->is_whole = true;
        return true;
    }
    struct chunk c;
    assert_int_equal(chunk_read(&c, record->value.at, record->value.len), 0);
    (void)snprintf(key, sizeof key, "grown/7/%zu", r->n);
    assert_true(str_is(record->key, key));
    assert_true(c.chunk == r->n && c.version == 7 && str_is(c.name, "grown"));
    assert_true(c.bytes.len > 0 && c.bytes.len <= RELEASE_CHUNK);
    buf_str(&r->container, c.bytes);
    r->n++;
    return true;
}

static void test_pieces_make_the_whole(void **state)
{
    static const size_t lens[] = {
        1,     RELEASE_CHUNK - 1, RELEASE_CHUNK, RELEASE_CHUNK + 1, 3 * (size_t)RELEASE_CHUNK,
        900000};
    static uint8_t bytes[900000];
    struct container_head head = {"conversion",       "trees", "grown", 45,
                                  0xffffffffffffffff, 10,      20};
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        struct received got = {0};
        struct release r;
        struct err e = {0};
        struct sha256 digest;
        release_init(&r, &head, str_over(bytes, lens[i]), STR("{\"auc\":1}"), 30);
        r.version = 7;
        assert_true(release_records(&r, receive, &got, &e));
        assert_true(got.is_whole);
        assert_true(str_eq(buf_as_str(&got.container), r.container));
        hash_sha256(bytes, lens[i], &digest);
        assert_memory_equal(got.digest, digest.bytes, SHA256_LEN);
        const struct manifest *m = &got.manifest;
        assert_true(m->chunks == got.n && m->bytes == lens[i] && m->version == 7);
        assert_true(m->features_n == 45 && m->features_hash == head.features_hash);
        assert_true(m->data_from_us == 10 && m->data_to_us == 20 && m->trained_us == 30);
        assert_true(str_is(buf_as_str(&got.metrics), "{\"auc\":1}"));
        buf_fini(&got.container);
        buf_fini(&got.metrics);
    }
}

static bool refuse(void *to, const struct release_record *record, struct err *e)
{
    unsigned *n = to;
    (void)record;
    return ++*n < 2 || err_set(e, 0, "no more");
}

static void test_stops_where_sending_fails(void **state)
{
    static const uint8_t bytes[3 * RELEASE_CHUNK];
    struct container_head head = {"conversion", "trees", "grown", 45, 1, 10, 20};
    struct release r;
    struct err e = {0};
    unsigned n = 0;
    (void)state;
    release_init(&r, &head, str_over(bytes, sizeof bytes), STR("{}"), 30);
    r.version = 7;
    assert_false(release_records(&r, refuse, &n, &e));
    assert_int_equal(n, 2);
}

static void test_knows_names(void **state)
{
    char longest[CONTAINER_NAME + 1];
    (void)state;
    memset(longest, 'x', sizeof longest);
    assert_true(release_is_name(STR("conversion-2.b_c")));
    assert_true(release_is_name(str_over(longest, CONTAINER_NAME - 1)));
    assert_false(release_is_name(str_over(longest, CONTAINER_NAME)));
    assert_false(release_is_name(STR("")));
    assert_false(release_is_name(STR("A")));
    assert_false(release_is_name(STR("a/1")));
    assert_false(release_is_name(STR("a\0")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_make_the_whole),
        cmocka_unit_test(test_stops_where_sending_fails),
        cmocka_unit_test(test_knows_names),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
