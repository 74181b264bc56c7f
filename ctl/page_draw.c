/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/glyph.h"
#include "ctl/page.h"

#include "common/base/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* Columns of the table of visitors at 80 columns; what is wider goes to `thing`. */
enum { W_VISITOR = 12, W_ACTION = 13, W_THING = 15, W_CHANCE = 5, W_BAR = 10, W_SESSION = 6 };
enum { W_MARK = 12, W_POLICY = 16, W_TIME = 8, WIDTH = 80 };

static const int64_t mark_us = 30 * SECOND_US, fade_us = 60 * SECOND_US;
static const double moved = 0.005; /* a change of the chance that earns an arrow */

enum ink { INK_PLAIN = 0, INK_BOLD = 1, INK_DIM = 2, INK_GREEN = 32, INK_YELLOW = 33 };

/* A line being written: never wider than the page. */
struct pen {
    struct buf *out;
    const struct page_look *look;
    size_t left;
    enum ink ink;
};

static struct pen line_begin(struct buf *out, const struct page_look *look)
{
    return (struct pen){out, look, look->width, INK_PLAIN};
}

static void pen_ink(struct pen *p, enum ink ink)
{
    if (!p->look->has_color || p->ink == ink)
        return;
    buf_text(p->out, "\x1b[0m");
    if (ink != INK_PLAIN)
        buf_printf(p->out, "\x1b[%dm", (int)ink);
    p->ink = ink;
}

static void line_end(struct pen *p)
{
    pen_ink(p, INK_PLAIN);
    while (p->out->len > 0 && p->out->at[p->out->len - 1] == ' ')
        p->out->len--;
    buf_byte(p->out, '\n');
    p->left = 0;
}

/* Exactly `width` columns, or what is left of the line. */
static void pen_cell(struct pen *p, struct str text, size_t width)
{
    width = MIN(width, p->left);
    glyph_put(p->out, text, width, p->look->is_ascii);
    p->left -= width;
}

static void pen_gap(struct pen *p)
{
    pen_cell(p, (struct str){NULL, 0}, 1);
}

static void pen_rest(struct pen *p, struct str text)
{
    pen_cell(p, text, p->left);
}

PRINTF_LIKE(2, 3) static void pen_printf(struct pen *p, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct str s = str_of(text);
    pen_cell(p, s, glyph_width(s));
}

static struct str text_of(const struct page_text *t)
{
    return str_over(t->at, t->len);
}

/* A count in at most four columns. */
static const char *human(char out[24], uint64_t n)
{
    static const char letters[] = "kMGTPE";
    size_t i = 0;
    double v = (double)n;
    (void)snprintf(out, 24, "%" PRIu64, n);
    for (; n >= 10000 && v >= 999.5; i++)
        v /= 1000;
    if (i > 0)
        (void)snprintf(out, 24, "%.*f%c", v < 9.95 ? 1 : 0, v, letters[i - 1]);
    return out;
}

static void clock_text(char out[12], int64_t us)
{
    char at[CLOCK_TEXT];
    clock_format(us, at);
    (void)snprintf(out, 12, "%.8s", at + 11);
}

static void draw_rates(struct pen *pen, const struct page *p, int64_t now_us)
{
    static const char *const names[RATES_N] = {"events", "predictions", "interventions",
                                               "rejected"};
    for (size_t i = 0; i < RATES_N; i++) {
        double rate = page_rate(p, (enum page_rate)i, now_us);
        pen_printf(pen, "%s%s/s %.*f", i ? "  " : "", names[i], rate < 99.95 ? 1 : 0, rate);
    }
}

static void draw_lags(struct pen *pen, const struct page *p)
{
    char text[24];
    pen_printf(pen, "behind");
    for (size_t i = 0; i < PROGRAMS_N; i++)
        pen_printf(pen, " %s=%s", program_names[i],
                   p->lag[i] < 0 ? "?" : human(text, (uint64_t)p->lag[i]));
}

