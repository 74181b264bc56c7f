/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_walk_test - random walks over deliver: answers of all kinds, checkpoints that come
 * through or not, kills and rebalances at any moment. Whatever happens, all attempts of an
 * intervention bear one key and one body, none is made before its record is stored or after a
 * final result is recorded, recorded attempts count 1, 2, 3 ..., and in the end each
 * intervention has one final result. */
#include "actuator/deliver_try.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/rng.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WALKS = 300, STEPS = 400, MOST = 120, PARALLEL = 6, EACH = 3 };

#define INI                                                            \
    "[actuator]\nwebhook_parallel = 6\nwebhook_each = 5\n[webhooks]\n" \
    "a.url = https://a.example/x\na.secret = " TRY_SECRET "\n"         \
    "b.url = https://b.example/x\nb.secret = " TRY_SECRET "\n"

/* An intervention; the log that it comes of gives it again after a kill. */
struct one {
    const char *webhook;
    int64_t max_age_s;
    uint64_t number;   /* of its record in this process's outbox */
    bool is_stored;    /* its record was acknowledged, by any process */
    uint64_t hash;     /* of the body, once it was sent */
    uint64_t attempts; /* recorded */
    bool is_final;     /* recorded */
};

struct walk {
    struct try t;
    struct rng rng;
    struct one ones[TRY_PARTITIONS][MOST];
    size_t n[TRY_PARTITIONS];     /* interventions in the log */
    size_t added[TRY_PARTITIONS]; /* that this process has seen */
    size_t cut[TRY_PARTITIONS], committed[TRY_PARTITIONS];
    bool is_cut;
    size_t n_judged; /* deliveries looked at */
    uint64_t begun;
};

static struct one *one_of(struct walk *w, const char *id)
{
    uint64_t partition, offset;
    struct str rest = str_of(id + strlen("1-"));
    assert_true(str_u64(str_cut(rest, '-', &rest), &partition));
    assert_true(str_u64(str_cut(rest, '-', &rest), &offset));
    assert_true(partition < TRY_PARTITIONS && offset < w->n[partition]);
    return &w->ones[partition][offset];
}

static void on_begin(void *to, const struct try_sending *s)
{
    struct walk *w = to;
    struct one *o = one_of(w, s->id + strlen("auspex_"));
    uint64_t hash = hash64(s->body, strlen(s->body));
    size_t flying = 0;
    assert_true(o->is_stored);
    assert_false(o->is_final);
    assert_true(o->hash == 0 || o->hash == hash);
    assert_string_equal(s->hook->name, o->webhook);
    assert_true(w->t.now_us < try_expires_us(o->max_age_s));
    o->hash = hash;
    w->begun++;
    for (size_t i = 0; i < w->t.n_sendings; i++) {
        flying += w->t.sendings[i].hook == s->hook;
        if (i + 1 < w->t.n_sendings)
            assert_string_not_equal(w->t.sendings[i].id, s->id);
    }
    assert_in_range(w->t.n_sendings, 1, PARALLEL);
    assert_in_range(flying, 1, EACH);
}

static void add(struct walk *w, uint32_t p)
{
    struct one *o = &w->ones[p][w->added[p]];
    try_add(&w->t, p, w->added[p]++, o->webhook, o->max_age_s);
    o->number = outbox_next(w->t.out) - 1;
}

static void add_new(struct walk *w)
{
    static const char *const webhooks[] = {"a", "b", "nowhere"};
    static const int64_t ages_s[] = {10, 600, 7200, 172800};
    uint32_t p = rng_below(&w->rng, TRY_PARTITIONS);
    if (w->added[p] < w->n[p]) { /* the log goes on where the kill threw it back to */
        add(w, p);
        return;
    }
    if (w->n[p] == MOST)
        return;
    uint32_t which = rng_below(&w->rng, 20);
    w->ones[p][w->n[p]++] = (struct one){
        .webhook = webhooks[which == 0 ? 2 : which % 2],
        .max_age_s = ages_s[rng_below(&w->rng, ARRAY_LEN(ages_s))] +
                     (w->t.now_us - try_expires_us(0)) / SECOND_US,
    };
    add(w, p);
}

static void ack(struct walk *w, uint32_t n)
{
    for (; n > 0 && outbox_first(w->t.out) < outbox_next(w->t.out); n--)
        outbox_ack(w->t.out, outbox_first(w->t.out));
    for (uint32_t p = 0; p < TRY_PARTITIONS; p++)
        for (size_t i = w->committed[p]; i < w->added[p]; i++)
            w->ones[p][i].is_stored |= w->ones[p][i].number < outbox_first(w->t.out);
}

