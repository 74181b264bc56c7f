/* SPDX-License-Identifier: Apache-2.0 */
/* Time and sessions: scripts of records, and what the core makes of them.
 *
 * A script is lines of
 *   e RECEIVED TS [VISITOR [IMPORT [RAW]]]   an event, in seconds from T0
 *   r RECEIVED, c RECEIVED            the event before once more; its id with another body
 *   t RAW N RECEIVED                  a tick of raw partition RAW of N
 *   x IMPORT RECEIVED                 the end of an import
 * The answer names in order, per record, sessions that ended as "S<opened by>:<how>:<events>"
 * and the vector as "V<session>.<index>", with L for late, R and C for repeat and conflict, "-"
 * without a session. Sessions are named by the number of the line that opened them, from 0;
 * idle is 1800 s. */
#include "featurizer/codes.h"
#include "featurizer/try.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
    const char *name, *script, *answer;
} rows[] = {
    {"a gap of idle splits", "e 0 0|e 9 9|e 1809 1809", "V0.1 V0.2 S0:silence:2 V2.1"},
    {"a gap in event time alone", "e 7200 0|e 7200 1799|e 7200 3599",
     "V0.1 V0.2 S0:gap:2 V2.1"},
    {"just under a gap", "e 7200 0|e 7201 1799.999999", "V0.1 V0.2"},
    {"offline events at once keep their sessions",
     "e 9000 1000|e 9000 1100|e 9000 5000|e 9000 9000",
     "V0.1 V0.2 S0:gap:2 V2.1 S2:gap:1 V3.1"},
    {"silence by the clock", "e 0 0|t 0 1 1799.999999|t 0 1 1800", "V0.1 S0:silence:1"},
    {"silence by the visitor's own next event", "t 1 2 0|e 0 0|e 1800 1",
     "V1.1 S1:silence:1 V2.1"},
    {"closed stays closed", "e 0 0|t 0 1 1800|e 1801 1", "V0.1 S0:silence:1 V2.1"},
    {"silence counts from the newest received", "e 0 0|e 1000 1000|t 0 1 1800|t 0 1 2800",
     "V0.1 V0.2 S0:silence:2"},
    {"a late event keeps silence away", "e 0 0|e 1000 900|e 1700 10|t 0 1 3499|t 0 1 3500",
     "V0.1 V0.2 V0.3L S0:silence:3"},
    {"the clock is the least", "t 0 2 0|t 1 2 0|e 0 0|t 0 2 9000|t 1 2 1799|t 1 2 1800",
     "V2.1 S2:silence:1"},
    {"the clock waits until each has spoken",
     "t 0 3 0|t 1 3 0|e 0 0|t 0 3 9000|t 1 3 9000|t 2 3 1800", "V2.1 S2:silence:1"},
    {"raw gains a partition", "t 0 1 0|e 0 0|t 0 2 1700|t 0 2 9000|t 1 2 9000",
     "V1.1 S1:silence:1"},
    {"an event speaks for its raw partition",
     "t 0 2 0|t 1 2 0|e 0 0|t 0 2 9000|e 9000 9000 w 0 1", "V2.1 S2:silence:1 V4.1"},
    {"a broker's clock that was put back", "t 0 1 0|e 0 0|t 0 1 1000|t 0 1 5|t 0 1 1800",
     "V1.1 S1:silence:1"},
    {"up to 60 s older takes the newest's time", "e 100 100|e 101 40", "V0.1 V0.2"},
    {"more is late", "e 100 100|e 101 39.999999", "V0.1 V0.2L"},
    {"a late event opens none", "e 100 100|t 0 1 2000|e 2001 30", "V0.1 S0:silence:1 V-.0L"},
    {"late against a session that is over", "e 9000 9000|e 9000 100|e 9000 9001",
     "V0.1 V0.2L V0.3"},
    {"silence, then late", "t 1 2 0|e 100 100|e 1900 20", "V1.1 S1:silence:1 V-.0L"},
    {"a repeat touches nothing but the clock", "e 0 0|e 0 0 w|r 1800",
     "V0.1 V1.1 S0:silence:1 "
     "S1:silence:1 V-.0R"},
    {"repeat and conflict", "e 0 0|r 1|c 2|e 3 3", "V0.1 V-.0R V-.0C V0.2"},
    {"a conflict does not take the id over", "e 0 0|c 2|r 3", "V0.1 V-.0C V-.0R"},
    {"ids are known for 7 days", "e 0 0|r 604799|r 604800", "V0.1 S0:silence:1 V-.0R V2.1"},
    {"imports touch neither live nor each other",
     "e 900 900|e 901 5 v 1|e 902 6 v 2|e 903 7 v 1|e 904 904|x 1 905|e 906 906",
     "V0.1 V1.1 V2.1 V1.2 V0.2 S1:import_end:2 V0.3"},
    {"gaps split imports, received time does not",
     "e 0 0 v 1|e 5000 10 v 1|e 5000 1810 v 1|x 1 5000",
     "V0.1 V0.2 S0:gap:2 V2.1 S2:import_end:1"},
    {"an import's end closes in order of visitors", "e 0 0 c 1|e 0 0 a 1|e 0 0 b 1|x 1 1",
     "V0.1 V1.1 V2.1 S1:import_end:1 S2:import_end:1 S0:import_end:1"},
    {"the end of another import closes nothing", "e 0 0 a 1|x 2 1|x 1 2",
     "V0.1 S0:import_end:1"},
    {"an import is over after a day of the clock",
     "e 0 0 a 1|e 100 0 b 1|t 0 1 86499|t 0 1 86500",
     "V0.1 V1.1 S0:import_end:1 S1:import_end:1"},
    {"it can go on after that", "e 0 0 a 1|t 0 1 86400|e 86400 1 a 1|x 1 86401",
     "V0.1 S0:import_end:1 V2.1 S2:import_end:1"},
    {"no clock counts imports", "e 0 0|e 9000 0 a 1|t 0 1 1|x 1 9001",
     "V0.1 V1.1 S1:import_end:1"},
    {"late within an import", "e 0 500 a 1|e 0 10 a 1|x 1 1", "V0.1 V0.2L S0:import_end:2"},
    {"closings by deadline, then visitor",
     "t 1 2 0|e 5 5 a|e 3 3 c|e 3 3 b|e 9 9 a|t 0 2 9000|t 1 2 9000",
     "V1.1 V2.1 V3.1 V1.2 S3:silence:1 S2:silence:1 S1:silence:2"},
    {"a live session and an import's, both due", "e 0 0 a|e 5 5 a 9|e 0 0 b|t 0 1 90000",
     "V0.1 V1.1 V2.1 S0:silence:1 S2:silence:1 S1:import_end:1"},
    {"a visitor after 400 days is a new one",
     "e 0 0|t 0 1 1800|r 100|e 34560000 34559000|r 34560001",
     "V0.1 S0:silence:1 V-.0R V3.1 V-.0R"},
};

