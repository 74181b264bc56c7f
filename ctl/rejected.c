/* SPDX-License-Identifier: Apache-2.0 */
/* rejected list, body - what was refused and why, from topic rejected. */
#include "ctl/ctl.h"
#include "ctl/refusals.h"

#include "common/base/clock.h"
#include "common/bus/client.h"
#include "common/bus/tail.h"
#include "common/bus/topics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { POLL_MS = 200, CALL_MS = 10000, READ_MS = 15000, LIMIT = 20, LIMIT_MAX = 100000 };

/* Words that a record of rejected may give as its reason. */
static const char *const reasons[] = {
#define REASON(name, meaning) #name,
#include "schemas/reasons.def"
#undef REASON
};

static bool reason_check(const char *reason, struct err *e)
{
    char all[512] = "";
    size_t len = 0;
    for (size_t i = 0; reason && i < ARRAY_LEN(reasons); i++) {
        if (strcmp(reasons[i], reason) == 0)
            return true;
        len += (size_t)snprintf(all + len, sizeof all - len, "%s%s", i ? ", " : "", reasons[i]);
        len = MIN(len, sizeof all - 1);
    }
    return !reason ||
           err_code(e, EXIT_CODE_USAGE, "there is no reason \"%s\"; there are %s", reason, all);
}

/* Offsets of the first records that were appended at or after a time, else the ends. */
static bool offsets_since(const struct config *c, const char *name, int64_t since_us,
                          int64_t **from, size_t *n, struct err *e)
{
    const struct client_setup setup = {.kind = CLIENT_READER};
    rd_kafka_t *rk = client_new(c, &setup, e);
    *n = rk ? topics_partitions(rk, name, CALL_MS) : 0;
    bool is_good = rk && *n > 0 && *n != SIZE_MAX;
    if (rk && !is_good)
        (void)err_code(e, *n ? EXIT_CODE_GONE : EXIT_CODE_CONFIG, "topic %s: %s", name,
                       *n ? "no broker answered"
                          : "missing (`auspexctl topics apply` makes it)");
    if (is_good) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)*n);
        int64_t *first = mem_zero(*n, sizeof *first);
        *from = mem_zero(*n, sizeof **from);
        for (size_t p = 0; p < *n; p++)
            rd_kafka_topic_partition_list_add(list, name, (int32_t)p)->offset = since_us / 1000;
        rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(rk, list, CALL_MS);
        is_good = code ? err_retry(e, "reading %s: %s", name, rd_kafka_err2str(code))
                       : topics_ends(rk, name, *n, first, *from, CALL_MS, e);
        for (size_t p = 0; p < *n && is_good; p++)
            if (list->elems[p].offset >= 0)
                (*from)[p] = list->elems[p].offset;
        rd_kafka_topic_partition_list_destroy(list);
        free(first);
    }
    if (rk)
        rd_kafka_destroy(rk);
    return is_good;
}

static struct tail *rejected_open(const struct ctl *c, int64_t since_us, struct err *e)
{
    char name[TOPIC_NAME];
    int64_t *from = NULL;
    size_t n;
    topic_name(c->config, TOPIC_rejected, name);
    if (since_us == 0)
        return tail_open(c->config, name, -1, TAIL_BEGINNING, e);
    struct tail *tail = offsets_since(c->config, name, since_us, &from, &n, e)
                            ? tail_open_at(c->config, name, from, n, e)
                            : NULL;
    free(from);
    return tail;
}

/* False when nobody reads any more. */
static bool line_write(struct str line)
{
    return fwrite(line.at, 1, line.len, stdout) == line.len && putchar('\n') != EOF;
}

static bool kept_write(struct refusals *r)
{
    bool is_read = true;
    refusals_sort(r);
    for (size_t i = 0; i < r->n_kept && is_read; i++)
        is_read = line_write(r->kept[i].line);
    r->n_kept = 0;
    return is_read && fflush(stdout) == 0;
}

/* Up to the first end what was the newest is kept and then told; behind it each is told at
 * once. */
static bool record_take(struct refusals *r, const struct tail_message *m, bool is_past_end)
{
    struct rejected record;
    struct buf line = {0};
    if (rejected_read(&record, m->value.at, m->value.len) || !refusals_count(r, &record))
        return true;
    if (!is_past_end) {
        refusals_keep(r, &record, m->partition, m->offset);
        return true;
    }
    refusal_line(&line, &record, m->partition, m->offset, r->is_json);
    bool is_read = line_write(buf_as_str(&line));
    buf_fini(&line);
    return is_read;
}

static bool list_run(struct refusals *r, struct tail *tail, bool is_following, struct err *e)
{
    bool is_past_end = false;
    int64_t until_us = clock_mono_us() + READ_MS * (int64_t)1000;
    while (!ctl_is_interrupted()) {
        struct tail_message m;
        bool is_read = true;
        enum tail_step step = tail_next(tail, &m, POLL_MS, e);
        if (step == TAIL_FAILED)
            return false;
        if (step == TAIL_RECORD) {
            is_read = record_take(r, &m, is_past_end);
            until_us = clock_mono_us() + READ_MS * (int64_t)1000;
        } else if (step == TAIL_AT_END && !is_past_end) {
            is_past_end = true;
            is_read = kept_write(r);
        } else {
            is_read = fflush(stdout) == 0;
        }
        if (!is_read)
            return errno == EPIPE || err_set(e, errno, "standard output");
        if (is_past_end && !is_following)
            return true;
        if (!is_past_end && clock_mono_us() > until_us)
            return err_code(e, EXIT_CODE_GONE, "reading rejected: nothing came within %d s",
                            READ_MS / 1000);
    }
    return true;
}

