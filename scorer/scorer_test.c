/* SPDX-License-Identifier: Apache-2.0 */
/* Scorer: which version serves which vector, what a lacking or damaged model does, the forms of
 * a prediction, and that scoring calls no malloc. */
#include "scorer/scorer.h"

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/malloc_count.h"
#include "common/bus/config.h"
#include "common/bus/counters.h"
#include "common/kern/trees_grow.h"
#include "common/model/model.h"
#include "common/model/model_grow.h"
#include "common/wire/feature.h"
#include "common/wire/in.h"
#include "common/wire/json_in.h"
#include "common/wire/record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { CHUNKS = 3 };

struct fixture {
    struct config *config;
    struct counters *counters;
    struct stage_env env;
    void *core;
    struct outbox *out;
    struct buf models[4]; /* containers of versions 1 to 3 at [1] to [3] */
    float row[FEATURES_N];
    struct buf bytes;
    uint64_t next_offset, hash;
};

/* An invented model that claims to know our first features. */
static void model_make(struct buf *out, uint64_t seed)
{
    model_grow(out, seed, 20, 5);
    uint64_t hash = features_hash(GROW_FEATURES);
    memcpy(out->at + 24, &hash, sizeof hash);
    assert_true(container_seal(out->at, out->len));
}

static struct fixture *fixture_new(const char *form)
{
    struct err e = {0};
    char text[64];
    struct fixture *f = calloc(1, sizeof *f);
    (void)snprintf(text, sizeof text, "[scorer]\npredictions = %s\n", form);
    f->config = config_parse("test", str_of(text), &e);
    assert_non_null(f->config);
    f->counters = counters_new("scorer");
    f->env = (struct stage_env){.config = f->config, .counters = f->counters, .partitions = 1};
    f->core = scorer_open(&f->env, &e);
    assert_non_null(f->core);
    f->out = outbox_new();
    f->hash = features_hash(FEATURES_N);
    for (uint64_t v = 1; v <= 3; v++)
        model_make(&f->models[v], v);
    for (size_t i = 0; i < FEATURES_N; i++)
        f->row[i] = (float)i * 0.37f - 3;
    return f;
}

static void fixture_free(struct fixture *f)
{
    scorer_close(f->core);
    outbox_free(f->out);
    counters_free(f->counters);
    config_free(f->config);
    for (size_t v = 0; v < ARRAY_LEN(f->models); v++)
        buf_fini(&f->models[v]);
    buf_fini(&f->bytes);
    free(f);
}

static void give_lookup(struct fixture *f, enum topic t, uint64_t offset)
{
    struct stage_message m = {.topic = t, .offset = offset, .value = buf_as_str(&f->bytes)};
    scorer_lookup(f->core, &m);
    buf_reset(&f->bytes);
}

static void give_chunk(struct fixture *f, uint64_t version, uint64_t number)
{
    const struct buf *b = &f->models[version];
    size_t piece = b->len / CHUNKS + 1, from = number * piece;
    struct chunk c;
    chunk_init(&c);
    c.name = STR("conversion");
    c.version = version;
    c.chunk = number;
    c.bytes = str_over(b->at + from, MIN(piece, b->len - from));
    chunk_pack(&f->bytes, &c);
    give_lookup(f, TOPIC_models, 0);
}

static void give_manifest(struct fixture *f, uint64_t version)
{
    const struct buf *b = &f->models[version];
    struct sha256 sum;
    struct manifest m;
    hash_sha256(b->at, b->len, &sum);
    manifest_init(&m);
    m.name = STR("conversion");
    m.kind = STR("conversion");
    m.version = version;
    m.sha256 = str_over(sum.bytes, sizeof sum.bytes);
    m.bytes = b->len;
    m.chunks = CHUNKS;
    manifest_pack(&f->bytes, &m);
    give_lookup(f, TOPIC_models, 0);
}

static void give_model(struct fixture *f, uint64_t version)
{
    for (uint64_t i = 0; i < CHUNKS; i++)
        give_chunk(f, version, i);
    give_manifest(f, version);
}

static void activate(struct fixture *f, uint64_t version, uint64_t offset)
{
    struct sha256 sum;
    struct control c;
    hash_sha256(f->models[version].at, f->models[version].len, &sum);
    control_init(&c);
    c.what = STR("model");
    c.name = c.kind = STR("conversion");
    c.version = version;
    c.sha256 = str_over(sum.bytes, sizeof sum.bytes);
    control_pack(&f->bytes, &c);
    give_lookup(f, TOPIC_control, offset);
}

