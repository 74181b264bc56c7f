/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/feed.h"

#include "common/base/clock.h"
#include "common/db/migrate.h"

#include <stdio.h>
#include <stdlib.h>

/* A whole archive is one statement, and the other side waits meanwhile. */
static const struct db_limits limits = {
    .statement_ms = 86400000, .lock_ms = 30000, .idle_ms = 86400000};

enum { SIDE_PARTITION, SIDE_OFFSET, SIDE_CLOCK, SIDE_RECORD, SIDE_COLUMNS };

static struct db *begin(const char *dsn, const char *name, struct err *e)
{
    struct db *db = db_open(dsn, name, e);
    if (db && db_begin(db, &limits, e) &&
        db_script(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", e))
        return db;
    db_close(db);
    return NULL;
}

/* The side sees what the events' transaction sees. */
static bool share_snapshot(struct feed *f, struct err *e)
{
    char id[64], sql[128];
    if (!db_value_text(f->events, "SELECT pg_export_snapshot()", NULL, 0, id, sizeof id, e))
        return false;
    (void)snprintf(sql, sizeof sql, "SET TRANSACTION SNAPSHOT '%s'", id);
    return db_script(f->side, sql, e);
}

struct feed *feed_open(const char *dsn, const char *name, struct err *e)
{
    struct feed *f = mem_zero(1, sizeof *f);
    tables_init(f->tables);
    f->events = begin(dsn, name, e);
    f->side = f->events ? begin(dsn, name, e) : NULL;
    if (f->side && share_snapshot(f, e) && db_migrate_check(f->events, e))
        return f;
    feed_close(f);
    return NULL;
}

void feed_close(struct feed *f)
{
    if (!f)
        return;
    db_close(f->events);
    db_close(f->side);
    free(f);
}

void feed_notices(struct buf *sql, int64_t known_us)
{
    char until[CLOCK_TEXT];
    buf_text(sql, "SELECT partition, \"offset\", clock, record FROM notices"
                  " WHERE epoch = 1");
    if (known_us == INT64_MAX)
        return;
    clock_format(known_us, until);
    buf_printf(sql, " AND received <= '%s'", until);
}

static bool start(struct feed *f, const struct feed_query *q, struct err *e)
{
    struct buf sql = {0};
    bool is_good = q->may_sort || db_script(f->events, "SET LOCAL enable_sort = off", e);
    buf_text(&sql, "COPY (SELECT ");
    table_names(&sql, &f->tables[TABLE_EVENTS_ALL], "e.");
    buf_printf(&sql, "%.*s%.*s ORDER BY e.partition, e.\"offset\") TO STDOUT (FORMAT binary)",
               STR_ARGS(q->extra), STR_ARGS(q->from));
    is_good = is_good && db_copy_out(f->events, buf_cstr(&sql), e);
    buf_reset(&sql);
    buf_printf(&sql, "COPY (%.*s ORDER BY 1, 2, 4 NULLS FIRST) TO STDOUT (FORMAT binary)",
               STR_ARGS(q->side));
    is_good = is_good && db_copy_out(f->side, buf_cstr(&sql), e);
    buf_fini(&sql);
    return is_good;
}

/* Reads both streams, and merges them. */
struct merge {
    struct feed *f;
    const struct feed_query *q;
    struct replay *r;
    struct feed_row row;
    bool has_event, has_side, is_open;
    uint64_t partition; /* whose log is open */
    struct place side;
};

static bool next_event(struct merge *m, struct err *e)
{
    const struct table_def *t = &m->f->tables[TABLE_EVENTS_ALL];
    struct db_row *row = &m->f->event_row;
    void *const bases[BASES_N] = {&m->row.place, &m->row.event, NULL};
    bool is_end = false;
    if (!db_copy_next(m->f->events, row, &is_end, e))
        return false;
    m->has_event = !is_end;
    if (is_end)
        return true;
    CHECK(row->n == t->n_columns + m->q->n_extra);
    event_init(&m->row.event);
    table_read(t, row->fields, bases);
    m->row.extra = row->fields + t->n_columns;
    m->row.is_left_out = false;
    m->f->n_events++;
    return true;
}

static bool next_side(struct merge *m, struct err *e)
{
    struct db_row *row = &m->f->side_row;
    bool is_end = false;
    if (!db_copy_next(m->f->side, row, &is_end, e))
        return false;
    m->has_side = !is_end;
    CHECK(is_end || row->n == SIDE_COLUMNS);
    if (!is_end)
        m->side = (struct place){(uint64_t)db_field_i64(&row->fields[SIDE_PARTITION]),
                                 (uint64_t)db_field_i64(&row->fields[SIDE_OFFSET])};
    return true;
}

static bool use_side(struct merge *m, struct err *e)
{
    const struct db_field *fields = m->f->side_row.fields;
    if (fields[SIDE_RECORD].at)
        return replay_notice(m->r, m->side.offset, db_field_str(&fields[SIDE_RECORD]), e);
    replay_clock(m->r, db_field_time(&fields[SIDE_CLOCK]));
    return true;
}

static bool is_up_to(const struct place *a, uint64_t partition, uint64_t offset)
{
    return a->partition != partition ? a->partition < partition : a->offset <= offset;
}

/* All that the side has up to there; what belongs to no open log matters to nobody. */
static bool drain_side(struct merge *m, uint64_t partition, uint64_t offset, struct err *e)
{
    bool is_good = true;
    while (is_good && m->has_side && is_up_to(&m->side, partition, offset)) {
        if (m->is_open && m->side.partition == m->partition)
            is_good = use_side(m, e);
        is_good = is_good && next_side(m, e);
    }
    return is_good;
}

static bool end_log(struct merge *m, struct err *e)
{
    if (!m->is_open)
        return true;
    m->is_open = false;
    return replay_end(m->r, m->q->end_us, e);
}

static bool use_event(struct merge *m, struct err *e)
{
    const struct place *at = &m->row.place;
    if (!m->is_open || m->partition != at->partition) {
        if (m->is_open && !drain_side(m, m->partition, UINT64_MAX, e))
            return false;
        if (!end_log(m, e))
            return false;
        replay_begin(m->r, (uint32_t)at->partition);
        m->partition = at->partition;
        m->is_open = true;
    }
    return drain_side(m, at->partition, at->offset, e) &&
           (!m->q->before || m->q->before(m->q->to, &m->row, m->r, e)) &&
           (m->row.is_left_out || replay_event(m->r, at->offset, &m->row.event, e));
}

bool feed_run(struct feed *f, const struct feed_query *q, struct replay *r, struct err *e)
{
    struct merge m = {.f = f, .q = q, .r = r};
    bool is_good = start(f, q, e) && next_event(&m, e) && next_side(&m, e);
    while (is_good && m.has_event)
        is_good = use_event(&m, e) && next_event(&m, e);
    if (is_good && m.is_open)
        is_good = drain_side(&m, m.partition, UINT64_MAX, e);
    while (is_good && m.has_side) /* to its end, so that the connection can go on */
        is_good = next_side(&m, e);
    return is_good && end_log(&m, e);
}
