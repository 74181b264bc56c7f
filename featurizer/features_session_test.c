/* SPDX-License-Identifier: Apache-2.0 */
/* The features of an event and its session, from the 68th on: what each is after every event of
 * a story (script.h), worked out by hand from features.def. T0 is a Monday, 0 h UTC. Codes are
 * from another implementation (Python). */
#include "featurizer/entropy.h"
#include "featurizer/script.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct script_row rows[] = {
#define F(name) FEATURE_##name
    /* time */
    {F(time_on_page_s), "0 click|5 page_view|5 click|35.5 scroll|40 screen_view|41 click",
     "nan 0 0 30.5 0 1"},
    {F(time_on_page_s), "100 page_view|120 page_view|30 page_view|130 click", "0 0 0 10"},
    {F(time_on_page_s), "100 page_view|!4000|30 click", "0 nan"},
    {F(local_hour), "0 click|3600 click utc_offset_min=330|3601 click utc_offset_min=-61",
     "0 6 23"},
    {F(local_hour),
     "@0=60 1767574800=120|0 click|3599 click|3600 click|3601 click utc_offset_min=0",
     "1 1 3 1"},
    {F(local_hour), "7200 click|3599 click utc_offset_min=60", "2 3"},
    {F(local_hour_sin),
     "0 click|1 click utc_offset_min=360|2 click utc_offset_min=180|3 click "
     "utc_offset_min=-360",
     "0 1 0.70710678 -1"},
    {F(local_hour_cos),
     "0 click|1 click utc_offset_min=360|2 click utc_offset_min=180|3 click "
     "utc_offset_min=-360",
     "1 0 0.70710678 0"},
    {F(local_dow),
     "0 click|1 click utc_offset_min=-60|86399 click utc_offset_min=1|518400 click", "0 6 1 6"},
    {F(local_dow_sin),
     "0 click|86400 click|172800 click|259200 click|345600 click|432000 click|518400 click",
     "0 0.78183148 0.97492791 0.43388374 -0.43388374 -0.97492791 -0.78183148"},
    {F(local_dow_cos),
     "0 click|86400 click|172800 click|259200 click|345600 click|432000 click|518400 click",
     "1 0.62348980 -0.22252093 -0.90096887 -0.90096887 -0.22252093 0.62348980"},
    {F(local_is_weekend),
     "0 click|1 click utc_offset_min=-1|345599 click utc_offset_min=1440|432000 click",
     "0 1 0 1"},
    {F(local_is_weekend), "345599 click utc_offset_min=1|518399 click|604800 click", "0 1 0"},
    {F(session_start_hour),
     "0 click utc_offset_min=330|1000 click utc_offset_min=0|7200 click|9100 click", "5 5 2 2"},
    {F(session_start_hour), "0 click|100 click|!4000|30 click", "0 0 nan"},
    {F(session_start_dow), "0 click utc_offset_min=-60|1 click|7200 click", "6 6 0"},
    {F(session_start_dow), "0 click|100 click|!4000|30 click", "0 0 nan"},
    {F(hours_since_prev_session),
     "0 click|600 click|7800 click|9000 click|!20000|8000 click|20000 click",
     "nan nan 2 2 nan 3.0555556"},
    {F(hours_since_prev_session), "1000 click|5000 click|10 click import_id=6",
     "nan 1.1111111 0"},
    {F(total_time_on_site_s),
     "0 click|600 click|7800 click|7900 click|!20000|7810 click|20000 click",
     "0 600 600 700 700 700"},
    {F(share_morning), "0 click|21600 click|43199 click|64800 click", "0 0.5 0.66666667 0.5"},
    {F(share_afternoon), "43200 click|64799 click|66600 click", "1 1 0.66666667"},
    {F(share_evening), "64800 click|86399 click|88200 click", "1 1 0.66666667"},
    {F(share_night), "0 click|1 click|21599 click|23400 click", "1 1 1 0.66666667"},
    {F(share_night), "0 click utc_offset_min=-60|7200 click utc_offset_min=60", "0 0.5"},
    {F(events_5m), "0 click|29 click|270 click|299 click|300 click|330 click", "1 2 3 4 3 4"},
    {F(events_5m), "600 click|329 click|330 click|600 click", "1 1 2 3"},
    {F(events_5m), "1000 click|0 click import_id=6|720 click import_id=6|1000 click",
     "1 0 1 3"},
    {F(events_5m), "0 click|29.999999 click|30 click|86400 click", "1 2 3 1"},
    {F(events_1h), "0 click|299 click|3300 click|3600 click", "1 2 3 2"},
    {F(events_24h), "0 click|3599 click|82800 click|86400 click", "1 2 3 2"},
    /* navigation */
    {F(page_depth),
     "0 page_view path=/a/b|1 click path=//a//b/c/|2 click|3 click path=a|4 click path=/",
     "2 3 0 1 0"},
    {F(path_length),
     "0 page_view path=/a|1 page_view path=/a|2 click path=/b|3 screen_view path=/b|"
     "4 page_view|5 page_view path=/b|6 page_view path=/a",
     "1 1 1 2 2 2 3"},
    {F(path_length), "100 page_view path=/a|30 page_view path=/b|101 page_view path=/b",
     "1 1 2"},
    {F(back_moves),
     "0 page_view path=/a|1 page_view path=/b|2 page_view path=/a|3 page_view path=/b|"
     "4 page_view path=/c|5 page_view path=/a|6 page_view path=/a|7 page_view path=/c",
     "0 0 1 2 2 2 2 3"},
    {F(back_moves), "0 page_view path=/x/1|1 page_view path=/a|2 page_view path=/x/2", "0 0 0"},
    {F(entry_page), "0 click path=/b|1 page_view|2 page_view path=/a/x|3 page_view path=/b",
     "0 0 71 71"},
    {F(entry_page), "0 page_view path=/|4000 page_view path=/c", "2 114"},
    {F(previous_page),
     "0 page_view path=/a|1 page_view path=/a|2 page_view path=/b|3 click path=/c|"
     "4 page_view path=/c",
     "0 0 71 71 8"},
    {F(step_probability),
     "0 page_view path=/a|1 page_view path=/b|2 page_view path=/a|3 page_view path=/c|"
     "4 page_view path=/a|5 page_view path=/b|6 click",
     "nan 1 1 0.5 1 0.66666667 0.66666667"},
    {F(step_probability), "0 page_view path=/x/1|1 page_view path=/x/2|2 page_view path=/a",
     "nan 1 0.5"},
    {F(path_hash_3),
     "0 page_view path=/a|1 page_view path=/b|2 page_view path=/c|3 page_view path=/c|"
     "4 page_view path=/a",
     "0 0 4013 4013 11411"},
    {F(page_entropy),
     "0 click path=/z|100 page_view path=/a|101 page_view path=/b|102 screen_view path=/a|"
     "103 page_view|30 page_view path=/b",
     "0 0 1 0.91829583 0.91829583 1"},
    {F(page_entropy), "0*1000 page_view path=/a|1 page_view path=/b", "0 0.0113978026"},
    {F(avg_time_per_page_s), "0 click|10 page_view|20 screen_view|40 click|70 page_view",
     "nan 0 5 15 20"},
    {F(avg_time_per_page_s), "100 page_view|30 page_view|120 click", "0 0 20"},
    /* engagement */
    {F(sorts), "0 filter_applied|1 sort_changed|2 click", "0 1 1"},
    {F(filters), "0 filter_applied|1 sort_changed|2 click", "1 2 2"},
    {F(features_used),
     "100 feature_used feature=a|101 feature_used|102 feature_used feature=b|"
     "30 feature_used feature=d|103 feature_used feature=a|104 click feature=c",
     "1 1 2 3 3 3"},
    {F(page_engagement_score),
     "0 click|6 page_view|7 click|8 scroll|12 scroll depth_pct=40|18 scroll depth_pct=20|"
     "24 page_exit depth_pct=100|306 page_view",
     "0 0 2.1666667 3.3333333 15 17 18 0"},
    {F(page_engagement_score), "0 page_view|0 scroll depth_pct=100|149 click|600 click",
     "0 26 52.833333 55"},
    {F(page_engagement_score), "0 page_view|1*45 click|1*60 click", "0 90.166667 100"},
    {F(page_engagement_score), "100 page_view|30 click|30 page_view|100 click", "0 0 0 2"},
    {F(feature_usage_score),
     "0 feature_used feature=a|1 feature_used|2 click|3*38 feature_used|4*4 feature_used",
     "12 14 14 90 98"},
    {F(feature_usage_score), "0*45 feature_used feature=a|1 feature_used feature=b", "100 100"},
    {F(reading_speed),
     "0 page_view|0.5 scroll depth_pct=50|1 click|2 scroll|4 scroll depth_pct=80|"
     "5 page_view|6 click|7 scroll depth_pct=-5",
     "nan nan 50 25 20 nan 0 0"},
    {F(reading_speed), "0 scroll depth_pct=50|2 click", "nan nan"},
    {F(reported_time_s),
     "100 time_on_page seconds=12.5|101 time_on_page|102 click seconds=100|"
     "30 time_on_page seconds=7.5|103 time_on_page seconds=inf|104 page_exit seconds=9",
     "12.5 12.5 12.5 20 20 20"},
    /* intent */
    {F(price_comparisons),
     "0 product_view product_id=p category=c|1 product_view product_id=q category=c|"
     "2 product_view product_id=q category=c|3 product_view product_id=r category=d|"
     "4 product_view product_id=p|5 product_view product_id=s category=c|"
     "6 add_to_cart product_id=t category=c",
     "0 1 2 2 2 3 3"},
    {F(price_comparisons),
     "0 product_view product_id=p category=c|600 product_view product_id=q category=c|"
     "1200.0000015 product_view product_id=r category=c",
     "0 1 1"},
    {F(price_comparisons),
     "0 product_view product_id=p category=c|1*7 product_view product_id=z category=d|"
     "2 product_view product_id=q category=c",
     "0 0 1"},
    {F(price_comparisons),
     "0 product_view product_id=p category=c|1*8 product_view product_id=z category=d|"
     "2 product_view product_id=q category=c",
     "0 0 0"},
    {F(price_comparisons),
     "100 product_view product_id=p category=c|30 product_view product_id=q category=c|"
     "101 product_view product_id=p category=c|4000 product_view product_id=r category=c",
     "0 0 0 0"},
    {F(price_comparisons),
     "0 product_view product_id=p|1 product_view product_id=q|2 product_view category=c|"
     "3 product_view product_id=q category=c",
     "0 0 0 0"},
    {F(view_to_cart_rate), "0 add_to_cart|1 product_view|2 product_view|3*2 add_to_cart",
     "nan 1 0.5 1.5"},
    {F(cart_to_checkout_rate), "0 checkout_start|1 add_to_cart|2 add_to_cart", "nan 1 0.5"},
    {F(session_products),
     "0 product_view product_id=p|1 product_view|2 add_to_cart product_id=q|"
     "3 product_view product_id=r|4 product_view product_id=p",
     "1 1 1 2 2"},
    {F(product_views_1h), "0 product_view|1 click|3300 product_view|3600 product_view",
     "1 1 2 2"},
    {F(product_views_24h),
     "0 product_view|3599 click|82800 product_view|86400 product_view|86399 product_view",
     "1 1 2 2 3"},
    {F(cart_adds_24h), "0 add_to_cart|3599 product_view|82800 add_to_cart|86400 add_to_cart",
     "1 1 2 2"},
    {F(category_current),
     "0 product_view category=electronics/phones|1 click|2 filter_applied category=c",
     "22941 0 4704"},
    /* struggle */
    {F(click_frustration),
     "0 click element=a|0.5 click element=a|1 click element=a|1.2 click element=a|"
     "1.4 click element=a|1.5 click element=a",
     "0 0 1 1 1 2"},
    {F(click_frustration),
     "0 click element=a|0.5 click element=a|1.0000015 click element=a|1.4 click element=a",
     "0 0 0 1"},
    {F(click_frustration),
     "0 click element=a|0.1 click element=a|0.2 click element=b|0.3 click element=a|"
     "0.4 click element=a|0.5 click element=a",
     "0 0 0 0 0 1"},
    {F(click_frustration),
     "0 click element=a|0.1 click element=a|0.2 click|0.3 click element=a|"
     "0.4 click element=a|0.5 click element=a",
     "0 0 0 0 0 1"},
    {F(click_frustration),
     "0 click element=a|0.1 scroll|0.2 click element=a|0.3 page_view|0.4 click element=a",
     "0 0 0 0 1"},
    {F(click_frustration),
     "100 click element=a|100 click element=a|30 click element=a|30 rage_click|"
     "100 click element=a|101 rage_click",
     "0 0 0 1 2 3"},
    {F(click_frustration), "0*3 click", "0"},
    {F(consecutive_errors),
     "0 error|1 form_error|2 payment_failed|3 task_fail|4 click|5 purchase|6 error|"
     "7 task_success|8 error|9 form_submit|10 error|11 payment_success|12 error|4000 click",
     "1 2 3 4 4 0 1 0 1 0 1 0 1 0"},
    {F(consecutive_errors), "100 error|30 form_submit|31 error|100 error", "1 0 1 2"},
    {F(success_rate), "0 click|1 error|2 purchase|3 form_submit|4 task_fail",
     "nan 0 0.5 0.66666667 0.5"},
    {F(secs_since_success),
     "0 error|1 purchase|5 click|100 form_submit|20 task_success|110 click|111 payment_success",
     "nan 0 4 0 0 10 0"},
    {F(engagement_drop), "0*5 click|7200 click|7201 click|7202 video_play|7203 form_submit",
     "nan 0.8 0.6 0.1 0"},
    {F(engagement_drop), "0 app_open|7200 click", "nan nan"},
    {F(tasks_open), "0 task_success|1 task_start|2*2 task_start|3 task_fail", "0 0 2 1"},
    /* video */
    {F(watch_s),
     "0 video_play position_s=0|10 video_progress position_s=10|20 video_progress|"
     "70 video_progress position_s=70|71 video_progress position_s=130.5|"
     "72 video_seek position_s=200|73 video_pause position_s=230|"
     "74 video_play position_s=231|75 video_complete position_s=240|"
     "76 video_progress position_s=100|77 click position_s=105|"
     "78 video_progress position_s=110",
     "0 10 10 70 70 70 100 100 109 109 109 119"},
    {F(watch_s),
     "100 video_progress position_s=5|30 video_progress position_s=9|"
     "101 video_progress position_s=inf|102 video_progress position_s=20",
     "0 0 0 15"},
    {F(video_mean_speed),
     "100 video_speed|101 video_speed speed=2|30 video_speed speed=1|102 video_play speed=9",
     "nan 2 1.5 1.5"},
    {F(drop_off_pct),
     "0 video_complete|1 video_play position_s=0 length_s=100|"
     "2 video_progress position_s=25 length_s=100|3 video_progress position_s=30|"
     "4 video_progress position_s=30 length_s=0|5 video_complete|"
     "6 video_progress position_s=150 length_s=100|"
     "7 video_pause position_s=50 length_s=100|8 video_complete position_s=50 length_s=100|"
     "9 video_pause position_s=-5 length_s=100|10 click position_s=50 length_s=100",
     "nan 100 75 75 75 0 0 50 0 100 100"},
    {F(drop_off_pct),
     "100 video_play position_s=10 length_s=100|30 video_complete|"
     "31 video_play position_s=90 length_s=100",
     "90 90 90"},
    {F(videos_30d), "0 video_play|2505600 video_play|2592000 video_play|2592001 click",
     "1 2 2 2"},
    {F(videos_30d), "2592000 click|2591000 video_play|0 video_play import_id=6|2592001 click",
     "0 1 1 1"},
    {F(videos_30d), "2678400 click|0 video_play|2678401 video_play", "0 0 1"},
    {F(video_hour_mode),
     "0 click|1 video_play utc_offset_min=60|7200 video_play|"
     "7201 video_play utc_offset_min=0|9000 click",
     "nan 1 1 2 2"},
    /* automation */
    {F(gap_variance_s2), "0 click|2 click|6 click", "nan 0 1"},
    {F(share_without_referrer),
     "0 click|1 page_view|2 screen_view referrer=https://x/|3 click|"
     "4 page_view referrer_domain=x",
     "nan 1 0.5 0.5 0.66666667"},
    {F(night_share), "0 click|21599 click|21600 click|21601 click utc_offset_min=-1",
     "1 1 0.66666667 0.75"},
    {F(night_share), "21700 click|3600 click|21701 click", "0 0 0"},
    {F(crawl_breadth),
     "100 page_view path=/a|101 page_view path=/b|102 page_view|103 screen_view path=/a|"
     "30 page_view path=/c|104 click path=/d",
     "1 2 2 2 3 3"},
    {F(crawl_depth),
     "100 page_view path=/a/b|101 click path=/a/b/c/d|102 page_view path=/|"
     "30 screen_view path=x/y/z",
     "2 2 2 3"},
    {F(breadth_to_depth),
     "0 click|1 page_view path=/|2 page_view path=/a/b|3 page_view path=/a/c", "0 1 1 1.5"},
    {F(mouse_straightness),
     "100 mouse_summary|101 mouse_summary straightness=0.5|30 mouse_summary straightness=1|"
     "102 click straightness=0|103 mouse_summary straightness=-inf",
     "nan 0.5 0.75 0.75 0.75"},
    {F(mouse_mean_speed),
     "0 mouse_summary straightness=1|1 mouse_summary mean_speed=100|"
     "2 mouse_summary mean_speed=300",
     "nan 100 200"},
    {F(mouse_pause_share), "0 mouse_summary|1 mouse_summary pauses=0|2 mouse_summary pauses=1",
     "nan 0 0.5"},
    {F(is_headless), "0 click agent_marks=1|1 click agent_marks=2|2 click|7200 click",
     "0 1 1 0"},
    {F(is_headless), "100 click|30 click agent_marks=2|101 page_view agent_marks=7", "0 0 1"},
    {F(is_known_bot), "0 click agent_marks=2|1 click agent_marks=1|2 click", "0 1 1"},
    {F(is_known_bot), "0 click device=bot|1 click", "1 1"},
    {F(is_known_bot), "0 click device=mobile|1 click device=bot", "0 0"},
};

