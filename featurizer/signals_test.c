/* SPDX-License-Identifier: Apache-2.0 */
/* External signals: where and when they hold, which are kept, how they are packed. */
#include "featurizer/signals.h"

#include "featurizer/codes.h"
#include "featurizer/try.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct signal signal_of(const char *kind, const char *region, double value)
{
    struct signal x;
    signal_init(&x);
    x.site_id = 7;
    x.kind = str_of(kind);
    x.region = str_of(region);
    x.value = value;
    return x;
}

static struct whereabouts in_bavaria(int64_t t_us)
{
    return (struct whereabouts){.site_id = 7,
                                .t_us = t_us,
                                .country = code_country(STR("DE")),
                                .region = code_fnv(STR("BY")),
                                .place = code_fnv(STR("DE-BY"))};
}

static const struct row {
    const char *region;
    double from_s, to_s; /* 0 = not told */
    uint64_t site_id;
    double at_s;
    bool holds;
} rows[] = {
    {"", 0, 0, 7, 1000, true},           {"DE", 0, 0, 7, 1000, true},
    {"BY", 0, 0, 7, 1000, true},         {"DE-BY", 0, 0, 7, 1000, true},
    {"FR", 0, 0, 7, 1000, false},        {"AT-BY", 0, 0, 7, 1000, false},
    {"DE-by", 0, 0, 7, 1000, false},     {"de", 0, 0, 7, 1000, false},
    {"DE ", 0, 0, 7, 1000, false},       {"-BY", 0, 0, 7, 1000, false},
    {"", 0, 0, 8, 1000, false},          {"", 1000, 0, 7, 1000, true},
    {"", 1000, 0, 7, 999.999999, false}, {"", 0, 1000, 7, 999.999999, true},
    {"", 0, 1000, 7, 1000, false},       {"", 1000, 1000, 7, 1000, false},
    {"", 2000, 1000, 7, 1500, false},    {"", 1, 0, 7, -1000, false},
    {"", 0, 1, 7, -1000, true},          {"", 1000, 1001, 7, 1000, true},
};

static void they_hold_where_and_when_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct signals l = {0};
        struct signal x = signal_of("holiday", rows[i].region, 3);
        x.site_id = rows[i].site_id;
        x.from_us = (int64_t)(rows[i].from_s * 1e6);
        x.to_us = (int64_t)(rows[i].to_s * 1e6);
        signals_add(&l, &x);
        struct whereabouts w = in_bavaria((int64_t)(rows[i].at_s * 1e6));
        double values[SIGNAL_KINDS];
        assert_int_equal(signals_at(&l, &w, values), rows[i].holds);
        assert_true(rows[i].holds ? values[SIGNAL_HOLIDAY] == 3
                                  : isnan(values[SIGNAL_HOLIDAY]));
        assert_true(isnan(values[SIGNAL_WEATHER]) && isnan(values[SIGNAL_TREND]));
        signals_fini(&l);
    }
}

/* Somebody whose place is not known is where everybody is. */
static void nowhere_is_no_region(void **state)
{
    (void)state;
    static const char *const regions[] = {"", "DE", "DE-BY", "BY"};
    struct signals l = {0};
    for (size_t i = 0; i < ARRAY_LEN(regions); i++) {
        struct signal x = signal_of("weather", regions[i], (double)i);
        signals_add(&l, &x);
    }
    struct whereabouts w = {.site_id = 7, .t_us = 1};
    double values[SIGNAL_KINDS];
    assert_int_equal(signals_at(&l, &w, values), 1);
    assert_true(values[SIGNAL_WEATHER] == 0);
    signals_fini(&l);
}

static void fill(struct signals *l, unsigned n)
{
    static const char *const kinds[] = {"weather", "holiday", "trend", "strike"};
    static const char *const regions[] = {"", "DE", "BY", "DE-BY", "FR"};
    for (unsigned i = 0; i < n; i++) {
        struct signal x =
            signal_of(kinds[i % ARRAY_LEN(kinds)], regions[i % ARRAY_LEN(regions)],
                      i % 7 == 0 ? (double)NAN : (double)i);
        x.from_us = i % 3 == 0 ? 0 : (int64_t)i;
        x.to_us = i % 5 == 0 ? 0 : (int64_t)i + 1000;
        signals_add(l, &x);
    }
}

