/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/source.h"

#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/db/db.h"
#include "common/kern/trees.h"
#include "common/wire/feature.h"
#include "trainer/release.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

_Static_assert((int)FEATURES_N <= (int)TREES_FEATURES_MAX, "a model can know every feature");

/* All events of a visitor are in one partition, so within a session offsets are log order. */
static const char select_rows[] =
    "COPY (WITH last AS (SELECT epoch, session_id, max(\"offset\") AS \"offset\" FROM %s v"
    " WHERE type IN ('purchase', 'signup', 'subscription')%s GROUP BY epoch, session_id)"
    " SELECT f.features, f.features_n, f.features_hash, f.epoch, f.partition, f.\"offset\","
    " f.site_id, f.session_id, f.ts, s.started, coalesce(f.\"offset\" < l.\"offset\", false)"
    " FROM %s f JOIN %s s USING (epoch, session_id)"
    " LEFT JOIN last l USING (epoch, session_id)"
    " WHERE f.features IS NOT NULL%s%s) TO STDOUT (FORMAT binary)";

enum {
    VECTOR,
    VECTOR_N,
    VECTOR_HASH,
    EPOCH,
    PARTITION,
    OFFSET,
    SITE,
    SESSION,
    TS,
    STARTED,
    LABEL,
    COLUMNS_N
};

/* The hash of the first n lines, remembered: most rows have the same n. */
struct known {
    uint64_t n, hash;
};

static bool is_known(struct known *k, uint64_t n, uint64_t hash)
{
    if (n == 0 || n > FEATURES_N)
        return false;
    if (k->n != n)
        *k = (struct known){n, features_hash(n)};
    return k->hash == hash;
}

/* False where the vector is none that we understand. */
static bool vector_read(struct known *k, const struct db_row *row, float x[FEATURES_N])
{
    struct str bytes = db_field_str(&row->fields[VECTOR]);
    uint64_t n = (uint64_t)db_field_i64(&row->fields[VECTOR_N]);
    uint64_t hash = (uint64_t)db_field_i64(&row->fields[VECTOR_HASH]);
    if (!is_known(k, n, hash) || bytes.len != n * sizeof *x)
        return false;
    memcpy(x, bytes.at, bytes.len);
    for (uint64_t i = n; i < FEATURES_N; i++)
        x[i] = NAN;
    return true;
}

static struct source_row row_of(const struct db_row *row, const float *x)
{
    const struct db_field *f = row->fields;
    return (struct source_row){
        .x = x,
        .label = db_field_flag(&f[LABEL]),
        .site_id = (uint64_t)db_field_i64(&f[SITE]),
        .session_id = db_field_str(&f[SESSION]),
        .started_us = db_field_time(&f[STARTED]),
        .ts_us = db_field_time(&f[TS]),
        .epoch = db_field_i64(&f[EPOCH]),
        .partition = db_field_i64(&f[PARTITION]),
        .offset = db_field_i64(&f[OFFSET]),
    };
}

static void query_text(const struct source_query *q, struct buf *sql)
{
    char of_site[64] = "", of_site_f[64] = "", vectors[128] = "features",
         sessions[128] = "sessions";
    if (q->has_site) {
        (void)snprintf(of_site, sizeof of_site, " AND site_id = %" PRIu64, q->site_id);
        (void)snprintf(of_site_f, sizeof of_site_f, " AND f.site_id = %" PRIu64, q->site_id);
    }
    if (q->backfill) {
        static const char part[] = "(SELECT * FROM backfill_%s WHERE backfill = '%s')";
        CHECK(release_is_name(str_of(q->backfill)));
        (void)snprintf(vectors, sizeof vectors, part, "vectors", q->backfill);
        (void)snprintf(sessions, sizeof sessions, part, "sessions", q->backfill);
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    buf_printf(sql, select_rows, vectors, of_site, vectors, sessions, of_site_f,
               q->in_order ? " ORDER BY s.started, f.epoch, f.partition, f.\"offset\"" : "");
#pragma GCC diagnostic pop
}

static bool rows_read(struct db *db,
                      bool (*use)(void *to, const struct source_row *row, struct err *e),
                      void *to, struct source_counts *counts, struct err *e)
{
    struct known known = {0};
    struct db_row row;
    bool is_end = false;
    float x[FEATURES_N];
    while (db_copy_next(db, &row, &is_end, e)) {
        if (is_end)
            return true;
        if (row.n != COLUMNS_N)
            return err_set(e, 0, "PostgreSQL sent %zu columns instead of %d", row.n, COLUMNS_N);
        if (!vector_read(&known, &row, x)) {
            counts->unknown++;
            continue;
        }
        struct source_row made = row_of(&row, x);
        if (!use(to, &made, e))
            return false;
        counts->rows++;
    }
    return err_prefix(e, "read the training set");
}

static bool backfill_check(struct db *db, const char *name, struct err *e)
{
    const char *const params[] = {name};
    int64_t found = 0;
    if (!name)
        return true;
    if (!db_value_i64(db, "SELECT count(*) FROM backfills WHERE name = $1", params, 1, &found,
                      e))
        return false;
    return found > 0 || err_code(e, EXIT_CODE_FAILED, "there is no backfill \"%s\"", name);
}

bool source_each(struct db *db, const struct source_query *q,
                 bool (*use)(void *to, const struct source_row *row, struct err *e), void *to,
                 struct source_counts *counts, struct err *e)
{
    struct buf sql = {0};
    *counts = (struct source_counts){0};
    query_text(q, &sql);
    /* all rows are joined; where statistics are old, a nested loop over them takes hours */
    bool is_begun = (db_begin(db, &db_limits_long, e) && backfill_check(db, q->backfill, e) &&
                     db_script(db, "SET LOCAL enable_nestloop = off", e) &&
                     db_copy_out(db, buf_cstr(&sql), e)) ||
                    err_prefix(e, "read the training set");
    bool is_read = is_begun && rows_read(db, use, to, counts, e) && db_commit(db, e);
    if (!is_read)
        db_rollback(db);
    buf_fini(&sql);
    return is_read;
}

void source_add(struct source_set *s, const struct source_row *row)
{
    uint8_t label = row->label;
    uint64_t group = hash64_str(row->session_id), seq = (uint64_t)row->offset;
    buf_put(&s->x, row->x, FEATURES_N * sizeof *row->x);
    buf_put(&s->labels, &label, sizeof label);
    buf_put(&s->order, &row->started_us, sizeof row->started_us);
    buf_put(&s->group, &group, sizeof group);
    buf_put(&s->seq, &seq, sizeof seq);
    s->from_us = s->n == 0 ? row->ts_us : MIN(s->from_us, row->ts_us);
    s->to_us = s->n == 0 ? row->ts_us : MAX(s->to_us, row->ts_us);
    s->n++;
}

static const char *const names[FEATURES_N] = {
#define FEATURE(name, type, unit, group, absent, meaning, rule) #name,
#include "schemas/features.def"
#undef FEATURE
};

struct train_set source_train_set(const struct source_set *s)
{
    return (struct train_set){
        .x = (const void *)s->x.at,
        .names = names,
        .n = s->n,
        .n_features = FEATURES_N,
        .labels = s->labels.at,
        .order = (const void *)s->order.at,
        .group = (const void *)s->group.at,
        .seq = (const void *)s->seq.at,
        .from_us = s->from_us,
        .to_us = s->to_us,
    };
}

void source_fini(struct source_set *s)
{
    buf_fini(&s->x);
    buf_fini(&s->labels);
    buf_fini(&s->order);
    buf_fini(&s->group);
    buf_fini(&s->seq);
}
