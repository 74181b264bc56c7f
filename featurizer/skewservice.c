/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/skewservice.h"

#include "common/base/clock.h"
#include "common/bus/admin.h"
#include "common/bus/counters.h"
#include "common/bus/log.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TOLD_MOST = 10, RETRY_S = 10 };

struct service {
    struct skewservice_options o;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_signal_t signals[2];
    uv_work_t work;
    struct admin *admin;
    struct counters *counters;
    struct counter *checked, *mismatched, *ready;
    bool is_busy, is_ready, is_failed;
    struct err failure;
    /* of the round under way, or the last; the worker's while is_busy */
    bool is_done;
    struct err e;
    struct skew_counts n;
    struct skew_difference told[TOLD_MOST];
    size_t n_told;
};

static int page_metrics(void *opaque, struct buf *body)
{
    const struct service *s = opaque;
    counter_set(s->ready, s->is_ready);
    counters_print(s->counters, body);
    return 200;
}

static int page_livez(void *opaque, struct buf *body)
{
    (void)opaque;
    buf_text(body, "alive\n");
    return 200;
}

static int page_readyz(void *opaque, struct buf *body)
{
    const struct service *s = opaque;
    buf_text(body, s->is_ready ? "ready\n" : "not ready: no round has come through\n");
    return s->is_ready ? 200 : 503;
}

static void tell(void *to, const struct skew_difference *d)
{
    struct service *s = to;
    if (s->n_told < TOLD_MOST)
        s->told[s->n_told++] = *d;
}

static void on_work(uv_work_t *work)
{
    struct service *s = work->data;
    s->e = (struct err){0};
    s->n_told = 0;
    s->is_done = skew_round(&s->o.round, tell, s, &s->n, &s->e);
}

static void log_round(const struct service *s)
{
    const struct skew_counts *n = &s->n;
    for (size_t i = 0; i < s->n_told; i++) {
        const struct skew_difference *d = &s->told[i];
        log_error("features differ",
                  "event=1-%" PRIu64 "-%" PRIu64
                  " first=\"%s\" archived=%.9g computed=%.9g others=%" PRIu64,
                  d->partition, d->offset, d->what, d->archived, d->recomputed, d->others);
    }
    log_line(n->mismatched > 0 ? LOG_ERROR : LOG_INFO, "skew checked",
             "checked=%" PRIu64 " mismatched=%" PRIu64 " missing=%" PRIu64 " older=%" PRIu64
             " other=%" PRIu64 " unsure=%" PRIu64 " events=%" PRIu64,
             n->checked, n->mismatched, n->missing, n->older, n->other, n->unsure, n->events);
}

static void on_timer(uv_timer_t *timer);

static void on_worked(uv_work_t *work, int status)
{
    struct service *s = work->data;
    uint64_t pause_s = s->o.every_s;
    (void)status;
    s->is_busy = false;
    s->is_ready = s->is_done;
    if (s->is_done) {
        counter_add(s->checked, (double)s->n.checked);
        counter_add(s->mismatched, (double)s->n.mismatched);
        log_round(s);
    } else if (s->e.retry) {
        log_warn("no round", "reason=\"%s\"", s->e.text);
        pause_s = MIN(pause_s, (uint64_t)RETRY_S);
    } else {
        s->is_failed = true;
        s->failure = s->e;
        uv_stop(&s->loop);
        return;
    }
    CHECK(uv_timer_start(&s->timer, on_timer, pause_s * 1000, 0) == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct service *s = timer->data;
    s->o.round.now_us = clock_wall_us();
    s->o.round.since_us = MAX(s->o.round.now_us - s->o.period_us, (int64_t)0);
    s->is_busy = true;
    CHECK(uv_queue_work(&s->loop, &s->work, on_work, on_worked) == 0);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct service *s = signal->data;
    log_info("stopping", "signal=%d", number);
    if (s->is_busy) /* a round only reads: nothing is lost with it */
        _exit(EXIT_CODE_OK);
    uv_stop(&s->loop);
}

static bool service_open(struct service *s, struct err *e)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    const struct admin_pages pages = {s, page_metrics, page_livez, page_readyz};
    CHECK(uv_loop_init(&s->loop) == 0);
    CHECK(uv_timer_init(&s->loop, &s->timer) == 0);
    s->timer.data = s->work.data = s;
    for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
        CHECK(uv_signal_init(&s->loop, &s->signals[i]) == 0);
        s->signals[i].data = s;
        CHECK(uv_signal_start(&s->signals[i], on_signal, numbers[i]) == 0);
    }
    (void)signal(SIGPIPE, SIG_IGN);
    s->counters = counters_new("featurizer");
    s->checked =
        counter_of(s->counters, COUNTER_featurizer_feature_skew_checked_total, NULL, NULL);
    s->mismatched =
        counter_of(s->counters, COUNTER_featurizer_feature_skew_mismatch_total, NULL, NULL);
    s->ready = counter_of(s->counters, COUNTER_all_ready, NULL, NULL);
    s->admin = admin_open(&s->loop, s->o.port, &pages, e);
    if (s->admin)
        log_info("admin port", "port=%u", admin_port(s->admin));
    return s->admin != NULL;
}

static void handle_close(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

static void service_close(struct service *s)
{
    if (s->admin)
        admin_close(s->admin);
    uv_walk(&s->loop, handle_close, NULL);
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&s->loop);
    counters_free(s->counters);
}

bool skewservice_run(const struct skewservice_options *o, struct err *e)
{
    struct service *s = mem_zero(1, sizeof *s);
    s->o = *o;
    bool is_good = service_open(s, e);
    if (is_good) {
        log_info("started", "version=%s every_s=%" PRIu64, AUSPEX_VERSION, o->every_s);
        CHECK(uv_timer_start(&s->timer, on_timer, 0, 0) == 0);
        (void)uv_run(&s->loop, UV_RUN_DEFAULT);
        is_good = !s->is_failed;
        if (!is_good)
            *e = s->failure;
    }
    service_close(s);
    free(s);
    return is_good;
}
