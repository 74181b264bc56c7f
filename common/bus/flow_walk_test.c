/* SPDX-License-Identifier: Apache-2.0 */
/* flow, marks and outbox in a small simulated world, driven at random: two instances that
 * crash, stall, wake as zombies, lose their producer and their partitions, over logs whose
 * writers repeat themselves.
 *
 * What must hold, whatever happens: what is committed is stored; no output is missing, in
 * order; one that stands twice is the same twice; nothing committed goes back; without faults
 * all comes to its end. A failure names its seed and step; `flow_walk_test SEED` walks that one
 * alone. */
#include "common/bus/flow.h"

#include "common/base/hash.h"
#include "common/base/rng.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { PARTITIONS = 2, RAWS = 2, INPUTS = 300, INSTANCES = 2, SEEDS = 200, STEPS = 1200 };
static const struct flow_limits limits = {
    .outputs_bytes = 800, .commit_us = 40000, .drain_us = 300000};
static const struct stage_input input = {.topic = TOPIC_events, .is_marked = true};

/* A record: its position and what it says. */
struct entry {
    struct position at;
    uint64_t says;
};
struct entries {
    struct entry *at;
    size_t n, cap;
};

/* What a commit stores for an input partition. */
struct kept {
    bool is_there;
    uint64_t next, state;
    struct buf marks;
};

struct instance {
    struct flow flow;
    struct outbox *outbox;
    uint64_t sent;
    unsigned generation;
    uint64_t state[PARTITIONS], before[PARTITIONS], cut_state[PARTITIONS];
    unsigned given[PARTITIONS]; /* outputs given of a record that owes more */
};

struct world {
    struct rng rng;
    uint64_t seed;
    unsigned step;
    int64_t now_us;
    enum stage_kind kind;
    struct entries in[PARTITIONS];
    uint64_t begin[PARTITIONS]; /* offset of the first: retention has passed those before */
    struct entries wanted[PARTITIONS]; /* outputs of a run without faults */
    struct marks seen[PARTITIONS];     /* how far the output log is, as a reader sees it */
    size_t n_seen[PARTITIONS], n_repeats;
    struct kept kept[PARTITIONS];
    unsigned generation; /* who holds it owns the partitions */
    struct instance instances[INSTANCES];
};

static void must(const struct world *w, bool claim, const char *text)
{
    if (!claim)
        fail_msg("seed %" PRIu64 " step %u: not so: %s", w->seed, w->step, text);
}

static bool dice(struct world *w, uint32_t percent)
{
    return rng_below(&w->rng, 100) < percent;
}

static void entries_add(struct entries *e, struct entry entry)
{
    if (e->n == e->cap) {
        e->cap = MAX(2 * e->cap, (size_t)64);
        e->at = mem_grow(e->at, e->cap * sizeof *e->at);
    }
    e->at[e->n++] = entry;
}

/* --- the core: outputs depend on the record and, with state, on all before it --- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    const uint64_t both[] = {a, b};
    return hash64(both, sizeof both);
}

static unsigned outputs_of(const struct entry *e)
{
    static const unsigned n[] = {1, 1, 0, 3, 1, 2, 1, 9};
    return n[e->says % ARRAY_LEN(n)];
}

static struct entry output_of(const struct entry *e, uint64_t state, uint64_t partition,
                              uint64_t offset, unsigned k)
{
    return (struct entry){.at = {.epoch = 1,
                                 .origin = ORIGIN_EVENTS,
                                 .partition = partition,
                                 .offset = offset,
                                 .index = k},
                          .says = mix(mix(state, e->says), k)};
}

static uint64_t state_after(const struct world *w, uint64_t state, const struct entry *e)
{
    return w->kind == STAGE_STATEFUL ? mix(state, e->says) : 0;
}

/* --- the world --- */

static const struct entry *in_at(const struct world *w, size_t p, uint64_t offset)
{
    CHECK(offset >= w->begin[p] && offset - w->begin[p] < w->in[p].n);
    return &w->in[p].at[offset - w->begin[p]];
}

static uint64_t in_end(const struct world *w, size_t p)
{
    return w->begin[p] + w->in[p].n;
}

/* Writers that stand at `next` of each raw log; now and then one begins again a little earlier.
 */