static void set_policy(struct fixture *f, const char *name, bool is_on, bool wants_features,
                       uint64_t offset)
{
    struct control c;
    control_init(&c);
    c.what = STR("policy");
    c.name = str_of(name);
    c.version = is_on;
    c.body = is_on ? STR("{}") : (struct str){NULL, 0};
    c.wants_features = wants_features;
    control_pack(&f->bytes, &c);
    give_lookup(f, TOPIC_control, offset);
}

static enum stage_step score(struct fixture *f, uint64_t control, uint64_t verdict)
{
    struct vector v;
    vector_init(&v);
    v.epoch = 1;
    v.origin = ORIGIN_EVENTS;
    v.offset = f->next_offset++;
    v.visitor = STR("a_1");
    v.site_id = 7;
    v.event_id = STR("e \"1\"");
    v.ts_us = 1767225600123456;
    v.received_us = v.ts_us + 1000;
    v.clock_us = v.received_us - 300;
    v.control = control;
    v.verdict = verdict;
    if (verdict == 0) {
        v.features_n = FEATURES_N;
        v.features_hash = f->hash;
        v.features = str_over(f->row, sizeof f->row);
    }
    buf_reset(&f->bytes);
    vector_pack(&f->bytes, &v);
    struct stage_message m = {.topic = TOPIC_features,
                              .offset = v.offset,
                              .key = STR("7:a_1"),
                              .value = buf_as_str(&f->bytes),
                              .position = POSITION_OF(&v)};
    enum stage_step step = scorer_record(f->core, &m, f->out);
    buf_reset(&f->bytes);
    return step;
}

static const struct output *last(const struct fixture *f)
{
    return outbox_at(f->out, outbox_next(f->out) - 1);
}

static struct prediction last_prediction(const struct fixture *f)
{
    struct prediction p;
    const struct output *o = last(f);
    assert_int_equal(prediction_read(&p, o->value.at, o->value.len), WIRE_OK);
    return p;
}

/* The only kind of the last prediction. */
static struct kind last_kind(const struct fixture *f)
{
    struct prediction p = last_prediction(f);
    struct in in = in_over(p.kinds.at, p.kinds.len);
    struct kind k;
    assert_int_equal(in_array(&in), 1);
    struct str raw = in_raw(&in);
    assert_int_equal(kind_read(&k, raw.at, raw.len), WIRE_OK);
    return k;
}

static void assert_scored_by(struct fixture *f, uint64_t version)
{
    struct err e = {0};
    struct score want;
    struct kind k = last_kind(f);
    struct model *m = model_load(f->models[version].at, f->models[version].len, &e);
    assert_non_null(m);
    model_score(m, f->row, 1, FEATURES_N, &want);
    assert_int_equal(k.version, version);
    assert_true(k.margin == (double)want.margin && k.probability == (double)want.probability);
    assert_true(k.lower == (double)want.lower && k.upper == (double)want.upper);
    model_free(m);
}

static void no_kind_before_activation(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    give_model(f, 1);
    assert_int_equal(score(f, 0, 0), STEP_DONE);
    struct prediction p = last_prediction(f);
    assert_int_equal(p.kinds.n, 0);
    assert_true(p.offset == 0 && p.origin == ORIGIN_EVENTS && str_is(p.visitor, "a_1"));
    assert_true(p.clock_us == p.received_us - 300 && p.features_n == 0 && p.features.len == 0);
    fixture_free(f);
}

static void control_number_chooses_the_version(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    give_model(f, 1);
    give_model(f, 2);
    activate(f, 1, 0);
    activate(f, 2, 1);
    activate(f, 1, 2);
    static const uint64_t controls[] = {1, 2, 3, 2, 1}, versions[] = {1, 2, 1, 2, 1};
    for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
        assert_int_equal(score(f, controls[i], 0), STEP_DONE);
        assert_scored_by(f, versions[i]);
        assert_false(last_kind(f).lacked);
    }
    fixture_free(f);
}

/* A vector has its features in the prediction by the control records before it alone, in
 * whatever order the vectors come. */