static struct event last;

/* The next word of a line, "" behind the last; good until the third call from now. */
static const char *word(const char **at)
{
    static char words[4][16];
    static unsigned turn;
    char *w = words[turn++ % ARRAY_LEN(words)];
    size_t blanks = strspn(*at, " "), len = strcspn(*at + blanks, " ");
    assert_true(len < sizeof words[0]);
    memcpy(w, *at + blanks, len);
    w[len] = '\0';
    *at += blanks + len;
    return w;
}

static double number(const char **at)
{
    return strtod(word(at), NULL);
}

static uint64_t give_again(struct try *t, const char *at, bool has_other_body)
{
    struct event again = last;
    again.received_us = TRY_T0 + (int64_t)(number(&at) * 1e6);
    again.body_hash += has_other_body;
    return try_event_give(t, &again);
}

static uint64_t give_event(struct try *t, const char *at)
{
    static char visitor[16];
    double received_s = number(&at), ts_s = number(&at);
    const char *who = word(&at);
    (void)snprintf(visitor, sizeof visitor, "%s", who[0] ? who : "v");
    last = try_event("page_view", received_s, ts_s);
    last.visitor = str_of(visitor);
    last.import_id = (uint64_t)number(&at);
    last.origin = last.import_id ? ORIGIN_IMPORTS : ORIGIN_RAW;
    last.partition = (uint64_t)number(&at);
    return try_event_give(t, &last);
}

