/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/cells.h"
#include "featurizer/group.h"
#include "featurizer/signals.h"

/* Where external signals know regions by their names: REGION, and COUNTRY-REGION. */
static void count_region(struct visit *v, struct str region)
{
    char country[3] = {0, 0, '-'};
    if (v->region != 0 || region.len == 0)
        return;
    v->region = code_wide(region);
    v->region_hash = code_fnv(region);
    if (code_country_name(v->country, country))
        v->place_hash = code_fnv_on(code_fnv(str_over(country, sizeof country)), region);
}

static void count_device(struct turn *turn)
{
    struct visit *v = turn->v;
    if (v->device != CODE_NONE || turn->e->device.len == 0)
        return;
    v->device = code_device(turn->e->device);
    cell_add(&turn->p->devices[v->device]);
}

/* The first of each that is told. */
static void count_first(struct visit *v, const struct event *e)
{
    if (v->os == CODE_NONE)
        v->os = code_word(e->os);
    if (v->country == 0)
        v->country = code_country(e->country);
    if (v->campaign == CODE_NONE)
        v->campaign = code_word(e->utm_campaign);
    if (v->browser == CODE_NONE)
        v->browser = code_word(e->browser);
    if (v->screen_class == 0)
        v->screen_class = code_screen(e->screen);
    if (v->city == CODE_NONE)
        v->city = code_wide(e->city);
    if (v->language == CODE_NONE)
        v->language = code_language(e->language);
    if (v->utm_source == CODE_NONE)
        v->utm_source = code_wide_small(e->utm_source);
    if (v->utm_medium == CODE_NONE)
        v->utm_medium = code_wide_small(e->utm_medium);
    if (v->referrer == CODE_NONE)
        v->referrer = code_wide(e->referrer_domain);
    count_region(v, e->region); /* behind the country */
}

void context_count(struct turn *turn)
{
    struct visit *v = turn->v;
    if (turn->m->is_late)
        return;
    count_device(turn);
    count_first(v, turn->e);
    v->type_before = v->type;
    v->type = turn->m->type;
}

static void put_signals(const struct view *w)
{
    const struct visit *v = w->v;
    struct whereabouts here = {.site_id = w->m->event->site_id,
                               .t_us = w->t_us,
                               .country = v->country,
                               .region = v->region_hash,
                               .place = v->place_hash};
    static const struct signals none;
    double values[SIGNAL_KINDS];
    uint32_t n = signals_at(w->m->signals ? w->m->signals : &none, &here, values);
    view_put(w, FEATURE_signal_weather, values[SIGNAL_WEATHER]);
    view_put(w, FEATURE_signal_holiday, values[SIGNAL_HOLIDAY]);
    view_put(w, FEATURE_signal_trend, values[SIGNAL_TREND]);
    view_put(w, FEATURE_signals_active, n);
}

void context_put(const struct view *w)
{
    const struct visit *v = w->v;
    view_put(w, FEATURE_event_type, w->m->type);
    view_put(w, FEATURE_prev_event_type, w->m->is_late ? v->type : v->type_before);
    view_put(w, FEATURE_device_type, v->device);
    view_put(w, FEATURE_os, v->os);
    view_put(w, FEATURE_country, v->country);
    view_put(w, FEATURE_campaign, v->campaign);
    view_put(w, FEATURE_channel, v->channel);
    view_put(w, FEATURE_browser, v->browser);
    view_put(w, FEATURE_screen_class, v->screen_class);
    view_put(w, FEATURE_is_mobile, v->device == DEVICE_mobile);
    view_put(w, FEATURE_region, v->region);
    view_put(w, FEATURE_city, v->city);
    view_put(w, FEATURE_utc_offset_h, (double)w->m->offset_us / HOUR_US);
    view_put(w, FEATURE_language, v->language);
    view_put(w, FEATURE_traffic_source, v->utm_source);
    view_put(w, FEATURE_traffic_medium, v->utm_medium);
    view_put(w, FEATURE_referrer_domain, v->referrer);
    put_signals(w);
}
