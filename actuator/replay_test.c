/* SPDX-License-Identifier: Apache-2.0 */
/* Promise 3 for decisions: a core restored from a checkpoint goes on as if nothing had
 * happened, whenever it was taken, whatever was used while it was packed, and when some of them
 * never came through; partitions do not meet; and states that no core wrote are refused. */
#include "actuator/desk.h"
#include "actuator/trial.h"
#include "common/base/hash.h"
#include "common/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RECORDS = 6000, VISITORS = 60 };

/* The log of one seed with the control records among it, and what a core without breaks makes
 * of each record. */
struct story {
    struct buf log[RECORDS], control[RECORDS];
    size_t n_control;
    uint64_t hash[RECORDS];
    size_t n_interventions, n_outcomes;
};

static uint64_t give(struct actuator *core, struct outbox *out, uint32_t partition,
                     uint64_t offset, const struct buf *record)
{
    struct stage_message m = {.topic = TOPIC_predictions,
                              .partition = partition,
                              .offset = offset,
                              .value = buf_as_str(record)};
    uint64_t first = outbox_next(out), hash = 0;
    enum stage_step step = actuator_record(core, &m, out);
    while (step == STEP_MORE)
        step = actuator_more(core, TOPIC_predictions, partition, out);
    assert_int_equal(step, STEP_DONE);
    for (uint64_t i = first; i < outbox_next(out); i++) {
        const struct output *o = outbox_at(out, i);
        uint64_t parts[5] = {hash, o->topic, hash64_str(o->key), hash64_str(o->value),
                             hash64_str(o->ce_id)};
        hash = hash64(parts, sizeof parts);
    }
    return hash;
}

static void give_control(struct actuator *core, uint64_t offset, const struct buf *record)
{
    struct stage_message m = {
        .topic = TOPIC_control, .offset = offset, .value = buf_as_str(record)};
    actuator_lookup(core, &m);
}

static struct actuator *core_new(uint32_t partitions)
{
    struct actuator_setup setup = {0};
    struct actuator *core = actuator_new(&setup);
    for (uint32_t p = 0; p < partitions; p++)
        actuator_assign(core, TOPIC_predictions, p);
    return core;
}

/* A core that has read all of control before its first record, as a restarted one has. */
static struct actuator *core_told(const struct story *s, uint32_t partitions)
{
    struct actuator *core = core_new(partitions);
    for (size_t i = 0; i < s->n_control; i++)
        give_control(core, i, &s->control[i]);
    return core;
}

static void tally(struct story *s, struct outbox *out)
{
    for (uint64_t i = outbox_first(out); i < outbox_next(out); i++) {
        s->n_interventions += outbox_at(out, i)->topic == TOPIC_interventions;
        s->n_outcomes += outbox_at(out, i)->topic == TOPIC_outcomes;
    }
    outbox_drop(out, outbox_next(out));
}

/* The first telling: each control record becomes known just before the record behind it. */
static struct story *story_new(uint64_t seed, uint32_t partition)
{
    struct story *s = mem_zero(1, sizeof *s);
    struct trial_log log = {
        .rng = rng_stream(seed, 1), .visitors = VISITORS, .is_json = seed % 2};
    struct actuator *core = core_new(partition + 1);
    struct outbox *out = outbox_new();
    struct buf record = {0};
    for (size_t i = 0; i < RECORDS;) {
        buf_reset(&record);
        trial_log_next(&log, &record);
        if (log.is_control) {
            buf_str(&s->control[s->n_control], buf_as_str(&record));
            give_control(core, s->n_control, &s->control[s->n_control]);
            s->n_control++;
            continue;
        }
        buf_str(&s->log[i], buf_as_str(&record));
        s->hash[i] = give(core, out, partition, i, &s->log[i]);
        tally(s, out);
        i++;
    }
    buf_fini(&record);
    trial_log_fini(&log);
    actuator_free(core);
    outbox_free(out);
    return s;
}

static void story_free(struct story *s)
{
    for (size_t i = 0; i < RECORDS; i++) {
        buf_fini(&s->log[i]);
        buf_fini(&s->control[i]);
    }
    free(s);
}

/* The compacted topic. */
struct kept_entry {
    struct buf key, value;
};
struct kept {
    struct kept_entry at[4 * VISITORS];
    size_t n;
    struct buf own;
    uint64_t offset;
};

static void kept_put(struct kept *t, struct str key, struct str value)
{
    size_t i = 0;
    while (i < t->n && !str_eq(buf_as_str(&t->at[i].key), key))
        i++;
    if (i == t->n) {
        assert_true(t->n < ARRAY_LEN(t->at));
        t->n++;
        buf_str(&t->at[i].key, key);
    }
    buf_reset(&t->at[i].value);
    buf_str(&t->at[i].value, value);
}

