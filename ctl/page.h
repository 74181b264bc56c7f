/* SPDX-License-Identifier: Apache-2.0 */
/* page - what auspexctl watch shows: visitors with their last action and their chance to
 * convert, what policies did and what came of it, rates and lags. A model of records in, a page
 * of text out; no Kafka, no terminal, and the time is an argument.
 *
 * A visitor keeps its row while it is among the most recent, so that numbers move in their
 * place; a newcomer takes the row that was silent longest, once that has stood for a while.
 * What comes from records is kept as it is and made safe when it is drawn (glyph.h). */
#ifndef AUSPEX_CTL_PAGE_H
#define AUSPEX_CTL_PAGE_H

#include "ctl/programs.h"

#include "common/base/buf.h"
#include "common/wire/record.h"

enum {
    PAGE_SLOTS = 128,
    PAGE_RECENT = 2048,
    PAGE_NEWS = 64,
    PAGE_TEXT = 120,
    RATE_SECONDS = 8
};

struct page_text {
    uint16_t len;
    char at[PAGE_TEXT];
};

enum page_mark { MARK_NONE, MARK_FIRED, MARK_HELD, MARK_CONVERTED, MARK_IGNORED };

struct page_visitor {
    uint64_t hash; /* of site and visitor; 0 = the row is free */
    struct page_text visitor, action, thing, session;
    double probability,
        before;                /* of conversion, now and at the event before; NaN = not known */
    int64_t session_us;        /* its length up to the last event; -1 = not known */
    int64_t seen_us, shown_us; /* by our clock: last record, and since when it has the row */
    enum page_mark mark;
    int64_t mark_us;
};

/* An intervention, or an outcome. */
struct page_news {
    enum page_mark mark;
    int64_t at_us; /* received time of its record */
    struct page_text visitor, policy, text;
};

enum page_rate { RATE_events, RATE_predictions, RATE_interventions, RATE_rejected, RATES_N };

struct page_counts {
    int64_t second[RATE_SECONDS]; /* that a count is of */
    uint64_t n[RATE_SECONDS];
    uint64_t total;
};

struct page {
    uint64_t site_id; /* 0 = all */
    int64_t begun_us;
    struct page_visitor slots[PAGE_SLOTS];
    size_t n_slots;                          /* rows there are for visitors; set by page_size */
    struct page_visitor recent[PAGE_RECENT]; /* who has no row, by hash; the later one stands */
    struct page_news news[PAGE_NEWS];        /* a ring */
    uint64_t n_news;
    struct page_counts rates[RATES_N];
    uint64_t n_held, n_converted, n_ignored;
    int64_t lag[PROGRAMS_N]; /* in records; -1 = not known */
};

void page_init(struct page *p, uint64_t site_id, int64_t now_us);
/* How many rows the page has; the visitors that do not fit are forgotten, the most silent
 * first. */
void page_size(struct page *p, size_t height);

void page_event(struct page *p, const struct event *r, int64_t now_us);
void page_vector(struct page *p, const struct vector *r, int64_t now_us);
void page_prediction(struct page *p, const struct prediction *r, int64_t now_us);
void page_intervention(struct page *p, const struct intervention *r, int64_t now_us);
void page_outcome(struct page *p, const struct outcome *r, int64_t now_us);
void page_rejected(struct page *p, const struct rejected *r, int64_t now_us);

/* Of the last five whole seconds, or of as many as there were. */
double page_rate(const struct page *p, enum page_rate rate, int64_t now_us);

struct page_look {
    size_t width, height;
    bool is_ascii;  /* the terminal speaks no UTF-8 */
    bool has_color; /* escape sequences for it, our own; else there are none at all */
};
/* Appends `height` lines of at most `width` columns, each with its end. */
void page_draw(const struct page *p, const struct page_look *look, int64_t now_us,
               struct buf *out);
/* For logs: all rates and lags in one line, and one piece of news (number < n_news), each with
 * its end. A number that the ring does not hold any more gives nothing. */
void page_draw_status(const struct page *p, int64_t now_us, struct buf *out);
void page_draw_news(const struct page *p, uint64_t number, struct buf *out);

/* Rows of visitors and of news on a page of `height`. */
size_t page_visitor_rows(size_t height);
size_t page_news_rows(size_t height);

#endif
