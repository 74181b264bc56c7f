/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: a core restored from one goes on as if nothing had happened, whenever it was
 * taken, whatever was used while it was packed, and when some of them never came through; also
 * with most visitors in a file. */
#include "common/base/hash.h"
#include "featurizer/state_pack.h"
#include "featurizer/try.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* MEMORY has room for the table and a few visitors. */
enum { RECORDS = 4000, VISITORS = 150, MEMORY = 40 << 10 };

static struct spill *file; /* NULL = cores keep all in memory */
static char file_path[64];
static int64_t idle_us = 1800 * SECOND_US; /* visitors with an open session stay in memory */

/* The log of one seed, and what a core without breaks makes of each record. */
struct story {
    struct buf log[RECORDS];
    uint64_t hash[RECORDS];
};

static uint64_t give(struct featurizer *core, struct outbox *out, uint32_t partition,
                     uint64_t offset, const struct buf *record)
{
    struct stage_message m = {.topic = TOPIC_events,
                              .partition = partition,
                              .offset = offset,
                              .value = buf_as_str(record)};
    uint64_t first = outbox_next(out), hash = 0;
    enum stage_step step = featurizer_record(core, &m, out);
    while (step == STEP_MORE)
        step = featurizer_more(core, partition, out);
    for (uint64_t i = first; i < outbox_next(out); i++) {
        const struct output *o = outbox_at(out, i);
        uint64_t parts[4] = {hash, o->topic, hash64_str(o->key), hash64_str(o->value)};
        hash = hash64(parts, sizeof parts);
    }
    outbox_drop(out, outbox_next(out));
    return hash;
}

static struct featurizer *core_new(uint32_t partitions)
{
    struct featurizer_options o = {.idle_us = idle_us, .tail = 7};
    struct featurizer *core = featurizer_new(&o);
    if (file)
        featurizer_limit(core, (size_t)MEMORY * partitions, file);
    for (uint32_t p = 0; p < partitions; p++)
        featurizer_assign(core, p);
    return core;
}

static struct story *story_new(uint64_t seed, uint32_t partition)
{
    struct story *s = mem_zero(1, sizeof *s);
    struct try_log log = {.rng = rng_stream(seed, 1), .visitors = VISITORS};
    struct featurizer *core = core_new(partition + 1);
    struct outbox *out = outbox_new();
    for (size_t i = 0; i < RECORDS; i++) {
        try_log_next(&log, &s->log[i]);
        s->hash[i] = give(core, out, partition, i, &s->log[i]);
    }
    featurizer_free(core);
    outbox_free(out);
    return s;
}

static void story_free(struct story *s)
{
    for (size_t i = 0; i < RECORDS; i++)
        buf_fini(&s->log[i]);
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

static struct featurizer *restore(const struct kept *t)
{
    struct featurizer *core = core_new(1);
    struct err e = {0};
    for (size_t i = 0; i < t->n; i++)
        assert_true(featurizer_restore(core, 0, buf_as_str(&t->at[i].key),
                                       buf_as_str(&t->at[i].value), &e));
    assert_true(featurizer_restored(core, 0, buf_as_str(&t->own), &e));
    return core;
}

static void commit(struct kept *t, struct outbox *state, const struct buf *own, uint64_t offset)
{
    for (uint64_t i = outbox_first(state); i < outbox_next(state); i++) {
        const struct output *o = outbox_at(state, i);
        assert_int_equal(o->topic, TOPIC_visitors);
        kept_put(t, o->key, o->value);
    }
    buf_reset(&t->own);
    buf_str(&t->own, buf_as_str(own));
    t->offset = offset;
}

/* One life of a program: from the topic's checkpoint to a crash at `end`. */
static void live(const struct story *s, struct kept *t, uint64_t end, struct rng *r)
{
    struct featurizer *core = restore(t);
    struct outbox *out = outbox_new(), *state = outbox_new();
    struct buf own = {0};
    uint64_t cut_offset = 0;
    bool is_cut = false;
    for (uint64_t i = t->offset; i < end; i++) {
        if (!is_cut && rng_below(r, 40) == 0) {
            buf_reset(&own);
            featurizer_cut(core, 0, &own);
            cut_offset = i;
            is_cut = true;
        } else if (is_cut && rng_below(r, 3) == 0 && featurizer_pack(core, 0, state, 0)) {
            if (rng_below(r, 3) > 0)
                commit(t, state, &own, cut_offset);
            else
                featurizer_uncut(core, 0);
            outbox_drop(state, outbox_next(state));
            is_cut = false;
        } else if (is_cut && rng_below(r, 60) == 0) {
            featurizer_uncut(core, 0); /* given up half-way */
            outbox_drop(state, outbox_next(state));
            is_cut = false;
        }
        uint64_t hash = give(core, out, 0, i, &s->log[i]);
        if (hash != s->hash[i])
            fail_msg("record %llu: other outputs than without a break", (unsigned long long)i);
    }
    featurizer_free(core);
    outbox_free(out);
    outbox_free(state);
    buf_fini(&own);
}

static void failed(const struct err *e)
{
    fail_msg("%s", e->text);
}

static void file_open(void)
{
    struct err e = {0};
    (void)snprintf(file_path, sizeof file_path, "/tmp/auspex-checkpoint-%d", (int)getpid());
    file = spill_open(file_path, failed, &e);
    if (!file)
        fail_msg("%s", e.text);
}

static void file_close(void)
{
    assert_int_equal(spill_counts(file).kept, 0);
    spill_close(file);
    file = NULL;
}

/* Deleting the file does no harm, neither while a program runs nor between two. */
static void crashes(bool has_file)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct story *s = story_new(seed, 0);
        struct kept t = {0};
        struct rng r = rng_stream(seed, 2);
        unsigned lives = 0;
        uint64_t n_spills = 0, n_unspills = 0;
        for (uint64_t end = 0; end < RECORDS; lives++) {
            end = t.offset + 1 + rng_below(&r, 800);
            end = end > RECORDS ? RECORDS : end;
            if (has_file)
                file_open();
            if (has_file && lives % 2 == 1)
                assert_int_equal(unlink(file_path), 0);
            live(s, &t, end, &r);
            if (!has_file)
                continue;
            n_spills += spill_counts(file).puts;
            n_unspills += spill_counts(file).takes;
            file_close();
        }
        assert_true(lives > 4 && t.n > VISITORS / 2);
        assert_true(!has_file || (n_spills > 500 && n_unspills > 400));
        kept_fini(&t);
        story_free(s);
    }
}

