/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/tally.h"

#include "common/base/hash.h"
#include "featurizer/codes.h"

#include <math.h>

static double known_or(double v, double absent)
{
    return isnan(v) ? absent : v;
}

static void count_page(struct slab *s, struct visit *v, struct str path)
{
    v->pages++;
    if (path.len > 0)
        v->returns += set_add(s, &v->paths, hash64_str(path)) == SET_HELD;
}

static void count_price(struct visit *v, double price)
{
    if (isnan(price))
        return;
    v->price_min = v->prices == 0 || price < v->price_min ? price : v->price_min;
    v->price_max = v->prices == 0 || price > v->price_max ? price : v->price_max;
    v->price_sum += price;
    v->prices++;
}

static void count_product_view(struct slab *s, struct visit *v, const struct event *e)
{
    v->product_views++;
    if (e->product_id.len > 0)
        v->revisits += set_add(s, &v->products, hash64_str(e->product_id)) == SET_HELD;
    if (e->category.len > 0)
        (void)set_add(s, &v->categories, hash64_str(e->category));
    count_price(v, e->price);
}

static void count_scroll(struct visit *v, double depth_pct)
{
    v->scrolls++;
    if (isnan(depth_pct))
        return;
    v->depths++;
    v->depth_sum += depth_pct;
    v->depth_max = depth_pct > v->depth_max ? depth_pct : v->depth_max;
}

/* The counter of a session that a type moves by one and needs nothing else; NULL = none. */
static uint32_t *plain_counter(struct visit *v, uint8_t type)
{
    switch (type) {
    case EVENT_TYPE_click:
        return &v->clicks;
    case EVENT_TYPE_search_performed:
        return &v->searches;
    case EVENT_TYPE_filter_applied:
    case EVENT_TYPE_sort_changed:
        return &v->filters;
    case EVENT_TYPE_video_play:
        return &v->video_plays;
    case EVENT_TYPE_video_complete:
        return &v->video_completes;
    case EVENT_TYPE_form_submit:
        return &v->form_submits;
    case EVENT_TYPE_add_to_cart:
        return &v->cart_adds;
    case EVENT_TYPE_remove_from_cart:
        return &v->cart_removes;
    case EVENT_TYPE_wishlist_add:
        return &v->wishlist_adds;
    case EVENT_TYPE_checkout_start:
        return &v->checkouts;
    case EVENT_TYPE_group_view:
        return &v->group_views;
    case EVENT_TYPE_group_join_click:
        return &v->group_join_clicks;
    case EVENT_TYPE_error:
        return &v->errors;
    case EVENT_TYPE_rage_click:
        return &v->rage_clicks;
    case EVENT_TYPE_help_request:
        return &v->help_requests;
    default:
        return NULL;
    }
}

/* What needs no order. */
static void count_in_visit(struct slab *s, struct visit *v, const struct moment *m)
{
    const struct event *e = m->event;
    v->events++;
    v->late_events += m->is_late;
    uint32_t *plain = plain_counter(v, m->type);
    if (plain)
        ++*plain;
    switch (m->type) {
    case EVENT_TYPE_page_view:
    case EVENT_TYPE_screen_view:
        count_page(s, v, e->path);
        break;
    case EVENT_TYPE_scroll:
        count_scroll(v, e->depth_pct);
        break;
    case EVENT_TYPE_product_view:
        count_product_view(s, v, e);
        break;
    case EVENT_TYPE_purchase:
        v->purchases++;
        v->conversions++;
        v->value += known_or(e->value, 0);
        break;
    case EVENT_TYPE_subscription:
        v->conversions++;
        v->value += known_or(e->value, 0);
        break;
    case EVENT_TYPE_signup:
        v->conversions++;
        break;
    default:
        break;
    }
}

static void count_conversion(struct profile *p, const struct moment *m)
{
    p->conversions++;
    int64_t at_us = m->is_late ? m->event->ts_us : m->t_us;
    p->conversion_us = MAX(p->conversion_us, at_us);
}