static void kept_fini(struct kept *t)
{
    for (size_t i = 0; i < t->n; i++) {
        buf_fini(&t->at[i].key);
        buf_fini(&t->at[i].value);
    }
    buf_fini(&t->own);
}

static struct actuator *restore(const struct story *s, const struct kept *t)
{
    struct actuator *core = core_told(s, 1);
    struct err e = {0};
    for (size_t i = 0; i < t->n; i++)
        assert_true(actuator_restore(core, 0, buf_as_str(&t->at[i].key),
                                     buf_as_str(&t->at[i].value), &e));
    assert_true(actuator_restored(core, 0, buf_as_str(&t->own), &e));
    return core;
}

static void commit(struct kept *t, struct outbox *state, const struct buf *own, uint64_t offset)
{
    for (uint64_t i = outbox_first(state); i < outbox_next(state); i++) {
        const struct output *o = outbox_at(state, i);
        assert_int_equal(o->topic, TOPIC_decisions);
        kept_put(t, o->key, o->value);
    }
    buf_reset(&t->own);
    buf_str(&t->own, buf_as_str(own));
    t->offset = offset;
}

/* One life of a program: from the topic's checkpoint to a crash at `end`. */
static void live(const struct story *s, struct kept *t, uint64_t end, struct rng *r)
{
    struct actuator *core = restore(s, t);
    struct outbox *out = outbox_new(), *state = outbox_new();
    struct buf own = {0};
    uint64_t cut_offset = 0;
    bool is_cut = false;
    for (uint64_t i = t->offset; i < end; i++) {
        if (!is_cut && rng_below(r, 40) == 0) {
            buf_reset(&own);
            actuator_cut(core, 0, &own);
            cut_offset = i;
            is_cut = true;
        } else if (is_cut && rng_below(r, 3) == 0 && actuator_pack(core, 0, state, 0)) {
            if (rng_below(r, 3) > 0)
                commit(t, state, &own, cut_offset);
            else
                actuator_uncut(core, 0);
            outbox_drop(state, outbox_next(state));
            is_cut = false;
        } else if (is_cut && rng_below(r, 60) == 0) {
            actuator_uncut(core, 0); /* given up half-way */
            outbox_drop(state, outbox_next(state));
            is_cut = false;
        }
        uint64_t hash = give(core, out, 0, i, &s->log[i]);
        outbox_drop(out, outbox_next(out));
        if (hash != s->hash[i])
            fail_msg("record %llu: other outputs than without a break", (unsigned long long)i);
    }
    actuator_free(core);
    outbox_free(out);
    outbox_free(state);
    buf_fini(&own);
}

static void crashes_change_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct story *s = story_new(seed, 0);
        struct kept t = {0};
        struct rng r = rng_stream(seed, 2);
        unsigned lives = 0;
        for (uint64_t end = 0; end < RECORDS; lives++) {
            end = t.offset + 1 + rng_below(&r, 900);
            end = end > RECORDS ? RECORDS : end;
            live(s, &t, end, &r);
        }
        assert_true(lives > 4 && t.n > VISITORS / 2);
        assert_true(s->n_interventions > RECORDS / 20 && s->n_control > 20);
        assert_true(s->n_outcomes > s->n_interventions * 9 / 10);
        kept_fini(&t);
        story_free(s);
    }
}

/* From zero, with all of control known beforehand: the same bytes. */
static void a_replay_gives_the_same(void **state)
{
    (void)state;
    for (uint64_t seed = 30; seed < 36; seed++) {
        struct story *s = story_new(seed, 0);
        struct actuator *core = core_told(s, 1);
        struct outbox *out = outbox_new();
        for (size_t i = 0; i < RECORDS; i++) {
            assert_true(give(core, out, 0, i, &s->log[i]) == s->hash[i]);
            outbox_drop(out, outbox_next(out));
        }
        actuator_free(core);
        outbox_free(out);
        story_free(s);
    }
}

static int by_key(const void *a, const void *b)
{
    const struct kept_entry *x = a, *y = b;
    return str_cmp(buf_as_str(&x->key), buf_as_str(&y->key));
}

/* Everything a core holds, as a checkpoint from nothing would have it. */
static void whole(struct actuator *core, struct kept *t)
{
    struct outbox *state = outbox_new();
    struct buf own = {0};
    actuator_cut(core, 0, &own);
    while (!actuator_pack(core, 0, state, 0))
        ;
    commit(t, state, &own, 0);
    qsort(t->at, t->n, sizeof t->at[0], by_key);
    outbox_free(state);
    buf_fini(&own);
}

