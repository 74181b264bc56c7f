/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies packed by zlib itself, whole, cut at each byte, damaged, nested, and too large. */
#include "collector/gunzip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <zlib.h>

static void pack(struct buf *out, struct str text)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    buf_reset(out);
    z.next_in = (Bytef *)(uintptr_t)text.at;
    z.avail_in = (uInt)text.len;
    size_t room = deflateBound(&z, text.len);
    z.next_out = buf_take(out, room);
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->len -= z.avail_out;
    (void)deflateEnd(&z);
}

static void what_was_packed_comes_back(void **state)
{
    struct gunzip *g = gunzip_new();
    struct buf text = {0}, packed = {0}, out = {0};
    (void)state;
    for (size_t len = 0; len < 200000; len = len * 3 + 1) {
        buf_reset(&text);
        for (size_t i = 0; i < len; i++)
            buf_byte(&text, (uint8_t)(i * i >> 5));
        pack(&packed, buf_as_str(&text));
        assert_int_equal(gunzip_read(g, buf_as_str(&packed), len, &out), GUNZIP_OK);
        assert_true(str_eq(buf_as_str(&out), buf_as_str(&text)));
        if (len > 0)
            assert_int_equal(gunzip_read(g, buf_as_str(&packed), len - 1, &out),
                             GUNZIP_TOO_LARGE);
    }
    gunzip_free(g);
    buf_fini(&text);
    buf_fini(&packed);
    buf_fini(&out);
}

static void what_is_not_whole_is_refused(void **state)
{
    struct gunzip *g = gunzip_new();
    struct buf packed = {0}, twice = {0}, out = {0};
    (void)state;
    pack(&packed, STR("{\"type\":\"track\",\"event\":\"x\",\"userId\":\"u\"}"));
    for (size_t len = 0; len < packed.len; len++)
        assert_int_equal(gunzip_read(g, str_over(packed.at, len), 1000, &out), GUNZIP_BAD);
    for (size_t i = packed.len - 8; i < packed.len; i++) { /* its checksum and length */
        packed.at[i] ^= 1;
        assert_int_equal(gunzip_read(g, buf_as_str(&packed), 1000, &out), GUNZIP_BAD);
        packed.at[i] ^= 1;
    }
    pack(&twice, buf_as_str(&packed));
    assert_int_equal(gunzip_read(g, buf_as_str(&twice), 1000, &out), GUNZIP_BAD);
    buf_str(&packed, STR("x"));
    assert_int_equal(gunzip_read(g, buf_as_str(&packed), 1000, &out), GUNZIP_BAD);
    packed.len--;
    buf_grow(&packed, packed.len);
    buf_put(&packed, packed.at, packed.len); /* a second member */
    assert_int_equal(gunzip_read(g, buf_as_str(&packed), 1000, &out), GUNZIP_BAD);
    assert_int_equal(gunzip_read(g, STR("plain"), 1000, &out), GUNZIP_BAD);
    gunzip_free(g);
    buf_fini(&packed);
    buf_fini(&twice);
    buf_fini(&out);
}

/* 1 MiB in 1 KiB: no more memory is taken than the limit and what buf_grow doubles to. */
static void a_bomb_takes_no_memory(void **state)
{
    struct gunzip *g = gunzip_new();
    struct buf text = {0}, packed = {0}, out = {0};
    (void)state;
    memset(buf_take(&text, 1 << 20), 0, 1 << 20);
    pack(&packed, buf_as_str(&text));
    assert_true(packed.len < 1100);
    assert_int_equal(gunzip_read(g, buf_as_str(&packed), 50000, &out), GUNZIP_TOO_LARGE);
    assert_true(out.cap <= 1u << 17);
    gunzip_free(g);
    buf_fini(&text);
    buf_fini(&packed);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_packed_comes_back),
        cmocka_unit_test(what_is_not_whole_is_refused),
        cmocka_unit_test(a_bomb_takes_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
