/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions, rule by rule: what crosses, what a cap and a holdout do, which outcome an
 * intervention has, when policies change, and what is forgotten. */
#include "actuator/decide.h"
#include "actuator/trial.h"
#include "common/wire/json_in.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { DAY_S = 86400, MANY = 100000 };

#define WHEN_HIGH          "\"when\":{\"prediction\":\"conversion\",\"op\":\">\",\"value\":0.5}"
#define POLICY(name, more) "{\"name\":\"" name "\"," WHEN_HIGH ",\"action\":\"offer\"" more "}"

static size_t fired(const struct trial *t, uint64_t first)
{
    struct intervention i[8];
    return trial_interventions(t, first, i, ARRAY_LEN(i));
}

static struct outcome one_outcome(const struct trial *t, uint64_t first)
{
    struct outcome o[2];
    assert_int_equal(trial_outcomes(t, first, o, 2), 1);
    return o[0];
}

static size_t n_outcomes(const struct trial *t, uint64_t first)
{
    struct outcome o[2];
    return trial_outcomes(t, first, o, 2);
}

static void fires_when_it_becomes_true(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ""));
    assert_int_equal(fired(&t, trial_view(&t, 0, 0.4)), 0);
    assert_int_equal(fired(&t, trial_view(&t, 1, 0.6)), 1);
    assert_int_equal(fired(&t, trial_view(&t, 2, 0.7)), 0);
    assert_int_equal(fired(&t, trial_view(&t, 3, (double)NAN)), 0); /* absent: not true */
    assert_int_equal(fired(&t, trial_view(&t, 4, 0.6)), 1);
    struct prediction p = trial_prediction(&t, "click", 5);
    p.session_id = STR("s2"); /* what was true in another session counts not */
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 0);
    p.visitor = STR("w");
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    p.site_id = 8; /* the same visitor elsewhere is another */
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    trial_fini(&t);
}

static void late_and_refused_events_count_not(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ",\"window_s\":100"));
    struct prediction p = trial_prediction(&t, "purchase", 0);
    p.late = true;
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 0);
    p.late = false;
    p.verdict = 1;
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 0);
    assert_int_equal(fired(&t, trial_view(&t, 1, 0.9)), 1);
    p.received_us += 2 * SECOND_US;
    assert_int_equal(n_outcomes(&t, trial_give(&t, &p, 0.1)), 0); /* a repeat */
    p.verdict = 0;
    p.late = true;
    assert_int_equal(n_outcomes(&t, trial_give(&t, &p, 0.1)), 0); /* of before it fired */
    assert_int_equal(fired(&t, trial_view(&t, 3, 0.9)), 0); /* a late one changes nothing */
    p.ts_us += SECOND_US;
    assert_true(str_is(one_outcome(&t, trial_give(&t, &p, 0.1)).result, "converted"));
    trial_fini(&t);
}

static void record_tells_all(void **state)
{
    (void)state;
    struct trial t;
    struct intervention i;
    trial_init(&t, false);
    (void)trial_tick(&t, 0);
    uint64_t version = trial_policy(
        &t, "p",
        POLICY("p",
               ",\"channel\":\"webhook\",\"webhook\":\"crm\",\"priority\":\"high\","
               "\"max_age_s\":60,\"window_s\":90,\"holdout\":0.0,"
               "\"message\":\"{{type}} {{conversion}} {{value}} {{ visitor }}{{order_id}}\""));
    struct prediction p = trial_prediction(&t, "click", 1);
    p.value = 12.5;
    p.user_id = STR("u");
    uint64_t first = trial_give(&t, &p, 0.756);
    assert_int_equal(trial_interventions(&t, first, &i, 1), 1);
    const struct output *o = outbox_at(t.out, first);
    assert_true(str_is(o->key, "7:v") && str_is(o->ce_id, "1-0-1-0") && !o->is_json);
    assert_int_equal(o->ce_time_us, p.ts_us);
    assert_int_equal(i.origin, ORIGIN_EVENTS);
    assert_int_equal(i.offset, 1);
    assert_int_equal(i.index, 0);
    assert_true(str_is(i.intervention_id, "1-0-1-0") && str_is(i.policy, "p"));
    assert_int_equal(i.policy_version, version);
    assert_true(str_is(i.message, "click 0.76 12.5 v") && str_is(i.priority, "high"));
    assert_true(str_is(i.channel, "webhook") && str_is(i.webhook, "crm"));
    assert_true(str_is(i.user_id, "u") && str_is(i.session_id, "s1") && !i.holdout);
    assert_true(i.propensity == 1.0 && i.window_s == 90 && i.kinds.n == 1);
    assert_int_equal(i.expires_us, p.received_us + 60 * SECOND_US);
    assert_int_equal(t.n_fired, 1);
    assert_int_equal(t.last_fired, first);
    trial_fini(&t);
}

