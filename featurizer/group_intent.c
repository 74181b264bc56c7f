/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/group.h"

#include "common/base/hash.h"
#include "featurizer/ratings.h"
#include "featurizer/rings.h"

#define COMPARED_US (10 * MINUTE_US) /* a price may be compared with one seen so long ago */

static void count_price(struct visit *v, double price)
{
    if (isnan(price))
        return;
    v->price_min = v->prices == 0 || price < v->price_min ? price : v->price_min;
    v->price_max = v->prices == 0 || price > v->price_max ? price : v->price_max;
    v->price_sum += price;
    v->prices++;
}

static void count_product(struct turn *turn, uint64_t product)
{
    struct visit *v = turn->v;
    enum set_answer answer = set_add(turn->slab, &v->products, product);
    v->revisits += answer == SET_HELD;
    if (answer == SET_FULL)
        sketch_spill(turn->slab, &v->products, &v->product_sketch, product);
}

/* A look at a product of a category, in order. */
static void compare(struct turn *turn, uint64_t product, uint64_t category)
{
    struct visit *v = turn->v;
    struct look look = {turn->m->t_us, product, category};
    v->price_comparisons += looks_compare(&v->looks, &look, COMPARED_US);
    looks_add(turn->slab, &v->looks, &look);
}

static void count_product_view(struct turn *turn)
{
    struct visit *v = turn->v;
    const struct event *e = turn->e;
    bool has_product = e->product_id.len > 0, has_category = e->category.len > 0;
    uint64_t product = has_product ? hash64_str(e->product_id) : 0;
    uint64_t category = has_category ? hash64_str(e->category) : 0;
    if (has_product)
        count_product(turn, product);
    if (has_category)
        (void)set_add(turn->slab, &v->categories, category);
    count_price(v, e->price);
    if (has_product && has_category && !turn->m->is_late)
        compare(turn, product, category);
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

void intent_count(struct turn *turn)
{
    struct visit *v = turn->v;
    uint8_t type = turn->m->type;
    ratings_count(turn);
    if (!v)
        return;
    if (type == EVENT_TYPE_product_view)
        count_product_view(turn);
    v->conversions += is_conversion(type);
    if (type == EVENT_TYPE_purchase || type == EVENT_TYPE_subscription)
        v->value += known_or(turn->e->value, 0);
    if (!turn->m->is_late)
        move_cart(v, turn->m);
}

static void put_rings(const struct view *w)
{
    const struct profile *p = w->p;
    uint64_t of_5m = ring_bucket(w->t_us, BUCKET_5M_US);
    uint64_t of_1h = ring_bucket(w->t_us, BUCKET_1H_US);
    view_put(w, FEATURE_product_views_1h,
             ring_sum(p->views_5m, ARRAY_LEN(p->views_5m), p->bucket_5m, of_5m));
    view_put(w, FEATURE_product_views_24h,
             ring_sum(p->views_1h, ARRAY_LEN(p->views_1h), p->bucket_1h, of_1h));
    view_put(w, FEATURE_cart_adds_24h,
             ring_sum(p->carts_1h, ARRAY_LEN(p->carts_1h), p->bucket_1h, of_1h));
}

void intent_put(const struct view *w)
{
    const struct visit *v = w->v;
    view_put(w, FEATURE_product_views, v->product_views);
    view_put(w, FEATURE_distinct_products, v->products.n);
    view_put(w, FEATURE_distinct_categories, v->categories.n);
    view_put(w, FEATURE_product_revisits, v->revisits);
    view_put(w, FEATURE_price_min, v->prices > 0 ? v->price_min : (double)NAN);
    view_put(w, FEATURE_price_mean, over(v->price_sum, v->prices));
    view_put(w, FEATURE_price_max, v->prices > 0 ? v->price_max : (double)NAN);
    view_put(w, FEATURE_price_current, w->m->event->price);
    view_put(w, FEATURE_cart_adds, v->cart_adds);
    view_put(w, FEATURE_cart_removes, v->cart_removes);
    view_put(w, FEATURE_cart_items, v->cart_items);
    view_put(w, FEATURE_cart_value, v->cart_value);
    view_put(w, FEATURE_wishlist_adds, v->wishlist_adds);
    view_put(w, FEATURE_checkouts_started, v->checkouts);
    view_put(w, FEATURE_secs_since_cart_add, view_since(w, v->cart_add_us, 1e6));
    view_put(w, FEATURE_session_conversions, v->conversions);
    view_put(w, FEATURE_price_comparisons, v->price_comparisons);
    view_put(w, FEATURE_wishlist_removes, v->wishlist_removes);
    view_put(w, FEATURE_view_to_cart_rate, over(v->cart_adds, v->product_views));
    view_put(w, FEATURE_cart_to_checkout_rate, over(v->checkouts, v->cart_adds));
    view_put(w, FEATURE_session_products, sketch_n(&v->products, v->product_sketch));
    view_put(w, FEATURE_category_current, code_wide(w->m->event->category));
    put_rings(w);
    ratings_put(w);
}
