/* SPDX-License-Identifier: Apache-2.0 */
/* The features of a visitor's past, surroundings and ratings, from the 68th on: what each is
 * after every event of a story (script.h), worked out by hand from features.def. T0 is a
 * Monday, 0 h UTC. Codes are from another implementation (Python). */
#include "featurizer/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define EURO    "@{\"site\":7,\"currency\":\"EUR\",\"rates\":\"USD=0.5 GBP=2\"}|"
#define LONG_ID "0123456789012345678901234567890123456789012345678901234567890123"

static const struct script_row rows[] = {
#define F(name) FEATURE_##name
    /* past_conversion */
    {F(conversion_rate),
     "0 page_view|10 purchase|20 signup|2h click|2h subscription|1h purchase", "0 1 2 1 1.5 2"},
    {F(orders_30d), "0 purchase|29d23h purchase|30d click", "1 2 1"},
    {F(orders_30d), "40d click|15d purchase|5d purchase|41d click", "0 1 1 1"},
    {F(orders_30d), "0 click|-700d purchase import_id=6|-700d click import_id=6", "0 0 0"},
    {F(orders_30d), "-700d purchase import_id=6|-699d click import_id=6|0 click", "1 1 0"},
    {F(orders_30d), "0 purchase|-20d purchase import_id=6|-10d click import_id=6|1 click",
     "1 1 1 2"},
    {F(orders_90d), "0 purchase|89d purchase|90d click|179d click", "1 2 1 0"},
    {F(orders_90d), "100d click|10d purchase|11d purchase|101d click", "0 0 1 0"},
    {F(orders_ever),
     "0 purchase|100d purchase|50d purchase|-700d purchase import_id=6|300d click",
     "1 2 3 4 4"},
    {F(revenue_30d),
     EURO
     "0 purchase value=10|1 purchase value=10 currency=EUR|2 purchase value=10 currency=USD|"
     "3 purchase value=10 currency=JPY|4 purchase|5 purchase value=-4 currency=GBP|30d click",
     "10 20 25 25 25 17 0"},
    {F(revenue_30d), "0 purchase value=10 currency=USD|1 purchase value=3 currency=JPY",
     "10 13"},
    {F(revenue_30d),
     EURO
     "0 purchase value=10 currency=USD|@{\"site\":7,\"currency\":\"EUR\",\"rates\":\"USD=1\"}|"
     "1 purchase value=10 currency=USD|2 purchase value=10 currency=GBP",
     "5 15 15"},
    {F(revenue_30d),
     "0 subscription value=9|1 purchase value=inf|2 purchase value=2|3 purchase "
     "value=nan",
     "0 0 2 2"},
    {F(revenue_30d), "40d click|20d purchase value=4|1d purchase value=8", "0 4 4"},
    {F(revenue_90d), "0 purchase value=3|89d purchase value=4|90d click", "3 7 4"},
    {F(revenue_ever),
     EURO
     "0 purchase value=10 currency=USD|200d purchase value=1|100d purchase value=2|201d click",
     "5 6 8 8"},
    {F(revenue_ever), "0 purchase value=1e300|1 purchase value=-1e300|2 purchase value=2",
     "3.4028235e38 0 2"},
    {F(refunds), "0 refund|1 purchase|-700d refund import_id=6", "1 1 2"},
    {F(refund_value),
     EURO
     "0 refund value=-3|1 refund value=4 currency=USD|2 refund|3 refund value=1 currency=JPY",
     "3 5 5 5"},
    {F(avg_order_value), EURO "0 purchase value=10 currency=USD", "10"},
    {F(lifetime_value), EURO "0 purchase value=10 currency=USD|1 refund value=4 currency=USD",
     "10 6"},
    /* context */
    {F(browser), "0 click|1 click browser=Chrome|2 click browser=Firefox|2h click",
     "0 243 243 0"},
    {F(browser), "100 click|30 click browser=Chrome|101 click", "0 0 0"},
    {F(screen_class),
     "0 click screen=599x1|2h click screen=600x9|4h click screen=1023x768|6h click "
     "screen=1024x1|"
     "8h click screen=1919x1|10h click screen=1920x1080|12h click screen=0x0|"
     "14h click screen=99999999999999999999999x1",
     "1 2 2 3 3 4 1 4"},
    {F(screen_class),
     "0 click screen=wide|1 click screen=800X600|2 click screen=800x|3 click screen=x600|"
     "4 click screen=-800x600|5 click screen=800x600x24|6 click screen=700x1|7 click "
     "screen=1x1",
     "0 0 0 0 0 0 2 2"},
    {F(is_mobile),
     "0 click|1 click device=mobile|2 click device=desktop|2h click device=tablet", "0 1 1 0"},
    {F(region), "0 click|1 click region=BY|2 click region=BE", "0 44850 44850"},
    {F(city), "0 click|1 click city=Berlin|2 click city=x", "0 14413 14413"},
    {F(utc_offset_h), "0 click|1 click utc_offset_min=-330|2 click", "0 -5.5 0"},
    {F(utc_offset_h), "@0=60 1767600000=120|0 click|28799 click|8h click|7h click", "1 1 2 2"},
    {F(utc_offset_h),
     "@0=60|0 click utc_offset_min=5000|1 click utc_offset_min=nan|2 click "
     "utc_offset_min=0",
     "1 1 0"},
    {F(language),
     "0 click language=de-DE|2h click language=DE_at|4h click language=en|6h click "
     "language=-en|"
     "6h click language=EN|6h click language=de",
     "234 234 76 0 76 76"},
    {F(traffic_source),
     "0 click|1 click utm_source=Google|2h click utm_source=google|2h click utm_source=x",
     "0 33580 33580 33580"},
    {F(traffic_medium), "0 click|1 click utm_medium=CPC|2 click", "0 52939 52939"},
    {F(referrer_domain), "0 click|1 click referrer_domain=example.com|2h click", "0 11844 0"},
    {F(signal_weather),
     "&kind=weather region=DE from_us=1h to_us=2h value=3|0 click country=DE|"
     "3599.999999 click country=DE|1h click country=DE|7199.999 click country=DE|"
     "2h click country=DE|1.5h click",
     "nan nan 3 3 nan nan"},
    {F(signal_weather),
     "&kind=weather region=DE-BY value=1.5|&kind=weather region=BE value=2|"
     "0 click region=BY country=DE|2h click region=BE country=DE|4h click region=BY country=AT|"
     "6h click country=BE|8h click country=DE",
     "1.5 2 nan 2 nan"},
    {F(signal_weather),
     "&kind=weather region=DE-BY value=1|0 click region=BY|1 click country=DE|"
     "2h click country=DE region=BY|4h click country=DE|4h click region=BY",
     "nan nan 1 nan 1"},
    {F(signal_weather), "&kind=weather region=DE value=1|0 click region=BY|1 click country=DE",
     "nan 1"},
    {F(signal_weather), "&kind=weather region=de value=1|0 click country=de|1 click region=de",
     "nan 1"},
    {F(signal_weather),
     "&kind=weather value=7|&kind=weather value=2 to_us=10|0 click|10 click|&kind=weather|11 "
     "click",
     "2 7 1"},
    {F(signal_weather), "&kind=weather site_id=8 value=1|0 click", "nan"},
    {F(signal_weather), "0 click|&kind=weather value=4|1 click", "nan 4"},
    {F(signal_weather),
     "&kind=weather region=DE value=4|100 click country=DE|30 click|!4000|40 click", "4 4 nan"},
    {F(signal_weather),
     "&kind=weather from_us=-700d to_us=-699d value=4|0 click|-700d click import_id=6|"
     "-699d click import_id=6",
     "nan 4 nan"},
    {F(signal_weather), "&kind=weather from_us=10 to_us=10 value=1|10 click|11 click",
     "nan nan"},
    {F(signal_holiday),
     "&kind=Holiday value=3|&kind=holiday region=DE|0 click|1 click country=DE", "nan 1"},
    {F(signal_trend), "&kind=trend value=-2|0 click|&kind=trend value=inf|1 click",
     "-2 3.4028235e38"},
    {F(signals_active),
     "&kind=trend|&kind=strike|&kind=weather region=FR|&kind=weather region=DE to_us=5|"
     "0 click country=DE|5 click",
     "3 2"},
    /* touchpoints */
    {F(days_since_first_touch),
     "0 click|1d click channel=email|3d click|3d click channel=direct|"
     "2d click import_id=6 channel=social",
     "nan 0 2 2 1"},
    {F(days_since_first_touch),
     "1d click channel=email|-1d click import_id=6 channel=social|2d click", "0 0 3"},
    {F(first_channel),
     "0 click|1 click channel=email|2 click channel=direct|2h click channel=x", "0 7 7 7"},
    {F(first_channel), "1d click channel=email|-1d click import_id=6 channel=social", "7 7"},
    {F(last_channel), "0 click|1 click channel=email|2 click channel=direct|2h click channel=x",
     "0 7 7 1"},
    {F(last_channel), "1d click channel=email|-1d click import_id=6 channel=social", "7 6"},
    {F(hours_between_touches),
     "0 click channel=email|2h click channel=email|6h click channel=x", "nan 2 3"},
    {F(hours_between_touches), "0 click channel=email|-10h click import_id=6 channel=email",
     "nan 10"},
    {F(ad_cost),
     EURO "0 ad_impression cost=1|1 ad_click cost=3 currency=USD|2 ad_click|3 click cost=9|"
          "4 ad_click cost=1 currency=JPY|100 click|30 ad_click cost=2",
     "1 2.5 2.5 2.5 2.5 2.5 4.5"},
    {F(ad_impressions), "0 ad_impression|1 ad_click|100 ad_impression|30 ad_impression",
     "1 1 2 3"},
    {F(ad_clicks), "0 ad_impression|1 ad_click|100 click|30 ad_click", "0 1 1 2"},
    /* history */
    {F(recency_score), "0 click|1 click|30d click|30d click|!40d|29d click",
     "nan nan 0.36787944 0.36787944 nan"},
    {F(recency_score), "0 click|60d click", "nan 0.13533528"},
    {F(sessions_7d), "0 click|1 click|1d click|6d click|7d click|8d click", "1 1 2 3 3 3"},
    {F(sessions_30d), "0 click|29d click|30d click", "1 2 2"},
    {F(sessions_60d), "0 click|59d click|60d click", "1 2 2"},
    {F(sessions_90d), "0 click|89d click|90d click", "1 2 2"},
    {F(sessions_90d), "0 click|-80d click import_id=6|1 click", "1 1 2"},
    {F(sessions_90d), "1d click|!3d|1h click|3d click", "1 1 2"},
    {F(monetary),
     EURO "0 purchase value=10 currency=USD|1 subscription value=1|2 refund value=4|"
          "3 signup value=100",
     "5 6 6 6"},
    {F(avg_pages_per_session), "0 page_view|1m screen_view|2h click|4h click", "nan nan 2 1"},
    {F(preferred_hour), "3h click|5h click|29h click|29h click", "3 3 5 5"},
    {F(preferred_hour), "@0=60|3h click|5h click utc_offset_min=-90", "4 3"},
    {F(preferred_dow), "0 click|1d click|8d click|13d click|20d click|27d click",
     "0 0 1 1 1 6"},
    {F(is_weekend_shopper), "5d click|7d click|12d click|12d click", "1 0 1 1"},
    {F(is_weekend_shopper), "5d click utc_offset_min=-1|6d click", "0 0"},
    {F(preferred_device),
     "0 click|1 click device=mobile|2h click device=desktop|4h click device=mobile|"
     "4h click device=desktop",
     "0 4 3 4 4"},
    {F(preferred_device), "100 click|30 click device=mobile|101 click device=fridge", "0 0 1"},
    {F(categories_explored),
     "0 product_view category=a|1 product_view|2 click category=c|100 product_view category=b|"
     "30 product_view category=d|200d product_view category=a",
     "1 1 1 2 3 3"},
    {F(categories_explored), "0*64 product_view category=c%|1 click", "64 64"},
    {F(category_diversity),
     "0 product_view|1 product_view category=a|2 product_view category=a|"
     "3 product_view category=a|4 product_view category=b",
     "0 0 0 0 0.81127812"},
    {F(category_diversity), "0*1000 product_view category=a|1 product_view category=b",
     "0 0.011397803"},
    {F(category_diversity),
     "0*64 product_view category=c%|1 product_view category=x|2*64 product_view category=c%",
     "6 6 6"},
    {F(top_category_share),
     "0 product_view|1 product_view category=a|2 product_view category=b|"
     "3 product_view category=a",
     "nan 1 0.5 0.66666667"},
    {F(top_category_share),
     "0*64 product_view category=c%|1*5 product_view category=x|2 product_view category=c7",
     "0.015625 0.015625 0.030769231"},
    {F(products_explored),
     "0 product_view product_id=a|1 product_view product_id=a|2 add_to_cart product_id=b|"
     "3 product_view|100d product_view product_id=c|50d product_view product_id=d",
     "1 1 1 1 2 3"},
    {F(products_explored), "0*64 product_view product_id=p%|1 click", "64 64"},
    {F(events_per_day), "0 click|1 click|12h click|4d click|-8d click import_id=6",
     "1 2 3 1 5"},
    {F(active_days_30), "0 click|1h click|1d click|29d click|30d click", "1 1 2 3 3"},
    {F(active_days_30), "40d click|20d click|5d click|39d click", "1 2 2 3"},
    {F(trend_sessions), "0 click|1d click|7d click|8d click|28d click", "nan 0.3 0.4 0.5 -0.7"},
    {F(trend_sessions), "0 click|28d click", "nan nan"},
    {F(trend_sessions), "0 click|27d23h click", "nan -0.3"},
    {F(trend_sessions), "0 click|2h click|-1h click import_id=6", "nan 0.3 nan"},
    {F(trend_duration_s), "0 click|864 click|1728 click|2d click|2d10s click|9d click",
     "nan nan nan 518.4 518.4 175.8"},
    {F(trend_engagement), "0 click|1 click|2d scroll|9d form_submit|9d click",
     "nan nan 1.2 0.25 0.25"},
    {F(engagement_vs_own_mean),
     "0 click|1 click|2h scroll|4h click|4h form_submit|!10h|3h click",
     "nan nan -3 -0.5 9.5 -5.6666667"},
    /* customer */
    {F(campaigns_sent), "0 campaign_sent|1 click|100 click|30 campaign_sent", "1 1 1 2"},
    {F(campaign_open_rate),
     "0 campaign_opened|1 campaign_sent|2 campaign_sent|3 campaign_sent|4 campaign_opened|"
     "5 campaign_opened|6 campaign_opened",
     "nan 1 0.5 0.33333333 0.66666667 1 1"},
    {F(campaign_response_rate),
     "0 campaign_clicked|1 campaign_sent|2 campaign_sent|3 campaign_opened", "nan 1 0.5 0.5"},
    {F(support_tickets_30d), "0 support_ticket|29d support_ticket|30d click", "1 2 1"},
    {F(support_tickets_90d), "0 support_ticket|89d support_ticket|90d click", "1 2 1"},
    {F(satisfaction_last),
     "0 satisfaction|1 satisfaction score=7|2 satisfaction|3 click score=1|100 click|"
     "30 satisfaction score=2|101 satisfaction score=inf",
     "nan 7 7 7 7 2 2"},
    {F(days_since_feature_use),
     "0 click|1d feature_used feature=a|3d click|2d feature_used|4d click|1h feature_used",
     "nan 0 2 1 2 2"},
    {F(feature_diversity),
     "0 feature_used feature=a|1 feature_used|2 feature_used feature=a|"
     "200d feature_used feature=b|100d feature_used feature=c|200d click feature=d",
     "1 1 1 2 3 3"},
    {F(feature_diversity), "0*70 feature_used feature=f%", "64"},
    {F(plan),
     "0 click plan=pro|1 subscription plan=pro|2 subscription|3 profile_update plan=basic|"
     "100 identify plan=pro|30 identify plan=basic|101 subscription_cancel|102 click",
     "0 229 229 122 229 122 0 0"},
    {F(tenure_days), "0 click|2d signup|5d click|1d subscription|6d click|6d signup",
     "nan 0 3 4 5 5"},
    /* group_buying */
    {F(group_joins), "100 group_join_complete|30 group_join_complete|101 click|2h click",
     "1 2 2 0"},
    {F(group_leaves), "100 group_leave|30 group_leave|101 click|2h click", "1 2 2 0"},
    {F(view_to_click_rate), "0 group_join_click|1 group_view|2h group_view|2h click",
     "nan 1 0.5 0.5"},
    {F(click_to_join_rate), "0 group_join_complete|1 group_join_click|2 group_join_click",
     "nan 1 0.5"},
    {F(join_to_purchase_rate),
     "0 purchase group_id=g|1 group_join_complete|2 purchase|3 purchase group_id=h|100 click|"
     "30 purchase group_id=g",
     "nan 1 1 2 2 3"},
    {F(overall_conversion_rate), "0 purchase group_id=g|1 group_view|2 group_view|3 purchase",
     "nan 1 0.5 0.5"},
    /* ratings */
    {F(implicit_rating),
     "0 product_view|1 click product_id=a|2 product_view product_id=a|3 click product_id=a|"
     "4 click product_id=b|5 click",
     "nan nan 1.4285714 1.4285711 nan nan"},
    {F(implicit_rating),
     "0 purchase product_id=a|30d click product_id=a|60d click product_id=a",
     "3.3333333 2.5 1.6666667"},
    {F(implicit_rating), "30d product_view product_id=a|0 product_view product_id=a",
     "1.4285714 1.875"},
    {F(implicit_rating),
     "0 purchase product_id=a|-30d purchase import_id=6 product_id=a|"
     "-30d click import_id=6 product_id=a|0 click product_id=a",
     "3.3333333 3.75 3.75 3.75"},
    {F(implicit_rating), "0 remove_from_cart product_id=a|0 add_to_cart product_id=a",
     "0 2.2222222"},
    {F(implicit_rating),
     "0 rating_submitted product_id=a rating=4|0 click product_id=a|"
     "0 rating_submitted product_id=a|100 rating_submitted product_id=a rating=1|"
     "30 rating_submitted product_id=a rating=2|101 rating_submitted product_id=a rating=inf",
     "3.4074074 3.4074074 3.6923077 1.8431311 2.6031691 2.6666631"},
    {F(implicit_rating),
     "0*32 product_view product_id=p%|0 product_view product_id=x|0 click product_id=p0|"
     "0 click product_id=p1",
     "1.4285714 1.4285714 nan 1.4285714"},
    {F(implicit_rating),
     "0*32 add_to_cart product_id=p%|0 remove_from_cart product_id=p7|0 page_view product_id=x|"
     "0 click product_id=p7|0 click product_id=p0|0 product_view product_id=p7|"
     "0 click product_id=x",
     "2.7272727 2.2222222 0.83333333 nan 2.7272727 1.4285714 nan"},
    {F(implicit_rating),
     "0 product_view product_id=" LONG_ID "a|0 add_to_cart product_id=" LONG_ID "b",
     "1.4285714 2.7272727"},
    {F(implicit_rating_max),
     "0 click|0 product_view product_id=a|0 purchase product_id=b|0 click|"
     "0 rating_submitted product_id=c rating=5|30d click",
     "nan 1.4285714 3.3333333 3.3333333 4.0740741 3.8095238"},
    {F(implicit_rating_max), "0 group_leave product_id=a", "0"},
    {F(implicit_rating_max),
     "0 purchase product_id=a|0 rating_submitted product_id=a rating=0|0 page_view "
     "product_id=b",
     "3.3333333 1.2280702 1.2280702"},
};