static void policies_ask_for_features(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    static const bool is_wanted[] = {false, false, true, true, true, true, false,
                                     false, false, true, true, true, false};
    give_model(f, 1);
    activate(f, 1, 0);
    set_policy(f, "a", true, true, 1);
    set_policy(f, "a", true, true, 1);   /* comes again: nothing new */
    set_policy(f, "b", true, false, 2);  /* asks for none */
    set_policy(f, "b", true, true, 3);   /* set again: asks */
    set_policy(f, "a", false, true, 4);  /* over; the flag of what is over counts for nothing */
    set_policy(f, "b", true, false, 5);  /* set again: asks no more */
    set_policy(f, "c", false, false, 6); /* never was */
    set_policy(f, "", true, true, 7);    /* no policy */
    set_policy(f, "c", true, true, 8);
    activate(f, 1, 9);
    set_policy(f, "a", true, false, 10);
    set_policy(f, "c", false, false, 11);
    struct rng r = rng_stream(1, 1);
    for (unsigned i = 0; i < 300; i++) {
        uint64_t control = i < ARRAY_LEN(is_wanted) ? i : rng_below(&r, ARRAY_LEN(is_wanted));
        assert_int_equal(score(f, control, 0), STEP_DONE);
        struct prediction p = last_prediction(f);
        struct str want = str_over(f->row, sizeof f->row);
        assert_int_equal(p.features_n, is_wanted[control] ? FEATURES_N : 0);
        assert_true(is_wanted[control] ? str_eq(p.features, want) : p.features.len == 0);
        assert_true(p.features_hash == f->hash && p.kinds.n == (control > 0));
        assert_int_equal(score(f, control, 1), STEP_DONE); /* a repeat has none */
        p = last_prediction(f);
        assert_true(p.features_n == 0 && p.features.len == 0);
    }
    assert_int_equal(score(f, ARRAY_LEN(is_wanted), 0), STEP_WAIT);
    fixture_free(f);
}

static void chunks_come_in_any_order(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    activate(f, 1, 0);
    give_manifest(f, 1);
    give_chunk(f, 1, 2);
    give_chunk(f, 1, 0);
    give_chunk(f, 1, 0);
    assert_int_equal(score(f, 1, 0), STEP_WAIT);
    give_chunk(f, 1, 1);
    give_manifest(f, 1);
    assert_int_equal(score(f, 1, 0), STEP_DONE);
    assert_scored_by(f, 1);
    fixture_free(f);
}

static void lacking_model_is_waited_for_then_named(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    give_model(f, 1);
    activate(f, 1, 0);
    activate(f, 2, 1);
    scorer_timer(f->core, SECOND_US, f->out);
    assert_int_equal(score(f, 2, 0), STEP_WAIT);
    scorer_timer(f->core, 10 * SECOND_US, f->out);
    assert_int_equal(score(f, 2, 0), STEP_WAIT);
    scorer_timer(f->core, 12 * SECOND_US, f->out);
    assert_int_equal(score(f, 2, 0), STEP_DONE);
    assert_scored_by(f, 1);
    assert_true(last_kind(f).lacked);
    give_model(f, 2);
    assert_int_equal(score(f, 2, 0), STEP_DONE);
    assert_scored_by(f, 2);
    assert_false(last_kind(f).lacked);
    fixture_free(f);
}

static void unknown_control_number_is_waited_for(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    give_model(f, 1);
    scorer_timer(f->core, HOUR_US, f->out);
    assert_int_equal(score(f, 1, 0), STEP_WAIT);
    activate(f, 1, 0);
    assert_int_equal(score(f, 1, 0), STEP_DONE);
    assert_scored_by(f, 1);
    fixture_free(f);
}

/* Activated, whole, but damaged: nobody scores with it. */
static void damaged_model_serves_nobody(void **state)
{
    (void)state;
    static const size_t places[] = {0, 24, 500, 5000};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        struct fixture *f = fixture_new("msgpack");
        uint8_t *at = f->models[1].at + MIN(places[i], f->models[1].len - 1);
        *at ^= 4; /* manifest and control name the digest of the damaged bytes */
        give_model(f, 1);
        activate(f, 1, 0);
        scorer_timer(f->core, 1, f->out);
        assert_int_equal(score(f, 1, 0), STEP_WAIT);
        scorer_timer(f->core, HOUR_US, f->out);
        assert_int_equal(score(f, 1, 0), STEP_DONE);
        assert_int_equal(last_prediction(f).kinds.n, 0);
        fixture_free(f);
    }
}

static void other_digest_than_activated_is_refused(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    give_model(f, 1);
    f->models[1].at[f->models[1].len - 1] ^=
        1; /* what control names is not what was published */
    activate(f, 1, 0);
    scorer_timer(f->core, 1, f->out);
    assert_int_equal(score(f, 1, 0), STEP_WAIT);
    scorer_timer(f->core, HOUR_US, f->out);
    assert_int_equal(score(f, 1, 0), STEP_DONE);
    assert_int_equal(last_prediction(f).kinds.n, 0);
    fixture_free(f);
}

static void other_bytes_under_the_same_version_are_refused(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    give_model(f, 1);
    activate(f, 1, 0);
    struct buf kept = f->models[1];
    f->models[1] = f->models[2];
    give_model(f, 1);
    f->models[1] = kept;
    assert_int_equal(score(f, 1, 0), STEP_DONE);
    assert_scored_by(f, 1);
    fixture_free(f);
}

