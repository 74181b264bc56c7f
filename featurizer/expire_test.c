/* SPDX-License-Identifier: Apache-2.0 */
/* Visitors that were silent for too long count as new, by their own received times; and however
 * many things a visitor does, what is kept of it has a bound. */
#include "featurizer/state_pack.h"
#include "featurizer/try.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KEEP_S = 6 * 3600 }; /* an import without records lasts a day */

static const struct featurizer_options options = {
    .idle_us = 1800 * SECOND_US, .keep_us = KEEP_S * SECOND_US, .tail = TOKENS_MOST};

/* Total events of the visitor with this one, and how many sessions it has ended. */
static float total(struct try *t, const struct event *e, size_t *n_sessions)
{
    struct vector v;
    struct session s[4];
    uint64_t first = try_event_give(t, e);
    assert_int_equal(try_vectors(t, first, &v, 1), 1);
    assert_int_equal(v.verdict, 0);
    *n_sessions = try_sessions(t, first, s, ARRAY_LEN(s));
    return try_feature(&v, FEATURE_total_events);
}

static void silence_makes_new(void **state)
{
    (void)state;
    static const struct {
        double received_s;
        float total;
        size_t n_sessions;
    } steps[] = {
        {0, 1, 0},
        {KEEP_S - 0.000001, 2, 1},
        {2 * KEEP_S - 0.000002, 3, 1},
        {3 * KEEP_S - 0.000002, 1, 1}, /* what silence ended is told of the visitor that was */
        {3 * KEEP_S, 2, 0},
        {5 * KEEP_S, 1, 1},
    };
    struct try t;
    size_t n_sessions;
    try_init_as(&t, &options); /* no tick: no clock */
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct event e = try_event("click", steps[i].received_s, steps[i].received_s);
        assert_true(total(&t, &e, &n_sessions) == steps[i].total);
        assert_int_equal(n_sessions, steps[i].n_sessions);
    }
    assert_int_equal(t.core->counts.expired, 2);
    try_fini(&t);
}

/* Two checkpoints, of which the second says that the first came through. */
static void checkpoint(struct try *t)
{
    struct outbox *states = outbox_new();
    struct buf own = {0};
    for (unsigned i = 0; i < 2; i++) {
        buf_reset(&own);
        featurizer_cut(t->core, 0, &own);
        assert_true(featurizer_pack(t->core, 0, states, INT64_MAX));
    }
    outbox_free(states);
    buf_fini(&own);
}

/* The clock closes the session, then counts as the event's own time does. */
static void the_clock_changes_nothing(void **state)
{
    (void)state;
    for (unsigned n_ticks = 0; n_ticks < 40; n_ticks += 10) {
        struct try t;
        size_t n_sessions;
        try_init_as(&t, &options);
        (void)try_tick(&t, 0, 1, 0);
        struct event e = try_event("click", 1, 1);
        assert_true(total(&t, &e, &n_sessions) == 1);
        for (unsigned i = 0; i < n_ticks; i++) { /* each sweeps a part of the table */
            (void)try_tick(&t, 0, 1, KEEP_S + 1 + i);
            checkpoint(&t);
        }
        assert_int_equal(featurizer_visitors(t.core), n_ticks == 0);
        e = try_event("click", KEEP_S + 100, KEEP_S + 100);
        assert_true(total(&t, &e, &n_sessions) == 1);
        assert_int_equal(n_sessions, n_ticks == 0);
        assert_int_equal(t.core->counts.expired, 1);
        try_fini(&t);
    }
}

static struct event imported(double received_s)
{
    struct event e = try_event("click", received_s, -9000);
    e.origin = ORIGIN_IMPORTS;
    e.import_id = 5;
    e.offset = (uint64_t)received_s;
    return e;
}

/* An import that is under way keeps its visitors; one that is behind the clock does not bring
 * them back. */
