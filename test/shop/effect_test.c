/* SPDX-License-Identifier: Apache-2.0 */
/* The loop, judged: the shop's visitors, the actuator's core with a policy and a tenth of the
 * visitors held out, offers back to the shop, outcomes from the core, and from these the
 * estimate that `auspexctl policies report` gives. The shop knows the true effect; the report
 * must find it.
 *
 * Predictions are made from the shop's own probability, with noise: a model would see less, but
 * whom the policy picks is not what is judged here. */
#include "actuator/actuator.h"
#include "common/base/rng.h"
#include "common/kern/proportion.h"
#include "common/wire/out.h"
#include "test/shop/effect_shop.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SEEDS = 100, SESSIONS = 5000, EVENTS_MAX = 100000, VISITORS_MAX = SESSIONS };
enum { ARM_TREATED, ARM_HELD, N_ARMS };

static const char policy_json[] =
    "{\"name\":\"discount\",\"when\":{\"all\":[{\"prediction\":\"conversion\",\"op\":\">=\","
    "\"value\":0.2},{\"prediction\":\"conversion\",\"op\":\"<\",\"value\":0.6}]},"
    "\"action\":\"offer\",\"channel\":\"topic\",\"message\":\"10 % off\",\"cap_per_day\":1,"
    "\"holdout\":0.1,\"window_s\":3600}";

/* A run over one seed. */
struct run {
    double effect;
    struct effect_shop *shop;
    struct actuator *actuator;
    struct decisions *decisions;
    struct outbox *out;
    struct buf kinds, record;
    struct rng r;
    uint64_t offset;              /* of the next prediction */
    bool was_given[VISITORS_MAX]; /* an intervention, by visitor */
    bool counts[EVENTS_MAX];      /* the intervention at this offset is its visitor's first */
    struct share arms[N_ARMS];
    uint64_t n_given;
    double truth; /* sum over first interventions */
};

/* What a report says, and what is true. */
struct verdict {
    struct estimate told;
    double truth;
    uint64_t n, held;
};

static void put_policy(struct run *x)
{
    struct control c;
    control_init(&c);
    c.rec = REC_control;
    c.epoch = 1;
    c.origin = ORIGIN_CONTROL;
    c.what = STR("policy");
    c.name = STR("discount");
    c.version = 1;
    c.body = str_over(policy_json, sizeof(policy_json) - 1);
    buf_reset(&x->record);
    control_pack(&x->record, &c);
    struct stage_message m = {.topic = TOPIC_control, .value = buf_as_str(&x->record)};
    actuator_lookup(x->actuator, &m);
}

static double noisy(struct rng *r, double p)
{
    if (p <= 0 || p >= 1)
        return p;
    double normal = sqrt(-2 * log(1 - rng_unit(r))) * cos(6.283185307179586 * rng_unit(r));
    return 1 / (1 + exp(-(log(p / (1 - p)) + .3 * normal)));
}

static void pack_prediction(struct run *x, const struct effect_event *e)
{
    struct prediction p;
    struct kind k;
    char id[24];
    kind_init(&k);
    k.kind = STR("conversion");
    k.probability = noisy(&x->r, e->converts);
    buf_reset(&x->kinds);
    out_array(&x->kinds, 1);
    kind_pack(&x->kinds, &k);
    (void)snprintf(id, sizeof(id), "e-%" PRIu64, x->offset);
    prediction_init(&p);
    p.rec = REC_prediction;
    p.epoch = 1;
    p.origin = ORIGIN_EVENTS;
    p.offset = x->offset;
    p.received_us = p.ts_us = p.clock_us = e->ts_us;
    p.visitor = str_of(e->visitor);
    p.site_id = 1;
    p.event_id = str_of(id);
    p.type = str_of(e->type);
    p.session_id = str_of(e->session);
    p.control = 1;
    p.kinds = (struct wire_list){x->kinds.at, x->kinds.len, 1};
    buf_reset(&x->record);
    prediction_pack(&x->record, &p);
}

/* At the end of the day the clock goes on until all windows are over. */
static void pack_tick(struct run *x, int64_t clock_us)
{
    struct tick t;
    tick_init(&t);
    t.rec = REC_tick;
    t.epoch = 1;
    t.origin = ORIGIN_RAW;
    t.offset = x->offset;
    t.index = INDEX_TICK;
    t.clock_us = clock_us;
    buf_reset(&x->record);
    tick_pack(&x->record, &t);
}

static void take_intervention(struct run *x, const struct output *o,
                              const struct effect_event *e)
{
    struct decision d;
    assert_true(decisions_read(x->decisions, o->value, &d));
    assert_true(str_is(d.visitor, e->visitor));
    struct effect_truth truth = effect_shop_offer(x->shop, &d, x->effect, e->ts_us);
    assert_true(e->number < VISITORS_MAX);
    if (x->was_given[e->number])
        return;
    x->was_given[e->number] = x->counts[x->offset] = true;
    x->n_given++;
    x->truth += truth.with - truth.without;
}

