/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/stream.h"

#include "test/shop/event_json.h"
#include "test/shop/past.h"
#include "test/shop/sink.h"

#include <stdlib.h>

enum { VISITORS = 50, SESSIONS_PER_DAY = 100 };

const char *const arrival_names[N_ARRIVALS] = {
    "normal", "late", "slightly_late", "future", "skewed", "offline", "repeat", "conflict"};

struct letter {
    int64_t received_us; /* whole milliseconds */
    size_t order;        /* in which it was written: breaks ties */
    size_t from, len;    /* of its text in `texts` */
    enum arrival arrival;
};

struct post {
    struct rng r;
    const struct product *products;
    struct letter *letters;
    size_t n, max;
    struct buf texts;
};

static int64_t draw_delay(struct rng *r, int64_t low_us, int64_t high_us)
{
    return low_us + (int64_t)(rng_unit(r) * (double)(high_us - low_us));
}

static void post_letter(struct post *p, const struct session *s, enum arrival arrival,
                        int64_t received_us, int64_t ts_us, int64_t sent_us)
{
    if (p->n == p->max)
        return;
    struct letter *l = &p->letters[p->n];
    *l = (struct letter){.received_us = clock_floor(received_us, 1000) * 1000,
                         .order = p->n++,
                         .from = p->texts.len,
                         .arrival = arrival};
    event_json(&p->texts, s, s->next - 1, ts_us, sent_us, p->products);
    l->len = p->texts.len - l->from;
}

static int64_t lateness(struct rng *r)
{
    double u = rng_unit(r);
    if (u < .6)
        return draw_delay(r, 61 * SECOND_US, 30 * MINUTE_US);
    return u < .9 ? draw_delay(r, 30 * MINUTE_US, DAY_US) : draw_delay(r, DAY_US, 9 * DAY_US);
}

/* A clock that is wrong for as long as the visitor has it: by up to two days, either way. */
static int64_t skew_of(const struct visitor *v)
{
    int64_t minutes = 5 + (int64_t)(v->id[0] % UINT64_C(2880));
    return (v->id[1] & 1 ? minutes : -minutes) * MINUTE_US;
}

/* Some visitors are always of a kind, so that their sessions are consistent. */
static bool post_by_visitor(struct post *p, const struct session *s, int64_t ts_us)
{
    int64_t sent_us = ts_us + 5000;
    if (s->visitor.number % 8 == 3) {
        int64_t skew_us = skew_of(&s->visitor);
        post_letter(p, s, ARRIVAL_SKEWED, sent_us + 40000, ts_us + skew_us, sent_us + skew_us);
        return true;
    }
    if (s->visitor.number % 8 == 5) {
        int64_t window_us = 2 * HOUR_US;
        int64_t online_us = (clock_floor(ts_us, window_us) + 1) * window_us;
        post_letter(p, s, ARRIVAL_OFFLINE, online_us + 40000, ts_us, online_us);
        return true;
    }
    return false;
}

static void post_event(struct post *p, const struct session *s)
{
    int64_t ts_us = s->steps[s->next - 1].ts_us;
    if (post_by_visitor(p, s, ts_us))
        return;
    double u = rng_unit(&p->r);
    int64_t sent_us = ts_us + 5000;
    int64_t received_us = sent_us + draw_delay(&p->r, 5000, 400000);
    if (u < .05) {
        sent_us = ts_us + lateness(&p->r);
        post_letter(p, s, ARRIVAL_LATE, sent_us + 40000, ts_us, sent_us);
    } else if (u < .11) {
        sent_us = ts_us + draw_delay(&p->r, SECOND_US, 59 * SECOND_US);
        post_letter(p, s, ARRIVAL_SLIGHTLY_LATE, sent_us + 40000, ts_us, sent_us);
    } else if (u < .14) {
        int64_t ahead_us = draw_delay(&p->r, 10 * SECOND_US, 3 * DAY_US);
        post_letter(p, s, ARRIVAL_FUTURE, received_us, ts_us + ahead_us, sent_us);
    } else {
        post_letter(p, s, ARRIVAL_NORMAL, received_us, ts_us, sent_us);
    }
    int64_t again_us =
        draw_delay(&p->r, INT64_C(100000), rng_unit(&p->r) < .7 ? MINUTE_US : 2 * HOUR_US);
    if (u > .96) /* every other repeat is sent anew: its body is the same but for sentAt */
        post_letter(p, s, ARRIVAL_REPEAT, received_us + again_us, ts_us,
                    rng_unit(&p->r) < .5 ? sent_us : sent_us + again_us);
    else if (u > .94)
        post_letter(p, s, ARRIVAL_CONFLICT, received_us + again_us, ts_us + 3 * SECOND_US,
                    sent_us + again_us);
}

static int by_receipt(const void *a, const void *b)
{
    const struct letter *x = a, *y = b;
    if (x->received_us != y->received_us)
        return x->received_us < y->received_us ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

static void write_letters(const struct post *p, bool is_plain, struct buf *out)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct letter *l = &p->letters[i];
        char received[CLOCK_TEXT];
        clock_format(l->received_us, received);
        if (!is_plain)
            buf_printf(
                out,
                "{\"received_offset_ms\":%lld,\"received\":\"%s\",\"kind\":\"%s\",\"event\":",
                (long long)(l->received_us - p->letters[0].received_us) / 1000, received,
                arrival_names[l->arrival]);
        buf_put(out, p->texts.at + l->from, l->len);
        buf_text(out, is_plain ? "\n" : "}\n");
    }
}

void stream_generate(struct buf *out, const struct stream_options *o)
{
    /* more sessions than are needed: some arrivals find all visitors busy */
    uint32_t sessions = o->n_events / 3 + VISITORS;
    struct past_options po = {.seed = o->seed, .sessions = sessions, .end_us = o->end_us};
    po.days = sessions / SESSIONS_PER_DAY + 1;
    struct shop_options so = past_shop(o->seed);
    so.max_visitors = VISITORS;
    struct shop *shop = shop_new(&so);
    struct past past;
    past_init(&past, shop, &po);
    struct post p = {
        .r = rng_stream(o->seed, 8), .products = shop_products(shop), .max = o->n_events};
    p.letters = mem_new(p.max * sizeof(*p.letters));
    const struct session *s;
    while (p.n < p.max && (s = past_take(&past)) != NULL)
        post_event(&p, s);
    qsort(p.letters, p.n, sizeof(*p.letters), by_receipt);
    write_letters(&p, o->is_plain, out);
    free(p.letters);
    buf_fini(&p.texts);
    past_fini(&past);
    shop_free(shop);
}

bool stream_write(const struct stream_options *o, struct err *e)
{
    struct sink out;
    struct buf b = {0};
    stream_generate(&b, o);
    bool good = sink_open(&out, o->out, false, e) && sink_put(&out, &b, e);
    struct err other = {0};
    good = sink_close(&out, good ? e : &other) && good;
    buf_fini(&b);
    return good;
}
