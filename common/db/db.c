/* SPDX-License-Identifier: Apache-2.0 */
#include "common/db/db.h"

#include "common/base/clock.h"
#include "common/db/inside.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_MS = 5000, GRACE_MS = 2000 };

const struct db_limits db_limits_short = {30000, 5000, 5000};
const struct db_limits db_limits_long = {3600 * 1000, 30000, 300 * 1000};

enum db_fault db_fault_of(const char *sqlstate)
{
    /* PostgreSQL manual, appendix A; a class stands for all of its codes. */
    static const struct {
        const char *prefix;
        enum db_fault fault;
    } table[] = {
        {"08", DB_RETRY},    /* connection */
        {"22", DB_DATA},     /* value */
        {"23", DB_DATA},     /* constraint */
        {"54", DB_DATA},     /* too large or too deep for the server */
        {"25006", DB_RETRY}, /* a standby, or a server set to read only: may change back */
        {"25P03", DB_RETRY}, /* idle in transaction: we were stopped meanwhile */
        {"40", DB_RETRY},    /* serialization, deadlock */
        {"53", DB_RETRY},    /* disk, memory, connections */
        {"55P03", DB_RETRY}, /* lock not to be had */
        {"57", DB_RETRY},    /* shutdown, starting, cancelled */
        {"58", DB_RETRY},    /* I/O error of the server */
    };
    if (sqlstate[0] == '\0')
        return DB_RETRY;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].fault;
    return DB_FATAL;
}

enum db_fault db_fault(const struct db *db)
{
    return db->fault;
}

const char *db_sqlstate(const struct db *db)
{
    return db->sqlstate;
}

bool db_is_lost(const struct db *db)
{
    return db->conn == NULL;
}

/* The first line alone: what follows are hints, details with values, and our own statement. */
static struct str first_line(const char *text)
{
    struct str rest, line = str_cut(str_of(text), '\n', &rest);
    return str_trim(line);
}

static bool fail(struct db *db, enum db_fault fault, struct err *e)
{
    db->fault = fault;
    e->retry = fault == DB_RETRY;
    e->code = fault == DB_RETRY  ? EXIT_CODE_GONE
              : fault == DB_DATA ? EXIT_CODE_FAILED
                                 : EXIT_CODE_CONFIG;
    return false;
}

bool db_lose(struct db *db, const char *what, struct err *e)
{
    struct str why = first_line(db->conn ? PQerrorMessage(db->conn) : "");
    err_set(e, 0, "PostgreSQL: %s%s%.*s", what, why.len ? ": " : "", STR_ARGS(why));
    PQfinish(db->conn);
    db->conn = NULL;
    db->sqlstate[0] = '\0';
    return fail(db, DB_RETRY, e);
}

/* Values stand in the messages of refused data, so these give names only. */
static void refused_text(const PGresult *r, const char *state, struct err *e)
{
    const char *table = PQresultErrorField(r, PG_DIAG_TABLE_NAME);
    const char *column = PQresultErrorField(r, PG_DIAG_COLUMN_NAME);
    const char *constraint = PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME);
    const char *primary = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    if (db_fault_of(state) != DB_DATA)
        err_set(e, 0, "PostgreSQL: %s (%s)", primary ? primary : "no message", state);
    else
        err_set(e, 0, "PostgreSQL refused a value (%s)%s%s%s%s%s%s", state,
                table ? ", table " : "", table ? table : "", column ? ", column " : "",
                column ? column : "", constraint ? ", constraint " : "",
                constraint ? constraint : "");
}

bool db_refused(struct db *db, const PGresult *result, struct err *e)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (!state) /* libpq's own error: the connection broke within the statement */
        return db_lose(db, "connection lost", e);
    snprintf(db->sqlstate, sizeof db->sqlstate, "%s", state);
    refused_text(result, db->sqlstate, e);
    fail(db, db_fault_of(db->sqlstate), e);
    if (PQstatus(db->conn) == CONNECTION_BAD) {
        PQfinish(db->conn);
        db->conn = NULL;
    }
    return false;
}

