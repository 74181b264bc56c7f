/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/history.h"

#include "test/shop/event_json.h"
#include "test/shop/record.h"
#include "test/shop/sink.h"

/* A client sends what it saw within some milliseconds. */
static int64_t sent_after_us(const struct step *step)
{
    return 5000 + step->ts_us % 40000;
}

static bool write_event(struct sink *out, struct sink *truth, struct buf *b,
                        const struct session *s, const struct product *products, struct err *e)
{
    size_t i = s->next - 1;
    const struct step *step = &s->steps[i];
    event_json(b, s, i, step->ts_us, step->ts_us + sent_after_us(step), products);
    buf_byte(b, '\n');
    if (!sink_put(out, b, e))
        return false;
    if (s->next < s->n)
        return true;
    truth_lines(b, s, s->n);
    return sink_put(truth, b, e);
}

static bool write_all(struct past *p, struct sink *out, struct sink *truth, struct err *e)
{
    struct buf b = {0};
    const struct session *s;
    buf_text(&b, TRUTH_HEADER);
    bool good = sink_put(truth, &b, e);
    while (good && (s = past_take(p)) != NULL)
        good = write_event(out, truth, &b, s, shop_products(p->shop), e);
    buf_fini(&b);
    return good;
}

bool history_write(const struct history_options *o, struct err *e)
{
    struct sink out = {0}, truth = {0};
    struct past p;
    struct shop_options so = past_shop(o->past.seed);
    struct shop *shop = shop_new(&so);
    past_init(&p, shop, &o->past);
    bool good = sink_open(&out, o->out, false, e) && sink_open(&truth, o->truth, false, e) &&
                write_all(&p, &out, &truth, e);
    struct err ignored = {0};
    good = sink_close(&out, good ? e : &ignored) && good;
    good = sink_close(&truth, good ? e : &ignored) && good;
    if (good)
        (void)fprintf(stderr, "auspex-shop: %llu events, %llu sessions, %u visitors\n",
                      (unsigned long long)shop_n_events(shop),
                      (unsigned long long)shop_n_sessions(shop), shop_n_visitors(shop));
    past_fini(&p);
    shop_free(shop);
    return good;
}
