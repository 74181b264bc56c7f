/* SPDX-License-Identifier: Apache-2.0 */
/* What vectors carry beside their features: consent, ratings, summaries of closed sessions; and
 * that no visitor grows beyond its bounds, whatever it does. */
#include "common/wire/in.h"
#include "featurizer/codes.h"
#include "featurizer/try.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct featurizer_options all_options = {
    .idle_us = 1800 * SECOND_US, .has_summaries = true, .has_ratings = true};

static bool is_near(double got, double want)
{
    return fabs(got - want) <= 1e-6 * fmax(1, fabs(want));
}

static struct vector give(struct try *t, const struct event *e)
{
    struct vector v;
    assert_int_equal(try_vectors(t, try_event_give(t, e), &v, 1), 1);
    return v;
}

static struct vector give_type(struct try *t, const char *type, double s)
{
    struct event e = try_event(type, s, s);
    return give(t, &e);
}

static void consent_is_the_events_or_the_sites(void **state)
{
    (void)state;
    struct try t;
    try_init(&t, 1800);
    assert_int_equal(give_type(&t, "click", 0).consent, 0);
    (void)try_site(&t, STR("{\"site\":7,\"consent\":5}"));
    assert_int_equal(give_type(&t, "click", 1).consent, 5);
    struct event e = try_event("click", 2, 2);
    e.consent = 2;
    assert_int_equal(give(&t, &e).consent, 2);
    assert_int_equal(give(&t, &e).consent, 2); /* a repeat */
    e.consent = 0;
    assert_int_equal(give(&t, &e).consent, 5);
    e.body_hash++; /* a conflict */
    struct vector v = give(&t, &e);
    assert_int_equal(v.verdict, VERDICT_CONFLICT);
    assert_int_equal(v.consent, 5);
    e = try_event("click", 3, 3);
    e.site_id = 8;
    assert_int_equal(give(&t, &e).consent, 0);
    try_fini(&t);
}

static struct event view_of(const char *product_id, double s)
{
    struct event e = try_event("product_view", s, s);
    e.product_id = str_of(product_id);
    return e;
}

static void ratings_are_carried_when_asked_for(void **state)
{
    (void)state;
    struct try t, plain;
    try_init_as(&t, &all_options);
    try_init(&plain, 1800);
    assert_int_equal(give_type(&t, "click", 0).ratings.n, 0);
    for (unsigned i = 0; i < RATINGS_TOLD + 4; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "p%u", i);
        struct event e = view_of(id, 1);
        struct vector v = give(&t, &e);
        assert_true(is_near(v.rating, 10.0 / 7));
        assert_int_equal(v.ratings.n, MIN(i + 1, (unsigned)RATINGS_TOLD));
        v = give(&plain, &e);
        assert_true(is_near(v.rating, 10.0 / 7));
        assert_int_equal(v.ratings.n, 0);
        v = give(&t, &e);
        assert_int_equal(v.verdict, VERDICT_REPEAT);
        assert_true(isnan(v.rating) && v.ratings.n == 0 && v.summaries.len == 0);
    }
    struct event e = view_of("p19", 1);
    struct vector v = give(&t, &e);
    struct in in = in_over(v.ratings.at, v.ratings.len);
    struct rated one;
    assert_int_equal(in_array(&in), RATINGS_TOLD);
    struct str item = in_raw(&in);
    assert_int_equal(rated_read(&one, item.at, item.len), WIRE_OK);
    assert_true(str_is(one.product_id, "p19") && one.rating == v.rating);
    assert_true(isnan(give_type(&t, "click", 2).rating));
    try_fini(&t);
    try_fini(&plain);
}

/* The i-th summary of a vector. */
static struct summary summary_at(const struct vector *v, size_t i)
{
    struct summary x;
    assert_true((i + 1) * SUMMARY_BYTES <= v->summaries.len);
    memcpy(&x, v->summaries.at + i * SUMMARY_BYTES, sizeof x);
    return x;
}

static void full_session(struct try *t, double s)
{
    static const char *const types[] = {
        "page_view", "screen_view", "product_view", "add_to_cart", "error", "error",
        "click",     "scroll",      "error",        "signup",      "refund"};
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        struct event e = try_event(types[i], s + i, s + i);
        e.channel = STR("email");
        e.device = STR("mobile");
        e.value = 100;
        (void)give(t, &e);
    }
    struct event bought = try_event("purchase", s + 20, s + 20);
    bought.value = 10;
    bought.currency = STR("USD");
    (void)give(t, &bought);
    bought = try_event("subscription", s + 21, s + 21);
    bought.value = 1.5;
    (void)give(t, &bought);
}