static void the_newest_256_are_kept(void **state)
{
    (void)state;
    struct signals l = {0};
    struct whereabouts w = {.site_id = 7, .t_us = 1};
    double values[SIGNAL_KINDS];
    struct signal first = signal_of("weather", "", 1), other = signal_of("trend", "", 2);
    signals_add(&l, &first);
    for (unsigned i = 1; i < SIGNALS_MOST; i++)
        signals_add(&l, &other);
    assert_int_equal(signals_at(&l, &w, values), SIGNALS_MOST);
    assert_true(values[SIGNAL_WEATHER] == 1);
    signals_add(&l, &other);
    assert_int_equal(l.n, SIGNALS_MOST);
    assert_int_equal(signals_at(&l, &w, values), SIGNALS_MOST);
    assert_true(isnan(values[SIGNAL_WEATHER]));
    other.value = 9;
    signals_add(&l, &other);
    assert_int_equal(signals_at(&l, &w, values), SIGNALS_MOST);
    assert_true(values[SIGNAL_TREND] == 9);
    signals_fini(&l);
}

static void must_answer_alike(const struct signals *a, const struct signals *b)
{
    for (int64_t t_us = 1; t_us < 2000; t_us += 37) {
        struct whereabouts w = in_bavaria(t_us);
        double x[SIGNAL_KINDS], y[SIGNAL_KINDS];
        assert_int_equal(signals_at(a, &w, x), signals_at(b, &w, y));
        for (unsigned i = 0; i < SIGNAL_KINDS; i++)
            assert_true(x[i] == y[i] || (isnan(x[i]) && isnan(y[i])));
    }
}

static void packing_keeps_them(void **state)
{
    (void)state;
    static const unsigned counts[] = {0, 1, 255, 256, 257, 700};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        struct signals l = {0}, again = {0};
        struct buf once = {0}, twice = {0};
        fill(&l, counts[i]);
        signals_pack(&once, &l);
        struct in in = in_over(once.at, once.len);
        signals_unpack(&again, &in);
        assert_true(!in.bad && in.at == in.end);
        must_answer_alike(&l, &again);
        signals_pack(&twice, &again);
        assert_int_equal(once.len, twice.len);
        assert_memory_equal(once.at, twice.at, once.len);
        for (size_t len = 0; len < once.len; len += 97) { /* cut off */
            struct signals part = {0};
            in = in_over(once.at, len);
            signals_unpack(&part, &in);
            assert_true(in.bad);
            signals_fini(&part);
        }
        signals_fini(&l);
        signals_fini(&again);
        buf_fini(&once);
        buf_fini(&twice);
    }
}

static float weather_at(struct try *t, double s)
{
    struct vector v;
    struct event e = try_event("click", s, s);
    assert_int_equal(try_vectors(t, try_event_give(t, &e), &v, 1), 1);
    return try_feature(&v, FEATURE_signal_weather);
}

/* They are the partition's, not a visitor's, and come back with its state. */
static void a_restart_keeps_them(void **state)
{
    (void)state;
    struct try t, again;
    struct buf own = {0};
    struct err e = {0};
    struct signal x = signal_of("weather", "", 21);
    try_init(&t, 1800);
    try_init(&again, 1800);
    assert_int_equal(featurizer_signals(t.core), 0);
    (void)try_signal(&t, &x);
    assert_int_equal(featurizer_signals(t.core), 1);
    assert_true(weather_at(&t, 1) == 21);
    featurizer_cut(t.core, 0, &own);
    featurizer_assign(again.core, 0);
    assert_true(featurizer_restored(again.core, 0, buf_as_str(&own), &e));
    assert_int_equal(featurizer_signals(again.core), 1);
    assert_true(weather_at(&again, 1) == 21);
    buf_fini(&own);
    try_fini(&t);
    try_fini(&again);
}

/* It moves no clock: what is due by its time stays open. */
static void a_signal_closes_nothing(void **state)
{
    (void)state;
    struct try t;
    struct signal x = signal_of("weather", "", 21);
    try_init(&t, 1800);
    (void)try_tick(&t, 0, 1, 0);
    (void)weather_at(&t, 1);
    x.received_us = TRY_T0 + 2 * DAY_US;
    uint64_t first = try_signal(&t, &x);
    assert_int_equal(outbox_next(t.out), first);
    assert_int_equal(t.core->counts.unreadable, 0);
    assert_int_equal(t.core->counts.sessions, 0);
    try_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_hold_where_and_when_told),
        cmocka_unit_test(nowhere_is_no_region),
        cmocka_unit_test(the_newest_256_are_kept),
        cmocka_unit_test(packing_keeps_them),
        cmocka_unit_test(a_restart_keeps_them),
        cmocka_unit_test(a_signal_closes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