static void several_fire_by_name(void **state)
{
    (void)state;
    struct trial t;
    struct intervention i[4];
    trial_init(&t, true);
    (void)trial_policy(&t, "c", POLICY("c", ""));
    (void)trial_policy(&t, "a", POLICY("a", ""));
    (void)trial_policy(&t, "d", POLICY("d", ",\"site\":8"));
    (void)trial_policy(&t, "b", POLICY("b", ",\"site\":7"));
    uint64_t first = trial_view(&t, 0, 0.9);
    struct arena arena = {0};
    assert_int_equal(outbox_next(t.out) - first, 3);
    for (uint64_t k = 0; k < 3; k++) {
        const struct output *o = outbox_at(t.out, first + k);
        assert_true(o->is_json);
        assert_int_equal(
            record_from_json(&intervention_def, &i[k], &arena, o->value.at, o->value.len),
            WIRE_OK);
        assert_int_equal(i[k].index, k);
        assert_true(i[k].policy.at[0] == (char)('a' + k));
    }
    arena_fini(&arena);
    trial_fini(&t);
}

static void cap_bounds_a_day(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ",\"cap_per_day\":2"));
    size_t n = 0;
    for (int k = 0; k < 10; k++)
        n += fired(&t, trial_view(&t, k, k % 2 ? 0.9 : 0.1));
    assert_int_equal(n, 2);
    assert_true(trial_counter(&t, "auspex_crossings_total{policy=\"p\"}") == 5);
    assert_true(trial_counter(&t, "auspex_capped_total{policy=\"p\"}") == 3);
    assert_int_equal(fired(&t, trial_view(&t, DAY_S - 2, 0.1)), 0);
    assert_int_equal(fired(&t, trial_view(&t, DAY_S - 1, 0.9)), 0); /* 23:59:59 */
    assert_int_equal(fired(&t, trial_view(&t, DAY_S, 0.1)), 0);
    assert_int_equal(fired(&t, trial_view(&t, DAY_S + 1, 0.9)), 1); /* the next day */
    trial_fini(&t);
}

static void lane_holds_so_many(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ",\"window_s\":1000"));
    size_t n = 0;
    for (int k = 0; k < 400; k++)
        n += fired(&t, trial_view(&t, k, k % 2 ? 0.9 : 0.1));
    assert_int_equal(n, DOSSIER_OPEN);
    assert_true(trial_counter(&t, "auspex_capped_total{policy=\"p\"}") == 200 - DOSSIER_OPEN);
    struct prediction p = trial_prediction(&t, "purchase", 401);
    assert_int_equal(n_outcomes(&t, trial_give(&t, &p, 0.1)), DOSSIER_OPEN);
    assert_int_equal(fired(&t, trial_view(&t, 402, 0.9)), 1);
    trial_fini(&t);
}

/* 20,000 visitors at 0.3: within four standard deviations, the same ones again and again, and
 * those of 0.1 among them. */