static void a_summary_tells_of_its_session(void **state)
{
    (void)state;
    struct try t;
    try_init_as(&t, &all_options);
    (void)try_site(&t, STR("{\"site\":7,\"currency\":\"EUR\",\"rates\":\"USD=0.5\"}"));
    (void)try_tick(&t, 0, 1, 0);
    full_session(&t, 100);
    assert_int_equal(give_type(&t, "click", 122).summaries.len, 0);
    (void)try_tick(&t, 0, 1, 4000);
    struct vector v = give_type(&t, "click", 4000);
    assert_int_equal(v.summaries.len, SUMMARY_BYTES);
    struct summary x = summary_at(&v, 0);
    assert_int_equal(x.started_us, TRY_T0 + 100 * SECOND_US);
    assert_int_equal(x.ended_us, TRY_T0 + 122 * SECOND_US);
    assert_true(x.value == 6.5F && x.engagement == 5);
    assert_int_equal(x.events, 14);
    assert_int_equal(x.pages, 2);
    assert_int_equal(x.product_views, 1);
    assert_int_equal(x.cart_adds, 1);
    assert_int_equal(x.conversions, 3);
    assert_int_equal(x.errors, 3);
    assert_int_equal(x.channel, CHANNEL_email);
    assert_int_equal(x.device, DEVICE_mobile);
    assert_int_equal(x.ended_by, SESSION_SILENCE);
    assert_int_equal(x.none, 0);
    struct session told;
    assert_int_equal(try_sessions(&t, 0, &told, 1), 1);
    assert_true(told.value == 11.5); /* as sent */
    try_fini(&t);
}

static void how_sessions_end_is_told(void **state)
{
    (void)state;
    struct try t;
    try_init_as(&t, &all_options);
    (void)give_type(&t, "click", 0);
    struct event e = try_event("click", 1, 2000); /* received with the first */
    struct vector v = give(&t, &e);
    assert_int_equal(summary_at(&v, 0).ended_by, SESSION_GAP);
    e = try_event("click", 2, 100);
    e.origin = ORIGIN_IMPORTS;
    e.import_id = 6;
    (void)give(&t, &e);
    (void)try_import_end(&t, 6, 3);
    v = give_type(&t, "click", 9000);
    assert_int_equal(v.summaries.len, 3 * SUMMARY_BYTES);
    assert_int_equal(summary_at(&v, 1).ended_by, SESSION_IMPORT_END);
    assert_int_equal(summary_at(&v, 2).ended_by, SESSION_SILENCE);
    try_fini(&t);
}

/* By an import whose sessions end where the test says; its last is open. */
static size_t n_summaries_after(double ended_s, double t_s)
{
    struct try t;
    try_init_as(&t, &all_options);
    struct event e = try_event("click", 0, ended_s);
    e.origin = ORIGIN_IMPORTS;
    e.import_id = 6;
    (void)give(&t, &e);
    (void)try_import_end(&t, 6, 0);
    struct vector v = give_type(&t, "click", t_s);
    size_t n = v.summaries.len / SUMMARY_BYTES;
    try_fini(&t);
    return n;
}

static void summaries_are_of_the_last_30_days(void **state)
{
    (void)state;
    double day_s = 86400;
    assert_int_equal(n_summaries_after(-30 * day_s, 0), 0);
    assert_int_equal(n_summaries_after(-30 * day_s + 1, 0), 1);
    assert_int_equal(n_summaries_after(0, 0), 1);
    assert_int_equal(n_summaries_after(1, 0), 0); /* of a lane that is ahead */
}

static void counts_stop(void **state)
{
    (void)state;
    struct try t;
    try_init_as(&t, &all_options);
    for (unsigned i = 0; i < 66000; i++) {
        (void)give_type(&t, "page_view", 0);
        outbox_drop(t.out, outbox_next(t.out));
    }
    struct vector v = give_type(&t, "click", 2000);
    struct summary x = summary_at(&v, 0);
    assert_int_equal(x.events, UINT16_MAX);
    assert_int_equal(x.pages, UINT16_MAX);
    assert_true(try_feature(&v, FEATURE_avg_pages_per_session) == 66000);
    try_fini(&t);
}

/* Of 70 sessions of two seconds each, an hour apart, the 64 that were closed last. */
static void the_newest_64_sessions_are_kept(void **state)
{
    (void)state;
    struct try t;
    struct vector v = {0};
    try_init_as(&t, &all_options);
    for (unsigned i = 0; i <= 70; i++) {
        (void)give_type(&t, "click", i * 3600);
        v = give_type(&t, "click", i * 3600 + (i < 6 ? 1000 : 2));
    }
    assert_int_equal(v.summaries.len, SUMMARIES_MOST * SUMMARY_BYTES);
    for (unsigned i = 0; i < SUMMARIES_MOST; i++) /* oldest first */
        assert_int_equal(summary_at(&v, i).started_us, TRY_T0 + (6 + i) * HOUR_US);
    assert_true(is_near((double)try_feature(&v, FEATURE_trend_sessions), 3 * 64 / 10.0));
    assert_true(is_near((double)try_feature(&v, FEATURE_trend_duration_s), 3 * 2 / 10.0));
    assert_true(is_near((double)try_feature(&v, FEATURE_avg_session_duration_s),
                        (6 * 1000 + 64 * 2) / 70.0)); /* of all */
    try_fini(&t);
}

