/* SPDX-License-Identifier: Apache-2.0 */
/* watch - what goes on, as a page that moves in the terminal. */
#include "ctl/ctl.h"
#include "ctl/lags.h"
#include "ctl/page.h"
#include "ctl/screen.h"

#include "common/base/clock.h"
#include "common/bus/tail.h"
#include "common/wire/json_in.h"
#include "common/wire/record_any.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { SOURCES = 6, TURN_RECORDS = 2000, POLL_MS = 50, DRAW_US = 250000, SAY_US = 5000000 };

static void use_event(struct page *p, const union record_any *r, int64_t now_us)
{
    page_event(p, &r->event, now_us);
}

static void use_vector(struct page *p, const union record_any *r, int64_t now_us)
{
    page_vector(p, &r->vector, now_us);
}

static void use_prediction(struct page *p, const union record_any *r, int64_t now_us)
{
    page_prediction(p, &r->prediction, now_us);
}

static void use_intervention(struct page *p, const union record_any *r, int64_t now_us)
{
    page_intervention(p, &r->intervention, now_us);
}

static void use_outcome(struct page *p, const union record_any *r, int64_t now_us)
{
    page_outcome(p, &r->outcome, now_us);
}

static void use_rejected(struct page *p, const union record_any *r, int64_t now_us)
{
    page_rejected(p, &r->rejected, now_us);
}

static const struct source {
    enum topic topic;
    const struct record_def *def; /* of the records that are shown; others are passed over */
    void (*use)(struct page *p, const union record_any *r, int64_t now_us);
} sources[SOURCES] = {
    {TOPIC_events, &event_def, use_event},
    {TOPIC_features, &vector_def, use_vector},
    {TOPIC_predictions, &prediction_def, use_prediction},
    {TOPIC_interventions, &intervention_def, use_intervention},
    {TOPIC_outcomes, &outcome_def, use_outcome},
    {TOPIC_rejected, &rejected_def, use_rejected},
};

struct watch {
    const struct config *config;
    struct tail *tails[SOURCES];
    struct lags *lags;
    struct arena arena;
    struct page page;
    struct page_look look;
    struct buf text, shown;
    uint64_t n_said; /* news, when they are written as lines */
    int64_t drawn_us;
};

static void record_use(struct watch *w, const struct source *s, struct str value,
                       int64_t now_us)
{
    union record_any record;
    bool is_json = value.len > 0 && value.at[0] == '{';
    enum wire_status status;
    if (is_json) {
        arena_reset(&w->arena);
        status = record_from_json(s->def, &record, &w->arena, value.at, value.len);
    } else {
        status = record_read(s->def, &record, value.at, value.len);
    }
    if (status == WIRE_OK)
        s->use(&w->page, &record, now_us);
}

/* Takes what has come, of each topic a bounded part; *n counts. */
static bool records_take(struct watch *w, size_t *n, struct err *e)
{
    *n = 0;
    for (size_t i = 0; i < SOURCES; i++) {
        struct tail_message m;
        enum tail_step step = TAIL_RECORD;
        int64_t now_us = clock_wall_us();
        for (size_t k = 0; k < TURN_RECORDS && step == TAIL_RECORD; k++) {
            step = tail_next(w->tails[i], &m, 0, e);
            if (step != TAIL_RECORD)
                break;
            record_use(w, &sources[i], m.value, now_us);
            ++*n;
        }
        if (step == TAIL_FAILED)
            return false;
    }
    return true;
}

static void page_make(struct watch *w)
{
    lags_get(w->lags, w->page.lag);
    buf_reset(&w->text);
    page_draw(&w->page, &w->look, clock_wall_us(), &w->text);
}

static void size_take(struct watch *w)
{
    screen_size(&w->look.width, &w->look.height);
    page_size(&w->page, w->look.height);
}

/* At most four times a second, and only what has changed. */
static void page_show(struct watch *w)
{
    int64_t now_us = clock_mono_us();
    if (now_us - w->drawn_us < DRAW_US)
        return;
    w->drawn_us = now_us;
    page_make(w);
    if (str_eq(buf_as_str(&w->text), buf_as_str(&w->shown)))
        return;
    /* without the end of the last line, by which the screen would scroll */
    screen_show(str_over(w->text.at, w->text.len - 1));
    buf_reset(&w->shown);
    buf_str(&w->shown, buf_as_str(&w->text));
}

static bool page_run(struct watch *w, struct err *e)
{
    size_t n;
    if (!screen_enter(e))
        return false;
    bool is_good = true;
    while (!ctl_is_interrupted() && (is_good = records_take(w, &n, e))) {
        char key = 0;
        bool has_changed = false;
        page_show(w);
        if (screen_key(n < TURN_RECORDS ? POLL_MS : 0, &key, &has_changed) &&
            (key == 'q' || key == 'Q'))
            break;
        if (has_changed) {
            size_take(w);
            buf_reset(&w->shown);
            w->drawn_us = 0;
        }
    }
    screen_leave();
    return is_good;
}