/* Touches by channel. */
static const struct channel_row {
    enum feature feature;
    const char *channel;
} channels[] = {
    {F(touches_direct), "direct"},           {F(touches_organic), "organic"},
    {F(touches_paid_search), "paid_search"}, {F(touches_paid_social), "paid_social"},
    {F(touches_social), "social"},           {F(touches_email), "email"},
    {F(touches_display), "display"},         {F(touches_affiliate), "affiliate"},
    {F(touches_referral), "referral"},       {F(touches_other), "other"},
};
#undef F

static void values_are_as_defined(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        script_run(&rows[i]);
}

static void channels_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(channels); i++) {
        char script[300];
        const char *c = channels[i].channel;
        (void)snprintf(script, sizeof script,
                       "0 click|1 click channel=%s|2 click channel=%s|2h click channel=%s|"
                       "1h click channel=%s|4h click channel=%s|6h click channel=%s",
                       c, c, c, c, i == 0 ? "email" : "direct", c);
        struct script_row row = {channels[i].feature, script, "0 1 1 2 2 2 3"};
        script_run(&row);
    }
}

/* s alone, of one act: 5 s / (s + 5). */
static void acts_weigh_as_told(void **state)
{
    static const struct {
        const char *type, *values;
    } acts[] = {
        {"purchase", "3.3333333"},
        {"group_join_complete", "3.2142857"},
        {"payment_success", "3.0769231"},
        {"checkout_start", "2.9166667"},
        {"add_to_cart", "2.7272727"},
        {"group_join_click", "2.5"},
        {"rating_submitted", "2.2222222"},
        {"wishlist_add", "1.875"},
        {"product_view", "1.4285714"},
        {"group_view", "1.4285714"},
        {"search_performed", "1.1538462"},
        {"page_view", "0.83333333"},
        {"wishlist_remove", "0"},
        {"remove_from_cart", "0"},
        {"group_leave", "0"},
        {"screen_view", "nan"},
        {"payment_failed", "nan"},
        {"refund", "nan"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(acts); i++) {
        char script[80];
        (void)snprintf(script, sizeof script, "0 %s product_id=a", acts[i].type);
        struct script_row row = {FEATURE_implicit_rating, script, acts[i].values};
        script_run(&row);
    }
}

static bool has_row(enum feature f)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].feature == f)
            return true;
    for (size_t i = 0; i < ARRAY_LEN(channels); i++)
        if (channels[i].feature == f)
            return true;
    return false;
}

static void each_feature_has_a_row(void **state)
{
    static const char *const groups[] = {"past_conversion", "context",  "touchpoints",
                                         "history",         "customer", "group_buying"};
    (void)state;
    for (enum feature f = FEATURE_time_on_page_s; f < FEATURES_N; f++)
        for (size_t i = 0; i < ARRAY_LEN(groups); i++)
            if (strcmp(feature_defs[f].group, groups[i]) == 0 && !has_row(f))
                fail_msg("no row for %s", feature_defs[f].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_as_defined),
        cmocka_unit_test(channels_are_told_apart),
        cmocka_unit_test(acts_weigh_as_told),
        cmocka_unit_test(each_feature_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