static uint64_t give_line(struct try *t, const char *line)
{
    const char *at = line + 1;
    uint64_t first, second;
    switch (line[0]) {
    case 't':
        first = (uint64_t)number(&at);
        second = (uint64_t)number(&at);
        return try_tick(t, first, second, number(&at));
    case 'x':
        first = (uint64_t)number(&at);
        return try_import_end(t, first, number(&at));
    case 'r':
        return give_again(t, at, false);
    case 'c':
        return give_again(t, at, true);
    default:
        return give_event(t, at);
    }
}

/* The number of the line that opened a session: its id is 1-0-OFFSET. */
static unsigned opened_by(struct str session_id)
{
    uint64_t offset = 0;
    assert_true(str_starts(session_id, STR("1-0-")));
    assert_true(str_u64(str_over(session_id.at + 4, session_id.len - 4), &offset));
    return (unsigned)offset;
}

static void describe_vector(struct buf *b, const struct vector *v)
{
    if (v->session_id.len > 0)
        buf_printf(b, " V%u.%u", opened_by(v->session_id), (unsigned)v->event_index);
    else
        buf_printf(b, " V-.%u", (unsigned)v->event_index);
    buf_text(b, v->late ? "L" : "");
    buf_text(b, v->verdict == VERDICT_REPEAT ? "R" : v->verdict == VERDICT_CONFLICT ? "C" : "");
    assert_int_equal(v->features_n, v->verdict == VERDICT_COUNTS ? FEATURES_N : 0);
}

static void describe(struct buf *b, const struct try *t, uint64_t first, uint64_t line)
{
    struct session s[8];
    struct vector v[1];
    struct rejected r[1];
    size_t n = try_sessions(t, first, s, ARRAY_LEN(s));
    for (size_t i = 0; i < n; i++) {
        assert_true(s[i].index == i && s[i].offset == line && s[i].origin == ORIGIN_EVENTS);
        buf_printf(b, " S%u:%.*s:%u", opened_by(s[i].session_id), STR_ARGS(s[i].ended_by),
                   (unsigned)s[i].events);
    }
    if (try_vectors(t, first, v, 1) == 1) {
        describe_vector(b, v);
        size_t refused = v->verdict == VERDICT_CONFLICT;
        assert_int_equal(try_rejected(t, first, r, 1), refused);
        assert_true(!refused || (str_is(r->reason, "id_conflict") && r->offset == line));
    }
}

static void scripts(void **state)
{
    (void)state;
    unsigned n_wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct try t;
        struct buf got = {0};
        struct str rest = str_of(rows[i].script);
        try_init(&t, 1800);
        for (uint64_t line = 0; rest.len > 0; line++) {
            char text[64];
            struct str one = str_cut(rest, '|', &rest);
            (void)snprintf(text, sizeof text, "%.*s", STR_ARGS(one));
            describe(&got, &t, give_line(&t, text), line);
        }
        const char *answer = got.len > 0 ? buf_cstr(&got) + 1 : "";
        if (strcmp(answer, rows[i].answer) != 0) {
            print_error("%s:\n got  %s\n want %s\n", rows[i].name, answer, rows[i].answer);
            n_wrong++;
        }
        buf_fini(&got);
        try_fini(&t);
    }
    assert_int_equal(n_wrong, 0);
}

/* A hundred thousand sessions end at one record: in parts, in order, all there, the record
 * last. */