void db_call(struct db *db)
{
    db->fault = DB_NONE;
    db->sqlstate[0] = '\0';
    db->until_us = clock_mono_us() + (db->limits.statement_ms + GRACE_MS) * (int64_t)1000;
}

static bool wait_for(struct db *db, short events)
{
    int64_t left_us = db->until_us - clock_mono_us();
    struct pollfd p = {.fd = PQsocket(db->conn), .events = events};
    if (left_us <= 0 || p.fd < 0)
        return false;
    (void)poll(&p, 1, (int)MIN(left_us / 1000 + 1, (int64_t)60000));
    return true;
}

bool db_wait(struct db *db, bool to_write, struct err *e)
{
    if (!wait_for(db, (short)(POLLIN | (to_write ? POLLOUT : 0))))
        return db_lose(db, "no answer in time", e);
    return PQconsumeInput(db->conn) || db_lose(db, "connection lost", e);
}

bool db_push(struct db *db, struct err *e)
{
    for (;;) {
        int left = PQflush(db->conn);
        if (left == 0)
            return true;
        if (left < 0)
            return db_lose(db, "connection lost", e);
        if (!db_wait(db, true, e))
            return false;
    }
}

bool db_result(struct db *db, PGresult **result, struct err *e)
{
    while (PQisBusy(db->conn))
        if (!db_wait(db, false, e))
            return false;
    *result = PQgetResult(db->conn);
    return true;
}

static bool is_error(const PGresult *r)
{
    ExecStatusType s = PQresultStatus(r);
    return s == PGRES_FATAL_ERROR || s == PGRES_BAD_RESPONSE || s == PGRES_NONFATAL_ERROR;
}

bool db_finish(struct db *db, struct err *e)
{
    bool is_good = true;
    for (;;) {
        PGresult *r = NULL;
        if (!db->conn || !db_result(db, &r, e))
            return false;
        if (!r)
            return is_good;
        if (is_good && is_error(r))
            is_good = db_refused(db, r, e);
        PQclear(r);
    }
}

PGresult *db_send(struct db *db, const char *sql, const char *const *params, size_t n,
                  struct err *e)
{
    PGresult *r = NULL;
    db_call(db);
    if (!db->conn) {
        (void)db_lose(db, "not connected", e);
        return NULL;
    }
    int sent = params ? PQsendQueryParams(db->conn, sql, (int)n, NULL, params, NULL, NULL, 0)
                      : PQsendQuery(db->conn, sql);
    if (!sent) {
        (void)db_lose(db, "connection lost", e);
        return NULL;
    }
    if (!db_push(db, e) || !db_result(db, &r, e))
        return NULL;
    CHECK(r != NULL);
    return r;
}

/* The last of the statement's results; NULL on failure. */
static PGresult *run(struct db *db, const char *sql, const char *const *params, size_t n,
                     struct err *e)
{
    PGresult *r = db_send(db, sql, params, n, e);
    if (!r)
        return NULL;
    bool is_good = !is_error(r) || db_refused(db, r, e);
    struct err later = {0};
    enum db_fault fault = db->fault;
    if (db->conn && !db_finish(db, is_good ? e : &later) && is_good)
        is_good = false;
    else if (!is_good)
        db->fault = fault;
    if (is_good)
        return r;
    PQclear(r);
    return NULL;
}

bool db_script(struct db *db, const char *sql, struct err *e)
{
    PGresult *r = run(db, sql, NULL, 0, e);
    PQclear(r);
    return r != NULL;
}

bool db_begin(struct db *db, const struct db_limits *limits, struct err *e)
{
    char sql[256];
    const struct db_limits *l = limits ? limits : &db_limits_short;
    snprintf(sql, sizeof sql,
             "BEGIN; SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = %d; "
             "SET LOCAL idle_in_transaction_session_timeout = %d",
             l->statement_ms, l->lock_ms, l->idle_ms);
    db->limits = db_limits_short;
    if (!db_script(db, sql, e))
        return false;
    db->limits = *l;
    return true;
}

