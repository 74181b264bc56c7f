/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/page.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/wire/in.h"

#include <inttypes.h>
#include <math.h>

/* A row stands so long at least, and longer after an intervention, so that it can be read. */
static const int64_t hold_us = 2 * SECOND_US, hold_marked_us = 10 * SECOND_US;

enum { HEAD_ROWS = 4 /* of page and table */, FOOT_ROWS = 2 };

void page_init(struct page *p, uint64_t site_id, int64_t now_us)
{
    memset(p, 0, sizeof *p); /* too big to pass over the stack */
    p->site_id = site_id;
    p->begun_us = now_us;
    for (size_t i = 0; i < PROGRAMS_N; i++)
        p->lag[i] = -1;
    page_size(p, 24);
}

size_t page_news_rows(size_t height)
{
    return height > HEAD_ROWS + FOOT_ROWS ? (height - HEAD_ROWS - FOOT_ROWS) / 3 : 0;
}

size_t page_visitor_rows(size_t height)
{
    size_t rows = height > HEAD_ROWS + FOOT_ROWS
                      ? height - HEAD_ROWS - FOOT_ROWS - page_news_rows(height)
                      : 1;
    return MIN(rows, (size_t)PAGE_SLOTS);
}

static struct page_visitor *most_silent(struct page *p, size_t n)
{
    struct page_visitor *found = &p->slots[0];
    for (size_t i = 1; i < n; i++)
        if (p->slots[i].seen_us < found->seen_us)
            found = &p->slots[i];
    return found;
}

void page_size(struct page *p, size_t height)
{
    size_t n = page_visitor_rows(height);
    for (size_t i = n; i < p->n_slots; i++) {
        struct page_visitor *to = most_silent(p, n);
        if (p->slots[i].seen_us > to->seen_us)
            *to = p->slots[i];
        p->slots[i] = (struct page_visitor){0};
    }
    p->n_slots = n;
}

static void text_set(struct page_text *t, struct str s)
{
    s = str_head_utf8(s, PAGE_TEXT);
    t->len = (uint16_t)s.len;
    if (s.len > 0)
        memcpy(t->at, s.at, s.len);
}

static uint64_t visitor_hash(uint64_t site_id, struct str visitor)
{
    uint64_t hash = hash64_str(visitor) ^ site_id * 0x9e3779b97f4a7c15u;
    return hash ? hash : 1;
}

/* After an intervention a row stands longer. */
static bool is_marked(const struct page_visitor *v, int64_t now_us)
{
    return v->hash && v->mark != MARK_NONE && now_us - v->mark_us < hold_marked_us;
}

/* The row that a newcomer may take; NULL when all have to stand for a while yet. One that
 * something was done for need not wait, as long as such do not fill half of the page. */
static struct page_visitor *slot_free(struct page *p, int64_t now_us, bool is_urgent)
{
    struct page_visitor *found = NULL;
    size_t n_marked = 0;
    for (size_t i = 0; i < p->n_slots; i++)
        n_marked += is_marked(&p->slots[i], now_us);
    for (size_t i = 0; i < p->n_slots; i++) {
        struct page_visitor *v = &p->slots[i];
        if (!v->hash)
            return v;
        bool can_go =
            now_us - v->shown_us >= hold_us || (is_urgent && 2 * n_marked < p->n_slots);
        if (can_go && !is_marked(v, now_us) && (!found || v->seen_us < found->seen_us))
            found = v;
    }
    return found;
}

static struct page_visitor *recent_of(struct page *p, uint64_t hash)
{
    return &p->recent[hash % PAGE_RECENT];
}

static struct page_visitor *slot_find(struct page *p, uint64_t hash)
{
    for (size_t i = 0; i < p->n_slots; i++)
        if (p->slots[i].hash == hash)
            return &p->slots[i];
    return NULL;
}

/* What is known of the visitor, in its row, which it gets if there is one to have, or without.
 */
static struct page_visitor *visitor_of(struct page *p, uint64_t site_id, struct str visitor,
                                       int64_t now_us, bool is_urgent)
{
    uint64_t hash = visitor_hash(site_id, visitor);
    struct page_visitor *v = slot_find(p, hash), *known = recent_of(p, hash), fresh;
    if (!v) {
        fresh = (struct page_visitor){
            .hash = hash, .probability = (double)NAN, .before = (double)NAN, .session_us = -1};
        text_set(&fresh.visitor, visitor);
        if (known->hash == hash)
            fresh = *known;
        v = slot_free(p, now_us, is_urgent);
        if (v && v->hash)
            *recent_of(p, v->hash) = *v;
        v = v ? v : known;
        *v = fresh;
        v->shown_us = now_us;
    }
    v->seen_us = now_us;
    return v;
}

static bool is_wanted(const struct page *p, uint64_t site_id)
{
    return p->site_id == 0 || p->site_id == site_id;
}

static void count(struct page *p, enum page_rate rate, int64_t now_us)
{
    struct page_counts *c = &p->rates[rate];
    int64_t second = clock_floor(now_us, SECOND_US);
    size_t at = (size_t)second % RATE_SECONDS;
    if (c->second[at] != second) {
        c->second[at] = second;
        c->n[at] = 0;
    }
    c->n[at]++;
    c->total++;
}

