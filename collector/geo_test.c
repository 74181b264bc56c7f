/* SPDX-License-Identifier: Apache-2.0 */
/* Places of networks in the tests' tiny database (test/pipeline/mmdb.py), and what becomes of a
 * file that changes, is damaged, or goes. */
#include "collector/geo.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
    const char *network, *country, *region, *city, *timezone; /* NULL: not known */
} places[] = {
    {"203.0.113.0", "DE", "BE", "Berlin", "Europe/Berlin"},
    {"198.51.100.0", "US", "CA", "San Francisco", "America/Los_Angeles"},
    {"198.51.103.0", "US", "CA", "San Francisco", "America/Los_Angeles"},
    {"192.0.2.0", "FR", "", "", ""},
    {"2001:db8:1234::", "JP", "", "T\u014dky\u014d", ""},
    {"198.51.104.0", NULL, "", "", ""},
    {"2001:db8:1235::", NULL, "", "", ""},
    {"::", NULL, "", "", ""},
    {"255.255.255.0", NULL, "", "", ""},
    {"100.64.0.0", NULL, "", "", ""}, /* an entry, but no place */
    {"100.64.1.0", NULL, "", "", ""}, /* a number, no list, a text too long, one with U+0000 */
    {"100.64.2.0", NULL, "", "", ""}, /* no UTF-8 */
    {"no network", NULL, "", "", ""},
    {"", NULL, "", "", ""},
};

static const char *tiny_path(void)
{
    const char *path = getenv("AUSPEX_TINY_MMDB");
    assert_non_null(path);
    return path;
}

static struct buf file_bytes(const char *path)
{
    enum { STEP = 4096 };
    struct buf b = {0};
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    for (size_t n = 1; n > 0; b.len -= STEP - n)
        n = fread(buf_take(&b, STEP), 1, STEP, file);
    (void)fclose(file);
    return b;
}

/* A file of the test's own, which may be written over. */
struct copy {
    char path[64], other[80];
    struct buf tiny;
};

static void copy_write(const char *path, struct str bytes)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes.at, 1, bytes.len, file), bytes.len);
    assert_int_equal(fclose(file), 0);
}

/* As a careful program does it. */
static void copy_replace(struct copy *c, struct str bytes)
{
    copy_write(c->other, bytes);
    assert_int_equal(rename(c->other, c->path), 0);
}

static void copy_open(struct copy *c)
{
    *c = (struct copy){.path = "/tmp/geo_test.XXXXXX", .tiny = file_bytes(tiny_path())};
    int fd = mkstemp(c->path);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    (void)snprintf(c->other, sizeof c->other, "%s.new", c->path);
    copy_write(c->path, buf_as_str(&c->tiny));
}

static void copy_close(struct copy *c)
{
    (void)unlink(c->path);
    buf_fini(&c->tiny);
}

/* The tiny database with Austria for Germany. */
static struct buf changed(const struct copy *c)
{
    struct buf b = {0};
    buf_str(&b, buf_as_str(&c->tiny));
    CHECK(b.at != NULL);
    char *at = memmem(b.at, b.len,
                      "\x42"
                      "DE",
                      3);
    assert_non_null(at);
    at[1] = 'A';
    at[2] = 'T';
    return b;
}

static bool is_in(struct geo *g, const char *network, const char *country)
{
    struct geo_place place;
    return geo_find(g, str_of(network), &place) && str_is(place.country, country);
}

static void places_of_networks(void **state)
{
    struct err e = {0};
    struct geo *g = geo_open(tiny_path(), &e);
    (void)state;
    assert_non_null(g);
    for (size_t turn = 0; turn < 2; turn++) /* the second by what is kept */
        for (size_t i = 0; i < ARRAY_LEN(places); i++) {
            struct geo_place p;
            const char *country = places[i].country ? places[i].country : "";
            bool is_found = geo_find(g, str_of(places[i].network), &p);
            if (is_found != (places[i].country != NULL) || !str_is(p.country, country) ||
                !str_is(p.region, places[i].region) || !str_is(p.city, places[i].city) ||
                !str_is(p.timezone, places[i].timezone))
                fail_msg("%s: %d, %.*s, %.*s, %.*s, %.*s", places[i].network, is_found,
                         STR_ARGS(p.country), STR_ARGS(p.region), STR_ARGS(p.city),
                         STR_ARGS(p.timezone));
        }
    geo_free(g);
}

