/* SPDX-License-Identifier: Apache-2.0 */
/* tap - the records of a topic as JSON, one a line. */
#include "ctl/ctl.h"

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/bus/tail.h"
#include "common/bus/topic.h"
#include "common/wire/json_in.h"
#include "common/wire/json_out.h"
#include "common/wire/json_text.h"
#include "common/wire/record_any.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { POLL_MS = 200 };

struct tap {
    enum topic topic;
    char name[TOPIC_NAME];
    const char *visitor, *kind; /* filters; NULL = any */
    uint64_t site_id;           /* 0 = any */
    bool is_raw, is_until_end;
    uint64_t count, shown; /* count 0 = no bound */
    union record_any record;
    struct arena arena;
    struct buf line;
};

static bool looks_like_json(struct str value)
{
    value = str_trim(value);
    return value.len > 1 && value.at[0] == '{' && value.at[value.len - 1] == '}';
}

/* What a value is: one of our records, by its own number; NULL when it is none. */
static const struct record_def *record_take(struct tap *t, struct str value)
{
    struct position p;
    arena_reset(&t->arena);
    if (t->topic == TOPIC_raw)
        return NULL;
    if (!position_read(&p, value.at, value.len)) {
        const struct record_def *def = record_def_of(p.rec);
        return def && !record_read(def, &t->record, value.at, value.len) ? def : NULL;
    }
    for (size_t i = 0; looks_like_json(value) && i < RECORD_DEFS_N; i++)
        if (record_defs[i]->number > 0 &&
            !record_from_json(record_defs[i], &t->record, &t->arena, value.at, value.len))
            return record_defs[i];
    return NULL;
}

static const struct field_def *field_of(const struct record_def *def, const char *name)
{
    for (size_t i = 0; def && i < def->n_fields; i++)
        if (strcmp(def->fields[i].name, name) == 0)
            return &def->fields[i];
    return NULL;
}

static bool is_wanted(const struct tap *t, const struct record_def *def)
{
    const char *record = (const char *)&t->record;
    const struct field_def *site = field_of(def, "site_id"),
                           *visitor = field_of(def, "visitor");
    if (t->kind && (!def || strcmp(def->name, t->kind) != 0))
        return false;
    if (t->site_id) {
        uint64_t value = 0;
        if (site)
            memcpy(&value, record + site->offset, sizeof value);
        if (value != t->site_id)
            return false;
    }
    if (!t->visitor)
        return true;
    struct str value = {NULL, 0};
    if (visitor)
        memcpy(&value, record + visitor->offset, sizeof value);
    return str_is(value, t->visitor);
}

static void put_head(struct tap *t, const struct tail_message *m)
{
    buf_text(&t->line, "{\"_topic\":");
    json_put_str(&t->line, str_of(topic_word(t->topic)));
    buf_printf(&t->line, ",\"_partition\":%" PRIu32 ",\"_offset\":%" PRIu64, m->partition,
               m->offset);
}

/* A value that is no record of ours: JSON goes in as it is, anything else as base64. */
static void put_foreign(struct tap *t, const struct tail_message *m)
{
    char at[CLOCK_TEXT];
    clock_format(m->append_us, at);
    buf_printf(&t->line, ",\"_appended\":\"%s\"", at);
    if (m->key.len > 0) {
        buf_text(&t->line, ",\"_key\":");
        json_put_str(&t->line, m->key);
    }
    if (m->ce_type.len > 0) {
        buf_text(&t->line, ",\"_ce_type\":");
        json_put_str(&t->line, m->ce_type);
    }
    struct str value = str_trim(m->value);
    if (!m->value.at) {
        buf_text(&t->line, ",\"_deleted\":true");
    } else if (json_is_valid(value) && str_is_utf8(value)) {
        buf_text(&t->line, ",\"value\":");
        buf_str(&t->line, json_compact(value, &t->arena));
    } else if (m->value.len > 0) {
        buf_text(&t->line, ",\"base64\":");
        json_put_base64(&t->line, m->value);
    }
}

/* False when nobody reads any more. */
static bool tap_show(struct tap *t, const struct tail_message *m)
{
    const struct record_def *def = record_take(t, m->value);
    if (!is_wanted(t, def))
        return true;
    buf_reset(&t->line);
    if (t->is_raw) {
        buf_str(&t->line, m->value);
    } else {
        put_head(t, m);
        if (def) {
            buf_text(&t->line, ",\"_record\":");
            json_put_str(&t->line, str_of(def->name));
            buf_byte(&t->line, ',');
            record_json_members(&t->line, def, &t->record);
        } else {
            put_foreign(t, m);
        }
        buf_byte(&t->line, '}');
    }
    buf_byte(&t->line, '\n');
    t->shown++;
    return fwrite(t->line.at, 1, t->line.len, stdout) == t->line.len;
}

