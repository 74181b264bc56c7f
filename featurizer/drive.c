/* SPDX-License-Identifier: Apache-2.0 */
/* drive - featurizer's core as a filter, for tests: drive [TAIL [HALF_LIFE_DAYS [KEEP_DAYS]]].
 * Reads the topic events as `auspexctl tap` prints it, in log order, from stdin; prints
 * features, with ratings and summaries, sessions and rejected in the same form. */
#include "common/wire/json_in.h"
#include "common/wire/json_out.h"
#include "common/wire/record_any.h"
#include "featurizer/featurizer.h"

#include <stdio.h>
#include <stdlib.h>

enum { PARTITIONS_MOST = 64 };

/* The number behind `"name":`; a quote within a string is escaped, so only a name can match. */
static uint64_t member(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    if (!at) {
        (void)fprintf(stderr, "no %s in: %s", name, line);
        exit(EXIT_CODE_FAILED);
    }
    return strtoull(at + strlen(name), NULL, 10);
}

static void print(const struct output *o, uint64_t number)
{
    struct position at;
    union record_any record;
    struct buf b = {0};
    CHECK(position_read(&at, o->value.at, o->value.len) == WIRE_OK);
    const struct record_def *def = record_def_of(at.rec);
    CHECK(record_read(def, &record, o->value.at, o->value.len) == WIRE_OK);
    record_json_members(&b, def, &record);
    printf("{\"_topic\":\"%s\",\"_partition\":%u,\"_offset\":%llu,%.*s}\n",
           topic_word(o->topic), o->partition, (unsigned long long)number, (int)b.len,
           (const char *)b.at);
    buf_fini(&b);
}

/* Whichever of the records of events it is, as bytes. */
static bool pack_line(const char *line, size_t len, struct arena *a, struct buf *out)
{
    static const uint64_t kinds[] = {REC_event, REC_tick, REC_import_end, REC_control,
                                     REC_signal};
    union record_any record;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct record_def *def = record_def_of(kinds[i]);
        if (record_from_json(def, &record, a, line, len) == WIRE_OK) {
            record_pack(def, out, &record);
            return true;
        }
    }
    return false;
}

/* A number among the arguments, if it is there. */
static uint32_t argument(int argc, char *argv[], int i)
{
    return i < argc ? (uint32_t)strtoul(argv[i], NULL, 10) : 0;
}

int main(int argc, char *argv[])
{
    struct featurizer_options options = {
        .idle_us = 1800 * SECOND_US, .has_summaries = true, .has_ratings = true};
    options.tail = argument(argc, argv, 1);
    options.half_life_us = argument(argc, argv, 2) * DAY_US;
    options.keep_us = argument(argc, argv, 3) * DAY_US;
    struct featurizer *core = featurizer_new(&options);
    struct outbox *out = outbox_new();
    struct arena arena = {0};
    struct buf record = {0};
    char *line = NULL;
    size_t cap = 0;
    for (uint32_t p = 0; p < PARTITIONS_MOST; p++)
        featurizer_assign(core, p);
    for (ssize_t len; (len = getline(&line, &cap, stdin)) > 0;) {
        struct stage_message m = {.topic = TOPIC_events};
        m.partition = (uint32_t)member(line, "\"_partition\":");
        m.offset = member(line, "\"_offset\":");
        buf_reset(&record);
        arena_reset(&arena);
        if (m.partition >= PARTITIONS_MOST || !pack_line(line, (size_t)len, &arena, &record)) {
            (void)fprintf(stderr, "not a record of events: %s", line);
            return EXIT_CODE_FAILED;
        }
        m.value = buf_as_str(&record);
        enum stage_step step = featurizer_record(core, &m, out);
        while (step == STEP_MORE)
            step = featurizer_more(core, m.partition, out);
        for (uint64_t i = outbox_first(out); i < outbox_next(out); i++)
            print(outbox_at(out, i), i);
        outbox_drop(out, outbox_next(out));
    }
    free(line);
    arena_fini(&arena);
    buf_fini(&record);
    featurizer_free(core);
    outbox_free(out);
    return 0;
}