static void crashes_change_nothing(void **state)
{
    (void)state;
    crashes(false);
}

static void nor_do_they_with_most_in_a_file(void **state)
{
    (void)state;
    idle_us = 60 * SECOND_US;
    crashes(true);
    idle_us = 1800 * SECOND_US;
}

static int by_key(const void *a, const void *b)
{
    const struct kept_entry *x = a, *y = b;
    return str_cmp(buf_as_str(&x->key), buf_as_str(&y->key));
}

/* Everything a core holds, as a checkpoint from nothing would have it. */
static void whole(struct featurizer *core, struct kept *t)
{
    struct outbox *state = outbox_new();
    struct buf own = {0};
    featurizer_cut(core, 0, &own);
    while (!featurizer_pack(core, 0, state, 0))
        ;
    commit(t, state, &own, 0);
    qsort(t->at, t->n, sizeof t->at[0], by_key);
    outbox_free(state);
    buf_fini(&own);
}

static void make_dirty(struct entry *x, void *visitors)
{
    entries_touch(visitors, x);
}

static void equal_states_give_equal_bytes(void **state)
{
    (void)state;
    struct story *s = story_new(99, 0);
    struct featurizer *core = core_new(1);
    struct outbox *out = outbox_new();
    for (size_t i = 0; i < RECORDS; i++)
        (void)give(core, out, 0, i, &s->log[i]);
    struct kept first = {0}, second = {0};
    whole(core, &first);
    struct featurizer *again = restore(&first);
    entries_each(&again->partitions[0]->visitors, make_dirty, &again->partitions[0]->visitors);
    whole(again, &second);
    assert_int_equal(first.n, second.n);
    assert_true(first.n > VISITORS / 2);
    for (size_t i = 0; i < first.n; i++)
        assert_true(str_eq(buf_as_str(&first.at[i].value), buf_as_str(&second.at[i].value)));
    assert_true(str_eq(buf_as_str(&first.own), buf_as_str(&second.own)));
    kept_fini(&first);
    kept_fini(&second);
    featurizer_free(core);
    featurizer_free(again);
    outbox_free(out);
    story_free(s);
}

/* Three logs, mixed at random, are three logs. */
static void partitions_do_not_meet(void **state)
{
    (void)state;
    struct story *s[3];
    uint64_t next[3] = {0};
    struct featurizer *core = core_new(3);
    struct outbox *out = outbox_new();
    struct rng r = rng_stream(5, 3);
    for (uint32_t p = 0; p < 3; p++)
        s[p] = story_new(20 + p, p);
    for (unsigned done = 0; done < 3 * RECORDS;) {
        uint32_t p = rng_below(&r, 3);
        if (next[p] == RECORDS)
            continue;
        uint64_t i = next[p]++;
        assert_true(give(core, out, p, i, &s[p]->log[i]) == s[p]->hash[i]);
        done++;
    }
    featurizer_free(core);
    outbox_free(out);
    for (uint32_t p = 0; p < 3; p++)
        story_free(s[p]);
}

/* A state that was away for 400 days leaves the topic with a tombstone, also from a file; one
 * that came back is there again. */
