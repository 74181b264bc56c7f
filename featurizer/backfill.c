/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/backfill.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/db/copy.h"
#include "common/wire/feature.h"
#include "featurizer/feed.h"
#include "featurizer/ids.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCH_BYTES = 4 << 20, SHOW_EVENTS = 4096 };

static const struct db_limits limits = {
    .statement_ms = 3600000, .lock_ms = 30000, .idle_ms = 86400000};

/* Rows for one of the two tables. */
struct rows {
    const struct table_def *def;
    struct buf rows, copy; /* copy: the statement */
};

struct backfill {
    const struct backfill_options *o;
    struct backfill_counts *counts;
    struct feed *feed;
    struct db *to;
    struct rows vectors, sessions;
    struct buf head, tail; /* of COPY */
    struct ids strays; /* sessions that began behind the period, with late events within it */
    void (*show)(void *to, const struct backfill_counts *counts);
    void *show_to;
};

static void rows_init(struct rows *w, const char *table, const struct table_def *def)
{
    w->def = def;
    buf_printf(&w->copy, "COPY %s (backfill, ", table);
    table_names(&w->copy, def, "");
    buf_text(&w->copy, ") FROM STDIN (FORMAT binary)");
}

static void rows_fini(struct rows *w)
{
    buf_fini(&w->rows);
    buf_fini(&w->copy);
}

static bool rows_flush(struct backfill *b, struct rows *w, struct err *e)
{
    const struct str pieces[] = {buf_as_str(&b->head), buf_as_str(&w->rows),
                                 buf_as_str(&b->tail)};
    if (w->rows.len == 0)
        return true;
    if (!db_copy_in(b->to, buf_cstr(&w->copy), pieces, ARRAY_LEN(pieces), NULL, e))
        return false;
    buf_reset(&w->rows);
    return true;
}

static bool rows_add(struct backfill *b, struct rows *w, const void *record, struct err *e)
{
    const void *const bases[BASES_N] = {NULL, record, NULL};
    copy_row(&w->rows, w->def->n_columns + 1);
    copy_text(&w->rows, str_of(b->o->name));
    table_values(&w->rows, w->def, bases);
    return w->rows.len < BATCH_BYTES || rows_flush(b, w, e);
}

/* As trainer labels by: trainer/source.c. */
static bool is_conversion(const struct vector *v)
{
    return str_is(v->type, "purchase") || str_is(v->type, "signup") ||
           str_is(v->type, "subscription");
}

static bool on_vector(void *to, const struct vector *v, struct err *e)
{
    struct backfill *b = to;
    const struct backfill_options *o = b->o;
    struct vector row = *v;
    bool is_within = v->ts_us >= o->from_us && v->ts_us < o->to_us;
    row.clock_us = 0;
    if (is_within) {
        b->counts->vectors++;
        if (v->session_started_us >= o->to_us)
            ids_add(&b->strays, hash64_str(v->session_id));
        return rows_add(b, &b->vectors, &row, e);
    }
    if (!is_conversion(v) || v->session_id.len == 0)
        return true;
    bool is_behind = v->session_started_us < o->to_us
                         ? v->ts_us >= o->to_us || v->late
                         : ids_has(&b->strays, hash64_str(v->session_id));
    if (!is_behind)
        return true;
    row.features = row.tail = row.summaries = (struct str){NULL, 0};
    return rows_add(b, &b->vectors, &row, e);
}

static bool on_session(void *to, const struct session *s, struct err *e)
{
    struct backfill *b = to;
    bool is_within = s->started_us < b->o->to_us && s->ended_us >= b->o->from_us;
    if (!is_within && !ids_has(&b->strays, hash64_str(s->session_id)))
        return true;
    b->counts->sessions++;
    return rows_add(b, &b->sessions, s, e);
}

static bool on_event(void *to, struct feed_row *row, struct replay *r, struct err *e)
{
    struct backfill *b = to;
    (void)r;
    (void)e;
    b->counts->partition = (uint32_t)row->place.partition;
    if (++b->counts->events % SHOW_EVENTS == 0 && b->show)
        b->show(b->show_to, b->counts);
    return true;
}

static bool forget_old(struct backfill *b, struct err *e)
{
    static const char *const sql[] = {"DELETE FROM backfill_vectors WHERE backfill = $1",
                                      "DELETE FROM backfill_sessions WHERE backfill = $1",
                                      "DELETE FROM backfills WHERE name = $1"};
    const char *const params[] = {b->o->name};
    uint64_t n_old = 0;
    int64_t found = 0;
    if (!b->o->is_replacing) {
        if (!db_value_i64(b->to, "SELECT count(*) FROM backfills WHERE name = $1", params, 1,
                          &found, e))
            return false;
        return found == 0 ||
               err_code(e, EXIT_CODE_FAILED,
                        "there is a backfill \"%s\" already: --replace replaces it",
                        b->o->name);
    }
    for (size_t i = 0; i < ARRAY_LEN(sql); i++)
        if (!db_exec(b->to, sql[i], params, 1, &n_old, e))
            return false;
    return true;
}