static bool end_transaction(struct db *db, const char *sql, struct err *e)
{
    PGresult *r = run(db, sql, NULL, 0, e);
    bool is_said = r && strcmp(PQcmdStatus(r), sql) == 0;
    PQclear(r);
    db->limits = db_limits_short;
    if (r && !is_said) { /* COMMIT of a failed transaction answers ROLLBACK */
        err_set(e, 0, "PostgreSQL: the transaction had failed before its %s", sql);
        return fail(db, DB_RETRY, e);
    }
    return r != NULL;
}

bool db_commit(struct db *db, struct err *e)
{
    return end_transaction(db, "COMMIT", e);
}

void db_rollback(struct db *db)
{
    struct err e = {0};
    enum db_fault fault = db->fault;
    char state[sizeof db->sqlstate];
    memcpy(state, db->sqlstate, sizeof state);
    PGTransactionStatusType now = db->conn ? PQtransactionStatus(db->conn) : PQTRANS_IDLE;
    bool is_open = now == PQTRANS_INTRANS || now == PQTRANS_INERROR;
    bool is_ended = is_open ? end_transaction(db, "ROLLBACK", &e) : now == PQTRANS_IDLE;
    if (!is_ended && db->conn)
        (void)db_lose(db, "given up", &e);
    db->limits = db_limits_short;
    db->fault = fault;
    memcpy(db->sqlstate, state, sizeof state);
}

bool db_exec(struct db *db, const char *sql, const char *const *params, size_t n,
             uint64_t *n_rows, struct err *e)
{
    static const char *const none[1] = {NULL};
    PGresult *r = run(db, sql, params ? params : none, n, e);
    if (!r)
        return false;
    if (n_rows && !str_u64(str_of(PQcmdTuples(r)), n_rows))
        *n_rows = 0;
    PQclear(r);
    return true;
}

static PGresult *one_value(struct db *db, const char *sql, const char *const *params, size_t n,
                           struct err *e)
{
    static const char *const none[1] = {NULL};
    PGresult *r = run(db, sql, params ? params : none, n, e);
    if (r && PQntuples(r) == 1 && PQnfields(r) >= 1)
        return r;
    if (r)
        err_set(e, 0, "PostgreSQL: %d rows where one was asked for", PQntuples(r));
    PQclear(r);
    return NULL;
}

bool db_value_i64(struct db *db, const char *sql, const char *const *params, size_t n,
                  int64_t *value, struct err *e)
{
    PGresult *r = one_value(db, sql, params, n, e);
    if (!r)
        return false;
    bool is_good = str_i64(str_of(PQgetvalue(r, 0, 0)), value);
    if (!is_good)
        err_set(e, 0, "PostgreSQL: no number where one was asked for");
    PQclear(r);
    return is_good;
}

bool db_value_text(struct db *db, const char *sql, const char *const *params, size_t n,
                   char *out, size_t size, struct err *e)
{
    PGresult *r = one_value(db, sql, params, n, e);
    if (!r)
        return false;
    snprintf(out, size, "%s", PQgetvalue(r, 0, 0));
    PQclear(r);
    return true;
}

struct db_rows {
    PGresult *result;
};

struct db_rows *db_query(struct db *db, const char *sql, const char *const *params, size_t n,
                         struct err *e)
{
    static const char *const none[1] = {NULL};
    PGresult *r = run(db, sql, params ? params : none, n, e);
    if (!r)
        return NULL;
    struct db_rows *rows = mem_new(sizeof *rows);
    rows->result = r;
    return rows;
}

size_t db_rows_n(const struct db_rows *r)
{
    return (size_t)PQntuples(r->result);
}

size_t db_rows_columns(const struct db_rows *r)
{
    return (size_t)PQnfields(r->result);
}

