/* SPDX-License-Identifier: Apache-2.0 */
/* stream - COPY in and out over a connection of db.h. */
#include "common/db/copy.h"
#include "common/db/db.h"
#include "common/db/inside.h"

/* libpq copies what it is given into its own buffer, so large pieces go in parts. */
enum { PART = 256 * 1024 };

static bool put(struct db *db, struct str piece, struct err *e)
{
    while (piece.len > 0) {
        size_t len = MIN(piece.len, (size_t)PART);
        int taken = PQputCopyData(db->conn, piece.at, (int)len);
        if (taken < 0)
            return db_lose(db, "connection lost", e);
        if (taken == 0) {
            if (!db_wait(db, true, e))
                return false;
            continue;
        }
        piece = str_over(piece.at + len, piece.len - len);
        if (!db_push(db, e))
            return false;
    }
    return true;
}

static bool put_end(struct db *db, struct err *e)
{
    int taken;
    while ((taken = PQputCopyEnd(db->conn, NULL)) == 0)
        if (!db_wait(db, true, e))
            return false;
    if (taken < 0)
        return db_lose(db, "connection lost", e);
    return db_push(db, e);
}

/* Begins a COPY of either direction. */
static bool start(struct db *db, const char *sql, ExecStatusType wanted, struct err *e)
{
    PGresult *r = db_send(db, sql, NULL, 0, e);
    if (!r)
        return false;
    ExecStatusType got = PQresultStatus(r);
    if (got == wanted) {
        PQclear(r);
        return true;
    }
    bool is_error = got == PGRES_FATAL_ERROR;
    CHECK(is_error); /* else the statement was no such COPY */
    (void)db_refused(db, r, e);
    PQclear(r);
    struct err later = {0};
    enum db_fault fault = db->fault;
    if (db->conn && db_finish(db, &later))
        db->fault = fault;
    return false;
}

bool db_copy_in(struct db *db, const char *sql, const struct str *pieces, size_t n,
                uint64_t *n_rows, struct err *e)
{
    if (!start(db, sql, PGRES_COPY_IN, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!put(db, pieces[i], e))
            return false;
    PGresult *r = NULL;
    if (!put_end(db, e) || !db_result(db, &r, e))
        return false;
    CHECK(r != NULL);
    bool is_good = PQresultStatus(r) == PGRES_COMMAND_OK || db_refused(db, r, e);
    if (is_good && n_rows && !str_u64(str_of(PQcmdTuples(r)), n_rows))
        *n_rows = 0;
    PQclear(r);
    struct err later = {0};
    enum db_fault fault = db->fault;
    bool is_finished = db->conn && db_finish(db, is_good ? e : &later);
    if (!is_good)
        db->fault = fault;
    return is_good && is_finished;
}

bool db_copy_out(struct db *db, const char *sql, struct err *e)
{
    buf_reset(&db->incoming);
    db->taken = 0;
    db->has_head = false;
    return start(db, sql, PGRES_COPY_OUT, e);
}

/* One more message into db->incoming; *is_end when the server says that it was the last. */
static bool more(struct db *db, bool *is_end, struct err *e)
{
    char *at = NULL;
    int len;
    while ((len = PQgetCopyData(db->conn, &at, 1)) == 0)
        if (!db_wait(db, false, e))
            return false;
    if (len == -2)
        return db_lose(db, "connection lost", e);
    *is_end = len == -1;
    if (*is_end)
        return true;
    db->incoming.len -= db->taken;
    if (db->incoming.len > 0)
        memmove(db->incoming.at, db->incoming.at + db->taken, db->incoming.len);
    db->taken = 0;
    buf_put(&db->incoming, at, (size_t)len);
    PQfreemem(at);
    return true;
}

static bool skip_head(struct db *db, struct str bytes)
{
    size_t len = copy_head_len(bytes);
    CHECK(len != SIZE_MAX); /* the statement did not ask for FORMAT binary */
    db->taken += len;
    db->has_head = len > 0;
    return db->has_head;
}

bool db_copy_next(struct db *db, struct db_row *row, bool *is_end, struct err *e)
{
    *is_end = false;
    db_call(db);
    if (!db->conn)
        return db_lose(db, "not connected", e);
    for (;;) {
        struct str bytes = buf_as_str(&db->incoming);
        if (db->taken > 0)
            bytes = str_over(bytes.at + db->taken, bytes.len - db->taken);
        size_t used = 0;
        if (!db->has_head && bytes.len > 0 && skip_head(db, bytes))
            continue;
        enum copy_step step = db->has_head ? copy_parse(bytes, row, &used) : COPY_MORE;
        if (step == COPY_BAD)
            return db_lose(db, "rows that cannot be read", e);
        db->taken += used;
        if (step == COPY_ROW)
            return true;
        /* Behind the trailer the server still says that it is done. */
        if (!more(db, is_end, e))
            return false;
        if (*is_end)
            return db_finish(db, e);
    }
}