/* False when nobody reads any more. */
static bool text_write(struct watch *w)
{
    return fwrite(w->text.at, 1, w->text.len, stdout) == w->text.len && fflush(stdout) == 0;
}

/* What goes on as lines: news as they come, rates and lags now and then. */
static bool lines_say(struct watch *w)
{
    int64_t now_us = clock_mono_us();
    buf_reset(&w->text);
    for (; w->n_said < w->page.n_news; w->n_said++)
        page_draw_news(&w->page, w->n_said, &w->text);
    if (now_us - w->drawn_us >= SAY_US) {
        w->drawn_us = now_us;
        lags_get(w->lags, w->page.lag);
        page_draw_status(&w->page, clock_wall_us(), &w->text);
    }
    return text_write(w);
}

/* Without a screen: lines until interrupted, or, after `once_us`, one page. */
static bool lines_run(struct watch *w, int64_t once_us, struct err *e)
{
    int64_t until_us = clock_mono_us() + once_us;
    bool is_read = true;
    ctl_catch_signals();
    while (is_read && !ctl_is_interrupted() && (once_us == 0 || clock_mono_us() < until_us)) {
        struct tail_message m;
        size_t n;
        if (!records_take(w, &n, e))
            return false;
        if (once_us == 0)
            is_read = lines_say(w);
        if (n > 0)
            continue;
        /* nothing is there: wait for a prediction, the topic that moves most */
        switch (tail_next(w->tails[2], &m, POLL_MS, e)) {
        case TAIL_RECORD:
            record_use(w, &sources[2], m.value, clock_wall_us());
            break;
        case TAIL_FAILED:
            return false;
        case TAIL_AT_END:
        case TAIL_IDLE:
            break;
        }
    }
    if (once_us > 0) {
        page_make(w);
        is_read = text_write(w);
    }
    return is_read || errno == EPIPE || err_set(e, errno, "standard output");
}

static bool watch_open(struct watch *w, struct err *e)
{
    for (size_t i = 0; i < SOURCES; i++) {
        char name[TOPIC_NAME];
        topic_name(w->config, sources[i].topic, name);
        w->tails[i] = tail_open(w->config, name, -1, TAIL_END, e);
        if (!w->tails[i])
            return false;
    }
    w->lags = lags_new(w->config);
    return true;
}

static void watch_close(struct watch *w)
{
    lags_free(w->lags);
    for (size_t i = 0; i < SOURCES; i++)
        tail_free(w->tails[i]);
    arena_fini(&w->arena);
    buf_fini(&w->text);
    buf_fini(&w->shown);
}

static int watch_run(struct ctl *c, struct err *e)
{
    static struct watch w;
    uint64_t site_id, once_s;
    if (!ctl_number(c, "site", 0, 1, 2147483647, &site_id, e) ||
        !ctl_number(c, "once", 0, 1, 3600, &once_s, e))
        return err_exit(e);
    w.config = c->config;
    bool is_good = watch_open(&w, e);
    if (is_good) {
        const char *no_color = getenv("NO_COLOR");
        bool has_screen = once_s == 0 && screen_is_there();
        page_init(&w.page, site_id, clock_wall_us());
        w.look.is_ascii = !screen_is_utf8();
        w.look.has_color = has_screen && (!no_color || no_color[0] == '\0');
        size_take(&w);
        is_good = has_screen ? page_run(&w, e) : lines_run(&w, (int64_t)once_s * SECOND_US, e);
    }
    watch_close(&w);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

const struct verb watch_verbs[] = {
    {.name = "watch",
     .operands = "",
     .summary = "a live page: visitors, chances, interventions, outcomes, lag",
     .options = {{"site", "N", "of this site only"},
                 {"once", "S", "watches for S seconds, then prints one page and ends"}},
     .manual =
         "Shows what comes from now on; 80 columns and 24 rows do, also over ssh. Rates are\n"
         "of the last five seconds, behind is in records. A visitor keeps its row while it is\n"
         "among the most recent; the bar is its chance to convert, the arrow how it moved at\n"
         "the last event. q ends it. Where standard output is no terminal it prints lines.\n"
         "Colors are off where NO_COLOR is set; without a UTF-8 locale it keeps to ASCII.\n\n"
         "  auspexctl watch\n"
         "  ssh -t shop1 auspexctl watch --site 1\n"
         "  auspexctl watch --once 10 > page.txt\n"
         "  auspexctl watch >> watch.log\n",
     .run = watch_run},
    {.name = NULL},
};
