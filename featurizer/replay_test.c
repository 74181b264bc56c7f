/* SPDX-License-Identifier: Apache-2.0 */
/* A log without its ticks gives the vectors and sessions that the whole log gave, for all
 * visitors and for each alone. */
#include "featurizer/replay.h"
#include "featurizer/try.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RECORDS = 20000, VISITORS = 80, SESSIONS = 8000 };

static const struct featurizer_options options = {.idle_us = 1800 * SECOND_US, .tail = 9};

struct logged {
    uint64_t rec;
    struct buf value; /* of the record */
    struct vector vector;
    bool has_vector; /* one with features */
};

/* A log, and what the core made of it. */
struct whole {
    struct try t;
    struct logged at[RECORDS];
    struct session sessions[SESSIONS];
    size_t n_sessions;
    uint64_t n_vectors;
};

static struct whole *whole_new(void)
{
    struct whole *w = mem_zero(1, sizeof *w);
    struct try_log log = {.rng = rng_stream(5, 3), .visitors = VISITORS};
    try_init_as(&w->t, &options);
    for (size_t i = 0; i < RECORDS; i++) {
        struct logged *l = &w->at[i];
        struct position at;
        try_log_next(&log, &l->value);
        assert_int_equal(position_read(&at, l->value.at, l->value.len), WIRE_OK);
        l->rec = at.rec;
        uint64_t first = try_give(&w->t, buf_as_str(&l->value));
        size_t n = try_vectors(&w->t, first, &l->vector, 1);
        l->has_vector = n == 1 && l->vector.verdict == VERDICT_COUNTS;
        w->n_vectors += l->has_vector;
    }
    /* Both raw partitions two days further: all has ended, imports too. */
    double end_s = (double)(log.now_us - TRY_T0) / 1e6 + 2 * 86400;
    (void)try_tick(&w->t, 0, 2, end_s);
    (void)try_tick(&w->t, 1, 2, end_s);
    w->n_sessions = try_sessions(&w->t, 0, w->sessions, SESSIONS);
    assert_true(w->n_sessions < SESSIONS);
    return w;
}

static void whole_free(struct whole *w)
{
    for (size_t i = 0; i < RECORDS; i++)
        buf_fini(&w->at[i].value);
    try_fini(&w->t);
    free(w);
}

struct seen {
    const struct whole *w;
    const char *visitor; /* alone of interest; NULL = all */
    uint64_t vectors, differing, sessions, strange;
};

static bool see_vector(void *to, const struct vector *v, struct err *e)
{
    struct seen *s = to;
    const struct vector *known = &s->w->at[v->offset].vector;
    (void)e;
    if (s->visitor && !str_is(v->visitor, s->visitor))
        return true;
    s->vectors++;
    s->differing += !s->w->at[v->offset].has_vector || !str_eq(v->features, known->features) ||
                    !str_eq(v->session_id, known->session_id) ||
                    !str_eq(v->tail, known->tail) || v->ts_us != known->ts_us ||
                    v->event_index != known->event_index || v->late != known->late ||
                    v->control != known->control;
    return true;
}

static bool see_session(void *to, const struct session *x, struct err *e)
{
    struct seen *s = to;
    (void)e;
    if (s->visitor && !str_is(x->visitor, s->visitor))
        return true;
    s->sessions++;
    const struct session *known = s->w->sessions, *end = known + s->w->n_sessions;
    while (known < end && !str_eq(known->session_id, x->session_id))
        known++;
    s->strange += known == end || known->ended_us != x->ended_us ||
                  known->events != x->events || known->value != x->value ||
                  known->session_number != x->session_number ||
                  !str_eq(known->ended_by, x->ended_by);
    return true;
}

/* Whether the log goes on without this record: a tick, or a live event of another visitor. What
 * came by an import tells how far the import is. */
static bool is_left_out(const struct logged *l, const char *visitor)
{
    struct event event;
    if (l->rec != REC_event || !visitor)
        return l->rec == REC_tick;
    assert_int_equal(event_read(&event, l->value.at, l->value.len), WIRE_OK);
    return event.origin == ORIGIN_RAW && !str_is(event.visitor, visitor);
}

static struct seen replayed(const struct whole *w, const char *visitor, bool has_clocks)
{
    struct seen seen = {.w = w, .visitor = visitor};
    const struct replay_sink sink = {&seen, see_vector, see_session};
    struct replay *r = replay_new(&options, &sink);
    struct err e = {0};
    int64_t last_us = 0;
    replay_begin(r, 0);
    for (size_t i = 0; i < RECORDS; i++) {
        const struct logged *l = &w->at[i];
        struct event event;
        if (is_left_out(l, visitor))
            continue;
        if (l->rec != REC_event) {
            assert_true(replay_notice(r, i, buf_as_str(&l->value), &e));
            continue;
        }
        assert_int_equal(event_read(&event, l->value.at, l->value.len), WIRE_OK);
        last_us = event.received_us;
        if (has_clocks && l->has_vector)
            replay_clock(r, l->vector.clock_us);
        assert_true(replay_event(r, i, &event, &e));
    }
    assert_true(replay_end(r, last_us + 3 * DAY_US, &e));
    replay_free(r);
    return seen;
}

static void all_visitors(void **state)
{
    (void)state;
    struct whole *w = whole_new();
    struct seen s = replayed(w, NULL, true);
    assert_true(s.vectors == w->n_vectors && s.vectors > RECORDS / 2);
    assert_int_equal(s.differing, 0);
    assert_true(s.sessions == w->n_sessions && s.sessions > 1000);
    assert_int_equal(s.strange, 0);
    /* The clock does matter, as imports and live sessions are of the same visitors. */
    assert_true(replayed(w, NULL, false).differing > 0);
    whole_free(w);
}

static void each_visitor_alone(void **state)
{
    (void)state;
    struct whole *w = whole_new();
    uint64_t vectors = 0, sessions = 0;
    for (unsigned i = 0; i < VISITORS; i++) {
        char visitor[16];
        (void)snprintf(visitor, sizeof visitor, "v%u", i);
        struct seen s = replayed(w, visitor, true);
        assert_true(s.differing == 0 && s.strange == 0);
        vectors += s.vectors;
        sessions += s.sessions;
    }
    assert_true(vectors == w->n_vectors && sessions == w->n_sessions);
    whole_free(w);
}

static bool stop(void *to, const struct vector *v, struct err *e)
{
    uint64_t *n = to;
    (void)v;
    ++*n;
    return err_set(e, 0, "enough");
}

static bool take(void *to, const struct session *s, struct err *e)
{
    (void)to;
    (void)s;
    (void)e;
    return true;
}

/* A sink that has enough stops the replay at once. */
static void a_sink_stops(void **state)
{
    (void)state;
    uint64_t n = 0;
    const struct replay_sink sink = {&n, stop, take};
    struct replay *r = replay_new(&options, &sink);
    struct event event = try_event("page_view", 1, 1);
    struct err e = {0};
    replay_begin(r, 3);
    assert_false(replay_event(r, 7, &event, &e));
    assert_string_equal(e.text, "enough");
    assert_int_equal(n, 1);
    replay_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_visitors),
        cmocka_unit_test(each_visitor_alone),
        cmocka_unit_test(a_sink_stops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