static void in_fill(struct world *w, size_t p)
{
    uint64_t next[RAWS] = {0};
    while (w->in[p].n < INPUTS) {
        uint32_t r = rng_below(&w->rng, RAWS);
        struct entry e = {.at = {.epoch = 1, .origin = ORIGIN_RAW, .partition = r}};
        e.at.offset = next[r] / 2;
        e.at.index = next[r] % 2;
        e.says = mix(w->seed ^ p, next[r] * RAWS + r);
        entries_add(&w->in[p], e);
        next[r]++;
        if (dice(w, 6))
            next[r] -= MIN(next[r], (uint64_t)rng_below(&w->rng, 8));
    }
}

static void wanted_fill(struct world *w, size_t p)
{
    struct marks used = {0};
    uint64_t state = 0;
    for (size_t o = 0; o < w->in[p].n; o++) {
        const struct entry *e = &w->in[p].at[o];
        if (!marks_pass(&used, &e->at))
            continue;
        for (unsigned k = 0; k < outputs_of(e); k++)
            entries_add(&w->wanted[p], output_of(e, state, p, w->begin[p] + o, k));
        state = state_after(w, state, e);
    }
    marks_fini(&used);
}

static bool is_same(const struct entry *a, const struct entry *b)
{
    return a->says == b->says && memcmp(&a->at, &b->at, sizeof a->at) == 0;
}

/* An output reaches the log. */
static void stored(struct world *w, size_t p, const struct entry *e)
{
    const struct entries *wanted = &w->wanted[p];
    if (marks_pass(&w->seen[p], &e->at)) {
        must(w, w->n_seen[p] < wanted->n && is_same(e, &wanted->at[w->n_seen[p]]),
             "a new output is the next one that is due");
        w->n_seen[p]++;
        return;
    }
    w->n_repeats++;
    bool is_known = false;
    for (size_t i = w->n_seen[p]; i-- > 0 && !is_known;)
        is_known = is_same(e, &wanted->at[i]);
    must(w, is_known, "an output that stands twice is the same twice");
}

/* Whether the store takes the commit that the instance has under way. */
static bool store(struct world *w, struct instance *in)
{
    if (in->generation != w->generation)
        return false;
    for (size_t p = 0; p < PARTITIONS; p++) {
        const struct flow_source *s = &in->flow.sources[p];
        struct kept *k = &w->kept[p];
        if (s->cut_is_open)
            continue;
        must(w, !k->is_there || s->cut_next >= k->next, "nothing committed goes back");
        size_t n = w->n_seen[p];
        must(w, n == w->wanted[p].n || w->wanted[p].at[n].at.offset >= s->cut_next,
             "what is committed is stored");
        k->is_there = true;
        k->next = s->cut_next;
        k->state = in->cut_state[p];
        buf_reset(&k->marks);
        buf_str(&k->marks, buf_as_str(&s->cut_marks));
    }
    return true;
}

/* --- an instance: what the runtime does around flow --- */

static void instance_open(struct world *w, struct instance *in)
{
    *in = (struct instance){.outbox = outbox_new()};
    flow_init(&in->flow, w->kind, &limits);
}

static void instance_crash(struct instance *in)
{
    outbox_free(in->outbox);
    flow_fini(&in->flow);
}

static void tell(struct instance *in)
{
    flow_outputs(&in->flow, outbox_next(in->outbox), outbox_first(in->outbox),
                 outbox_bytes(in->outbox));
}

static void assign(struct world *w, struct instance *in)
{
    static const struct stage_input *const inputs[PARTITIONS] = {&input, &input};
    static const uint32_t partitions[PARTITIONS] = {0, 1};
    flow_assigned(&in->flow, inputs, partitions, PARTITIONS);
    in->generation = ++w->generation;
    if (dice(w, 10)) { /* taken away before it has begun */
        flow_revoked(&in->flow, dice(w, 50), w->now_us);
        return;
    }
    for (size_t p = 0; p < PARTITIONS; p++) {
        struct flow_source *s = &in->flow.sources[p];
        const struct kept *k = &w->kept[p];
        must(w, marks_parse(&s->marks, buf_as_str(&k->marks)), "marks can be read again");
        flow_place(s, k->next, !k->is_there);
        in->state[p] = k->state;
    }
    flow_started(&in->flow, w->now_us);
}