static void forget_old_states(bool has_file)
{
    const double late_s = 401 * 86400.0;
    struct try t;
    struct kept topic = {0};
    try_init(&t, 1800);
    if (has_file) {
        file_open();
        featurizer_limit(t.core, 1, file);
    }
    struct event e = try_event("click", 0, 0);
    (void)try_event_give(&t, &e);
    e = try_event("click", 0, 0);
    e.visitor = STR("w");
    (void)try_event_give(&t, &e);
    whole(t.core, &topic);
    assert_int_equal(topic.n, 2);
    (void)try_tick(&t, 0, 1, 4000);
    whole(t.core, &topic);
    whole(t.core, &topic); /* says that the one before came through */
    for (unsigned i = 0; i < 70 && has_file; i++)
        (void)try_tick(&t, 0, 1, 4000 + i); /* now they may leave memory */
    assert_int_equal(featurizer_spilled(t.core), has_file ? 2 : 0);
    for (unsigned i = 0; i < 8; i++)
        (void)try_tick(&t, 0, 1, late_s + i); /* each sweeps a part of the table */
    assert_int_equal(featurizer_visitors(t.core) + featurizer_spilled(t.core), 0);
    assert_int_equal(t.core->counts.expired, 2);
    e = try_event("click", late_s, late_s);
    (void)try_event_give(&t, &e);
    whole(t.core, &topic);
    assert_int_equal(topic.n, 2);
    assert_true(str_is(buf_as_str(&topic.at[0].key), "7:v") && topic.at[0].value.len > 0);
    assert_true(str_is(buf_as_str(&topic.at[1].key), "7:w") && topic.at[1].value.len == 0);
    kept_fini(&topic);
    try_fini(&t);
    if (has_file)
        file_close();
}

static void old_states_are_forgotten(void **state)
{
    (void)state;
    forget_old_states(false);
    forget_old_states(true);
}

static void corrupt_states_are_refused(void **state)
{
    (void)state;
    struct story *s = story_new(7, 0);
    struct featurizer *core = core_new(1);
    struct outbox *out = outbox_new();
    for (size_t i = 0; i < RECORDS; i++)
        (void)give(core, out, 0, i, &s->log[i]);
    struct kept t = {0};
    whole(core, &t);
    struct str key = buf_as_str(&t.at[3].key), value = buf_as_str(&t.at[3].value);
    for (size_t len = 1; len < value.len; len++) {
        struct featurizer *fresh = core_new(1);
        struct err e = {0};
        assert_false(featurizer_restore(fresh, 0, key, str_over(value.at, len), &e));
        assert_true(e.code == EXIT_CODE_CONFIG && e.text[0] != '\0');
        featurizer_free(fresh);
    }
    for (size_t len = 1; len < t.own.len; len++) {
        struct featurizer *fresh = core_new(1);
        struct err e = {0};
        assert_false(featurizer_restored(fresh, 0, str_over(t.own.at, len), &e));
        featurizer_free(fresh);
    }
    struct featurizer *fresh = core_new(1);
    struct err e = {0};
    assert_false(featurizer_restore(fresh, 0, STR("7:other"), value, &e));
    assert_true(featurizer_restore(fresh, 0, key, value, &e));
    assert_false(featurizer_restored(fresh, 0, (struct str){NULL, 0}, &e));
    featurizer_free(fresh);
    featurizer_free(core);
    outbox_free(out);
    kept_fini(&t);
    story_free(s);
}

/* The topic may not have been compacted: what was superseded comes too, in order. */
static void later_entries_replace(void **state)
{
    (void)state;
    struct kept first = {0}, second = {0}, again = {0};
    struct try t;
    struct err e = {0};
    try_init(&t, 1800);
    for (unsigned i = 0; i < 2; i++) {
        struct event event = try_event("click", i, i);
        (void)try_event_give(&t, &event);
        whole(t.core, i == 0 ? &first : &second);
    }
    struct featurizer *core = core_new(1);
    struct str key = STR("7:v"), older = buf_as_str(&first.at[0].value),
               newer = buf_as_str(&second.at[0].value), none = {NULL, 0};
    assert_false(str_eq(older, newer));
    const struct str values[] = {newer, none, none, older, newer};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        assert_true(featurizer_restore(core, 0, key, values[i], &e));
        assert_int_equal(featurizer_visitors(core), values[i].len > 0);
    }
    assert_true(featurizer_restored(core, 0, buf_as_str(&second.own), &e));
    entries_each(&core->partitions[0]->visitors, make_dirty, &core->partitions[0]->visitors);
    whole(core, &again);
    assert_true(again.n == 1 && str_eq(buf_as_str(&again.at[0].value), newer));
    kept_fini(&first);
    kept_fini(&second);
    kept_fini(&again);
    featurizer_free(core);
    try_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_change_nothing),
        cmocka_unit_test(nor_do_they_with_most_in_a_file),
        cmocka_unit_test(equal_states_give_equal_bytes),
        cmocka_unit_test(partitions_do_not_meet),
        cmocka_unit_test(old_states_are_forgotten),
        cmocka_unit_test(corrupt_states_are_refused),
        cmocka_unit_test(later_entries_replace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
