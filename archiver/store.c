/* SPDX-License-Identifier: Apache-2.0 */
#include "archiver/store.h"

#include "common/base/clock.h"
#include "common/db/copy.h"
#include "common/db/db.h"
#include "common/db/migrate.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { KNOWN_DAYS = 64 };

struct store {
    pthread_mutex_t turn; /* store_seek and store_put may come from two threads */
    struct db *db;
    char *group;
    struct table_def tables[TABLES_N];
    bool is_checked; /* the tables are at our version */
    int64_t known_days[KNOWN_DAYS];
    size_t n_known_days;
    struct buf head, tail, scratch;
    struct str *pieces;
    size_t n_pieces, cap_pieces;
    _Atomic uint64_t rows[TABLES_N];
    _Atomic bool is_up;
    void (*before_commit)(void *to);
    void *to;
};

struct store *store_new(const char *dsn, const char *group, const char *instance, struct err *e)
{
    char name[64];
    snprintf(name, sizeof name, "auspex-archiver %s", instance);
    struct db *db = db_new(dsn, name, e);
    if (!db)
        return NULL;
    struct store *s = mem_zero(1, sizeof *s);
    CHECK(pthread_mutex_init(&s->turn, NULL) == 0);
    s->db = db;
    s->group = mem_text(group);
    tables_init(s->tables);
    copy_head(&s->head);
    copy_tail(&s->tail);
    return s;
}

void store_free(struct store *s)
{
    if (!s)
        return;
    db_close(s->db);
    buf_fini(&s->head);
    buf_fini(&s->tail);
    buf_fini(&s->scratch);
    pthread_mutex_destroy(&s->turn);
    free(s->pieces);
    free(s->group);
    free(s);
}

const struct table_def *store_tables(const struct store *s)
{
    return s->tables;
}

uint64_t store_take_rows(struct store *s, enum table t)
{
    return atomic_exchange(&s->rows[t], 0);
}

bool store_is_up(const struct store *s)
{
    return atomic_load(&s->is_up);
}

void store_hook(struct store *s, void (*before_commit)(void *to), void *to)
{
    s->before_commit = before_commit;
    s->to = to;
}

/* What a failed call means for the whole batch; refused values are judged before. */
static enum store_result failed(struct store *s, const struct err *e)
{
    enum db_fault fault = db_fault(s->db);
    atomic_store(&s->is_up, !db_is_lost(s->db));
    return fault == DB_RETRY || e->retry ? STORE_RETRY : STORE_FATAL;
}

static enum store_result ready(struct store *s, struct err *e)
{
    if (!db_reopen(s->db, e))
        return failed(s, e);
    if (!s->is_checked && !db_migrate_check(s->db, e))
        return failed(s, e);
    s->is_checked = true;
    atomic_store(&s->is_up, true);
    return STORE_DONE;
}

static bool ensure_day(struct store *s, int64_t day, struct err *e)
{
    int year;
    unsigned month, of_month;
    char text[16];
    const char *const params[] = {text};
    clock_civil(day, &year, &month, &of_month);
    snprintf(text, sizeof text, "%04d-%02u-%02u", year, month, of_month);
    if (!db_begin(s->db, NULL, e))
        return false;
    if (!db_exec(s->db, "SELECT archive_ensure_day($1::date)", params, 1, NULL, e)) {
        db_rollback(s->db);
        return false;
    }
    return db_commit(s->db, e);
}

static bool is_known(const struct store *s, int64_t day)
{
    for (size_t i = 0; i < s->n_known_days; i++)
        if (s->known_days[i] == day)
            return true;
    return false;
}

/* The partitions that the batch needs, and the next day's, so that midnight waits for nothing.
 */
static bool ensure_days(struct store *s, const struct batch *b, struct err *e)
{
    for (size_t i = 0; i < b->n_days; i++)
        for (int64_t day = b->days[i]; day <= b->days[i] + 1; day++) {
            if (is_known(s, day))
                continue;
            if (!ensure_day(s, day, e))
                return false;
            if (s->n_known_days == KNOWN_DAYS)
                s->n_known_days = 0;
            s->known_days[s->n_known_days++] = day;
        }
    return true;
}