static void holdout_is_a_share_that_stays(void **state)
{
    (void)state;
    enum { VISITORS = 20000 };
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p",
                       POLICY("p", ",\"holdout\":0.3,\"channel\":\"webhook\","
                                   "\"webhook\":\"crm\",\"window_s\":10"));
    unsigned n_held = 0, n_small = 0, n_other = 0;
    for (unsigned k = 0; k < VISITORS; k++) {
        struct intervention i[2];
        char name[24], key[24];
        struct prediction p = trial_prediction(&t, "click", 0);
        (void)snprintf(name, sizeof name, "v%u", k);
        (void)snprintf(key, sizeof key, "7:v%u", k);
        p.visitor = str_of(name);
        assert_int_equal(trial_interventions(&t, trial_give(&t, &p, 0.9), i, 1), 1);
        p.session_id = STR("s2");
        assert_int_equal(trial_interventions(&t, trial_give(&t, &p, 0.9), i + 1, 1), 1);
        assert_int_equal(i[0].holdout, i[1].holdout);
        assert_true(i[0].propensity == (i[0].holdout ? 0.3 : 0.7));
        double share = decide_share(STR("p"), str_of(key));
        assert_int_equal(i[0].holdout, share < 0.3);
        n_held += i[0].holdout;
        n_small += share < 0.1;
        n_other += i[0].holdout && decide_share(STR("q"), str_of(key)) < 0.3;
        if (k % 1000 == 0)
            outbox_drop(t.out, outbox_next(t.out));
    }
    assert_true(fabs(n_held - 0.3 * VISITORS) < 4 * sqrt(0.21 * VISITORS));
    assert_true(fabs(n_small - 0.1 * VISITORS) < 4 * sqrt(0.09 * VISITORS));
    assert_true(fabs(n_other - 0.09 * VISITORS) < 4 * sqrt(0.0819 * VISITORS));
    assert_int_equal(t.n_fired, 2 * (VISITORS - n_held)); /* none for those held out */
    assert_true(trial_counter(&t, "auspex_holdouts_total{policy=\"p\"}") == 2.0 * n_held);
    trial_fini(&t);
}

static void conversion_within_the_window(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    uint64_t version = trial_policy(&t, "p", POLICY("p", ",\"window_s\":100"));
    struct prediction p = trial_prediction(&t, "purchase", 0);
    p.user_id = STR("u");
    uint64_t first = trial_give(&t, &p, 0.9); /* what fires it does not convert it */
    assert_int_equal(fired(&t, first), 1);
    assert_int_equal(n_outcomes(&t, first), 0);
    assert_int_equal(n_outcomes(&t, trial_view(&t, 50, 0.9)), 0);
    p = trial_prediction(&t, "purchase", 100); /* at its very end, clock and all */
    p.value = 9.5;
    p.currency = STR("EUR");
    p.order_id = STR("o");
    p.event_id = STR("buy");
    struct outcome o = one_outcome(&t, trial_give(&t, &p, 0.1));
    assert_true(str_is(o.result, "converted") && o.value == 9.5 && str_is(o.currency, "EUR"));
    assert_true(str_is(o.order_id, "o") && str_is(o.event_id, "buy"));
    assert_true(str_is(o.type, "purchase") && str_is(o.user_id, "u") && str_is(o.visitor, "v"));
    assert_true(str_is(o.intervention_id, "1-0-0-0") && o.policy_version == version);
    assert_int_equal(o.offset, 2);
    assert_int_equal(o.fired_us, TRIAL_T0);
    assert_int_equal(o.received_us, p.received_us);
    assert_int_equal(o.site_id, 7);
    assert_int_equal(n_outcomes(&t, trial_give(&t, &p, 0.1)), 0); /* one outcome each */
    assert_int_equal(n_outcomes(&t, trial_tick(&t, 1000)), 0);
    trial_fini(&t);
}

static void ignored_by_the_clock_or_by_an_own_event(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ",\"window_s\":100"));
    (void)trial_view(&t, 0, 0.9);
    assert_int_equal(n_outcomes(&t, trial_tick(&t, 99.9)), 0);
    struct outcome o = one_outcome(&t, trial_tick(&t, 100));
    assert_true(str_is(o.result, "ignored") && isnan(o.value) && o.event_id.len == 0);
    assert_int_equal(o.received_us, TRIAL_T0 + 100 * SECOND_US);
    /* an own event behind the end decides, though the clock is not there yet */
    (void)trial_view(&t, 200, 0.1);
    assert_int_equal(fired(&t, trial_view(&t, 201, 0.9)), 1);
    struct prediction p = trial_prediction(&t, "signup", 301.5);
    p.clock_us = 0;
    assert_true(str_is(one_outcome(&t, trial_give(&t, &p, 0.1)).result, "ignored"));
    trial_fini(&t);
}

