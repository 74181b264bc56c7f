/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer's side: one queue for each input partition, records to the core.
 *
 * Each partition has a queue of its own, so that whose turn it is, and whether anything is read
 * at all, is decided here; what is not read stays in librdkafka's bounded queues. */
#include "common/bus/run.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/bus/log.h"
#include "common/wire/json_in.h"

#include <inttypes.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TURN_US = 5000, TURN_RECORDS = 16, WAIT_US = 50000, SEEK_US = 5000000 };

static void on_event(uv_poll_t *poll, int status, int events)
{
    struct run *r = poll->data;
    uint64_t n;
    (void)status;
    (void)events;
    ssize_t got = read(r->input_fd, &n, sizeof n); /* one read empties it; the next turn ... */
    (void)got;                                     /* ... takes what is there */
}

bool input_watch(struct run *r, struct err *e)
{
    r->input_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (r->input_fd < 0)
        return err_set(e, errno, "eventfd");
    CHECK(uv_poll_init(&r->loop, &r->input_poll, r->input_fd) == 0);
    r->input_poll.data = r;
    CHECK(uv_poll_start(&r->input_poll, UV_READABLE, on_event) == 0);
    return true;
}

/* Headers that cores look at. */
static void headers_read(const rd_kafka_message_t *m, struct stage_message *out)
{
    rd_kafka_headers_t *h;
    if (rd_kafka_message_headers(m, &h) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    const struct {
        const char *name;
        struct str *to;
    } wanted[] = {{"content-type", &out->content_type},
                  {"ce_type", &out->ce_type},
                  {"traceparent", &out->traceparent}};
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        const void *value;
        size_t len;
        if (rd_kafka_header_get_last(h, wanted[i].name, &value, &len) ==
                RD_KAFKA_RESP_ERR_NO_ERROR &&
            value)
            *wanted[i].to = str_over(value, len);
    }
}

void message_of(const rd_kafka_message_t *m, enum topic t, struct stage_message *out)
{
    rd_kafka_timestamp_type_t type;
    *out = (struct stage_message){
        .topic = t,
        .partition = (uint32_t)m->partition,
        .offset = (uint64_t)m->offset,
        .append_us = rd_kafka_message_timestamp(m, &type) * 1000,
        .key = str_over(m->key, m->key_len),
        .value = str_over(m->payload, m->len),
    };
    headers_read(m, out);
}

void input_drop_ahead(struct run_source *s)
{
    for (; s->at < s->n; s->at++)
        rd_kafka_message_destroy(s->ahead[s->at]);
    s->at = s->n = 0;
}

void input_resume(struct run *r)
{
    for (size_t i = 0; i < r->flow.n_sources; i++)
        r->sources[i].wait_until_us = 0;
    (void)uv_async_send(&r->wake); /* one more turn */
}

/* Records at hand for a source; fetches more when there are none. Asks for what is there and no
 * more: for the rest librdkafka would wait, if only for a moment. */
static bool refill(struct run_source *s)
{
    if (s->at < s->n)
        return true;
    size_t at_hand = rd_kafka_queue_length(s->queue);
    if (at_hand == 0)
        return false;
    ssize_t n =
        rd_kafka_consume_batch_queue(s->queue, 0, s->ahead, MIN(at_hand, (size_t)INPUT_AHEAD));
    s->at = 0;
    s->n = n > 0 ? (size_t)n : 0;
    return s->n > 0;
}

/* "TOPIC partition N offset M", valid until the source's next; without printf, because each
 * record asks for it, should it be the one that ends the program. */
static const char *place_text(struct run_source *s, uint64_t offset)
{
    char digits[20], *to = s->place + s->place_at;
    size_t n = 0;
    do
        digits[n++] = (char)('0' + offset % 10);
    while ((offset /= 10) > 0);
    while (n > 0)
        *to++ = digits[--n];
    *to = '\0';
    return s->place;
}

/* A consumer error in place of a record. */
static void message_failed(struct run *r, size_t i, const rd_kafka_message_t *m)
{
    struct err e = {0};
    if (m->err != RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET &&
        m->err != RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        log_warn("fetch", "reason=\"%s\"", rd_kafka_message_errstr(m));
        return;
    }
    const char *place = place_text(&r->sources[i], r->flow.sources[i].next);
    err_code(
        &e, EXIT_CODE_CONFIG,
        "%s, where this group is to go on, is no longer in the log: retention has passed it "
        "or the topic was replaced",
        place);
    run_fail(r, &e);
}

static void seek_back(struct run *r, size_t i)
{
    struct flow_source *fs = &r->flow.sources[i];
    struct run_source *s = &r->sources[i];
    log_warn("a hole in the log: seeking back", "to=\"%s\"", place_text(s, fs->next));
    input_drop_ahead(s);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(parts, r->names[fs->input->topic], (int32_t)fs->partition)
        ->offset = (int64_t)fs->next;
    rd_kafka_error_t *error = rd_kafka_seek_partitions(r->consumer, parts, 5000);
    if (error)
        rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(parts);
    s->seek_until_us = clock_mono_us() + SEEK_US;
}

static void torn(struct run *r, size_t i, uint64_t offset)
{
    struct err e = {0};
    err_code(&e, EXIT_CODE_BUG, "%s came where %" PRIu64 " should stand, twice",
             place_text(&r->sources[i], offset), r->flow.sources[i].next);
    run_fail(r, &e);
}

/* Done with the head of a source's records. */
static void head_used(struct run *r, size_t i, const struct position *p)
{
    struct run_source *s = &r->sources[i];
    rd_kafka_message_t *m = s->ahead[s->at++];
    rd_kafka_timestamp_type_t type;
    bool needs_hash = r->stage->kind == STAGE_STATEFUL;
    s->last_append_us = rd_kafka_message_timestamp(m, &type) * 1000;
    flow_used(&r->flow.sources[i], (uint64_t)m->offset, p,
              needs_hash ? hash64(m->payload, m->len) : 0);
    rd_kafka_message_destroy(m);
}

