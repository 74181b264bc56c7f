/* SPDX-License-Identifier: Apache-2.0 */
/* wait - until what is in the topics now has passed a program, and all programs before it. */
#include "ctl/ctl.h"
#include "ctl/standing.h"
#include "ctl/sweep.h"

#include "common/base/clock.h"
#include "common/bus/client.h"
#include "common/bus/config.h"
#include "common/bus/topics.h"
#include "common/db/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CALL_MS = 5000, STEP_US = 100000, PARTITIONS_MAX = 4096, SAY_US = 5000000 };

/* A program, and the topics that it must have read to their ends. */
struct leg {
    const char *word;
    size_t n_topics;
    enum program program;
    enum topic topics[8];
    bool is_sink;     /* its offsets stand in PostgreSQL */
    bool is_optional; /* passed over on the way to a later one when it has never run */
};

static const struct leg legs[] = {
    {.word = "collected",
     .program = PROGRAM_collector,
     .topics = {TOPIC_raw, TOPIC_imports, TOPIC_control},
     .n_topics = 3},
    {.word = "featurized",
     .program = PROGRAM_featurizer,
     .topics = {TOPIC_events},
     .n_topics = 1},
    {.word = "scored", .program = PROGRAM_scorer, .topics = {TOPIC_features}, .n_topics = 1},
    {.word = "decided",
     .program = PROGRAM_actuator,
     .topics = {TOPIC_predictions},
     .n_topics = 1,
     .is_optional = true},
    {.word = "archived",
     .program = PROGRAM_archiver,
     .topics = {TOPIC_events, TOPIC_rejected, TOPIC_features, TOPIC_sessions, TOPIC_predictions,
                TOPIC_interventions, TOPIC_outcomes, TOPIC_deliveries},
     .n_topics = 8,
     .is_sink = true},
};

struct wait {
    const struct config *config;
    struct db *db;
    int64_t until_us, said_us;
};

static bool ends_of(const struct wait *w, rd_kafka_t *rk, enum topic t, size_t *n, int64_t *end,
                    struct err *e)
{
    static int64_t first[PARTITIONS_MAX];
    char name[TOPIC_NAME];
    topic_name(w->config, t, name);
    *n = topics_partitions(rk, name, CALL_MS);
    if (*n == SIZE_MAX)
        return err_code(e, EXIT_CODE_GONE, "Kafka does not answer");
    if (*n == 0 || *n > PARTITIONS_MAX)
        return err_code(e, EXIT_CODE_CONFIG, "topic %s is not there", name);
    if (!topics_ends(rk, name, *n, first, end, CALL_MS, e))
        return false;
    for (size_t p = 0; p < *n; p++)
        if (first[p] == end[p])
            end[p] = 0; /* empty: there is nothing to wait for */
    return true;
}

static bool sink_offsets(const struct wait *w, const char *group, const char *topic, size_t n,
                         int64_t *offset, struct err *e)
{
    const char *const params[] = {group, topic};
    struct db_rows *rows = db_query(w->db,
                                    "SELECT partition, next_offset FROM archive_offsets "
                                    "WHERE grp = $1 AND topic = $2",
                                    params, 2, e);
    if (!rows)
        return false;
    for (size_t p = 0; p < n; p++)
        offset[p] = -1;
    for (size_t i = 0; i < db_rows_n(rows); i++) {
        int64_t p = db_cell_i64(rows, i, 0);
        if (p >= 0 && (size_t)p < n)
            offset[p] = db_cell_i64(rows, i, 1);
    }
    db_rows_free(rows);
    return true;
}

/* Where the leg goes on in a topic; -1 where it has not begun. */
static bool offsets_of(const struct wait *w, const struct leg *leg, rd_kafka_t *rk,
                       enum topic t, size_t n, int64_t *offset, struct err *e)
{
    char name[TOPIC_NAME], group[TOPIC_NAME];
    topic_name(w->config, t, name);
    topics_group(w->config, program_names[leg->program], group);
    return leg->is_sink ? sink_offsets(w, group, name, n, offset, e)
                        : topics_committed(rk, name, n, offset, CALL_MS, e);
}

/* How many records the leg has still to use of a topic; -1 on failure. */
static int64_t left_of(const struct wait *w, const struct leg *leg, rd_kafka_t *rk,
                       enum topic t, const int64_t *end, size_t n, struct err *e)
{
    static int64_t offset[PARTITIONS_MAX];
    int64_t left = 0;
    if (!offsets_of(w, leg, rk, t, n, offset, e))
        return -1;
    for (size_t p = 0; p < n; p++)
        if (end[p] > offset[p])
            left += end[p] - (offset[p] < 0 ? 0 : offset[p]);
    return left;
}

static void use_last(void *to, const struct tail_message *m)
{
    int64_t *end = to;
    if (m->partition < PARTITIONS_MAX)
        end[m->partition] = (int64_t)m->offset + 1;
}

/* The ends of deliveries are marks of transactions, which nobody reads: what counts is the last
 * record that can be read. */
