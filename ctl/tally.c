/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/tally.h"

#include "common/bus/client.h"
#include "common/bus/tail.h"
#include "common/bus/topics.h"
#include "common/wire/record.h"

#include <inttypes.h>
#include <stdlib.h>

enum { ASK_MS = 10000, READ_MS = 30000, VERDICT_REPEAT = 1 };

static const char *const reason_names[TALLY_REASONS] = {
#define REASON(name, meaning) #name,
#include "schemas/reasons.def"
#undef REASON
};

/* Positions grow within each log, so what is not above the last one has been counted. */
struct seen {
    uint64_t *next; /* by partition of events: 1 + the last offset counted */
    size_t n;
    uint64_t line; /* the last line of the import that was counted as refused */
};

static bool is_new(struct seen *s, const struct position *p)
{
    if (p->origin == ORIGIN_IMPORTS) {
        bool is_above = p->offset > s->line;
        s->line = MAX(s->line, p->offset);
        return is_above;
    }
    if (p->origin != ORIGIN_EVENTS || p->partition >= 4096)
        return false;
    if (p->partition >= s->n) {
        s->next = mem_grow(s->next, 4096 * sizeof *s->next);
        memset(s->next + s->n, 0, (4096 - s->n) * sizeof *s->next);
        s->n = 4096;
    }
    if (p->offset < s->next[p->partition])
        return false;
    s->next[p->partition] = p->offset + 1;
    return true;
}

static void count_vector(struct tally *t, struct seen *s, uint64_t import_id, struct str value)
{
    struct vector v;
    if (vector_read(&v, value.at, value.len) || v.of_import != import_id)
        return;
    struct position p = POSITION_OF(&v);
    if (!is_new(s, &p))
        return;
    t->accepted += v.verdict == 0;
    t->late += v.verdict == 0 && v.late;
    t->repeats += v.verdict == VERDICT_REPEAT;
}

static void count_rejected(struct tally *t, struct seen *s, uint64_t import_id,
                           struct str value)
{
    struct rejected r;
    if (rejected_read(&r, value.at, value.len) || r.of_import != import_id ||
        str_is(r.stage, "archiver"))
        return;
    struct position p = POSITION_OF(&r);
    if (!is_new(s, &p))
        return;
    size_t reason = 0;
    while (reason < TALLY_REASONS && !str_is(r.reason, reason_names[reason]))
        reason++;
    t->reasons[reason]++;
    t->rejected++;
}

static struct tail *topic_open(const struct config *c, enum topic topic, const int64_t *from,
                               size_t n, struct err *e)
{
    char name[TOPIC_NAME];
    topic_name(c, topic, name);
    return from ? tail_open_at(c, name, from, n, e) : tail_open(c, name, -1, TAIL_BEGINNING, e);
}

static bool topic_count(struct tally *t, const struct config *c, enum topic topic,
                        uint64_t import_id, const int64_t *from, size_t n, struct err *e)
{
    struct tail *tail = topic_open(c, topic, from, n, e);
    if (!tail)
        return false;
    struct seen seen = {0};
    struct tail_message m;
    enum tail_step step;
    while ((step = tail_next(tail, &m, READ_MS, e)) == TAIL_RECORD) {
        if (topic == TOPIC_features)
            count_vector(t, &seen, import_id, m.value);
        else
            count_rejected(t, &seen, import_id, m.value);
    }
    free(seen.next);
    tail_free(tail);
    if (step == TAIL_IDLE)
        (void)err_code(e, EXIT_CODE_GONE, "reading %s: nothing came within %d s",
                       topic_word(topic), READ_MS / 1000);
    return step == TAIL_AT_END;
}

bool tally_count(struct tally *t, const struct config *c, uint64_t import_id,
                 const struct tally_from *from, struct err *e)
{
    *t = (struct tally){0};
    return topic_count(t, c, TOPIC_features, import_id, from->features, from->n_features, e) &&
           topic_count(t, c, TOPIC_rejected, import_id, from->rejected, from->n_rejected, e);
}

static bool ends_note(const struct config *c, rd_kafka_t *rk, enum topic topic, int64_t **end,
                      size_t *n, struct err *e)
{
    char name[TOPIC_NAME];
    topic_name(c, topic, name);
    *n = topics_partitions(rk, name, ASK_MS);
    if (*n == 0 || *n == SIZE_MAX)
        return err_code(e, *n ? EXIT_CODE_GONE : EXIT_CODE_CONFIG, "topic %s %s", name,
                        *n ? "cannot be asked for" : "is missing");
    auto_free int64_t *first = mem_new(*n * sizeof *first);
    *end = mem_new(*n * sizeof **end);
    return topics_ends(rk, name, *n, first, *end, ASK_MS, e);
}

bool tally_note(struct tally_from *f, const struct config *c, struct err *e)
{
    const struct client_setup setup = {.kind = CLIENT_READER};
    rd_kafka_t *rk = client_new(c, &setup, e);
    bool is_good = rk && ends_note(c, rk, TOPIC_features, &f->features, &f->n_features, e) &&
                   ends_note(c, rk, TOPIC_rejected, &f->rejected, &f->n_rejected, e);
    if (rk)
        rd_kafka_destroy(rk);
    return is_good;
}

void tally_from_fini(struct tally_from *f)
{
    free(f->features);
    free(f->rejected);
    *f = (struct tally_from){0};
}

void tally_print(const struct tally *t, struct buf *out)
{
    const char *comma = " (";
    buf_printf(out, "accepted %" PRIu64 ", rejected %" PRIu64, t->accepted, t->rejected);
    for (size_t i = 0; i <= TALLY_REASONS; i++) {
        if (t->reasons[i] == 0)
            continue;
        buf_printf(out, "%s%s %" PRIu64, comma, i < TALLY_REASONS ? reason_names[i] : "other",
                   t->reasons[i]);
        comma = ", ";
    }
    buf_printf(out, "%s, late %" PRIu64 ", repeats %" PRIu64, t->rejected ? ")" : "", t->late,
               t->repeats);
}