static bool tap_follow(struct tap *t, struct tail *tail, struct err *e)
{
    while (!ctl_is_interrupted() && (t->count == 0 || t->shown < t->count)) {
        struct tail_message m;
        enum tail_step step = tail_next(tail, &m, POLL_MS, e);
        bool is_read = step != TAIL_RECORD || tap_show(t, &m);
        if (is_read && step != TAIL_RECORD)
            is_read = fflush(stdout) == 0;
        if (!is_read)
            return errno == EPIPE || err_set(e, errno, "standard output");
        if (step == TAIL_FAILED)
            return false;
        if (step == TAIL_AT_END && t->is_until_end)
            return true;
    }
    return true;
}

static bool from_read(const struct ctl *c, int64_t *from, struct err *e)
{
    const char *word = ctl_value(c, "from");
    *from = TAIL_BEGINNING;
    if (!word || strcmp(word, "beginning") == 0)
        return true;
    if (strcmp(word, "end") == 0)
        *from = TAIL_END;
    else if (!str_i64(str_of(word), from) || *from < 0)
        return err_code(e, EXIT_CODE_USAGE, "--from must be beginning, end or an offset");
    return true;
}

static bool kind_check(const char *kind, struct err *e)
{
    for (size_t i = 0; kind && i < RECORD_DEFS_N; i++)
        if (record_defs[i]->number > 0 && strcmp(record_defs[i]->name, kind) == 0)
            return true;
    return !kind || err_code(e, EXIT_CODE_USAGE,
                             "--kind must be a kind of record (event, tick, vector, ...), not "
                             "\"%s\"",
                             kind);
}

static bool options_read(struct tap *t, const struct ctl *c, int *partition, int64_t *from,
                         struct err *e)
{
    uint64_t p = 0;
    t->topic = topic_of(str_of(c->operands[0]));
    if (t->topic == TOPICS_N)
        return err_code(e, EXIT_CODE_USAGE, "there is no topic \"%s\"", c->operands[0]);
    topic_name(c->config, t->topic, t->name);
    t->visitor = ctl_value(c, "visitor");
    t->kind = ctl_value(c, "kind");
    t->is_raw = ctl_value(c, "raw") != NULL;
    t->is_until_end = ctl_value(c, "until-end") != NULL;
    if (!ctl_number(c, "site", 0, 1, 2147483647, &t->site_id, e) ||
        !ctl_number(c, "count", 0, 1, UINT64_MAX, &t->count, e) ||
        !ctl_number(c, "partition", 0, 0, 4095, &p, e) || !kind_check(t->kind, e) ||
        !from_read(c, from, e))
        return false;
    *partition = ctl_value(c, "partition") ? (int)p : -1;
    if (t->topic == TOPIC_raw && (t->visitor || t->kind || t->site_id))
        return err_code(e, EXIT_CODE_USAGE,
                        "records of raw are as their senders made them: --site, --visitor and "
                        "--kind do not apply");
    return true;
}

static int tap_run(struct ctl *c, struct err *e)
{
    struct tap t = {0};
    int partition = -1;
    int64_t from = TAIL_BEGINNING;
    if (!options_read(&t, c, &partition, &from, e))
        return err_exit(e);
    struct tail *tail = tail_open(c->config, t.name, partition, from, e);
    if (!tail)
        return err_exit(e);
    ctl_catch_signals();
    bool is_good = tap_follow(&t, tail, e);
    tail_free(tail);
    arena_fini(&t.arena);
    buf_fini(&t.line);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

const struct verb tap_verbs[] = {
    {.name = "tap",
     .operands = "TOPIC",
     .summary = "prints a topic's records as JSON, one a line",
     .options = {{"from", "WHERE", "beginning (as without it), end, or an offset"},
                 {"until-end", NULL, "stops at the end that the topic has now"},
                 {"count", "N", "stops after N records"},
                 {"partition", "P", "one partition only"},
                 {"site", "N", "records of this site only"},
                 {"visitor", "V", "records of this visitor only"},
                 {"kind", "RECORD", "one kind of record only: event, tick, vector, ..."},
                 {"raw", NULL, "the bytes of the values, nothing else"}},
     .manual =
         "TOPIC is raw, imports, control, events, rejected, features, sessions, predictions,\n"
         "interventions, outcomes, deliveries, visitors, decisions or models. Fields are "
         "named\n"
         "as in schemas/REFERENCE.md;\n"
         "_topic, _partition and _offset tell where a record stands. A repeat is shown.\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = tap_run},
    {.name = NULL},
};