static void draw_head(const struct page *p, const struct page_look *look, int64_t now_us,
                      struct buf *out)
{
    char now[12], begun[12], site[32] = "all sites";
    struct pen pen = line_begin(out, look);
    clock_text(now, now_us);
    clock_text(begun, p->begun_us);
    if (p->site_id)
        (void)snprintf(site, sizeof site, "site %" PRIu64, p->site_id);
    pen_ink(&pen, INK_BOLD);
    pen_printf(&pen, "auspex  %s UTC  %s  since %s", now, site, begun);
    line_end(&pen);
    pen = line_begin(out, look);
    draw_rates(&pen, p, now_us);
    line_end(&pen);
    pen = line_begin(out, look);
    draw_lags(&pen, p);
    line_end(&pen);
}

static size_t thing_width(const struct page_look *look)
{
    return W_THING + (look->width > WIDTH ? look->width - WIDTH : 0);
}

static void draw_columns(const struct page_look *look, struct buf *out)
{
    struct pen pen = line_begin(out, look);
    pen_ink(&pen, INK_DIM);
    pen_cell(&pen, STR("visitor"), W_VISITOR + 1);
    pen_cell(&pen, STR("last action"), W_ACTION + 1);
    pen_cell(&pen, STR("page or product"), thing_width(look) + 1);
    pen_cell(&pen, STR("conversion"), W_CHANCE + 1 + W_BAR + 2);
    pen_cell(&pen, STR("session"), W_SESSION + 2);
    line_end(&pen);
}