/* The row of table backfills, whose key keeps a second of the name waiting. */
static bool put_head(struct backfill *b, struct err *e)
{
    static const char sql[] =
        "INSERT INTO backfills (name, made, period_from, period_to, known_at, site_id, "
        "features_n, features_hash, options, vectors, sessions) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, 0, 0)";
    const struct backfill_options *o = b->o;
    char made[CLOCK_TEXT], from[CLOCK_TEXT], to[CLOCK_TEXT], known[CLOCK_TEXT];
    char site[24], n[24], hash[24];
    struct buf options = {0};
    clock_format(o->now_us, made);
    clock_format(o->known_us, known);
    if (o->from_us != INT64_MIN)
        clock_format(o->from_us, from);
    if (o->to_us != INT64_MAX)
        clock_format(o->to_us, to);
    (void)snprintf(site, sizeof site, "%" PRIu64, o->site_id);
    (void)snprintf(n, sizeof n, "%d", (int)FEATURES_N);
    (void)snprintf(hash, sizeof hash, "%" PRId64, (int64_t)features_hash(FEATURES_N));
    buf_str(&options, o->core_json);
    const char *const params[] = {o->name,
                                  made,
                                  o->from_us != INT64_MIN ? from : NULL,
                                  o->to_us != INT64_MAX ? to : NULL,
                                  known,
                                  o->has_site ? site : NULL,
                                  n,
                                  hash,
                                  buf_cstr(&options)};
    bool is_put = db_exec(b->to, sql, params, ARRAY_LEN(params), NULL, e);
    buf_fini(&options);
    return is_put;
}

static bool put_counts(struct backfill *b, struct err *e)
{
    char vectors[24], sessions[24];
    const char *const params[] = {b->o->name, vectors, sessions};
    (void)snprintf(vectors, sizeof vectors, "%" PRIu64, b->counts->vectors);
    (void)snprintf(sessions, sizeof sessions, "%" PRIu64, b->counts->sessions);
    return db_exec(b->to, "UPDATE backfills SET vectors = $2, sessions = $3 WHERE name = $1",
                   params, ARRAY_LEN(params), NULL, e);
}

/* Notices, and the clock at each event that has a vector. */
static void side_text(struct buf *sql, int64_t known_us)
{
    char until[CLOCK_TEXT];
    clock_format(known_us, until);
    feed_notices(sql, known_us);
    buf_printf(sql,
               " UNION ALL SELECT partition, \"offset\", clock, NULL::bytea FROM features"
               " WHERE epoch = 1 AND clock IS NOT NULL AND received <= '%s'",
               until);
}

static void from_text(struct buf *sql, const struct backfill_options *o)
{
    char until[CLOCK_TEXT];
    clock_format(o->known_us, until);
    buf_printf(sql, " FROM events_all e WHERE e.epoch = 1 AND e.received <= '%s'", until);
    if (o->has_site)
        buf_printf(sql, " AND e.site_id = %" PRIu64, o->site_id);
}

static bool compute(struct backfill *b, struct err *e)
{
    const struct replay_sink sink = {b, on_vector, on_session};
    struct buf from = {0}, side = {0};
    struct replay *r = replay_new(&b->o->core, &sink);
    from_text(&from, b->o);
    side_text(&side, b->o->known_us);
    const struct feed_query q = {.from = buf_as_str(&from),
                                 .side = buf_as_str(&side),
                                 .end_us = b->o->known_us,
                                 .before = on_event,
                                 .to = b};
    bool is_done = feed_run(b->feed, &q, r, e) && rows_flush(b, &b->vectors, e) &&
                   rows_flush(b, &b->sessions, e);
    replay_free(r);
    buf_fini(&from);
    buf_fini(&side);
    return is_done;
}

static bool run(struct backfill *b, struct err *e)
{
    b->feed = feed_open(b->o->dsn, "auspex-featurizer backfill", e);
    b->to = b->feed ? db_open(b->o->dsn, "auspex-featurizer backfill", e) : NULL;
    if (!b->to || !db_begin(b->to, &limits, e))
        return false;
    rows_init(&b->vectors, "backfill_vectors", &b->feed->tables[TABLE_FEATURES]);
    rows_init(&b->sessions, "backfill_sessions", &b->feed->tables[TABLE_SESSIONS]);
    copy_head(&b->head);
    copy_tail(&b->tail);
    /* else the planner knows nothing of the new name, and a training reads it by nested loops
     */
    return forget_old(b, e) && put_head(b, e) && compute(b, e) && put_counts(b, e) &&
           db_script(b->to, "ANALYZE backfill_vectors, backfill_sessions", e) &&
           db_commit(b->to, e);
}

bool backfill_run(const struct backfill_options *o,
                  void (*show)(void *to, const struct backfill_counts *counts), void *to,
                  struct backfill_counts *counts, struct err *e)
{
    struct backfill b = {.o = o, .counts = counts, .show = show, .show_to = to};
    *counts = (struct backfill_counts){0};
    bool is_done = run(&b, e);
    feed_close(b.feed);
    db_close(b.to); /* what is not committed is gone */
    rows_fini(&b.vectors);
    rows_fini(&b.sessions);
    ids_fini(&b.strays);
    buf_fini(&b.head);
    buf_fini(&b.tail);
    return is_done;
}