/* Events of a type in the session, late ones too. */
static const struct plain {
    enum feature feature;
    const char *type;
} plains[] = {
    {F(pages), "page_view"},
    {F(pages), "screen_view"},
    {F(internal_links), "internal_link_click"},
    {F(external_links), "external_link_click"},
    {F(clicks), "click"},
    {F(searches), "search_performed"},
    {F(form_starts), "form_start"},
    {F(form_submits), "form_submit"},
    {F(form_abandons), "form_abandon"},
    {F(form_errors), "form_error"},
    {F(video_completes), "video_complete"},
    {F(downloads), "download"},
    {F(sorts), "sort_changed"},
    {F(shares), "share"},
    {F(ratings_given), "rating_submitted"},
    {F(product_views), "product_view"},
    {F(cart_adds), "add_to_cart"},
    {F(cart_removes), "remove_from_cart"},
    {F(wishlist_adds), "wishlist_add"},
    {F(wishlist_removes), "wishlist_remove"},
    {F(checkouts_started), "checkout_start"},
    {F(error_count), "error"},
    {F(retry_count), "retry"},
    {F(page_exits), "page_exit"},
    {F(page_refreshes), "page_refresh"},
    {F(rage_clicks), "rage_click"},
    {F(help_requests), "help_request"},
    {F(video_plays), "video_play"},
    {F(video_pauses), "video_pause"},
    {F(video_seeks), "video_seek"},
    {F(video_replays), "video_replay"},
    {F(video_speed_changes), "video_speed"},
};
#undef F