/* The chance as a bar; within a cell by eighths, where the terminal has them. */
static void draw_bar(struct pen *pen, double chance)
{
    static const char *const eighths[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    int filled = (int)lround(fmin(fmax(chance, 0), 1) * W_BAR * 8);
    for (int i = 0; i < W_BAR && pen->left > 0; i++) {
        int eighth = MIN(MAX(filled - i * 8, 0), 8);
        if (pen->look->is_ascii)
            buf_byte(pen->out, isnan(chance) ? ' ' : eighth >= 4 ? '#' : '.');
        else
            buf_text(pen->out, eighths[isnan(chance) ? 0 : eighth]);
        pen->left--;
    }
}

static void draw_arrow(struct pen *pen, const struct page_visitor *v)
{
    double change = v->probability - v->before;
    const char *up = pen->look->is_ascii ? "^" : "↑", *down = pen->look->is_ascii ? "v" : "↓";
    bool is_moved = fabs(change) >= moved; /* false for NaN */
    enum ink ink = pen->ink;
    if (is_moved && change > 0)
        pen_ink(pen, INK_GREEN);
    pen_cell(pen, str_of(!is_moved ? " " : change > 0 ? up : down), 1);
    pen_ink(pen, ink);
}

static void span_text(char out[16], int64_t us)
{
    int64_t s = us / SECOND_US;
    if (us < 0)
        (void)snprintf(out, 16, "-");
    else if (s < 60)
        (void)snprintf(out, 16, "%" PRId64 "s", s);
    else if (s < 3600)
        (void)snprintf(out, 16, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
    else if (s < 360000)
        (void)snprintf(out, 16, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
    else
        (void)snprintf(out, 16, ">99h");
}

static const char *const mark_names[] = {"", "fired", "held out", "converted", "ignored"};
static const enum ink mark_inks[] = {INK_PLAIN, INK_YELLOW, INK_DIM, INK_GREEN, INK_DIM};

static void draw_visitor(const struct page *p, size_t row, const struct page_look *look,
                         int64_t now_us, struct buf *out)
{
    const struct page_visitor *v = &p->slots[row];
    char chance[16] = "  -", session[16];
    struct pen pen = line_begin(out, look);
    if (row < p->n_slots && v->hash) {
        if (!isnan(v->probability))
            (void)snprintf(chance, sizeof chance, "%.3f", v->probability);
        span_text(session, v->session_us);
        pen_ink(&pen, now_us - v->seen_us > fade_us ? INK_DIM : INK_PLAIN);
        pen_cell(&pen, text_of(&v->visitor), W_VISITOR);
        pen_gap(&pen);
        pen_cell(&pen, text_of(&v->action), W_ACTION);
        pen_gap(&pen);
        pen_cell(&pen, text_of(&v->thing), thing_width(look));
        pen_gap(&pen);
        pen_cell(&pen, str_of(chance), W_CHANCE);
        pen_gap(&pen);
        draw_bar(&pen, v->probability);
        draw_arrow(&pen, v);
        pen_gap(&pen);
        pen_cell(&pen, str_of(session), W_SESSION);
        pen_gap(&pen);
        if (now_us - v->mark_us < mark_us) {
            pen_ink(&pen, mark_inks[v->mark]);
            pen_cell(&pen, str_of(mark_names[v->mark]), W_MARK);
        }
    }
    line_end(&pen);
}

static void draw_news(struct pen *pen, const struct page_news *n)
{
    char at[12];
    clock_text(at, n->at_us);
    pen_cell(pen, str_of(at), W_TIME + 1);
    pen_cell(pen, text_of(&n->visitor), W_VISITOR);
    pen_gap(pen);
    pen_cell(pen, text_of(&n->policy), W_POLICY);
    pen_gap(pen);
    pen_ink(pen, mark_inks[n->mark]);
    pen_cell(pen, str_of(mark_names[n->mark]), strlen(mark_names[n->mark]));
    pen_ink(pen, INK_PLAIN);
    pen_gap(pen);
    pen_rest(pen, text_of(&n->text));
}

static void draw_pane(const struct page *p, const struct page_look *look, struct buf *out)
{
    size_t rows = page_news_rows(look->height);
    struct pen pen = line_begin(out, look);
    pen_ink(&pen, INK_DIM);
    pen_printf(&pen, "interventions and outcomes");
    line_end(&pen);
    for (size_t i = 0; i < rows; i++) { /* the newest last */
        uint64_t behind = rows - i;
        pen = line_begin(out, look);
        if (behind <= p->n_news && behind <= PAGE_NEWS)
            draw_news(&pen, &p->news[(p->n_news - behind) % PAGE_NEWS]);
        line_end(&pen);
    }
}

static void draw_totals(const struct page *p, const struct page_look *look, struct buf *out)
{
    const struct {
        const char *name;
        uint64_t n;
    } totals[] = {{"events", p->rates[RATE_events].total},
                  {"fired", p->rates[RATE_interventions].total - p->n_held},
                  {"held out", p->n_held},
                  {"converted", p->n_converted},
                  {"ignored", p->n_ignored},
                  {"rejected", p->rates[RATE_rejected].total}};
    struct pen pen = line_begin(out, look);
    char text[24];
    for (size_t i = 0; i < ARRAY_LEN(totals); i++)
        pen_printf(&pen, "%s%s %s", i ? "  " : "", totals[i].name, human(text, totals[i].n));
    line_end(&pen);
}

/* Takes the lines behind the first `n` away again. */
static void lines_cut(struct buf *out, size_t start, size_t n)
{
    for (size_t at = start; at < out->len; at++)
        if (out->at[at] == '\n' && --n == 0)
            out->len = at + 1;
}

void page_draw(const struct page *p, const struct page_look *look, int64_t now_us,
               struct buf *out)
{
    size_t start = out->len, rows = page_visitor_rows(look->height);
    draw_head(p, look, now_us, out);
    draw_columns(look, out);
    for (size_t i = 0; i < rows; i++)
        draw_visitor(p, i, look, now_us, out);
    draw_pane(p, look, out);
    draw_totals(p, look, out);
    lines_cut(out, start, MAX(look->height, (size_t)1));
}

static const struct page_look log_look = {.width = 200, .height = 1, .is_ascii = false};

void page_draw_status(const struct page *p, int64_t now_us, struct buf *out)
{
    char now[12];
    struct pen pen = line_begin(out, &log_look);
    clock_text(now, now_us);
    pen_printf(&pen, "%s ", now);
    draw_rates(&pen, p, now_us);
    pen_gap(&pen);
    pen_gap(&pen);
    draw_lags(&pen, p);
    line_end(&pen);
}

void page_draw_news(const struct page *p, uint64_t number, struct buf *out)
{
    if (number >= p->n_news || p->n_news - number > PAGE_NEWS)
        return;
    struct pen pen = line_begin(out, &log_look);
    draw_news(&pen, &p->news[number % PAGE_NEWS]);
    line_end(&pen);
}