/* Ties by the visitor's key, however they came in. */
static void outcomes_come_in_order_and_in_parts(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ",\"window_s\":100"));
    for (unsigned k = 0; k < MANY; k++) {
        char name[24];
        struct prediction p = trial_prediction(&t, "click", k % 2 ? 1 : 0);
        (void)snprintf(name, sizeof name, "v%06u", (unsigned)(k * (uint64_t)77773 % MANY));
        p.visitor = str_of(name);
        (void)trial_give(&t, &p, 0.9);
        outbox_drop(t.out, outbox_next(t.out));
    }
    struct outcome *o = mem_zero(MANY, sizeof *o);
    assert_int_equal(trial_outcomes(&t, trial_tick(&t, 500), o, MANY), MANY);
    assert_true(t.n_steps >= MANY / 1000);
    for (unsigned k = 1; k < MANY; k++) {
        int64_t before_us = o[k - 1].fired_us, us = o[k].fired_us;
        assert_true(before_us < us ||
                    (before_us == us && str_cmp(o[k - 1].visitor, o[k].visitor) < 0));
        assert_int_equal(o[k].index, k);
    }
    free(o);
    trial_fini(&t);
}

static void policies_change_at_their_number(void **state)
{
    (void)state;
    struct trial t;
    struct intervention i;
    trial_init(&t, false);
    uint64_t one = trial_policy(&t, "p", POLICY("p", ",\"cap_per_day\":3"));
    uint64_t two = trial_policy(&t, "p", POLICY("p", ",\"message\":\"two\",\"cap_per_day\":3"));
    uint64_t off = trial_off(&t, "p");
    uint64_t bad = trial_policy(&t, "p", "{\"name\":\"p\",\"when\":{}}");
    uint64_t again = trial_policy(&t, "p", POLICY("p", ""));
    uint64_t other = trial_policy(&t, "p", POLICY("q", "")); /* names another: holds not */
    struct {
        uint64_t control;
        size_t n;
    } cases[] = {{0, 0},   {one, 1}, {one, 0}, {two, 1},   {two, 0},   {off, 0},
                 {bad, 0}, {one, 1}, {two, 0}, {again, 1}, {other, 0}, {again, 1}};
    /* a version starts as not true; the cap goes by name: of (one, two, one) all three, two
     * crosses once more in vain; `again` has none */
    for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
        struct prediction p = trial_prediction(&t, "click", (double)k);
        p.control = cases[k].control;
        uint64_t first = trial_give(&t, &p, 0.9);
        assert_int_equal(trial_interventions(&t, first, &i, 1), cases[k].n);
        if (cases[k].n)
            assert_int_equal(i.policy_version, cases[k].control);
    }
    trial_fini(&t);
}

static void waits_for_a_control_record(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    struct prediction p = trial_prediction(&t, "click", 0);
    p.control = 1;
    struct buf kinds = {0};
    p.kinds = trial_kinds(&kinds, 0.9);
    struct buf b = {0};
    prediction_pack(&b, &p);
    struct stage_message m = {.topic = TOPIC_predictions, .value = buf_as_str(&b)};
    assert_int_equal(actuator_record(t.core, &m, t.out), STEP_WAIT);
    actuator_timer(t.core, 20 * SECOND_US);
    assert_int_equal(actuator_record(t.core, &m, t.out), STEP_WAIT);
    (void)trial_policy(&t, "p", POLICY("p", ""));
    assert_int_equal(actuator_record(t.core, &m, t.out), STEP_DONE);
    assert_int_equal(fired(&t, 0), 1);
    buf_fini(&b);
    buf_fini(&kinds);
    trial_fini(&t);
}

static struct prediction imported(const struct trial *t, const char *type, double at_s,
                                  double ts_s)
{
    struct prediction p = trial_prediction(t, type, at_s);
    p.of_import = 9;
    p.ts_us = TRIAL_T0 - 700 * DAY_US + (int64_t)(ts_s * 1e6);
    p.session_id = STR("i1");
    return p;
}

