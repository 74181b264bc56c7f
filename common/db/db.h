/* SPDX-License-Identifier: Apache-2.0 */
/* db - PostgreSQL through libpq, thin: a connection, transactions, queries, COPY.
 *
 * No session state is used (no named statements, no SET outside of a transaction), so a pooler
 * in transaction mode may stand between. Every call ends within the limits of its transaction,
 * also when the server is stopped or the network is gone. One thread at a time may use a db.
 * Texts of errors hold no passwords and no values of rows. */
#ifndef AUSPEX_DB_H
#define AUSPEX_DB_H

#include "common/base/err.h"
#include "common/base/str.h"

struct db;

/* What a failed call failed of. RETRY: the connection is lost, or the server is starting,
 * stopping, full, locked or took another side in a conflict: the same transaction may succeed
 * later. DATA: a value was refused. FATAL: anything else, e.g. rights or a missing table. */
enum db_fault { DB_NONE, DB_RETRY, DB_DATA, DB_FATAL };

struct db_limits {
    int statement_ms; /* of one statement */
    int lock_ms;      /* of waiting for one lock */
    int idle_ms;      /* between two statements, after which the server gives up on us */
};
extern const struct db_limits db_limits_short; /* 30 s, 5 s, 5 s */
extern const struct db_limits db_limits_long;  /* 1 h, 30 s, 5 min: for a trainer's reads */

/* Not yet connected: for who waits for the server with db_reopen. NULL on failure:
 * EXIT_CODE_CONFIG for a dsn that is none or is empty. */
MUST_USE struct db *db_new(const char *dsn, const char *application_name, struct err *e);
/* db_new and db_reopen; NULL when either fails. */
MUST_USE struct db *db_open(const char *dsn, const char *application_name, struct err *e);
void db_close(struct db *db); /* NULL is fine */
/* Connects when there is no connection, for at most 5 s. EXIT_CODE_GONE and err.retry when
 * nobody answers, EXIT_CODE_CONFIG when the server does not want us. */
MUST_USE bool db_reopen(struct db *db, struct err *e);
bool db_is_lost(const struct db *db);
/* Of the last call that failed, and its five letters ("" when the server said nothing). */
enum db_fault db_fault(const struct db *db);
const char *db_sqlstate(const struct db *db);
/* The kind of fault that five letters of SQLSTATE stand for; "" = nothing was heard. */
enum db_fault db_fault_of(const char *sqlstate);

/* BEGIN with the limits set for this transaction only; NULL = db_limits_short. Statements
 * outside of a transaction run under what the server has as its defaults, and within
 * db_limits_short on our side. */
MUST_USE bool db_begin(struct db *db, const struct db_limits *limits, struct err *e);
/* When this fails and db_is_lost, the outcome is unknown: the transaction may stand. */
MUST_USE bool db_commit(struct db *db, struct err *e);
/* Never fails: a connection that does not take it is given up. */
void db_rollback(struct db *db);

/* Runs one statement with parameters $1 ... $n as text; a NULL entry is NULL. *n_rows (may be
 * NULL) is how many rows it touched or gave. Rows that it gives are thrown away. */
MUST_USE bool db_exec(struct db *db, const char *sql, const char *const *params, size_t n,
                      uint64_t *n_rows, struct err *e);
/* Runs several statements, without parameters. */
MUST_USE bool db_script(struct db *db, const char *sql, struct err *e);
/* The first column of the one row that must come; NULL gives an empty text. False with
 * db_fault() == DB_NONE when no row or more than one came. */
MUST_USE bool db_value_i64(struct db *db, const char *sql, const char *const *params, size_t n,
                           int64_t *value, struct err *e);
/* `out` is cut at `size`, always terminated. */
MUST_USE bool db_value_text(struct db *db, const char *sql, const char *const *params, size_t n,
                            char *out, size_t size, struct err *e);

/* A whole result in memory, as text. NULL on failure. */
struct db_rows;
MUST_USE struct db_rows *db_query(struct db *db, const char *sql, const char *const *params,
                                  size_t n, struct err *e);
size_t db_rows_n(const struct db_rows *r);
size_t db_rows_columns(const struct db_rows *r);
/* Valid until db_rows_free; terminated by a NUL behind len; NULL of SQL is {NULL, 0}. */
struct str db_cell(const struct db_rows *r, size_t row, size_t column);
/* A cell as a number, 0 for NULL or no number. */
int64_t db_cell_i64(const struct db_rows *r, size_t row, size_t column);
double db_cell_f64(const struct db_rows *r, size_t row, size_t column);
void db_rows_free(struct db_rows *r);

/* "COPY t (a, b) FROM STDIN (FORMAT binary)": sends the pieces one behind the other, which
 * together are what common/db/copy.h builds. *n_rows may be NULL. */
MUST_USE bool db_copy_in(struct db *db, const char *sql, const struct str *pieces, size_t n,
                         uint64_t *n_rows, struct err *e);

/* "COPY (SELECT ...) TO STDOUT (FORMAT binary)", row by row, in bounded memory:
 *   if (!db_copy_out(db, sql, e)) fail;
 *   while (db_copy_next(db, &row, &is_end, e) && !is_end) use(&row);
 * To stop before the end, db_rollback or db_close. */
enum { DB_COLUMNS = 1024 };
struct db_field {
    const char *at; /* big-endian, as PostgreSQL sends it; NULL = NULL of SQL */
    size_t len;
};
struct db_row {
    size_t n;
    struct db_field fields[DB_COLUMNS]; /* slices are valid until the next call */
};
MUST_USE bool db_copy_out(struct db *db, const char *sql, struct err *e);
MUST_USE bool db_copy_next(struct db *db, struct db_row *row, bool *is_end, struct err *e);
/* Values of such a field, of int2, int4 or int8; float4 or float8 (NaN for NULL); timestamptz
 * in microseconds since 1970 (0 for NULL); boolean; text, json, bytea (jsonb without its
 * version byte). A field of another width gives the same as NULL. */
int64_t db_field_i64(const struct db_field *f);
double db_field_f64(const struct db_field *f);
int64_t db_field_time(const struct db_field *f);
bool db_field_flag(const struct db_field *f);
struct str db_field_str(const struct db_field *f);
struct str db_field_jsonb(const struct db_field *f);

#endif