static const char *const groups[] = {"time",     "navigation", "engagement", "intent",
                                     "struggle", "video",      "automation"};

static bool is_near(float got, double want)
{
    return fabs((double)got - want) <= 1e-6 * fmax(1e-3, fabs(want));
}

/* The vector stays until the next. */
static struct vector give(struct try *t, const struct event *e)
{
    struct vector v[1];
    outbox_drop(t->out, outbox_next(t->out));
    assert_int_equal(try_vectors(t, try_event_give(t, e), v, 1), 1);
    assert_int_equal(v->features_n, FEATURES_N);
    return *v;
}

static void values_are_as_defined(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        script_run(&rows[i]);
}

static void plain_counters_count(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(plains); i++) {
        char script[200];
        const char *type = plains[i].type;
        (void)snprintf(script, sizeof script,
                       "100 %s|101 app_open|30 %s|102 unknown|103 %s|4000 app_open|4001 %s",
                       type, type, type, type);
        struct script_row row = {plains[i].feature, script, "1 1 2 2 3 0 1"};
        script_run(&row);
    }
}

static bool has_case(enum feature f)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].feature == f)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(plains); i++)
        if (plains[i].feature == f)
            return true;
    return strncmp(feature_defs[f].name, "implicit_rating", 15) == 0; /* ratings_test.c */
}