static void repeats_have_no_kinds(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    give_model(f, 1);
    activate(f, 1, 0);
    for (uint64_t verdict = 1; verdict <= 2; verdict++) {
        assert_int_equal(score(f, 1, verdict), STEP_DONE);
        assert_int_equal(last_prediction(f).kinds.n, 0);
        assert_int_equal(last_prediction(f).verdict, verdict);
    }
    fixture_free(f);
}

static void progress_passes_through(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    struct tick t;
    tick_init(&t);
    t.epoch = 1;
    t.origin = ORIGIN_EVENTS;
    t.offset = 99;
    t.raw_partition = 3;
    t.raw_partitions = 8;
    t.clock_us = 1767225600123456;
    struct buf bytes = {0};
    tick_pack(&bytes, &t);
    struct stage_message m = {
        .topic = TOPIC_features, .value = buf_as_str(&bytes), .position = POSITION_OF(&t)};
    assert_int_equal(scorer_record(f->core, &m, f->out), STEP_DONE);
    assert_true(str_eq(last(f)->value, buf_as_str(&bytes)));
    struct fixture *g = fixture_new("json");
    struct arena a = {0};
    assert_int_equal(scorer_record(g->core, &m, g->out), STEP_DONE);
    struct str json = last(g)->value;
    assert_int_equal(record_from_json(&tick_def, &t, &a, json.at, json.len), WIRE_OK);
    assert_true(t.clock_us == 1767225600123456 && t.raw_partitions == 8);
    arena_fini(&a);
    buf_fini(&bytes);
    fixture_free(g);
    fixture_free(f);
}

static void unreadable_record_is_passed_over(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("msgpack");
    struct stage_message m = {.topic = TOPIC_features, .value = STR("\xdf\xff\xff\xff\xff")};
    assert_int_equal(scorer_record(f->core, &m, f->out), STEP_DONE);
    assert_true(outbox_next(f->out) == 0);
    fixture_free(f);
}

static void json_comes_back(void **state)
{
    (void)state;
    struct fixture *f = fixture_new("json"), *g = fixture_new("msgpack");
    struct prediction p;
    struct arena a = {0};
    struct buf again = {0};
    struct fixture *const both[] = {f, g};
    for (size_t i = 0; i < 2; i++) {
        give_model(both[i], 1);
        activate(both[i], 1, 0);
        set_policy(both[i], "a", true, true, 1);
        both[i]->row[1] = NAN;
        assert_int_equal(score(both[i], 2, 0), STEP_DONE);
    }
    const struct output *o = last(f);
    assert_true(o->is_json && o->value.at[0] == '{' && str_is(o->ce_id, "1-0-0"));
    assert_true(str_has_nocase(o->value, STR("\"features\":[-3,null,")));
    assert_int_equal(record_from_json(&prediction_def, &p, &a, o->value.at, o->value.len),
                     WIRE_OK);
    prediction_pack(&again, &p);
    assert_true(str_eq(buf_as_str(&again), last(g)->value));
    buf_fini(&again);
    arena_fini(&a);
    fixture_free(f);
    fixture_free(g);
}

static void scoring_calls_no_malloc(void **state)
{
    (void)state;
    static const char *const forms[] = {"msgpack", "json"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct fixture *f = fixture_new(forms[i]);
        give_model(f, 1);
        activate(f, 1, 0);
        uint64_t before = 0;
        for (size_t k = 0; k < 101000; k++) {
            if (k == 1000)
                before = malloc_count();
            assert_int_equal(score(f, 1, 0), STEP_DONE);
            outbox_drop(f->out, outbox_next(f->out));
        }
        assert_int_equal(malloc_count() - before, 0);
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_kind_before_activation),
        cmocka_unit_test(control_number_chooses_the_version),
        cmocka_unit_test(policies_ask_for_features),
        cmocka_unit_test(chunks_come_in_any_order),
        cmocka_unit_test(lacking_model_is_waited_for_then_named),
        cmocka_unit_test(unknown_control_number_is_waited_for),
        cmocka_unit_test(damaged_model_serves_nobody),
        cmocka_unit_test(other_digest_than_activated_is_refused),
        cmocka_unit_test(other_bytes_under_the_same_version_are_refused),
        cmocka_unit_test(repeats_have_no_kinds),
        cmocka_unit_test(progress_passes_through),
        cmocka_unit_test(unreadable_record_is_passed_over),
        cmocka_unit_test(json_comes_back),
        cmocka_unit_test(scoring_calls_no_malloc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
