/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/verify.h"

#include "common/base/hash.h"
#include "common/bus/marks.h"

#include <stdlib.h>

struct expected {
    uint64_t offset, hash; /* of the events record; of the value that it must lead to */
};

struct log {
    bool is_open;
    struct marks events, features;
    struct expected *at;
    size_t n, cap, next; /* `next` has not been compared yet */
};

struct verify {
    struct featurizer *core;
    struct outbox *out;
    struct log *logs;
    size_t n_logs;
    struct verify_counts counts;
};

struct verify *verify_new(const struct featurizer_options *o)
{
    struct verify *v = mem_zero(1, sizeof *v);
    v->core = featurizer_new(o);
    v->out = outbox_new();
    return v;
}

void verify_free(struct verify *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->n_logs; i++) {
        marks_fini(&v->logs[i].events);
        marks_fini(&v->logs[i].features);
        free(v->logs[i].at);
    }
    free(v->logs);
    featurizer_free(v->core);
    outbox_free(v->out);
    free(v);
}

static struct log *log_of(struct verify *v, uint32_t partition)
{
    if (partition >= v->n_logs) {
        v->logs = mem_grow(v->logs, (partition + 1) * sizeof *v->logs);
        for (size_t i = v->n_logs; i <= partition; i++)
            v->logs[i] = (struct log){0};
        v->n_logs = partition + 1;
    }
    struct log *l = &v->logs[partition];
    if (!l->is_open)
        featurizer_assign(v->core, partition);
    l->is_open = true;
    return l;
}

/* Ticks and the like are passed on into features too, and compared as well. */
static void collect(struct verify *v, struct log *l, uint64_t offset)
{
    for (uint64_t i = outbox_first(v->out); i < outbox_next(v->out); i++) {
        const struct output *o = outbox_at(v->out, i);
        if (o->topic != TOPIC_features)
            continue;
        if (l->n == l->cap) {
            l->cap = l->cap ? 2 * l->cap : 1024;
            l->at = mem_grow(l->at, l->cap * sizeof *l->at);
        }
        l->at[l->n++] = (struct expected){offset, hash64_str(o->value)};
    }
    outbox_drop(v->out, outbox_next(v->out));
}

void verify_event(struct verify *v, const struct stage_message *m)
{
    struct log *l = log_of(v, m->partition);
    struct position at;
    if (position_read(&at, m->value.at, m->value.len) == WIRE_OK &&
        !marks_pass(&l->events, &at))
        return;
    v->counts.events += at.rec == REC_event;
    enum stage_step step = featurizer_record(v->core, m, v->out);
    collect(v, l, m->offset);
    while (step == STEP_MORE) {
        step = featurizer_more(v->core, m->partition, v->out);
        collect(v, l, m->offset);
    }
}

void verify_vector(struct verify *v, uint32_t partition, struct str value)
{
    struct log *l = log_of(v, partition);
    struct position at;
    bool is_read = position_read(&at, value.at, value.len) == WIRE_OK;
    if (is_read && !marks_pass(&l->features, &at))
        return;
    if (is_read && (l->n == 0 || at.offset > l->at[l->n - 1].offset)) {
        v->counts.ahead++;
        return;
    }
    v->counts.vectors += is_read && at.rec == REC_vector;
    for (; is_read && l->next < l->n && l->at[l->next].offset < at.offset; l->next++)
        v->counts.missing++;
    bool is_expected = is_read && l->next < l->n && l->at[l->next].offset == at.offset;
    if (!is_expected || l->at[l->next].hash != hash64_str(value))
        v->counts.mismatched++;
    l->next += is_expected;
}

struct verify_counts verify_result(const struct verify *v)
{
    return v->counts;
}

struct verify_counts featurizer_verify(const struct featurizer_options *o,
                                       const struct stage_message *events, size_t n,
                                       const struct stage_message *vectors, size_t m)
{
    struct verify *v = verify_new(o);
    for (size_t i = 0; i < n; i++)
        verify_event(v, &events[i]);
    for (size_t i = 0; i < m; i++)
        verify_vector(v, vectors[i].partition, vectors[i].value);
    struct verify_counts counts = verify_result(v);
    verify_free(v);
    return counts;
}