static void every_line_has_a_case(void **state)
{
    (void)state;
    for (int f = FEATURE_events_per_minute + 1; f < FEATURES_N; f++)
        for (size_t i = 0; i < ARRAY_LEN(groups); i++)
            if (strcmp(feature_defs[f].group, groups[i]) == 0 && !has_case((enum feature)f))
                fail_msg("%s has no case", feature_defs[f].name);
}

/* The first 64 are told apart and counted; beyond them a sketch, within three standard errors,
 * and never below what has been exact. */
static void many_are_told_by_sketches(void **state)
{
    (void)state;
    enum { MOST = 3000 };
    struct try t;
    char path[32], product[32];
    try_init(&t, 1800);
    for (unsigned n = 1; n <= MOST; n++) {
        struct event view = try_event("page_view", 1, 1),
                     look = try_event("product_view", 1, 1);
        (void)snprintf(path, sizeof path, "/page/%u", n);
        (void)snprintf(product, sizeof product, "product-%u", n);
        view.path = str_of(path);
        look.product_id = str_of(product);
        (void)give(&t, &view);
        struct vector v = give(&t, &look);
        float breadth = try_feature(&v, FEATURE_crawl_breadth);
        float products = try_feature(&v, FEATURE_session_products);
        float most = n <= 64 ? 0 : 3 * 0.092f * (float)n;
        assert_true(fabsf(breadth - (float)n) <= most && fabsf(products - (float)n) <= most);
        assert_true(n <= 64 || (breadth > 64 && products > 64));
        assert_true(try_feature(&v, FEATURE_breadth_to_depth) == breadth / 2);
        assert_true(try_feature(&v, FEATURE_unique_pages) == fminf((float)n, 64));
        assert_true(try_feature(&v, FEATURE_path_length) == (float)n);
        /* each of the listed once */
        assert_true(is_near(try_feature(&v, FEATURE_page_entropy), log2(n < 64 ? n : 64)));
    }
    try_fini(&t);
}