/* With an event and a purchase each day, of 200 days. */
static void the_newest_90_days_are_kept(void **state)
{
    (void)state;
    struct try t;
    struct vector v = {0};
    try_init_as(&t, &all_options);
    for (unsigned i = 0; i < 200; i++) {
        struct event e = try_event("purchase", i * 86400.0, i * 86400.0);
        e.value = i;
        v = give(&t, &e);
    }
    assert_true(try_feature(&v, FEATURE_orders_90d) == 90);
    assert_true(try_feature(&v, FEATURE_orders_30d) == 30);
    assert_true(try_feature(&v, FEATURE_sessions_60d) == 60);
    assert_true(try_feature(&v, FEATURE_active_days_30) == 30);
    assert_true(try_feature(&v, FEATURE_revenue_90d) == 90 * 154.5F);
    assert_true(try_feature(&v, FEATURE_revenue_30d) == 30 * 184.5F);
    struct event late = try_event("purchase", 200 * 86400.0, 110 * 86400.0);
    v = give(&t, &late);
    assert_true(try_feature(&v, FEATURE_orders_90d) == 91);
    late = try_event("purchase", 200 * 86400.0, 109 * 86400.0);
    v = give(&t, &late);
    assert_true(try_feature(&v, FEATURE_orders_90d) == 91); /* its day is gone */
    assert_true(try_feature(&v, FEATURE_orders_ever) == 202);
    try_fini(&t);
}

/* Everything that an event can name is another each time. */
static void odd_event(struct try *t, unsigned i, double s)
{
    static const char *const types[] = {"product_view", "page_view", "feature_used",
                                        "purchase",     "click",     "rating_submitted"};
    char text[80];
    (void)snprintf(text, sizeof text,
                   "/%u/a-long-text-that-is-longer-than-sixty-four-bytes-are-%u", i, i);
    struct event e = try_event(types[i % ARRAY_LEN(types)], s, s);
    e.product_id = e.category = e.path = e.feature = e.group_id = e.plan = str_of(text);
    e.user_id = e.browser = e.region = e.city = e.referrer_domain = e.campaign = str_of(text);
    e.channel = e.device = e.utm_source = e.utm_medium = e.language = e.element = str_of(text);
    static const double odd[] = {(double)INFINITY, -1e308, (double)NAN, 3};
    e.price = e.value = e.quantity = odd[i % ARRAY_LEN(odd)];
    e.rating = e.score = e.depth_pct = e.utc_offset_min = e.value;
    (void)give(t, &e);
    outbox_drop(t->out, outbox_next(t->out));
}

static void no_visitor_outgrows_its_bounds(void **state)
{
    (void)state;
    enum { WARM = 20000, EVENTS = 150000, IN_A_SESSION = 100000 };
    struct try t;
    struct featurizer_options o = all_options;
    size_t warm = 0;
    double s = 0;
    o.tail = 128;
    try_init_as(&t, &o);
    for (unsigned i = 0; i < EVENTS; i++) {
        bool begins = i < WARM ? i % 50 == 0 : i % IN_A_SESSION == WARM;
        s += begins ? 2000 : 0.01;
        odd_event(&t, i, s);
        if (i + 1 == WARM)
            warm = featurizer_state_bytes(t.core);
    }
    struct outbox *states = outbox_new();
    struct buf own = {0};
    featurizer_cut(t.core, 0, &own);
    while (!featurizer_pack(t.core, 0, states, 0))
        ;
    print_message("# %zu bytes after %d events, %zu after %d; packed %zu\n", warm, WARM,
                  featurizer_state_bytes(t.core), EVENTS, outbox_bytes(states));
    assert_int_equal(featurizer_state_bytes(t.core), warm);
    assert_true(outbox_bytes(states) < 32768);
    outbox_free(states);
    buf_fini(&own);
    try_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consent_is_the_events_or_the_sites),
        cmocka_unit_test(ratings_are_carried_when_asked_for),
        cmocka_unit_test(a_summary_tells_of_its_session),
        cmocka_unit_test(how_sessions_end_is_told),
        cmocka_unit_test(summaries_are_of_the_last_30_days),
        cmocka_unit_test(counts_stop),
        cmocka_unit_test(the_newest_64_sessions_are_kept),
        cmocka_unit_test(the_newest_90_days_are_kept),
        cmocka_unit_test(no_visitor_outgrows_its_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