static void count_in_history(struct profile *p, const struct moment *m)
{
    double value = known_or(m->event->value, 0);
    p->events++;
    switch (m->type) {
    case EVENT_TYPE_purchase:
        p->orders++;
        p->revenue += value;
        p->lifetime_value += value;
        count_conversion(p, m);
        break;
    case EVENT_TYPE_subscription:
        p->lifetime_value += value;
        count_conversion(p, m);
        break;
    case EVENT_TYPE_signup:
        count_conversion(p, m);
        break;
    case EVENT_TYPE_refund:
        p->lifetime_value -= fabs(value); /* senders disagree about its sign */
        break;
    case EVENT_TYPE_support_ticket:
        p->support_tickets++;
        break;
    case EVENT_TYPE_payment_failed:
        p->payment_failures++;
        break;
    default:
        break;
    }
}

static void move_cart(struct visit *v, const struct moment *m)
{
    const struct event *e = m->event;
    double quantity = known_or(e->quantity, 1);
    double worth = quantity * known_or(e->price, 0);
    if (m->type == EVENT_TYPE_add_to_cart) {
        v->cart_items += quantity;
        v->cart_value += worth;
        v->cart_add_us = m->t_us;
    } else if (m->type == EVENT_TYPE_remove_from_cart) {
        v->cart_items -= quantity;
        v->cart_value -= worth;
    }
    if (m->type == EVENT_TYPE_purchase || !(v->cart_items > 0))
        v->cart_items = v->cart_value = 0;
    if (!(v->cart_value > 0))
        v->cart_value = 0;
}

/* `newest_us` is that of the lane before this event; a session's first event has no gap. */
static void count_gap(struct visit *v, int64_t t_us, int64_t newest_us)
{
    if (v->events == 1)
        return;
    double gap_s = (double)(t_us - newest_us) / 1e6;
    v->gap_us = 1 + t_us - newest_us;
    v->gaps++;
    v->gap_sum += gap_s;
    v->gap_squares += gap_s * gap_s;
    v->gap_max = gap_s > v->gap_max ? gap_s : v->gap_max;
}

static void tell_context(struct profile *p, struct visit *v, const struct event *e)
{
    if (v->device == CODE_NONE)
        v->device = code_device(e->device);
    if (v->os == CODE_NONE)
        v->os = code_word(e->os);
    if (v->country == 0)
        v->country = code_country(e->country);
    if (v->campaign == CODE_NONE)
        v->campaign = code_word(e->utm_campaign);
    if (v->channel == CODE_NONE && e->channel.len > 0) {
        v->channel = code_channel(e->channel);
        p->touchpoints++;
        p->channels |= 1u << (v->channel & 31);
    }
}

/* What only events in order change. */
static void follow(struct slab *s, struct profile *p, struct lane *l, const struct moment *m)
{
    struct visit *v = l->visit;
    const struct event *e = m->event;
    CHECK(v != NULL); /* an event in order has opened one, if none was open */
    count_gap(v, m->t_us, l->newest_us);
    move_cart(v, m);
    tell_context(p, v, e);
    bool is_page = m->type == EVENT_TYPE_page_view || m->type == EVENT_TYPE_screen_view;
    if (is_page && e->path.len > 0) {
        if (v->entry_page.len == 0)
            text_set(s, &v->entry_page, e->path, TEXT_MOST);
        text_set(s, &v->exit_page, e->path, TEXT_MOST);
    }
    v->type_before = v->type;
    v->type = m->type;
    l->newest_us = m->t_us;
    p->last_us = MAX(p->last_us, m->t_us);
}

void tally_event(struct slab *s, struct profile *p, struct lane *l, const struct moment *m)
{
    const struct event *e = m->event;
    if (p->events == 0)
        p->first_us = m->t_us;
    count_in_history(p, m);
    if (l->visit)
        count_in_visit(s, l->visit, m);
    if (!m->is_late)
        follow(s, p, l, m);
    if (l->import_id == 0)
        l->received_us = MAX(l->received_us, e->received_us);
    p->received_us = MAX(p->received_us, e->received_us);
    if (e->user_id.len > 0)
        text_set(s, &p->user_id, e->user_id, TEXT_MOST);
}
