/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/hash.h"

#include "common/base/err.h"
#include "common/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Values of Kafka's own UtilsTest.testMurmur2 (Java). */
static void test_murmur2_is_kafkas(void **state)
{
    static const struct {
        struct str key;
        int32_t hash;
    } cases[] = {
        {STR("21"), -973932308},
        {STR("foobar"), -790332482},
        {STR("a-little-bit-long-string"), -985981536},
        {STR("a-little-bit-longer-string"), -1486304829},
        {STR("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8"), -58897971},
        {STR("abc"), 479470107},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal((int32_t)hash_murmur2(cases[i].key.at, cases[i].key.len),
                         cases[i].hash);
        assert_int_equal(hash_partition(cases[i].key, 8),
                         ((uint32_t)cases[i].hash & 0x7fffffff) % 8);
        assert_int_equal(hash_partition(cases[i].key, 1), 0);
    }
}

/* Values of xxhsum 0.8.1 -H3. */
static void test_hash64_is_xxh3(void **state)
{
    (void)state;
    assert_true(hash64(NULL, 0) == 0x2d06800538d394c2u);
    assert_true(hash64_str(STR("abc")) == 0x78af5f94892f3950u);
    assert_true(hash64_str(STR("abd")) != hash64_str(STR("abc")));
    struct hash128 none = hash128_str((struct str){NULL, 0}, 0),
                   seeded = hash128_str(STR("abc"), 7);
    assert_true(none.low == 0x6001c324468d497fu && none.high == 0x99aa06d3014798d8u);
    assert_true(seeded.low == 0x48ff56f569e39912u && seeded.high == 0x8a3c1b87ceb230eeu);
}

/* Values of FIPS 180-2. */
static void test_sha256(void **state)
{
    static const struct {
        struct str text;
        const char *hex;
    } cases[] = {
        {STR(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sha256 h;
        char hex[SHA256_HEX];
        hash_sha256(cases[i].text.at, cases[i].text.len, &h);
        hash_hex(&h, hex);
        assert_string_equal(hex, cases[i].hex);
    }
}

/* A million letters a (FIPS 180-2), read from a file in more than one piece. */
static void test_sha256_of_a_file(void **state)
{
    char path[] = "/tmp/auspex-hash-XXXXXX", hex[SHA256_HEX];
    int fd = mkstemp(path);
    struct sha256 h;
    struct err e = {0};
    (void)state;
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(fputc('a', f), 'a');
    assert_int_equal(fclose(f), 0);
    bool is_good = hash_sha256_file(path, &h, &e);
    assert_int_equal(unlink(path), 0);
    assert_true(is_good);
    hash_hex(&h, hex);
    assert_string_equal(hex,
                        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_false(hash_sha256_file(path, &h, &e));
    assert_non_null(strstr(e.text, path));
}

/* Published outputs of SplitMix64 for seed 1234567. */
static void test_rng_is_splitmix64(void **state)
{
    static const uint64_t wanted[] = {6457827717110365317u, 3203168211198807973u,
                                      9817491932198370423u, 4593380528125082431u,
                                      16408922859458223821u};
    struct rng r = {1234567};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++)
        assert_true(rng_u64(&r) == wanted[i]);
    for (int i = 0; i < 10000; i++) {
        double unit = rng_unit(&r);
        assert_true(unit >= 0 && unit < 1);
        assert_true(rng_below(&r, 7) < 7);
    }
    struct rng a = rng_stream(1, 1), b = rng_stream(1, 2), c = rng_stream(2, 1);
    uint64_t x = rng_u64(&a), y = rng_u64(&b), z = rng_u64(&c);
    assert_true(x != y && y != z && x != z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_murmur2_is_kafkas),
        cmocka_unit_test(test_hash64_is_xxh3),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_sha256_of_a_file),
        cmocka_unit_test(test_rng_is_splitmix64),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