/* A checkpoint that was given up half-way is whole again in the next. */
static void equal_states_give_equal_bytes(void **state)
{
    (void)state;
    struct story *s = story_new(99, 0);
    struct actuator *core = core_told(s, 1);
    struct outbox *out = outbox_new();
    for (size_t i = 0; i < RECORDS; i++)
        (void)give(core, out, 0, i, &s->log[i]);
    struct kept first = {0}, second = {0};
    whole(core, &first);
    actuator_uncut(core, 0);
    whole(core, &second);
    assert_int_equal(first.n, second.n);
    assert_true(first.n > VISITORS / 2);
    struct actuator *again = restore(s, &first);
    struct slab slab = {0};
    for (size_t i = 0; i < first.n; i++) {
        struct decision_state r;
        struct dossier d = {0};
        struct buf bytes = {0};
        struct err e = {0};
        assert_true(str_eq(buf_as_str(&first.at[i].value), buf_as_str(&second.at[i].value)));
        if (first.at[i].value.len == 0)
            continue;
        assert_int_equal(decision_state_read(&r, first.at[i].value.at, first.at[i].value.len),
                         WIRE_OK);
        assert_true(dossier_unpack(&slab, &d, r.state, &e));
        dossier_pack(&bytes, &d);
        assert_true(str_eq(buf_as_str(&bytes), r.state));
        dossier_clear(&slab, &d);
        buf_fini(&bytes);
    }
    slab_fini(&slab);
    kept_fini(&first);
    kept_fini(&second);
    actuator_free(core);
    actuator_free(again);
    outbox_free(out);
    story_free(s);
}

/* Three logs under one control, mixed at random, are three logs. */
static void partitions_do_not_meet(void **state)
{
    (void)state;
    struct story *s = story_new(20, 0);
    uint64_t next[3] = {0};
    uint64_t *hashes = mem_zero(3 * (size_t)RECORDS, sizeof *hashes);
    struct actuator *core = core_told(s, 3);
    struct outbox *out = outbox_new();
    struct rng r = rng_stream(5, 3);
    for (size_t p = 0; p < 3; p++) {
        struct actuator *alone = core_told(s, 3);
        for (size_t i = 0; i < RECORDS; i++)
            hashes[p * RECORDS + i] = give(alone, out, (uint32_t)p, i, &s->log[i]);
        outbox_drop(out, outbox_next(out));
        actuator_free(alone);
    }
    for (unsigned done = 0; done < 3 * RECORDS;) {
        uint32_t p = rng_below(&r, 3);
        if (next[p] == RECORDS)
            continue;
        uint64_t i = next[p]++;
        assert_true(give(core, out, p, i, &s->log[i]) == hashes[(size_t)p * RECORDS + i]);
        outbox_drop(out, outbox_next(out));
        done++;
    }
    free(hashes);
    actuator_free(core);
    outbox_free(out);
    story_free(s);
}

static void corrupt_states_are_refused(void **state)
{
    (void)state;
    struct story *s = story_new(7, 0);
    struct actuator *core = core_told(s, 1);
    struct outbox *out = outbox_new();
    for (size_t i = 0; i < RECORDS; i++)
        (void)give(core, out, 0, i, &s->log[i]);
    struct kept t = {0};
    whole(core, &t);
    size_t longest = 0;
    for (size_t i = 0; i < t.n; i++)
        if (t.at[i].value.len > t.at[longest].value.len)
            longest = i;
    struct str key = buf_as_str(&t.at[longest].key), value = buf_as_str(&t.at[longest].value);
    for (size_t len = 1; len < value.len; len++) {
        struct actuator *fresh = core_new(1);
        struct err e = {0};
        assert_false(actuator_restore(fresh, 0, key, str_over(value.at, len), &e));
        assert_int_equal(e.code, EXIT_CODE_CONFIG);
        actuator_free(fresh);
    }
    struct actuator *fresh = core_new(1);
    struct err e = {0};
    assert_false(actuator_restore(fresh, 0, STR("7:another"), value, &e));
    assert_true(actuator_restore(fresh, 0, key, value, &e));
    assert_false(actuator_restored(fresh, 0, (struct str){NULL, 0}, &e));
    for (size_t len = 1; len < t.own.len; len++)
        assert_false(actuator_restored(fresh, 0, str_over(t.own.at, len), &e));
    actuator_free(fresh);
    kept_fini(&t);
    actuator_free(core);
    outbox_free(out);
    story_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_change_nothing),
        cmocka_unit_test(a_replay_gives_the_same),
        cmocka_unit_test(equal_states_give_equal_bytes),
        cmocka_unit_test(partitions_do_not_meet),
        cmocka_unit_test(corrupt_states_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