struct str db_cell(const struct db_rows *r, size_t row, size_t column)
{
    CHECK(row < db_rows_n(r) && column < db_rows_columns(r));
    if (PQgetisnull(r->result, (int)row, (int)column))
        return (struct str){NULL, 0};
    return str_over(PQgetvalue(r->result, (int)row, (int)column),
                    (size_t)PQgetlength(r->result, (int)row, (int)column));
}

int64_t db_cell_i64(const struct db_rows *r, size_t row, size_t column)
{
    int64_t value = 0;
    return str_i64(db_cell(r, row, column), &value) ? value : 0;
}

double db_cell_f64(const struct db_rows *r, size_t row, size_t column)
{
    double value = 0;
    return str_f64(db_cell(r, row, column), &value) ? value : 0;
}

void db_rows_free(struct db_rows *r)
{
    if (r)
        PQclear(r->result);
    free(r);
}

/* Waits for the connection; leaves it in db->conn also when it failed, for its message. */
static bool connect_poll(struct db *db)
{
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED || PQstatus(db->conn) == CONNECTION_BAD)
            return false;
        if (!wait_for(db, state == PGRES_POLLING_READING ? POLLIN : POLLOUT))
            return false;
        state = PQconnectPoll(db->conn);
    }
    return PQsetnonblocking(db->conn, 1) == 0;
}

/* With PQERRORS_VERBOSE a refusal reads "... FATAL:  28P01: ..."; five letters between two
 * blanks and a colon. */
static void state_of_refusal(const char *text, char state[6])
{
    for (const char *at = strstr(text, ":  "); at; at = strstr(at + 3, ":  ")) {
        size_t n = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (n == 5 && at[8] == ':') {
            memcpy(state, at + 3, 5);
            state[5] = '\0';
            return;
        }
    }
}

static bool connect_failed(struct db *db, struct err *e)
{
    char state[6] = "";
    state_of_refusal(PQerrorMessage(db->conn), state);
    (void)db_lose(db, "cannot connect", e);
    memcpy(db->sqlstate, state, sizeof state);
    return fail(db, db_fault_of(state), e);
}

bool db_reopen(struct db *db, struct err *e)
{
    if (db->conn)
        return true;
    /* What stands behind dbname in this list would override the dsn, what stands before it
     * gives way to it. A server that is gone without a word is noticed within about 10 s. */
    const char *const keys[] = {
        "application_name", "client_encoding",  "keepalives_idle", "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "dbname",          NULL};
    const char *const values[] = {
        db->application_name, "UTF8", "5", "2", "3", "10000", db->dsn, NULL};
    db->limits = db_limits_short;
    db->until_us = clock_mono_us() + CONNECT_MS * (int64_t)1000;
    db->conn = PQconnectStartParams(keys, values, 1);
    CHECK(db->conn != NULL);
    (void)PQsetErrorVerbosity(db->conn, PQERRORS_VERBOSE);
    if (!connect_poll(db))
        return connect_failed(db, e);
    db->fault = DB_NONE;
    db->sqlstate[0] = '\0';
    return true;
}

struct db *db_new(const char *dsn, const char *application_name, struct err *e)
{
    bool is_set = dsn && dsn[0];
    PQconninfoOption *parsed = is_set ? PQconninfoParse(dsn, NULL) : NULL;
    if (!parsed) { /* libpq's own text would repeat parts of it, perhaps the password */
        err_code(e, EXIT_CODE_CONFIG, "postgres.dsn is %s",
                 is_set ? "no connection string of PostgreSQL" : "not set");
        return NULL;
    }
    PQconninfoFree(parsed);
    struct db *db = mem_zero(1, sizeof *db);
    db->dsn = mem_text(dsn);
    db->application_name = mem_text(application_name);
    db->limits = db_limits_short;
    return db;
}

struct db *db_open(const char *dsn, const char *application_name, struct err *e)
{
    struct db *db = db_new(dsn, application_name, e);
    if (db && db_reopen(db, e))
        return db;
    db_close(db);
    return NULL;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    PQfinish(db->conn);
    buf_fini(&db->incoming);
    free(db->dsn);
    free(db->application_name);
    free(db);
}