/* An array of PostgreSQL as text; the entries are words of ours, which need no escapes. */
static void array_text(struct buf *b, struct str s, bool is_first)
{
    CHECK(!memchr(s.at ? s.at : "", '"', s.len) && !memchr(s.at ? s.at : "", '\\', s.len));
    buf_printf(b, "%s\"%.*s\"", is_first ? "{" : ",", STR_ARGS(s));
}

static void array_u64(struct buf *b, uint64_t v, bool is_first)
{
    buf_printf(b, "%s%" PRIu64, is_first ? "{" : ",", v);
}

enum { MOVE_PARAMS = 6 };

/* $2 ... $6: topics, partitions, old offsets, new offsets, marks; `at` are places in scratch.
 */
static void move_params(struct store *s, const struct batch *b, const char *params[MOVE_PARAMS])
{
    size_t at[MOVE_PARAMS] = {0};
    buf_reset(&s->scratch);
    for (int p = 1; p < MOVE_PARAMS; p++) {
        at[p] = s->scratch.len;
        for (size_t i = 0; i < b->n_moves; i++) {
            const struct batch_move *m = &b->moves[i];
            const struct str marks = str_over(b->marks.at + m->marks_at, m->marks_len);
            const uint64_t numbers[MOVE_PARAMS] = {0, 0, m->partition, m->old_offset,
                                                   m->new_offset};
            if (p == 1 || p == 5)
                array_text(&s->scratch, p == 1 ? str_of(m->topic) : marks, i == 0);
            else
                array_u64(&s->scratch, numbers[p], i == 0);
        }
        buf_put(&s->scratch, "}", 2);
    }
    params[0] = s->group;
    for (int p = 1; p < MOVE_PARAMS; p++)
        params[p] = (const char *)s->scratch.at + at[p];
}

/* Moves the offsets; false with *is_fenced when one of them is not what it was. */
static bool move_offsets(struct store *s, const struct batch *b, bool *is_fenced, struct err *e)
{
    static const char sql[] =
        "UPDATE archive_offsets a SET next_offset = v.new, marks = v.marks, updated = now() "
        "FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::text[]) "
        "AS v(topic, partition, old, new, marks) "
        "WHERE a.grp = $1 AND a.topic = v.topic AND a.partition = v.partition "
        "AND a.next_offset = v.old";
    const char *params[MOVE_PARAMS];
    uint64_t moved = 0;
    move_params(s, b, params);
    if (!db_exec(s->db, sql, params, MOVE_PARAMS, &moved, e))
        return false;
    *is_fenced = moved != b->n_moves;
    return !*is_fenced;
}

enum whereabouts { ALL_OLD, ALL_NEW, ELSEWHERE };

/* How the offsets stand against what the batch moves. */
static bool look(struct store *s, const struct batch *b, enum whereabouts *where, struct err *e)
{
    static const char sql[] =
        "SELECT count(*) FILTER (WHERE a.next_offset = v.old), "
        "count(*) FILTER (WHERE a.next_offset = v.new), count($6::text) "
        "FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) "
        "AS v(topic, partition, old, new) JOIN archive_offsets a "
        "ON a.grp = $1 AND a.topic = v.topic AND a.partition = v.partition";
    const char *params[MOVE_PARAMS];
    move_params(s, b, params);
    struct db_rows *rows = db_query(s->db, sql, params, MOVE_PARAMS, e);
    if (!rows)
        return false;
    int64_t n = (int64_t)b->n_moves;
    *where = db_cell_i64(rows, 0, 1) == n   ? ALL_NEW
             : db_cell_i64(rows, 0, 0) == n ? ALL_OLD
                                            : ELSEWHERE;
    db_rows_free(rows);
    return true;
}

static void piece(struct store *s, const void *at, size_t len)
{
    if (s->n_pieces == s->cap_pieces) {
        s->cap_pieces = MAX(2 * s->cap_pieces, (size_t)16);
        s->pieces = mem_grow(s->pieces, s->cap_pieces * sizeof *s->pieces);
    }
    s->pieces[s->n_pieces++] = str_over(at, len);
}