static bool ends_of_records(const struct wait *w, const struct leg *leg, rd_kafka_t *rk,
                            enum topic t, size_t n, int64_t *end, struct err *e)
{
    static int64_t next[PARTITIONS_MAX];
    if (!offsets_of(w, leg, rk, t, n, next, e))
        return false;
    for (size_t p = 0; p < n; p++) {
        next[p] = end[p] == 0 ? TAIL_END : MAX(next[p], 0);
        end[p] = 0;
    }
    return sweep_from(w->config, t, next, n, use_last, end, e);
}

static bool wait_topic(struct wait *w, const struct leg *leg, rd_kafka_t *rk, enum topic t,
                       struct err *e)
{
    static int64_t end[PARTITIONS_MAX];
    size_t n;
    int64_t left;
    if (!ends_of(w, rk, t, &n, end, e))
        return false;
    if (t == TOPIC_deliveries && left_of(w, leg, rk, t, end, n, e) > 0 &&
        !ends_of_records(w, leg, rk, t, n, end, e))
        return false;
    while ((left = left_of(w, leg, rk, t, end, n, e)) > 0) {
        int64_t now_us = clock_mono_us();
        if (ctl_is_interrupted())
            return err_set(e, 0, "interrupted");
        if (now_us > w->until_us)
            return err_code(e, EXIT_CODE_AGAIN, "%s has still %" PRId64 " records of %s to use",
                            program_names[leg->program], left, topic_word(t));
        if (now_us - w->said_us > SAY_US) {
            (void)fprintf(stderr, "%s: %" PRId64 " records of %s left\n",
                          program_names[leg->program], left, topic_word(t));
            w->said_us = now_us;
        }
        (void)usleep(STEP_US);
    }
    return left == 0;
}

/* Nobody of its group is there, and nobody ever was. */
static bool has_never_run(const struct wait *w, const struct leg *leg, rd_kafka_t *rk)
{
    static int64_t offset[PARTITIONS_MAX];
    struct err e = {0};
    char name[TOPIC_NAME];
    topic_name(w->config, leg->topics[0], name);
    size_t n = topics_partitions(rk, name, CALL_MS);
    bool has_none =
        n > 0 && n <= PARTITIONS_MAX && topics_committed(rk, name, n, offset, CALL_MS, &e);
    for (size_t p = 0; p < n && has_none; p++)
        has_none = offset[p] < 0;
    if (!has_none)
        return false;
    struct reader *r = reader_open(w->config, leg->program, &e);
    has_none = r && reader_members(r) == 0;
    reader_close(r);
    return has_none;
}

static bool wait_leg(struct wait *w, const struct leg *leg, bool is_named, struct err *e)
{
    char group[TOPIC_NAME];
    topics_group(w->config, program_names[leg->program], group);
    const struct client_setup setup = {.kind = CLIENT_READER, .group = group};
    rd_kafka_t *rk = client_new(w->config, &setup, e);
    bool is_past = rk != NULL;
    if (is_past && leg->is_sink && !w->db) {
        w->db = db_open(config_text(w->config, "postgres", "dsn"), "auspexctl", e);
        is_past = w->db != NULL;
    }
    bool is_passed_over = is_past && leg->is_optional && !is_named && has_never_run(w, leg, rk);
    for (size_t i = 0; i < leg->n_topics && is_past && !is_passed_over; i++)
        is_past = wait_topic(w, leg, rk, leg->topics[i], e);
    if (rk)
        rd_kafka_destroy(rk);
    return is_past;
}

static int wait_run(struct ctl *c, struct err *e)
{
    uint64_t timeout_s;
    size_t last = 0;
    if (!ctl_number(c, "timeout", 300, 1, 86400, &timeout_s, e))
        return EXIT_CODE_USAGE;
    while (last < ARRAY_LEN(legs) && strcmp(legs[last].word, c->operands[0]) != 0)
        last++;
    if (last == ARRAY_LEN(legs)) {
        err_code(e, EXIT_CODE_USAGE,
                 "what is \"%s\"? collected, featurized, scored, decided or archived",
                 c->operands[0]);
        return EXIT_CODE_USAGE;
    }
    ctl_catch_signals();
    struct wait w = {.config = c->config,
                     .until_us = clock_mono_us() + (int64_t)timeout_s * SECOND_US,
                     .said_us = clock_mono_us()};
    bool is_past = true;
    for (size_t i = 0; i <= last && is_past; i++)
        is_past = wait_leg(&w, &legs[i], i == last, e);
    db_close(w.db);
    return is_past ? EXIT_CODE_OK : err_exit(e);
}

const struct verb wait_verbs[] = {
    {.name = "wait",
     .operands = "collected|featurized|scored|decided|archived",
     .min_operands = 1,
     .max_operands = 1,
     .summary = "waits until what has come in so far has passed a program",
     .options = {{"timeout", "S", "gives up after so many seconds, with 75 (300)"}},
     .manual =
         "For scripts: what stands in raw, imports and control when it is called has then\n"
         "gone through every program up to the one that is named, with its outputs stored.\n"
         "What comes in meanwhile is not waited for. On the way to archived, an actuator\n"
         "that has never run is passed over. Attempts of webhooks that are still to be\n"
         "made are not waited for.\n",
     .run = wait_run},
    {.name = NULL},
};