double page_rate(const struct page *p, enum page_rate rate, int64_t now_us)
{
    const struct page_counts *c = &p->rates[rate];
    int64_t now = clock_floor(now_us, SECOND_US), begun = clock_floor(p->begun_us, SECOND_US);
    int64_t n = MIN(now - begun, (int64_t)5);
    uint64_t sum = 0;
    for (int64_t s = now - n; s < now; s++)
        if (c->second[(size_t)s % RATE_SECONDS] == s)
            sum += c->n[(size_t)s % RATE_SECONDS];
    return n > 0 ? (double)sum / (double)n : 0;
}

void page_event(struct page *p, const struct event *r, int64_t now_us)
{
    if (!is_wanted(p, r->site_id))
        return;
    count(p, RATE_events, now_us);
    if (r->visitor.len == 0)
        return;
    struct page_visitor *v = visitor_of(p, r->site_id, r->visitor, now_us, false);
    text_set(&v->action, r->type);
    if (r->product_id.len > 0 || r->path.len > 0)
        text_set(&v->thing, r->product_id.len > 0 ? r->product_id : r->path);
}

void page_vector(struct page *p, const struct vector *r, int64_t now_us)
{
    if (!is_wanted(p, r->site_id))
        return;
    if (r->visitor.len == 0 || r->session_started_us <= 0)
        return;
    struct page_visitor *v = visitor_of(p, r->site_id, r->visitor, now_us, false);
    v->session_us = MAX(r->ts_us - r->session_started_us, (int64_t)0);
}

static double conversion_of(struct wire_list kinds)
{
    struct in in = in_over(kinds.at, kinds.len);
    for (uint32_t n = kinds.n ? in_array(&in) : 0; n > 0; n--) {
        struct kind k;
        struct str raw = in_raw(&in);
        if (kind_read(&k, raw.at, raw.len) == WIRE_OK && str_is(k.kind, "conversion"))
            return k.probability;
    }
    return (double)NAN;
}

void page_prediction(struct page *p, const struct prediction *r, int64_t now_us)
{
    if (!is_wanted(p, r->site_id))
        return;
    count(p, RATE_predictions, now_us);
    if (r->visitor.len == 0)
        return;
    struct page_visitor *v = visitor_of(p, r->site_id, r->visitor, now_us, false);
    bool is_other_session = !str_eq(r->session_id, str_over(v->session.at, v->session.len));
    double probability = conversion_of(r->kinds);
    text_set(&v->action, r->type);
    text_set(&v->session, r->session_id);
    if (r->product_id.len > 0)
        text_set(&v->thing, r->product_id);
    if (isnan(probability))
        return;
    v->before = is_other_session ? (double)NAN : v->probability;
    v->probability = probability;
}

static struct page_news *news_add(struct page *p, enum page_mark mark, int64_t at_us,
                                  struct str visitor, struct str policy)
{
    struct page_news *n = &p->news[p->n_news++ % PAGE_NEWS];
    *n = (struct page_news){.mark = mark, .at_us = at_us};
    text_set(&n->visitor, visitor);
    text_set(&n->policy, policy);
    return n;
}

/* needs_row: the visitor gets one, if it has none. */
static void mark_set(struct page *p, uint64_t site_id, struct str visitor, enum page_mark mark,
                     bool needs_row, int64_t now_us)
{
    struct page_visitor *v = needs_row ? visitor_of(p, site_id, visitor, now_us, true)
                                       : slot_find(p, visitor_hash(site_id, visitor));
    if (!v)
        return;
    v->mark = mark;
    v->mark_us = now_us;
}

void page_intervention(struct page *p, const struct intervention *r, int64_t now_us)
{
    if (!is_wanted(p, r->site_id))
        return;
    enum page_mark m = r->holdout ? MARK_HELD : MARK_FIRED;
    struct buf text = {0};
    count(p, RATE_interventions, now_us);
    p->n_held += r->holdout;
    struct page_news *n = news_add(p, m, r->received_us, r->visitor, r->policy);
    buf_text(&text, r->holdout ? "from " : "");
    buf_str(&text, r->action);
    if (!r->holdout) {
        buf_text(&text, " by ");
        buf_str(&text, r->webhook.len > 0 ? r->webhook : r->channel);
        buf_text(&text, r->message.len > 0 ? ": " : "");
        buf_str(&text, r->message);
    }
    text_set(&n->text, buf_as_str(&text));
    buf_fini(&text);
    mark_set(p, r->site_id, r->visitor, m, true, now_us);
}

static void after_put(struct buf *out, int64_t us)
{
    int64_t s = MAX(us, (int64_t)0) / SECOND_US;
    if (s < 3600)
        buf_printf(out, "after %" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else
        buf_printf(out, "after %" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
}

void page_outcome(struct page *p, const struct outcome *r, int64_t now_us)
{
    if (!is_wanted(p, r->site_id))
        return;
    bool is_converted = str_is(r->result, "converted");
    enum page_mark m = is_converted ? MARK_CONVERTED : MARK_IGNORED;
    struct buf text = {0};
    p->n_converted += is_converted;
    p->n_ignored += !is_converted;
    struct page_news *n = news_add(p, m, r->received_us, r->visitor, r->policy);
    buf_text(&text, r->holdout ? "(held out) " : "");
    if (is_converted && !isnan(r->value))
        buf_printf(&text, "%.2f %.*s ", r->value, STR_ARGS(r->currency));
    if (is_converted)
        after_put(&text, r->received_us - r->fired_us);
    text_set(&n->text, buf_as_str(&text));
    buf_fini(&text);
    mark_set(p, r->site_id, r->visitor, m, is_converted, now_us);
}

void page_rejected(struct page *p, const struct rejected *r, int64_t now_us)
{
    if (is_wanted(p, r->site_id))
        count(p, RATE_rejected, now_us);
}