/* Beyond 64 pairs of codes a new one has no probability, and changes none. */
static void pairs_end_at_64(void **state)
{
    (void)state;
    struct try t;
    char path[32];
    unsigned n_told = 0;
    try_init(&t, 1800);
    for (unsigned n = 0; n < 200; n++) {
        struct event view = try_event("page_view", 1, 1);
        (void)snprintf(path, sizeof path, "/%s%u", n % 2 ? "a" : "", n % 2 ? 0 : n);
        view.path = str_of(path);
        struct vector v = give(&t, &view);
        float share = try_feature(&v, FEATURE_step_probability);
        n_told += !isnan(share);
        if (n == 1) /* from one code to another, and back from there */
            assert_true(share == 1);
        if (n == 2)
            assert_true(share == 1);
        if (n == 4)
            assert_true(share == 0.5f);
    }
    assert_true(n_told >= 64 && n_told < 199);
    try_fini(&t);
}

/* Grown one by one, in any order, against the definition. */
static void entropies_are_as_defined(void **state)
{
    (void)state;
    enum { KINDS = 64, STEPS = 20000 };
    struct rng r = rng_stream(2, 9);
    uint32_t counts[KINDS] = {0};
    double sum = 0, alone = 0;
    for (uint32_t n = 1; n <= STEPS; n++) {
        unsigned i = rng_below(&r, 1 + rng_below(&r, KINDS));
        double want = 0;
        entropy_grow(&sum, ++counts[i]);
        entropy_grow(&alone, n);
        for (unsigned k = 0; k < KINDS; k++)
            want -= counts[k] > 0 ? counts[k] * log2((double)counts[k] / n) / n : 0;
        assert_true(fabs(entropy_of(sum, n) - want) < 1e-9);
        assert_true(entropy_of(alone, n) == 0); /* not what rounding leaves */
    }
    assert_true(entropy_of(0, 0) == 0);
}