static void closings_come_in_parts(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct try t;
    try_init(&t, 1800);
    (void)try_tick(&t, 1, 2, 0);
    for (unsigned i = 0; i < N; i++) {
        char visitor[16];
        unsigned number = (i * 7919u) % N; /* in no order */
        struct event e = try_event("click", 0, 0);
        (void)snprintf(visitor, sizeof visitor, "v%06u", number);
        e.visitor = str_of(visitor);
        (void)try_event_give(&t, &e);
    }
    (void)try_tick(&t, 0, 2, 4000);
    uint64_t first = try_tick(&t, 1, 2, 4000), n = outbox_next(t.out) - first;
    assert_int_equal(n, N + 1);
    assert_true(t.n_steps >= 100);
    for (uint64_t i = 0; i < N; i++) {
        const struct output *o = outbox_at(t.out, first + i);
        struct session s;
        char want[16];
        (void)snprintf(want, sizeof want, "v%06u", (unsigned)i);
        assert_int_equal(session_read(&s, o->value.at, o->value.len), WIRE_OK);
        assert_true(str_is(s.visitor, want) && s.index == i);
    }
    assert_int_equal(outbox_at(t.out, first + N)->topic, TOPIC_features);
    try_fini(&t);
}

/* An import's end in parts, and the record after it. */
static void import_ends_in_parts(void **state)
{
    (void)state;
    enum { N = 5000 };
    struct try t;
    try_init(&t, 1800);
    for (unsigned i = 0; i < N; i++) {
        char visitor[16];
        struct event e = try_event("click", 0, 0);
        (void)snprintf(visitor, sizeof visitor, "v%06u", (i * 4999u) % N);
        e.visitor = str_of(visitor);
        e.origin = ORIGIN_IMPORTS;
        e.import_id = 5;
        (void)try_event_give(&t, &e);
    }
    uint64_t first = try_import_end(&t, 5, 1);
    struct session s[1];
    assert_int_equal(try_sessions(&t, first, s, 1), N);
    assert_true(t.n_steps >= N / 1000 && str_is(s->visitor, "v000000"));
    assert_int_equal(try_sessions(&t, try_import_end(&t, 5, 2), s, 1), 0);
    try_fini(&t);
}

static void records_pass_on(void **state)
{
    (void)state;
    struct try t;
    struct control c, got;
    try_init(&t, 1800);
    control_init(&c);
    c.epoch = 1;
    c.origin = ORIGIN_CONTROL;
    c.offset = c.control_offset = 41;
    c.what = STR("model");
    c.name = STR("conversion");
    buf_reset(&t.bytes);
    control_pack(&t.bytes, &c);
    uint64_t first = try_give(&t, buf_as_str(&t.bytes));
    const struct output *o = outbox_at(t.out, first);
    assert_true(o->topic == TOPIC_features && o->key.len == 0);
    assert_int_equal(control_read(&got, o->value.at, o->value.len), WIRE_OK);
    assert_true(got.origin == ORIGIN_EVENTS && got.offset == 0 && got.control_offset == 41);
    struct event e = try_event("click", 0, 0);
    struct vector v[1];
    assert_int_equal(try_vectors(&t, try_event_give(&t, &e), v, 1), 1);
    assert_int_equal(v->control, 42);
    o = outbox_at(t.out, try_tick(&t, 0, 1, 1));
    struct tick k;
    assert_int_equal(tick_read(&k, o->value.at, o->value.len), WIRE_OK);
    assert_true(k.origin == ORIGIN_EVENTS && k.offset == 2 && k.raw_partitions == 1);
    try_fini(&t);
}

/* Seconds behind T0; -1 = nothing told. */
static double clock_of(const struct try *t, uint64_t first)
{
    struct vector v[1];
    struct tick k;
    const struct output *o = outbox_at(t->out, outbox_next(t->out) - 1);
    int64_t clock_us = 0;
    if (try_vectors(t, first, v, 1) == 1)
        clock_us = v->clock_us;
    else if (tick_read(&k, o->value.at, o->value.len) == WIRE_OK)
        clock_us = k.clock_us;
    return clock_us == 0 ? -1 : (double)(clock_us - TRY_T0) / 1e6;
}