/* Some or all of the outputs that the record at the head owes. */
static void give(struct world *w, struct instance *in, size_t p)
{
    struct flow_source *s = &in->flow.sources[p];
    uint64_t offset = s->is_open ? w->begin[p] : s->next;
    const struct entry *e = in_at(w, p, offset);
    unsigned total = outputs_of(e), until = in->given[p] + 1 + rng_below(&w->rng, 4);
    for (; in->given[p] < total && in->given[p] < until; in->given[p]++) {
        struct entry out = output_of(e, in->before[p], p, offset, in->given[p]);
        buf_put(outbox_begin(in->outbox), &out, sizeof out);
        outbox_end(in->outbox, TOPIC_features, (uint32_t)p, STR(""));
    }
    s->has_more = in->given[p] < total;
    if (!s->has_more)
        flow_used(s, offset, &e->at, e->says);
    tell(in);
}

/* The client gives a record that is not the one due: it must not be used. */
static void misgive(struct world *w, struct flow_source *s, size_t p)
{
    uint64_t next = s->next;
    if (s->is_open || s->has_sought)
        return;
    if (next > w->begin[p])
        must(w, flow_take(s, next - 1, &in_at(w, p, next - 1)->at) == TAKE_STALE,
             "stale is seen");
    if (next + 1 < in_end(w, p))
        must(w, flow_take(s, next + 1, &in_at(w, p, next + 1)->at) == TAKE_HOLE,
             "a hole is seen");
}

static void use(struct world *w, struct instance *in, size_t p)
{
    struct flow_source *s = &in->flow.sources[p];
    uint64_t offset = s->is_open ? w->begin[p] : s->next;
    const struct entry *e = in_at(w, p, offset);
    enum flow_take take = flow_take(s, offset, &e->at);
    must(w, take == TAKE_USE || take == TAKE_REPEAT, "the next record is used or a repeat");
    if (take == TAKE_REPEAT) {
        flow_used(s, offset, NULL, 0);
        return;
    }
    in->given[p] = 0;
    in->before[p] = in->state[p]; /* state moves first, outputs follow bit by bit */
    in->state[p] = state_after(w, in->state[p], e);
    give(w, in, p);
}

static void read_one(struct world *w, struct instance *in)
{
    struct flow *f = &in->flow;
    size_t p = rng_below(&w->rng, PARTITIONS);
    if (f->n_sources == 0)
        return;
    struct flow_source *s = &f->sources[p];
    bool may_owe = f->phase == FLOW_DRAINING && f->out_bytes < f->limits.outputs_bytes;
    if (s->has_more && (flow_may_read(f) || may_owe)) {
        give(w, in, p);
        return;
    }
    if (!flow_may_read(f) || s->next >= in_end(w, p))
        return;
    if (dice(w, 5))
        misgive(w, s, p);
    use(w, in, p);
}

/* Hands some outputs to the log; they are stored, whether an answer comes or not. */
static void send_some(struct world *w, struct instance *in)
{
    if (in->flow.producer != PRODUCER_UP)
        return;
    in->sent = MAX(in->sent, outbox_first(in->outbox));
    for (uint32_t n = rng_below(&w->rng, 12); n > 0 && in->sent < outbox_next(in->outbox);
         n--) {
        const struct output *out = outbox_at(in->outbox, in->sent++);
        struct entry e;
        if (out->is_acked)
            continue;
        CHECK(out->value.len == sizeof e);
        memcpy(&e, out->value.at, sizeof e);
        stored(w, out->partition, &e);
    }
}

static void ack_some(struct world *w, struct instance *in)
{
    for (uint32_t n = rng_below(&w->rng, 12); n > 0; n--) {
        uint64_t first = outbox_first(in->outbox);
        if (in->flow.producer != PRODUCER_UP || first >= in->sent)
            break;
        uint64_t among = MIN(in->sent - first, (uint64_t)4);
        outbox_ack(in->outbox, first + rng_below(&w->rng, (uint32_t)among));
    }
    tell(in);
}

static void commit_ends(struct world *w, struct instance *in)
{
    if (in->flow.cut != CUT_COMMITTING)
        return;
    enum flow_outcome outcome = COMMIT_DONE;
    bool is_answered = dice(w, 85), is_sent = is_answered || dice(w, 50);
    if (!is_sent || !store(w, in) || !is_answered)
        outcome = COMMIT_FAILED;
    if (in->generation != w->generation && w->kind == STAGE_STATEFUL)
        outcome = COMMIT_FENCED;
    flow_committed(&in->flow, outcome, w->now_us);
}

static void release(struct world *w, struct instance *in)
{
    if (in->flow.cut == CUT_COMMITTING && dice(w, 50))
        (void)store(w, in); /* it was on its way */
    flow_released(&in->flow);
}