/* Whatever numbers events carry: each feature is a float or NaN, and what was not finite has
 * spoiled no sum of the new ones. */
static void odd_numbers_do_no_harm(void **state)
{
    (void)state;
    static const double odd[] = {(double)NAN,
                                 (double)INFINITY,
                                 -(double)INFINITY,
                                 1e15,
                                 -1e15,
                                 1e308,
                                 -1e308,
                                 5e-324,
                                 0,
                                 -0.0,
                                 50};
    static const char *const types[] = {"scroll",         "time_on_page", "mouse_summary",
                                        "video_progress", "video_speed",  "video_complete",
                                        "product_view",   "add_to_cart",  "remove_from_cart",
                                        "purchase",       "page_view",    "page_exit",
                                        "satisfaction",   "refund",       "rating_submitted"};
    struct rng r = rng_stream(11, 4);
    struct try t;
    try_init(&t, 1800);
    for (unsigned i = 0; i < 4000; i++) {
        struct event e = try_event(types[rng_below(&r, ARRAY_LEN(types))], i, i);
        for (size_t f = 0; f < event_def.n_fields; f++)
            if (event_def.fields[f].type == FIELD_F64)
                *(double *)(void *)((char *)&e + event_def.fields[f].offset) =
                    odd[rng_below(&r, ARRAY_LEN(odd))];
        struct vector v = give(&t, &e);
        for (int f = 0; f < FEATURES_N; f++)
            assert_false(isinf(try_feature(&v, (size_t)f)));
    }
    struct event e = try_event("click", 4000, 4000);
    struct vector v = give(&t, &e);
    assert_false(isnan(try_feature(&v, FEATURE_reported_time_s)));
    assert_false(isnan(try_feature(&v, FEATURE_watch_s)));
    assert_false(isnan(try_feature(&v, FEATURE_drop_off_pct)));
    assert_false(isnan(try_feature(&v, FEATURE_mouse_straightness)));
    assert_false(isnan(try_feature(&v, FEATURE_video_mean_speed)));
    assert_false(isnan(try_feature(&v, FEATURE_page_engagement_score)));
    try_fini(&t);
}

