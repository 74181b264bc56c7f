/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/skewcheck.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/wire/feature.h"
#include "featurizer/feed.h"
#include "featurizer/ids.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Beside the event's columns, of its archived vector; NULL where there is none. */
enum {
    CLOCK,
    LEAST_N,
    FIRST_TOTAL,
    VECTOR_N,
    VECTOR_HASH,
    FEATURES,
    SESSION,
    IS_DUE,
    IS_BEHIND,
    EXTRA_N
};

struct check {
    struct skew_counts *counts;
    void (*tell)(void *to, const struct skew_difference *d);
    void *to;
    const struct replay *replay;
    const struct feed_row *row; /* being computed */
    struct place place;         /* of it */
    bool is_awaited;            /* an archived vector is to be met */
    struct ids unsure;          /* hashes of visitors whose imports ended by silence */
    uint64_t *newest;           /* offset of the newest event read, by partition */
    size_t n_newest;
};

static void differs(struct check *c, const struct skew_difference *d)
{
    struct skew_difference told = *d;
    told.partition = c->place.partition;
    told.offset = c->place.offset;
    c->counts->mismatched++;
    c->tell(c->to, &told);
}

static void differs_by_word(struct check *c, const char *what)
{
    differs(c, &(struct skew_difference){
                   .what = what, .archived = (double)NAN, .recomputed = (double)NAN});
}

/* The record before is through: an archived vector that nothing led to differs, too. */
static void settle(struct check *c)
{
    if (c->is_awaited) {
        c->counts->checked++;
        differs_by_word(c, "no vector");
    }
    c->is_awaited = false;
}

static void note_newest(struct check *c)
{
    size_t p = c->place.partition;
    if (p >= c->n_newest) {
        c->newest = mem_grow(c->newest, (p + 1) * sizeof *c->newest);
        memset(c->newest + c->n_newest, 0, (p + 1 - c->n_newest) * sizeof *c->newest);
        c->n_newest = p + 1;
    }
    c->newest[p] = c->place.offset;
}

static bool before(void *to, struct feed_row *row, struct replay *r, struct err *e)
{
    struct check *c = to;
    (void)e;
    settle(c);
    c->row = row;
    c->place = row->place;
    note_newest(c);
    c->counts->events++;
    c->is_awaited = row->extra[FEATURES].at && db_field_flag(&row->extra[IS_DUE]);
    replay_clock(r, db_field_time(&row->extra[CLOCK]));
    /* A repeat, most likely: it changes nothing, but without a clock of its own it would let
     * the import seem to have gone on before what came meanwhile is known. */
    row->is_left_out = row->event.origin == ORIGIN_IMPORTS && !row->extra[VECTOR_N].at;
    return true;
}

static float float_of(struct str bytes, size_t i)
{
    float v;
    CHECK(bytes.len >= (i + 1) * sizeof v);
    memcpy(&v, bytes.at + i * sizeof v, sizeof v);
    return v;
}

/* Whether the vector tells of events that are not archived. */
static bool is_older(const struct db_field *x, struct str archived, struct str computed)
{
    struct str first = db_field_str(&x[FIRST_TOTAL]);
    return first.len == sizeof(float) && float_of(first, 0) > 1 &&
           float_of(archived, FEATURE_total_events) > float_of(computed, FEATURE_total_events);
}

static void compare_lines(struct check *c, struct str archived, const struct vector *v,
                          uint64_t n)
{
    struct skew_difference d = {.what = NULL};
    for (uint64_t i = 0; i < n; i++) {
        if (memcmp(archived.at + i * sizeof(float), v->features.at + i * sizeof(float),
                   sizeof(float)) == 0)
            continue;
        d.others += d.what != NULL;
        if (d.what)
            continue;
        d.what = feature_defs[i].name;
        d.archived = (double)float_of(archived, i);
        d.recomputed = (double)float_of(v->features, i);
    }
    if (d.what)
        differs(c, &d);
    else if (!str_eq(db_field_str(&c->row->extra[SESSION]), v->session_id))
        differs_by_word(c, "session_id");
}

static void compare(struct check *c, const struct vector *v)
{
    const struct db_field *x = c->row->extra;
    struct str archived = db_field_str(&x[FEATURES]);
    uint64_t n = (uint64_t)db_field_i64(&x[VECTOR_N]);
    uint64_t least_n = (uint64_t)db_field_i64(&x[LEAST_N]);
    if (n > FEATURES_N || (uint64_t)db_field_i64(&x[VECTOR_HASH]) != features_hash(n)) {
        c->counts->other++;
        return;
    }
    bool is_whole = archived.len == n * sizeof(float) && n > FEATURE_total_events;
    if (is_whole && is_older(x, archived, v->features)) {
        c->counts->older++;
        return;
    }
    c->counts->checked++;
    if (is_whole)
        compare_lines(c, archived, v, MIN(n, least_n));
    else
        differs_by_word(c, "length");
}

static uint64_t visitor_hash(uint64_t site_id, struct str visitor)
{
    return hash64_str(visitor) ^ site_id * 0x9e3779b97f4a7c15u;
}

static bool on_vector(void *to, const struct vector *v, struct err *e)
{
    struct check *c = to;
    (void)e;
    bool is_unsure = ids_has(&c->unsure, visitor_hash(v->site_id, v->visitor));
    if (is_unsure)
        c->counts->unsure += c->is_awaited;
    else if (c->is_awaited)
        compare(c, v);
    else if (!c->row->extra[VECTOR_N].at && db_field_flag(&c->row->extra[IS_DUE]) &&
             db_field_flag(&c->row->extra[IS_BEHIND]))
        c->counts->missing++;
    c->is_awaited = false;
    return true;
}