static void summary_write(struct refusals *r)
{
    struct buf text = {0};
    refusals_summary(r, &text);
    if (!r->is_json && r->n > 0)
        (void)putchar('\n');
    (void)line_write(buf_as_str(&text));
    buf_fini(&text);
}

static int rejected_list_run(struct ctl *c, struct err *e)
{
    struct refusals r = {.reason = ctl_value(c, "reason"),
                         .is_json = ctl_value(c, "json") != NULL};
    uint64_t limit;
    int64_t span_us;
    if (!ctl_number(c, "site", 0, 1, 2147483647, &r.site_id, e) ||
        !ctl_number(c, "limit", LIMIT, 0, LIMIT_MAX, &limit, e) ||
        !ctl_span(c, "since", &span_us, e) || !reason_check(r.reason, e))
        return err_exit(e);
    r.limit = (size_t)limit;
    r.since_us = span_us ? clock_wall_us() - span_us : 0;
    struct tail *tail = rejected_open(c, r.since_us, e);
    if (!tail)
        return err_exit(e);
    ctl_catch_signals();
    bool is_good = list_run(&r, tail, ctl_value(c, "follow") != NULL, e);
    if (is_good && !ferror(stdout))
        summary_write(&r);
    tail_free(tail);
    refusals_fini(&r);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

static bool place_read(const char *text, uint64_t *partition, uint64_t *offset, struct err *e)
{
    struct str rest;
    struct str first = str_cut(str_of(text), '/', &rest);
    if (str_u64(first, partition) && str_u64(rest, offset) && *partition <= 4095 &&
        *offset <= INT64_MAX)
        return true;
    return err_code(
        e, EXIT_CODE_USAGE,
        "POSITION must be PARTITION/OFFSET as rejected list shows it, for instance 3/120, "
        "not \"%s\"",
        text);
}

static int rejected_body_run(struct ctl *c, struct err *e)
{
    char name[TOPIC_NAME];
    uint64_t partition = 0, offset = 0;
    struct tail_message m;
    struct rejected record = {0};
    topic_name(c->config, TOPIC_rejected, name);
    if (!place_read(c->operands[0], &partition, &offset, e))
        return err_exit(e);
    struct tail *tail = tail_open(c->config, name, (int)partition, (int64_t)offset, e);
    if (!tail)
        return err_exit(e);
    enum tail_step step = tail_next(tail, &m, READ_MS, e);
    bool is_good = step == TAIL_RECORD && m.offset == offset &&
                   !rejected_read(&record, m.value.at, m.value.len);
    if (is_good && fwrite(record.body.at, 1, record.body.len, stdout) != record.body.len)
        is_good = err_set(e, errno, "standard output");
    else if (!is_good && step == TAIL_IDLE)
        (void)err_code(e, EXIT_CODE_GONE, "reading rejected: nothing came within %d s",
                       READ_MS / 1000);
    else if (!is_good)
        (void)err_set(e, 0, "rejected has no record at %s, or not any more", c->operands[0]);
    tail_free(tail);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

const struct verb rejected_verbs[] = {
    {.name = "rejected list",
     .operands = "",
     .summary = "what was refused, and why",
     .options = {{"site", "N", "of this site only, where it was known"},
                 {"reason", "R", "for this reason only: malformed, bad_time, id_conflict, ..."},
                 {"since", "SPAN", "received within it: 90s, 15m, 12h, 7d"},
                 {"limit", "N", "lines at most: the newest (20); 0 = the summary alone"},
                 {"json", NULL, "one object a line, bodies as base64"},
                 {"follow", NULL, "goes on with what comes, until it is interrupted"}},
     .manual =
         "The newest last; one line each: when it was received, where it stands in rejected\n"
         "(for rejected body), the program that refused it, the reason, where it came from, "
         "what\n"
         "is wrong, and the first bytes of what was sent, those that no terminal should see "
         "as\n"
         "\\xNN. Then how many there were for each reason, those not shown included. "
         "Examples:\n\n"
         "  auspexctl rejected list --since 1h\n"
         "  auspexctl rejected list --reason bad_time --site 1 --follow\n"
         "  auspexctl rejected list --since 7d --limit 0      # how many, by reason\n",
     .run = rejected_list_run},
    {.name = "rejected body",
     .operands = "POSITION",
     .summary = "writes the bytes of what was refused, as they were sent",
     .manual =
         "POSITION is PARTITION/OFFSET as rejected list shows it. To send something again\n"
         "when it is mended:\n\n"
         "  auspexctl rejected body 3/120 > event.json\n"
         "  auspexctl replay event.json --format ndjson --site 1\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = rejected_body_run},
    {.name = NULL},
};