/* A time that no clock shows makes an event no record of the topic; the last that is one
 * counts. */
static void times_beyond_are_rejected(void **state)
{
    (void)state;
    static const int64_t beyond[] = {INT64_MIN, -1, 253402300800 * SECOND_US, INT64_MAX};
    struct rejected r[1];
    struct vector v[1];
    struct try t;
    try_init(&t, 1800);
    for (size_t i = 0; i < 2 * ARRAY_LEN(beyond); i++) {
        struct event e = try_event("click", 0, 0);
        *(i % 2 ? &e.ts_us : &e.received_us) = beyond[i / 2];
        assert_int_equal(try_rejected(&t, try_event_give(&t, &e), r, 1), 1);
        assert_true(str_is(r->reason, "bad_record"));
    }
    struct event e = try_event("click", 0, 0);
    e.ts_us = 253402300800 * SECOND_US - 1;
    e.utc_offset_min = 840;
    assert_int_equal(try_vectors(&t, try_event_give(&t, &e), v, 1), 1);
    assert_true(try_feature(v, FEATURE_local_hour) == 13);
    try_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_as_defined),  cmocka_unit_test(plain_counters_count),
        cmocka_unit_test(every_line_has_a_case),  cmocka_unit_test(many_are_told_by_sketches),
        cmocka_unit_test(pairs_end_at_64),        cmocka_unit_test(entropies_are_as_defined),
        cmocka_unit_test(odd_numbers_do_no_harm), cmocka_unit_test(times_beyond_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