/* Whether it was so depends on what the import brought for others meanwhile, who are not in the
 * sample. */
static bool on_session(void *to, const struct session *s, struct err *e)
{
    struct check *c = to;
    (void)e;
    if (str_is(s->ended_by, "import_end") && !replay_is_at_notice(c->replay))
        ids_add(&c->unsure, visitor_hash(s->site_id, s->visitor));
    return true;
}

static bool script(struct db *db, struct buf *sql, struct err *e)
{
    bool is_done = db_script(db, buf_cstr(sql), e);
    buf_reset(sql);
    return is_done;
}

/* The visitors of the sample, then their vectors, those of the period whole. A day that
 * PostgreSQL has not analyzed yet must not lead it to read ranges of a BRIN index for each row,
 * nor the vectors without an index. */
static bool draw(struct db *db, const struct skew_options *o, const char *since, struct err *e)
{
    struct buf sql = {0};
    buf_text(
        &sql,
        "SET LOCAL enable_bitmapscan = off; CREATE TEMP TABLE skew_visitors ON COMMIT DROP AS"
        " SELECT DISTINCT site_id, visitor FROM features");
    if (o->percent < 100)
        buf_printf(&sql, " TABLESAMPLE SYSTEM (%.9g)", o->percent);
    buf_printf(&sql, " WHERE epoch = 1 AND received > '%s'; ANALYZE skew_visitors", since);
    bool is_drawn = script(db, &sql, e);
    buf_printf(&sql,
               "CREATE TEMP TABLE skew_vectors ON COMMIT DROP AS"
               " SELECT f.received, f.partition, f.\"offset\", f.clock, f.features_n,"
               " f.features_hash, f.session_id, min(f.features_n) OVER w AS least_n,"
               " first_value(substring(f.features FROM %d FOR 4)) OVER w AS first_total,"
               " CASE WHEN f.received > '%s' THEN f.features END AS features"
               " FROM skew_visitors v JOIN features f ON f.visitor = v.visitor"
               " AND f.site_id = v.site_id WHERE f.epoch = 1"
               " WINDOW w AS (PARTITION BY f.site_id, f.visitor, f.partition ORDER BY"
               " f.\"offset\"); CREATE INDEX ON skew_vectors (partition, \"offset\");"
               " ANALYZE skew_vectors",
               1 + (int)sizeof(float) * (int)FEATURE_total_events, since);
    is_drawn = is_drawn && script(db, &sql, e);
    buf_fini(&sql);
    return is_drawn;
}

/* Archived vectors whose event is not, though later ones of its partition are. */
static bool find_orphans(struct check *c, struct db *db, struct err *e)
{
    struct db_rows *rows = db_query(
        db,
        "SELECT partition, \"offset\" FROM skew_vectors WHERE features IS NOT NULL"
        " EXCEPT SELECT e.partition, e.\"offset\" FROM skew_visitors v JOIN events_all e"
        " ON e.visitor = v.visitor AND e.site_id = v.site_id WHERE e.epoch = 1 ORDER BY 1, 2",
        NULL, 0, e);
    for (size_t i = 0; rows && i < db_rows_n(rows); i++) {
        c->place = (struct place){(uint64_t)db_cell_i64(rows, i, 0),
                                  (uint64_t)db_cell_i64(rows, i, 1)};
        if (c->place.partition >= c->n_newest ||
            c->place.offset > c->newest[c->place.partition])
            continue;
        c->counts->checked++;
        differs_by_word(c, "no event");
    }
    db_rows_free(rows);
    return rows != NULL;
}

static bool compute(struct check *c, struct feed *f, const struct skew_options *o,
                    const char *since, struct err *e)
{
    const struct replay_sink sink = {c, on_vector, on_session};
    struct buf extra = {0}, side = {0};
    buf_printf(&extra,
               ", s.clock, s.least_n, s.first_total, s.features_n, s.features_hash,"
               " s.features, s.session_id, e.received > '%s', e.\"offset\" < m.newest",
               since);
    feed_notices(&side, INT64_MAX);
    const struct feed_query q = {
        .extra = buf_as_str(&extra),
        .n_extra = EXTRA_N,
        .from = STR(" FROM skew_visitors v JOIN events_all e ON e.visitor = v.visitor"
                    " AND e.site_id = v.site_id LEFT JOIN skew_vectors s"
                    " ON s.partition = e.partition AND s.\"offset\" = e.\"offset\""
                    " LEFT JOIN (SELECT partition, max(\"offset\") AS newest FROM skew_vectors"
                    " GROUP BY partition) m ON m.partition = e.partition WHERE e.epoch = 1"),
        .may_sort = true,
        .side = buf_as_str(&side),
        .end_us = o->now_us,
        .before = before,
        .to = c};
    struct replay *r = replay_new(&o->core, &sink);
    c->replay = r;
    bool is_done = feed_run(f, &q, r, e);
    settle(c);
    replay_free(r);
    buf_fini(&extra);
    buf_fini(&side);
    return is_done;
}

bool skew_round(const struct skew_options *o,
                void (*tell)(void *to, const struct skew_difference *d), void *to,
                struct skew_counts *counts, struct err *e)
{
    struct check c = {.counts = counts, .tell = tell, .to = to};
    char since[CLOCK_TEXT];
    *counts = (struct skew_counts){0};
    clock_format(o->since_us, since);
    struct feed *f = feed_open(o->dsn, "auspex-featurizer skew", e);
    bool is_done = f && draw(f->events, o, since, e) && compute(&c, f, o, since, e) &&
                   find_orphans(&c, f->events, e);
    feed_close(f);
    ids_fini(&c.unsure);
    free(c.newest);
    return is_done;
}