static void answer(struct walk *w)
{
    static const unsigned statuses[] = {0, 200, 204, 400, 429, 500, 503, 301, 200, 200};
    static const char *const waits[] = {"", "", "1", "9", "9999999", "x"};
    if (w->t.n_sendings == 0)
        return;
    unsigned status = statuses[rng_below(&w->rng, ARRAY_LEN(statuses))];
    if (rng_below(&w->rng, 300) == 0)
        status = 410;
    try_answer(&w->t, rng_below(&w->rng, (uint32_t)w->t.n_sendings), status,
               waits[rng_below(&w->rng, ARRAY_LEN(waits))]);
}

static void judge(struct walk *w)
{
    for (; w->n_judged < w->t.n_deliveries; w->n_judged++) {
        const struct try_delivery *r = &w->t.deliveries[w->n_judged];
        struct one *o = one_of(w, r->id);
        assert_false(o->is_final);
        assert_int_equal(r->attempt, ++o->attempts);
        o->is_final = strcmp(r->result, "retry") != 0;
        if (o->is_final)
            assert_int_equal(r->next_us, 0);
        else
            assert_true(r->next_us > 0);
    }
}

static void cut(struct walk *w)
{
    if (w->is_cut)
        return;
    try_cut(&w->t);
    memcpy(w->cut, w->added, sizeof w->cut);
    w->is_cut = true;
}

/* The outputs below the cut are awaited, then it is stored, or not. */
static void cut_end(struct walk *w, bool is_good)
{
    if (!w->is_cut)
        return;
    w->is_cut = false;
    if (!is_good) {
        if (rng_below(&w->rng, 2) == 0) /* packed in part */
            (void)deliver_pack(w->t.d, 0, w->t.state, INT64_MIN);
        try_uncut(&w->t);
        return;
    }
    ack(w, UINT32_MAX);
    (void)try_store(&w->t);
    memcpy(w->committed, w->cut, sizeof w->committed);
    judge(w);
}

/* A kill, or a rebalance that brings the partitions back. */
static void restart(struct walk *w)
{
    w->is_cut = false;
    try_restart(&w->t);
    memcpy(w->added, w->committed, sizeof w->added);
}

static void step(struct walk *w)
{
    uint32_t what = rng_below(&w->rng, 100);
    if (what < 20)
        add_new(w);
    else if (what < 35)
        ack(w, 1 + rng_below(&w->rng, 5));
    else if (what < 60)
        answer(w);
    else if (what < 75)
        w->t.now_us += rng_below(&w->rng, what < 72 ? 10 : 4000) * SECOND_US;
    else if (what < 85)
        cut(w);
    else if (what < 97)
        cut_end(w, what < 94);
    else if (what < 98)
        restart(w);
    if (rng_below(&w->rng, 4) > 0)
        try_turn(&w->t);
}

/* Faults are over: all must come to an end. */
static void end(struct walk *w)
{
    for (int round = 0; round < 400; round++) {
        for (uint32_t p = 0; p < TRY_PARTITIONS; p++)
            while (w->added[p] < w->n[p])
                add(w, p);
        ack(w, UINT32_MAX);
        try_turn(&w->t);
        while (w->t.n_sendings > 0) {
            try_answer(&w->t, 0, 200, "");
            try_turn(&w->t);
        }
        cut(w);
        cut_end(w, true);
        w->t.now_us += HOUR_US;
    }
    for (uint32_t p = 0; p < TRY_PARTITIONS; p++)
        for (size_t i = 0; i < w->n[p]; i++)
            assert_true(w->ones[p][i].is_final);
    assert_int_equal(try_pending(&w->t), 0);
}

static void walks(void **state)
{
    (void)state;
    uint64_t begun = 0, recorded = 0;
    for (uint64_t seed = 0; seed < WALKS; seed++) {
        struct walk *w = mem_zero(1, sizeof *w);
        w->rng.state = seed;
        try_open(&w->t, INI);
        w->t.on_begin = on_begin;
        w->t.to = w;
        for (int i = 0; i < STEPS; i++)
            step(w);
        end(w);
        begun += w->begun;
        recorded += w->t.n_deliveries;
        try_close(&w->t);
        free(w);
    }
    print_message("# %d walks, %" PRIu64 " attempts, %" PRIu64 " records\n", WALKS, begun,
                  recorded);
    assert_true(begun > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(walks)};
    return cmocka_run_group_tests_name("deliver_walk", tests, NULL, NULL);
}