static void imports_have_a_lane_of_their_own(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "live_only", POLICY("live_only", ""));
    struct prediction p = imported(&t, "click", 0, 0);
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 0);
    assert_int_equal(actuator_visitors(t.core), 0);
    (void)trial_policy(&t, "both", POLICY("both", ",\"imports\":true,\"window_s\":100"));
    p = imported(&t, "click", 1, 0);
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    assert_int_equal(fired(&t, trial_view(&t, 2, 0.9)), 2); /* truths are the lane's own */
    p = imported(&t, "purchase", 3, 100);                   /* by event time */
    struct outcome o = one_outcome(&t, trial_give(&t, &p, 0.9));
    assert_true(str_is(o.result, "converted"));
    assert_int_equal(o.of_import, 9);
    p = imported(&t, "click", 4, 101);
    (void)trial_give(&t, &p, 0.1);
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    p = imported(&t, "click", 4.5, 202);
    assert_true(str_is(one_outcome(&t, trial_give(&t, &p, 0.9)).result, "ignored"));
    (void)trial_give(&t, &p, 0.1);
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    assert_true(str_is(one_outcome(&t, trial_import_end(&t, 9, 5)).result, "ignored"));
    assert_int_equal(n_outcomes(&t, trial_import_end(&t, 9, 5)), 0);
    p = imported(&t, "click", 6, 300); /* all of that lane is forgotten */
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    assert_int_equal(n_outcomes(&t, trial_tick(&t, 6 + DAY_S - 1)), 2); /* of the live ones */
    o = one_outcome(&t, trial_tick(&t, 6 + DAY_S)); /* a day without a record */
    assert_true(str_is(o.result, "ignored"));
    assert_int_equal(o.of_import, 9);
    trial_fini(&t);
}

static void imports_end_in_order_and_in_parts(void **state)
{
    (void)state;
    enum { VISITORS = 5000 };
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ",\"imports\":true"));
    for (unsigned k = 0; k < VISITORS; k++) {
        char name[24];
        struct prediction p = imported(&t, "click", 0, k);
        (void)snprintf(name, sizeof name, "v%06u", (k * 7771u) % VISITORS);
        p.visitor = str_of(name);
        p.of_import = 9 + k % 2;
        (void)trial_give(&t, &p, 0.9);
    }
    struct outcome *o = mem_zero(VISITORS, sizeof *o);
    assert_int_equal(trial_outcomes(&t, trial_tick(&t, DAY_S), o, VISITORS), VISITORS);
    assert_true(t.n_steps >= VISITORS / 1000);
    for (unsigned k = 1; k < VISITORS; k++)
        assert_true(o[k - 1].of_import < o[k].of_import ||
                    (o[k - 1].of_import == o[k].of_import &&
                     str_cmp(o[k - 1].visitor, o[k].visitor) < 0));
    free(o);
    trial_fini(&t);
}

static void old_lanes_are_forgotten(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ",\"window_s\":10,\"cap_per_day\":1"));
    assert_int_equal(fired(&t, trial_view(&t, 0, 0.9)), 1);
    (void)trial_tick(&t, 20);
    struct prediction p = trial_prediction(&t, "click", DAY_S - 1);
    p.ts_us = TRIAL_T0 + 5 * SECOND_US; /* so the day stays the same */
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 0);
    p.received_us += DAY_US;
    p.clock_us += DAY_US - 1;
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 0); /* true still */
    p.received_us += DAY_US;
    p.clock_us += DAY_US + 1;
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)),
                     1); /* never seen: neither true nor used */
    assert_int_equal(actuator_visitors(t.core), 1);
    trial_fini(&t);
}

/* What is over leaves memory once a checkpoint has it, and the topic with an empty value. */
static void old_dossiers_leave(void **state)
{
    (void)state;
    struct trial t;
    struct outbox *states = outbox_new();
    struct buf own = {0};
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ",\"window_s\":10"));
    (void)trial_view(&t, 0, 0.9);
    (void)trial_view(&t, 1, 0.1);
    for (unsigned round = 0; round < 5; round++) {
        buf_reset(&own);
        actuator_cut(t.core, 0, &own);
        while (!actuator_pack(t.core, 0, states, 0))
            ;
        for (unsigned k = 0; k < 8 && round > 0; k++)
            (void)trial_tick(&t, DAY_S + 100 + k);
        assert_int_equal(actuator_visitors(t.core), round < 3);
    }
    assert_int_equal(outbox_next(states), 3); /* with the window open, without, and gone */
    assert_true(outbox_at(states, 0)->value.len > outbox_at(states, 1)->value.len);
    assert_int_equal(outbox_at(states, 2)->value.len, 0);
    assert_true(str_is(outbox_at(states, 2)->key, "7:v"));
    buf_fini(&own);
    outbox_free(states);
    trial_fini(&t);
}