static void imports_keep_their_visitors(void **state)
{
    (void)state;
    struct try t;
    size_t n_sessions;
    try_init_as(&t, &options);
    struct event e = imported(1);
    assert_true(total(&t, &e, &n_sessions) == 1);
    e = try_event("click", 2.0 * KEEP_S, 2.0 * KEEP_S);
    assert_true(total(&t, &e, &n_sessions) == 2);
    (void)try_import_end(&t, 5, 2.0 * KEEP_S);
    e = imported(2.5 * KEEP_S);
    assert_true(total(&t, &e, &n_sessions) == 3);
    (void)try_import_end(&t, 5, 2.5 * KEEP_S);
    e = imported(3.5 * KEEP_S);
    assert_true(total(&t, &e, &n_sessions) == 1);
    (void)try_import_end(&t, 5, 3.5 * KEEP_S);
    (void)try_tick(&t, 0, 1, 5.0 * KEEP_S);
    e = imported(4.0 * KEEP_S);
    assert_true(total(&t, &e, &n_sessions) == 1);
    try_fini(&t);
}

static void a_site_has_its_own_rule(void **state)
{
    (void)state;
    struct try t;
    struct control c;
    size_t n_sessions;
    try_init_as(&t, &options);
    control_init(&c);
    c.epoch = 1;
    c.origin = ORIGIN_CONTROL;
    c.what = STR("site");
    c.name = STR("7");
    c.version = 1;
    c.body = STR("{\"site\":7,\"keep_days\":2}");
    buf_reset(&t.bytes);
    control_pack(&t.bytes, &c);
    (void)try_give(&t, buf_as_str(&t.bytes));
    for (unsigned site = 7; site <= 8; site++) {
        struct event e = try_event("click", 0, 0);
        e.site_id = site;
        assert_true(total(&t, &e, &n_sessions) == 1);
        e = try_event("click", 86400, 86400);
        e.site_id = site;
        assert_true(total(&t, &e, &n_sessions) == (site == 7 ? 2 : 1));
        e = try_event("click", 3 * 86400, 3 * 86400);
        e.site_id = site;
        assert_true(total(&t, &e, &n_sessions) == 1);
    }
    try_fini(&t);
}

static struct str numbered(char out[24], const char *prefix, unsigned i)
{
    return str_over(out, (size_t)snprintf(out, 24, "%s%u", prefix, i));
}

/* One session of a hundred thousand events, no two alike: after the first few thousand nothing
 * grows any more, neither in memory nor packed. */
static void what_is_kept_has_a_bound(void **state)
{
    (void)state;
    enum { EVENTS = 100000, SOON = 4000, MEMORY_MOST = 40 << 10, PACKED_MOST = 24 << 10 };
    static const char *const types[] = {
#define EVENT_TYPE(number, name) #name,
#define DEVICE(number, name)
#define CHANNEL(number, name)
#include "schemas/codes.def"
#undef EVENT_TYPE
#undef DEVICE
#undef CHANNEL
    };
    struct try t;
    struct buf packed = {0};
    size_t soon = 0;
    try_init_as(&t, &options);
    struct entries *visitors = &t.core->partitions[0]->visitors;
    size_t empty = entries_used(visitors);
    for (unsigned i = 0; i < EVENTS; i++) {
        char id[24], product[24], category[24], path[24], element[24], words[24];
        struct event e = try_event(types[i % ARRAY_LEN(types)], 0.5 * i, 0.5 * i);
        if (i % 3 == 0)
            e.type = STR("product_view");
        e.event_id = numbered(id, "e", i);
        e.product_id = numbered(product, "p", i);
        e.category = numbered(category, "c", i);
        e.path = numbered(path, "/", i);
        e.element = numbered(element, "#", i);
        e.feature = e.country = e.channel = e.device = e.browser = numbered(words, "w", i);
        e.price = i;
        e.user_id = numbered(words, "w", i);
        (void)try_event_give(&t, &e);
        outbox_drop(t.out, outbox_next(t.out));
        if (i == SOON)
            soon = entries_used(visitors);
    }
    size_t used = entries_used(visitors) - empty;
    assert_true(used <= soon - empty + 64); /* texts of longer numbers */
    state_pack(&packed, profile_seen(entries_find(visitors, STR("7:v"))));
    print_message("# a visitor of %d events: %zu bytes in memory, %zu packed\n", EVENTS, used,
                  packed.len);
    assert_true(used <= MEMORY_MOST && packed.len <= PACKED_MOST);
    buf_fini(&packed);
    try_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_makes_new),
        cmocka_unit_test(the_clock_changes_nothing),
        cmocka_unit_test(imports_keep_their_visitors),
        cmocka_unit_test(a_site_has_its_own_rule),
        cmocka_unit_test(what_is_kept_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