static void bad_files_are_told(void **state)
{
    static const char *const contents[] = {"", "no database", "\xab\xcd\xefMaxMind.com"};
    struct copy c;
    (void)state;
    copy_open(&c);
    for (size_t i = 0; i <= ARRAY_LEN(contents); i++) {
        struct err e = {0};
        if (i < ARRAY_LEN(contents))
            copy_replace(&c, str_of(contents[i]));
        else
            (void)unlink(c.path);
        assert_null(geo_open(c.path, &e));
        assert_int_equal(e.code, EXIT_CODE_CONFIG);
        assert_non_null(strstr(e.text, "collector.geoip = /tmp/geo_test."));
    }
    copy_close(&c);
}

static void a_changed_file_is_read_again(void **state)
{
    struct copy c;
    struct err e = {0};
    (void)state;
    copy_open(&c);
    struct buf other = changed(&c);
    struct geo *g = geo_open(c.path, &e);
    assert_non_null(g);
    assert_true(is_in(g, "203.0.113.0", "DE"));
    assert_int_equal(geo_refresh(g, 5 * SECOND_US, &e), GEO_SAME);
    copy_replace(&c, buf_as_str(&other));
    assert_int_equal(geo_refresh(g, 6 * SECOND_US - 1, &e), GEO_SAME); /* too soon to look */
    assert_true(is_in(g, "203.0.113.0", "DE"));
    assert_int_equal(geo_refresh(g, 6 * SECOND_US, &e), GEO_NEW);
    assert_true(is_in(g, "203.0.113.0", "AT"));
    assert_true(is_in(g, "198.51.100.0", "US"));
    assert_int_equal(geo_refresh(g, 7 * SECOND_US, &e), GEO_SAME);
    geo_free(g);
    buf_fini(&other);
    copy_close(&c);
}

static void a_bad_new_file_keeps_the_old_one(void **state)
{
    struct copy c;
    struct err e = {0};
    int64_t at_us = 0;
    (void)state;
    copy_open(&c);
    struct buf other = changed(&c);
    struct geo *g = geo_open(c.path, &e);
    assert_non_null(g);
    copy_write(c.path,
               STR("written over in place")); /* not by rename: the old bytes are gone */
    assert_true(is_in(g, "203.0.113.0", "DE"));
    assert_true(is_in(g, "198.51.100.0", "US"));
    assert_int_equal(geo_refresh(g, at_us += SECOND_US, &e), GEO_BAD);
    assert_non_null(strstr(e.text, "collector.geoip = /tmp/geo_test."));
    assert_int_equal(geo_refresh(g, at_us += SECOND_US, &e), GEO_SAME); /* told once */
    (void)unlink(c.path);
    assert_int_equal(geo_refresh(g, at_us += SECOND_US, &e), GEO_BAD);
    assert_int_equal(geo_refresh(g, at_us += SECOND_US, &e), GEO_SAME);
    assert_true(is_in(g, "203.0.113.0", "DE"));
    copy_replace(&c, buf_as_str(&other));
    assert_int_equal(geo_refresh(g, at_us += SECOND_US, &e), GEO_NEW);
    assert_true(is_in(g, "203.0.113.0", "AT"));
    geo_free(g);
    buf_fini(&other);
    copy_close(&c);
}

/* Cut or with some bytes changed it is refused, or look-ups in it find something or nothing. */
static void damaged_files_do_no_harm(void **state)
{
    enum { FILES = 1500 };
    struct copy c;
    struct rng r = {11};
    size_t n_bad = 0;
    (void)state;
    copy_open(&c);
    for (int i = 0; i < FILES; i++) {
        struct buf b = {0};
        struct err e = {0};
        buf_str(&b, buf_as_str(&c.tiny));
        CHECK(b.at != NULL);
        for (uint32_t n = 1 + rng_below(&r, 4); n > 0; n--)
            b.at[rng_below(&r, (uint32_t)b.len)] = (uint8_t)rng_u64(&r);
        if (i % 4 == 0)
            b.len = rng_below(&r, (uint32_t)b.len);
        copy_write(c.path, buf_as_str(&b));
        struct geo *g = geo_open(c.path, &e);
        n_bad += g == NULL;
        for (size_t k = 0; g && k < ARRAY_LEN(places); k++) {
            struct geo_place p;
            bool is_found = geo_find(g, str_of(places[k].network), &p);
            size_t len = p.country.len + p.region.len + p.city.len + p.timezone.len;
            assert_true(is_found == (len > 0) && len <= (size_t)4 * GEO_TEXT_MAX);
            assert_true(str_is_utf8(p.country) && str_is_utf8(p.city));
        }
        geo_free(g);
        buf_fini(&b);
    }
    assert_true(n_bad > FILES / 4 && n_bad < FILES);
    copy_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_networks),
        cmocka_unit_test(bad_files_are_told),
        cmocka_unit_test(a_changed_file_is_read_again),
        cmocka_unit_test(a_bad_new_file_keeps_the_old_one),
        cmocka_unit_test(damaged_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