static void features_are_asked(void **state)
{
    (void)state;
    struct trial t;
    float row[FEATURES_N + 1];
    trial_init(&t, false);
    (void)trial_policy(
        &t, "p",
        "{\"name\":\"p\",\"when\":{\"feature\":\"cart_items\",\"op\":\">=\","
        "\"value\":2},\"action\":\"offer\",\"message\":\"{{cart_items}} {{pages}}\"}");
    for (size_t i = 0; i <= FEATURES_N; i++)
        row[i] = 2.5f;
    struct prediction p = trial_prediction(&t, "click", 0);
    struct intervention i;
    p.features_n = FEATURES_N;
    p.features = str_over(row, FEATURES_N * sizeof row[0]);
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 0); /* of another table */
    p.features_hash = features_hash(FEATURES_N);
    assert_int_equal(trial_interventions(&t, trial_give(&t, &p, 0.9), &i, 1), 1);
    assert_true(str_is(i.message, "2.5 2.5"));
    p.features_n = FEATURES_N + 1; /* a newer writer's: ours stand first */
    p.features = str_over(row, sizeof row);
    p.session_id = STR("s2");
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    p.features_n = FEATURE_cart_items; /* an older writer's, without it */
    p.features = str_over(row, p.features_n * sizeof row[0]);
    p.features_hash = features_hash(p.features_n);
    p.session_id = STR("s3");
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 0);
    p.features_n = UINT64_MAX / 2;
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 0);
    trial_fini(&t);
}

static void unreadable_records_are_passed_over(void **state)
{
    (void)state;
    struct trial t;
    trial_init(&t, false);
    (void)trial_policy(&t, "p", POLICY("p", ""));
    char long_name[DOSSIER_KEY + 1];
    memset(long_name, 'x', sizeof long_name);
    struct prediction p = trial_prediction(&t, "click", 0);
    p.visitor = str_over(long_name, sizeof long_name);
    (void)trial_give(&t, &p, 0.9);
    p.visitor = (struct str){NULL, 0};
    (void)trial_give(&t, &p, 0.9);
    (void)trial_record(&t, STR("{\"rec\":9}"));
    (void)trial_record(&t, STR(""));
    struct vector v;
    vector_init(&v);
    buf_reset(&t.bytes);
    vector_pack(&t.bytes, &v);
    (void)trial_record(&t, buf_as_str(&t.bytes));
    assert_int_equal(outbox_next(t.out), 0);
    assert_true(trial_counter(&t, "bad_records_total{topic=\"predictions\"}") == 5);
    p.visitor = str_over(long_name, DOSSIER_KEY - 2); /* with "7:" the longest there is */
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    p.visitor = STR("v");
    p.received_us = p.ts_us = INT64_MAX; /* the end of time is not passed */
    assert_int_equal(fired(&t, trial_give(&t, &p, 0.9)), 1);
    trial_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_when_it_becomes_true),
        cmocka_unit_test(late_and_refused_events_count_not),
        cmocka_unit_test(record_tells_all),
        cmocka_unit_test(several_fire_by_name),
        cmocka_unit_test(cap_bounds_a_day),
        cmocka_unit_test(lane_holds_so_many),
        cmocka_unit_test(holdout_is_a_share_that_stays),
        cmocka_unit_test(conversion_within_the_window),
        cmocka_unit_test(ignored_by_the_clock_or_by_an_own_event),
        cmocka_unit_test(outcomes_come_in_order_and_in_parts),
        cmocka_unit_test(policies_change_at_their_number),
        cmocka_unit_test(waits_for_a_control_record),
        cmocka_unit_test(imports_have_a_lane_of_their_own),
        cmocka_unit_test(imports_end_in_order_and_in_parts),
        cmocka_unit_test(old_lanes_are_forgotten),
        cmocka_unit_test(old_dossiers_leave),
        cmocka_unit_test(features_are_asked),
        cmocka_unit_test(unreadable_records_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
