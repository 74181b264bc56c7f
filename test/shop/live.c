/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/live.h"

#include "test/shop/event_json.h"
#include "test/shop/offer.h"
#include "test/shop/pace.h"
#include "test/shop/react.h"
#include "test/shop/record.h"

#include <stdlib.h>

enum { REACT_US = 20000 }; /* between two looks at the topic of interventions */

struct live {
    const struct live_options *o;
    struct shop *shop;
    struct pace *pace;
    struct sender sender;
    struct react *react;
    struct sink truth, offers;
    struct offer_counts counts;
    struct buf body, line;
    int64_t react_us; /* when to look next */
    bool broken;      /* *e tells why */
    struct err *e;
};

/* Lets the shop live through its past, so that visitors known from there can come back. */
static void remember(struct live *l)
{
    struct past p;
    const struct session *s;
    past_init(&p, l->shop, &l->o->past);
    while ((s = past_take(&p)) != NULL) {
        if (s->next == s->n)
            pace_learn(l->pace, s);
    }
    past_fini(&p);
}

static bool put_truth(struct live *l, const struct session *s)
{
    truth_lines(&l->line, s, s->next);
    return sink_put(&l->truth, &l->line, l->e);
}

static bool send_event(struct live *l, int64_t now_us)
{
    const struct session *s = pace_take(l->pace);
    buf_reset(&l->body);
    event_json(&l->body, s, s->next - 1, now_us, now_us, shop_products(l->shop));
    if (!sender_send(&l->sender, buf_as_str(&l->body), s->steps[s->next - 1].ts_us, l->e))
        return false;
    return s->next < s->n || put_truth(l, s);
}

static void on_offer(void *to, const struct decision *d)
{
    struct live *l = to;
    struct offered told = offer_give(l->shop, d, l->o->effect, clock_wall_us(), l->o->speed);
    offer_count(&l->counts, d, &told);
    offer_line(&l->line, d, &told);
    if (!sink_put(&l->offers, &l->line, l->e))
        l->broken = true;
}

static void take_offers(struct live *l, int64_t now_us)
{
    if (!l->react || now_us < l->react_us)
        return;
    react_turn(l->react, on_offer, l);
    l->react_us = now_us + REACT_US;
}

static bool is_over(const struct live *l, int64_t now_us)
{
    const struct live_options *o = l->o;
    return sender_is_over(&l->sender) || l->broken ||
           (o->n_events > 0 && l->sender.sent >= o->n_events) ||
           (o->duration_s > 0 && (double)(now_us - l->pace->start_us) >= o->duration_s * 1e6);
}

static bool send_all(struct live *l)
{
    for (;;) {
        int64_t now_us = clock_wall_us();
        if (is_over(l, now_us))
            return !l->broken;
        take_offers(l, now_us);
        int64_t due_us = pace_due(l->pace);
        if (due_us <= now_us && !sender_is_full(&l->sender) && !send_event(l, now_us))
            return false;
        sender_wait(&l->sender, l->react ? MIN(due_us, l->react_us) : due_us);
    }
}

/* Of sessions cut short, only what was sent has happened. */
static void put_open_truth(const struct session *s, void *context)
{
    struct live *l = context;
    if (s->next > 0 && !l->broken && !put_truth(l, s))
        l->broken = true;
}

static void finish(struct live *l)
{
    shop_each_open(l->shop, put_open_truth, l);
    sender_finish(&l->sender);
    if (l->react)
        offer_print(&l->counts);
}

static bool open_file(struct live *l, struct sink *file, const char *path, const char *header)
{
    if (!sink_open(file, path, true, l->e))
        return false;
    if (sink_is_empty(file))
        buf_text(&l->line, header);
    return sink_put(file, &l->line, l->e);
}

static bool open_all(struct live *l)
{
    const struct live_options *o = l->o;
    if (!sender_open(&l->sender, &o->to, l->e) ||
        !open_file(l, &l->truth, o->truth, TRUTH_HEADER) ||
        !open_file(l, &l->offers, o->offers, OFFER_HEADER))
        return false;
    if (o->reacts && !(l->react = react_open(o->to.brokers, o->interventions, l->e)))
        return false;
    remember(l);
    int64_t now_us = clock_wall_us();
    shop_salt(l->shop, (uint64_t)now_us);
    pace_start(l->pace, o->rate, o->speed, o->start_now, now_us,
               o->past.seed + (uint64_t)now_us);
    return true;
}

static bool close_all(struct live *l, bool good)
{
    struct err other = {0};
    good = sink_close(&l->truth, good ? l->e : &other) && good;
    good = sink_close(&l->offers, good ? l->e : &other) && good;
    good = sender_close(&l->sender, good ? l->e : &other) && good;
    react_close(l->react);
    buf_fini(&l->body);
    buf_fini(&l->line);
    shop_free(l->shop);
    free(l->pace);
    return good;
}

bool live_run(const struct live_options *o, struct err *e)
{
    struct shop_options so = past_shop(o->past.seed);
    struct live l = {.o = o, .e = e, .shop = shop_new(&so), .pace = mem_new(sizeof(*l.pace))};
    pace_init(l.pace, l.shop);
    bool good = open_all(&l);
    if (good) {
        good = send_all(&l);
        finish(&l);
        good = good && !l.broken;
    }
    return close_all(&l, good);
}