/* Rows [from, to) of a table, but those of refused records, in as few pieces as may be. */
static size_t pieces_of(struct store *s, const struct batch *b, const struct batch_table *t,
                        size_t from, size_t to)
{
    size_t n_rows = 0;
    s->n_pieces = 0;
    piece(s, s->head.at, s->head.len);
    for (size_t i = from; i < to; i++) {
        const struct batch_row *row = &t->index[i];
        const uint8_t *at = t->rows.at + row->at;
        size_t end = i + 1 < t->n ? t->index[i + 1].at : t->rows.len;
        struct str *last = &s->pieces[s->n_pieces - 1];
        if (b->records[row->record].is_refused)
            continue;
        n_rows++;
        if (last->at + last->len == (const char *)at)
            last->len += end - row->at;
        else
            piece(s, at, end - row->at);
    }
    piece(s, s->tail.at, s->tail.len);
    return n_rows;
}

static bool copy_rows(struct store *s, const struct batch *b, enum table t, size_t from,
                      size_t to, struct err *e)
{
    if (pieces_of(s, b, &b->tables[t], from, to) == 0)
        return true;
    return db_copy_in(s->db, s->tables[t].copy, s->pieces, s->n_pieces, NULL, e);
}

static bool copy_all(struct store *s, const struct batch *b, struct err *e)
{
    for (enum table t = 0; t < TABLES_N; t++)
        if (b->tables[t].n > 0 && !copy_rows(s, b, t, 0, b->tables[t].n, e))
            return err_prefix(e, "%s", s->tables[t].name);
    return true;
}

/* Marks the records of rows [from, to) that are refused. What is asked holds for a row alone,
 * so halves that pass need not be looked at again. False when the world is wrong. */
static bool find_refused(struct store *s, struct batch *b, enum table t, size_t from, size_t to,
                         struct err *e)
{
    if (!db_script(s->db, "SAVEPOINT part", e))
        return false;
    if (copy_rows(s, b, t, from, to, e))
        return db_script(s->db, "RELEASE part", e);
    if (db_fault(s->db) != DB_DATA)
        return false;
    char state[6];
    snprintf(state, sizeof state, "%s", db_sqlstate(s->db));
    if (!db_script(s->db, "ROLLBACK TO part; RELEASE part", e))
        return false;
    if (to - from > 1) {
        size_t middle = from + (to - from) / 2;
        return find_refused(s, b, t, from, middle, e) && find_refused(s, b, t, middle, to, e);
    }
    struct batch_record *r = &b->records[b->tables[t].index[from].record];
    r->is_refused = true;
    memcpy(r->sqlstate, state, sizeof state);
    b->n_refused++;
    return true;
}

/* A row of `rejected` holds nothing of a sender's but bytes: a refusal is our bug. */
static enum store_result judge_refused(const struct batch *b, struct err *e)
{
    const struct batch_table *t = &b->tables[TABLE_REJECTED];
    for (size_t i = 0; i < t->n; i++) {
        const struct batch_record *r = &b->records[t->index[i].record];
        if (r->is_refused) {
            err_code(e, EXIT_CODE_BUG, "PostgreSQL refuses a row of rejected (%s)",
                     r->sqlstate);
            return STORE_FATAL;
        }
    }
    err_retry(e, "PostgreSQL refused %zu of %zu records", b->n_refused, b->n_records);
    return STORE_REFUSED;
}

static enum store_result refuse(struct store *s, struct batch *b, struct err *e)
{
    size_t before = b->n_refused;
    bool is_good = db_begin(s->db, NULL, e);
    for (enum table t = 0; is_good && t < TABLES_N; t++)
        if (b->tables[t].n > 0)
            is_good = find_refused(s, b, t, 0, b->tables[t].n, e);
    db_rollback(s->db);
    if (!is_good)
        return failed(s, e);
    if (b->n_refused > before)
        return judge_refused(b, e);
    err_retry(e, "PostgreSQL refused a batch, but none of its rows");
    return STORE_RETRY;
}

static void count(struct store *s, const struct batch *b)
{
    for (enum table t = 0; t < TABLES_N; t++) {
        uint64_t n = 0;
        for (size_t i = 0; i < b->tables[t].n; i++)
            n += !b->records[b->tables[t].index[i].record].is_refused;
        atomic_fetch_add(&s->rows[t], n);
    }
}