static void decide(struct world *w, struct instance *in)
{
    switch (flow_decide(&in->flow, w->now_us)) {
    case FLOW_NOTHING:
        break;
    case FLOW_REMAKE_PRODUCER:
        in->sent = outbox_first(in->outbox);
        flow_producer_made(&in->flow);
        break;
    case FLOW_CUT:
        memcpy(in->cut_state, in->state, sizeof in->state);
        flow_cut_taken(&in->flow, w->now_us);
        break;
    case FLOW_PACK:
        if (dice(w, 60))
            flow_packed(&in->flow);
        break;
    case FLOW_COMMIT:
        flow_commit_began(&in->flow);
        break;
    case FLOW_RELEASE:
        release(w, in);
        break;
    }
}

/* --- the walk --- */

static void fault(struct world *w, struct instance *in)
{
    switch (rng_below(&w->rng, 5)) {
    case 0:
        instance_crash(in);
        instance_open(w, in);
        break;
    case 1:
        flow_producer_broken(&in->flow, w->now_us);
        break;
    case 2:
        flow_revoked(&in->flow, false, w->now_us);
        break;
    case 3: /* a zombie hears of it, or the owner stops being it */
        flow_revoked(&in->flow, true, w->now_us);
        break;
    default:
        w->now_us += rng_below(&w->rng, 2000000);
        break;
    }
}

static void one_step(struct world *w, struct instance *in, bool is_calm)
{
    uint32_t what = rng_below(&w->rng, 100);
    w->now_us += rng_below(&w->rng, is_calm ? 100000 : 5000);
    if (!is_calm && in->flow.phase == FLOW_IDLE && dice(w, 5))
        assign(w, in); /* whoever had the partitions does not know yet */
    else if (!is_calm && what < 2)
        fault(w, in);
    else if (what < 50)
        read_one(w, in);
    else if (what < 62)
        send_some(w, in);
    else if (what < 74)
        ack_some(w, in);
    else if (what < 94)
        decide(w, in);
    else
        commit_ends(w, in);
}

static bool is_through(const struct world *w)
{
    for (size_t p = 0; p < PARTITIONS; p++)
        if (w->kept[p].next < in_end(w, p) || w->n_seen[p] < w->wanted[p].n)
            return false;
    return true;
}

static void world_open(struct world *w, uint64_t seed)
{
    *w = (struct world){.rng = rng_stream(seed, 1), .seed = seed};
    w->kind = seed % 2 ? STAGE_STATEFUL : STAGE_STATELESS;
    for (size_t p = 0; p < PARTITIONS; p++) {
        w->begin[p] = (uint64_t)rng_below(&w->rng, 2) * 1000;
        in_fill(w, p);
        wanted_fill(w, p);
    }
    for (size_t i = 0; i < INSTANCES; i++)
        instance_open(w, &w->instances[i]);
}

static void world_close(struct world *w)
{
    for (size_t i = 0; i < INSTANCES; i++)
        instance_crash(&w->instances[i]);
    for (size_t p = 0; p < PARTITIONS; p++) {
        free(w->in[p].at);
        free(w->wanted[p].at);
        marks_fini(&w->seen[p]);
        buf_fini(&w->kept[p].marks);
    }
}

/* Faults for a while, then peace: the last owner has to bring all to its end. */
static size_t walk(uint64_t seed)
{
    struct world w;
    world_open(&w, seed);
    struct instance *last = &w.instances[0];
    for (; w.step < STEPS; w.step++)
        one_step(&w, &w.instances[rng_below(&w.rng, INSTANCES)], false);
    for (; w.step < 30 * STEPS && !is_through(&w); w.step++) {
        if (last->flow.phase == FLOW_IDLE)
            assign(&w, last);
        else if (last->generation != w.generation)
            flow_revoked(&last->flow, true, w.now_us);
        one_step(&w, last, true);
    }
    must(&w, is_through(&w), "without faults all comes to its end");
    size_t n_repeats = w.n_repeats;
    world_close(&w);
    return n_repeats;
}

static void test_walks(void **state)
{
    const uint64_t *only = *state;
    size_t n_repeats = 0;
    for (uint64_t seed = only ? *only : 1; seed <= (only ? *only : SEEDS); seed++)
        n_repeats += walk(seed);
    assert_true(only || n_repeats > SEEDS); /* else the faults were none */
}

int main(int argc, char *argv[])
{
    uint64_t seed = 0;
    if (argc > 1 && !str_u64(str_of(argv[1]), &seed))
        return 2;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(test_walks, argc > 1 ? &seed : NULL),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("flow_walk", tests, NULL, NULL);
}