/* After each record was heard: the least of what all raw partitions have told. */
static void clock_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        double clock_s;
    } steps[] = {
        {"e 5 5 v 7", -1}, /* an import's: no clock counts it, and none is known yet */
        {"t 0 2 10", -1},      {"e 11 11", -1},
        {"t 1 2 12", 11}, /* a tick tells the clock that it moved */
        {"e 13 13 v 0 1", 11}, {"e 14 14", 13},
        {"r 15", 13}, /* repeats tell it too */
        {"e 16 16 v 0 1", 15}, {"e 900 5 v 7", 15},
        {"t 0 3 20", -1}, /* another raw partition, which has not spoken */
        {"e 21 21 v 0 1", -1}, {"t 2 3 18", 18},
        {"t 2 3 17", 17}, /* a broker's clock that was put back */
    };
    struct try t;
    try_init(&t, 1800);
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        assert_true(clock_of(&t, give_line(&t, steps[i].line)) == steps[i].clock_s);
    try_fini(&t);
}

/* The visitor is the anonymous id; a user id is told of it and moves nobody. */
static void a_login_keeps_the_session(void **state)
{
    static const char *const types[] = {"page_view", "identify", "page_view"};
    struct try t;
    struct vector v[1], first = {0};
    (void)state;
    try_init(&t, 1800);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct event e = try_event(types[i], (double)i, (double)i);
        e.anonymous_id = e.visitor;
        e.user_id = i > 0 ? STR("anna") : e.user_id;
        assert_int_equal(try_vectors(&t, try_event_give(&t, &e), v, 1), 1);
        if (i == 0)
            first = *v;
        assert_true(v->event_index == i + 1 && str_eq(v->session_id, first.session_id));
        assert_true(try_feature(v, FEATURE_session_number) == 1);
        assert_true(str_is(v->user_id, i > 0 ? "anna" : ""));
    }
    try_fini(&t);
}

static void unreadable_records_are_rejected(void **state)
{
    (void)state;
    static char endless[2000];
    memset(endless, 'v', sizeof endless);
    struct try t;
    struct rejected r[1];
    try_init(&t, 1800);
    struct event e = try_event("click", 0, 0);
    e.visitor = str_over(endless, sizeof endless);
    assert_int_equal(try_rejected(&t, try_event_give(&t, &e), r, 1), 1);
    assert_true(str_is(r->reason, "bad_record"));
    e = try_event("click", 0, 0);
    e.partition = 1 << 20;
    assert_int_equal(try_rejected(&t, try_event_give(&t, &e), r, 1), 1);
    assert_int_equal(try_rejected(&t, try_tick(&t, 1 << 20, 2, 0), r, 1), 1);
    assert_int_equal(try_rejected(&t, try_give(&t, STR("\x81\xff")), r, 1), 1);
    assert_true(str_eq(r->body, STR("\x81\xff")) && r->offset == 3);
    try_fini(&t);
}

static void code_tables_are_sorted(void **state)
{
    (void)state;
#define EVENT_TYPE(number, name) assert_int_equal(code_event_type(STR(#name)), number);
#define DEVICE(number, name)     assert_int_equal(code_device(STR(#name)), number);
#define CHANNEL(number, name)    assert_int_equal(code_channel(STR(#name)), number);
#include "schemas/codes.def"
#undef EVENT_TYPE
#undef DEVICE
#undef CHANNEL
    assert_int_equal(code_event_type(STR("plan_upgraded")), CODE_OTHER);
    assert_int_equal(code_channel(STR("")), CODE_NONE);
    assert_true(str_is(code_channel_name(CODE_OTHER), "other"));
    assert_true(str_is(code_device_name(code_device(STR("tablet"))), "tablet"));
    assert_int_equal(code_country(STR("AB")), 2);
    assert_int_equal(code_country(STR("de")), 0);
    assert_int_equal(code_page(STR("/p/1")), code_page(STR("p")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts),
        cmocka_unit_test(closings_come_in_parts),
        cmocka_unit_test(import_ends_in_parts),
        cmocka_unit_test(records_pass_on),
        cmocka_unit_test(clock_is_told),
        cmocka_unit_test(a_login_keeps_the_session),
        cmocka_unit_test(unreadable_records_are_rejected),
        cmocka_unit_test(code_tables_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