static enum stage_step record_give(struct run *r, size_t i, const struct stage_message *m)
{
    struct run_source *s = &r->sources[i];
    bool is_begun = r->flow.sources[i].has_more;
    check_context(place_text(s, m->offset));
    enum stage_step step = is_begun ? r->stage->more(r->core, m->topic, m->partition, r->outbox)
                                    : r->stage->record(r->core, m, r->outbox);
    check_context(NULL);
    if (!is_begun && step != STEP_WAIT) {
        counter_add(s->records_in, 1);
        histogram_add(r->delay, (double)(r->wall_us - m->append_us) * 1e-6);
    }
    return step;
}

/* False when it has none that can be read: its reader will say so. */
static bool position_of(const rd_kafka_message_t *m, struct position *p)
{
    struct str value = str_over(m->payload, m->len);
    if (value.len > 0 && value.at[0] == '{')
        return position_from_json(p, value) == WIRE_OK;
    return position_read(p, value.at, value.len) == WIRE_OK;
}

/* Uses the head record of a source; false when the source has to rest. */
static bool head_step(struct run *r, size_t i)
{
    struct flow_source *fs = &r->flow.sources[i];
    struct run_source *s = &r->sources[i];
    rd_kafka_message_t *m = s->ahead[s->at];
    struct position p, *mark = NULL;
    if (m->err) {
        message_failed(r, i, m);
        rd_kafka_message_destroy(m);
        s->at++;
        return !r->is_failed;
    }
    if (fs->input->is_marked && position_of(m, &p))
        mark = &p;
    enum flow_take take = fs->has_more ? TAKE_USE : flow_take(fs, (uint64_t)m->offset, mark);
    if (take == TAKE_TORN && clock_mono_us() < s->seek_until_us)
        take = TAKE_STALE;
    switch (take) {
    case TAKE_USE: {
        struct stage_message in;
        message_of(m, fs->input->topic, &in);
        if (mark)
            in.position = p;
        enum stage_step step = record_give(r, i, &in);
        CHECK(step != STEP_WAIT || !fs->has_more); /* its record is used already */
        fs->has_more = step == STEP_MORE;
        if (step == STEP_DONE) {
            head_used(r, i, mark);
            return true;
        }
        if (step == STEP_WAIT) {
            s->wait_until_us = clock_mono_us() + WAIT_US;
            if (r->stage->kind == STAGE_SINK)
                flow_hurry(&r->flow);
        }
        return step == STEP_MORE;
    }
    case TAKE_REPEAT:
        counter_add(s->records_in, 1);
        counter_add(s->repeats, 1);
        head_used(r, i, NULL);
        return true;
    case TAKE_STALE:
        rd_kafka_message_destroy(m);
        s->at++;
        return true;
    case TAKE_HOLE:
        seek_back(r, i);
        return false;
    case TAKE_TORN:
        torn(r, i, (uint64_t)m->offset);
        return false;
    }
    return false;
}

static bool may_turn(struct run *r, size_t i, int64_t now_us)
{
    return now_us >= r->sources[i].wait_until_us && refill(&r->sources[i]);
}

static int64_t head_append_us(const struct run_source *s)
{
    rd_kafka_timestamp_type_t type;
    return rd_kafka_message_timestamp(s->ahead[s->at], &type);
}

/* The source whose head record owes outputs: at most one, and it goes first, since no cut may
 * fall in between. */
static bool owing(const struct flow *f, size_t *chosen)
{
    for (size_t i = 0; i < f->n_sources; i++)
        if (f->sources[i].has_more) {
            *chosen = i;
            return true;
        }
    return false;
}

/* The source to go on with: in turn, or of those of the same topic the one whose head is
 * oldest. */
static bool choose(struct run *r, int64_t now_us, size_t *chosen)
{
    struct flow *f = &r->flow;
    size_t n = f->n_sources, best = n;
    if (owing(f, chosen))
        return true;
    for (size_t k = 0; k < n && best == n; k++) {
        size_t i = (r->turn + k) % n;
        if (may_turn(r, i, now_us))
            best = i;
    }
    if (best == n)
        return false;
    r->turn = best + 1;
    for (size_t i = 0; i < n && r->stage->is_oldest_first; i++)
        if (f->sources[i].input == f->sources[best].input && may_turn(r, i, now_us) &&
            head_append_us(&r->sources[i]) < head_append_us(&r->sources[best]))
            best = i;
    *chosen = best;
    return true;
}

void input_owed(struct run *r)
{
    const struct flow *f = &r->flow;
    size_t i;
    while (!f->is_lost && f->out_bytes < f->limits.outputs_bytes &&
           clock_mono_us() < f->drain_until_us && owing(f, &i)) {
        (void)head_step(r, i);
        output_pump(r);
    }
}

bool input_turn(struct run *r)
{
    int64_t now_us = clock_mono_us(), until_us = now_us + TURN_US;
    size_t i;
    while (flow_may_read(&r->flow) && !r->is_failed) {
        if (!choose(r, now_us, &i))
            return false;
        r->wall_us = clock_wall_us();
        for (size_t k = 0; k < TURN_RECORDS && r->sources[i].at < r->sources[i].n; k++) {
            bool goes_on = head_step(r, i);
            output_count(r);
            if (!goes_on || !flow_may_read(&r->flow))
                break;
        }
        output_pump(r);
        now_us = clock_mono_us();
        if (now_us >= until_us)
            return true;
    }
    return false;
}
