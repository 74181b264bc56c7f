/* SPDX-License-Identifier: Apache-2.0 */
/* decide_drive - actuator's core as a filter, for tests: reads the topics control and
 * predictions as `auspexctl tap` prints them, a control record before what names it, from
 * stdin; prints interventions and outcomes in the same form. Every other record is given as
 * JSON. */
#include "actuator/actuator.h"
#include "common/wire/json_in.h"
#include "common/wire/json_out.h"
#include "common/wire/record_any.h"

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
    printf("{\"_topic\":\"%s\",\"_partition\":%u,\"_offset\":%llu,\"_key\":\"%.*s\",%.*s}\n",
           topic_word(o->topic), o->partition, (unsigned long long)number, STR_ARGS(o->key),
           (int)b.len, (const char *)b.at);
    buf_fini(&b);
}

/* Whichever of the records it is, as bytes. */
static bool pack_line(const char *line, size_t len, bool is_json, struct arena *a,
                      struct buf *out)
{
    static const uint64_t kinds[] = {REC_prediction, REC_tick, REC_import_end, REC_control};
    union record_any record;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct record_def *def = record_def_of(kinds[i]);
        if (record_from_json(def, &record, a, line, len) != WIRE_OK)
            continue;
        if (is_json)
            record_json(out, def, &record);
        else
            record_pack(def, out, &record);
        return true;
    }
    return false;
}

static void give(struct actuator *core, const struct stage_message *m, struct outbox *out)
{
    enum stage_step step = actuator_record(core, m, out);
    while (step == STEP_MORE)
        step = actuator_more(core, m->topic, m->partition, out);
    CHECK(step == STEP_DONE);
    for (uint64_t i = outbox_first(out); i < outbox_next(out); i++)
        print(outbox_at(out, i), i);
    outbox_drop(out, outbox_next(out));
}

int main(void)
{
    static const struct actuator_setup setup = {0};
    struct actuator *core = actuator_new(&setup);
    struct outbox *out = outbox_new();
    struct arena arena = {0};
    struct buf record = {0};
    char *line = NULL;
    size_t cap = 0;
    for (uint32_t p = 0; p < PARTITIONS_MOST; p++)
        actuator_assign(core, TOPIC_predictions, p);
    for (ssize_t len; (len = getline(&line, &cap, stdin)) > 0;) {
        bool is_control = strstr(line, "\"_topic\":\"control\"") != NULL;
        struct stage_message m = {.topic = is_control ? TOPIC_control : TOPIC_predictions};
        m.partition = (uint32_t)member(line, "\"_partition\":");
        m.offset = member(line, "\"_offset\":");
        buf_reset(&record);
        arena_reset(&arena);
        if (m.partition >= PARTITIONS_MOST ||
            !pack_line(line, (size_t)len, !is_control && m.offset % 2, &arena, &record)) {
            (void)fprintf(stderr, "not a record of control or predictions: %s", line);
            return EXIT_CODE_FAILED;
        }
        m.value = buf_as_str(&record);
        if (is_control)
            actuator_lookup(core, &m);
        else
            give(core, &m, out);
    }
    free(line);
    arena_fini(&arena);
    buf_fini(&record);
    actuator_free(core);
    outbox_free(out);
    return 0;
}