static void take_outcome(struct run *x, const struct output *o)
{
    struct outcome out;
    uint64_t offset = 0;
    assert_int_equal(outcome_read(&out, o->value.at, o->value.len), WIRE_OK);
    struct str rest = out.intervention_id; /* EPOCH-PARTITION-OFFSET-INDEX */
    (void)str_cut(rest, '-', &rest);
    (void)str_cut(rest, '-', &rest);
    assert_true(str_u64(str_cut(rest, '-', &rest), &offset) && offset < EVENTS_MAX);
    if (!x->counts[offset])
        return;
    struct share *arm = &x->arms[out.holdout ? ARM_HELD : ARM_TREATED];
    arm->n++;
    arm->hits += str_is(out.result, "converted");
}

/* Gives the packed record to the core, and what comes of it to the shop and the report. */
static void step(struct run *x, const struct effect_event *e)
{
    struct stage_message m = {.topic = TOPIC_predictions,
                              .offset = x->offset,
                              .append_us = e->ts_us,
                              .value = buf_as_str(&x->record)};
    enum stage_step s = actuator_record(x->actuator, &m, x->out);
    while (s == STEP_MORE)
        s = actuator_more(x->actuator, TOPIC_predictions, 0, x->out);
    assert_int_equal(s, STEP_DONE);
    for (uint64_t i = outbox_first(x->out); i < outbox_next(x->out); i++) {
        const struct output *o = outbox_at(x->out, i);
        if (o->topic == TOPIC_interventions)
            take_intervention(x, o, e);
        else
            take_outcome(x, o);
    }
    outbox_drop(x->out, outbox_next(x->out));
    x->offset++;
    assert_true(x->offset < EVENTS_MAX);
}

static void run_day(struct run *x)
{
    struct effect_event e;
    int64_t last_us = 0;
    put_policy(x);
    while (effect_shop_next(x->shop, &e)) {
        pack_prediction(x, &e);
        step(x, &e);
        last_us = e.ts_us;
    }
    pack_tick(x, last_us + 2 * HOUR_US);
    step(x, &e);
}

static struct verdict judge(uint64_t seed, double effect, uint32_t sessions)
{
    struct actuator_setup setup = {.is_json = seed % 2 == 1};
    auto_free struct run *x = mem_zero(1, sizeof(*x));
    x->effect = effect;
    x->shop = effect_shop_new(seed, sessions);
    x->actuator = actuator_new(&setup);
    x->decisions = decisions_new();
    x->out = outbox_new();
    x->r = rng_stream(seed, 77);
    actuator_assign(x->actuator, TOPIC_predictions, 0);
    run_day(x);
    assert_true(x->n_given == x->arms[ARM_HELD].n + x->arms[ARM_TREATED].n);
    struct verdict v = {.n = x->n_given, .held = x->arms[ARM_HELD].n};
    v.told = proportion_difference(x->arms[ARM_TREATED], x->arms[ARM_HELD], PROPORTION_Z95);
    v.truth = x->truth / (double)x->n_given;
    outbox_free(x->out);
    decisions_free(x->decisions);
    actuator_free(x->actuator);
    effect_shop_free(x->shop);
    buf_fini(&x->kinds);
    buf_fini(&x->record);
    return v;
}

struct tally {
    unsigned inside, above;             /* intervals that hold the truth; that are above 0 */
    double width, truth, told, n, held; /* means over the seeds */
    double spread;                      /* standard deviation of told - truth */
};

static struct tally judge_all(double effect, uint32_t sessions)
{
    struct tally t = {0};
    double squares = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct verdict v = judge(seed, effect, sessions);
        t.inside += v.told.lower <= v.truth && v.truth <= v.told.upper;
        t.above += v.told.lower > 0;
        t.width += (v.told.upper - v.told.lower) / SEEDS;
        t.truth += v.truth / SEEDS;
        t.told += v.told.value / SEEDS;
        t.n += (double)v.n / SEEDS;
        t.held += (double)v.held / SEEDS;
        squares += (v.told.value - v.truth) * (v.told.value - v.truth) / SEEDS;
    }
    double bias = t.told - t.truth;
    t.spread = sqrt(squares - bias * bias);
    print_message(
        "# effect %.2f: inside %u of %d, mean width %.3f; above 0: %u; truth %.4f, told "
        "%.4f; %.0f visitors, %.0f of them held out\n",
        effect, t.inside, SEEDS, t.width, t.above, t.truth, t.told, t.n, t.held);
    return t;
}

/* The mean of the seeds' errors is within 4 of its standard errors of 0: much sharper than any
 * interval alone. */
static void assert_unbiased(const struct tally *t)
{
    assert_true(fabs(t->told - t->truth) < 4 * t->spread / sqrt(SEEDS));
}

static void the_report_finds_the_effect(void **state)
{
    (void)state;
    struct tally t = judge_all(.4, SESSIONS);
    assert_true(t.inside >= 90);
    assert_true(t.width < .3);
    assert_true(t.above >= 80);
    assert_true(t.truth > .15 && t.truth < .4);
    assert_true(fabs(t.held / t.n - .1) < .01);
    assert_unbiased(&t);
}

static void no_effect_is_none(void **state)
{
    (void)state;
    struct tally t = judge_all(0, SESSIONS / 2);
    assert_true(t.inside >= 90);
    assert_true(t.above <= 6);
    assert_true(t.truth == 0);
    assert_unbiased(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_report_finds_the_effect),
        cmocka_unit_test(no_effect_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