/* One transaction. False with STORE_FENCED when the offsets had moved. */
static bool attempt(struct store *s, const struct batch *b, enum store_result *result,
                    struct err *e)
{
    bool is_fenced = false;
    *result = STORE_FATAL;
    if (!db_begin(s->db, NULL, e))
        return false;
    if (!move_offsets(s, b, &is_fenced, e) || !copy_all(s, b, e)) {
        if (is_fenced)
            *result = STORE_FENCED;
        db_rollback(s->db);
        return false;
    }
    if (s->before_commit)
        s->before_commit(s->to);
    return db_commit(s->db, e);
}

/* The offsets are not what the batch began at. If they are what it ends at, these very rows are
 * stored, by a COMMIT of ours whose answer was lost or by another archiver. */
static enum store_result moved(struct store *s, const struct batch *b, struct err *e)
{
    enum whereabouts where = ELSEWHERE;
    if (!look(s, b, &where, e))
        return failed(s, e);
    if (where == ALL_NEW) {
        count(s, b);
        return STORE_DONE;
    }
    if (where == ALL_OLD) {
        err_retry(e, "the offsets moved and moved back");
        return STORE_RETRY;
    }
    err_set(e, 0, "another archiver has moved the offsets");
    return STORE_FENCED;
}

/* After a COMMIT whose answer was lost, the same batch comes again: its compare-and-set then
 * waits for the lost transaction to end, and says how. */
static enum store_result put(struct store *s, struct batch *b, struct err *e)
{
    enum store_result result = ready(s, e);
    if (result != STORE_DONE)
        return result;
    if (!ensure_days(s, b, e))
        return failed(s, e);
    if (attempt(s, b, &result, e)) {
        count(s, b);
        return STORE_DONE;
    }
    if (result == STORE_FENCED)
        return moved(s, b, e);
    if (db_fault(s->db) != DB_DATA)
        return failed(s, e);
    s->n_known_days = 0; /* the partitions may have been dropped meanwhile */
    return ensure_days(s, b, e) ? refuse(s, b, e) : failed(s, e);
}

enum store_result store_put(struct store *s, struct batch *b, struct err *e)
{
    if (batch_is_empty(b))
        return STORE_DONE;
    pthread_mutex_lock(&s->turn);
    enum store_result result = put(s, b, e);
    pthread_mutex_unlock(&s->turn);
    return result;
}

static enum store_result seek(struct store *s, const char *topic, const char *partition,
                              uint64_t *offset, struct buf *marks, struct err *e)
{
    const char *const params[] = {s->group, topic, partition};
    enum store_result result = ready(s, e);
    if (result != STORE_DONE)
        return result;
    if (!db_exec(s->db,
                 "INSERT INTO archive_offsets (grp, topic, partition, next_offset, marks) "
                 "VALUES ($1, $2, $3::int, 0, '') ON CONFLICT DO NOTHING",
                 params, 3, NULL, e))
        return failed(s, e);
    struct db_rows *rows = db_query(s->db,
                                    "SELECT next_offset, marks FROM archive_offsets "
                                    "WHERE grp = $1 AND topic = $2 AND partition = $3::int",
                                    params, 3, e);
    if (!rows)
        return failed(s, e);
    bool is_there = db_rows_n(rows) == 1;
    if (is_there) {
        *offset = (uint64_t)db_cell_i64(rows, 0, 0);
        buf_str(marks, db_cell(rows, 0, 1));
    } else {
        err_retry(e, "a row of archive_offsets is gone");
    }
    db_rows_free(rows);
    return is_there ? STORE_DONE : STORE_RETRY;
}

enum store_result store_seek(struct store *s, const char *topic, uint32_t partition,
                             uint64_t *offset, struct buf *marks, struct err *e)
{
    char number[16];
    snprintf(number, sizeof number, "%" PRIu32, partition);
    pthread_mutex_lock(&s->turn);
    enum store_result result = seek(s, topic, number, offset, marks, e);
    pthread_mutex_unlock(&s->turn);
    return result;
}
