/* SPDX-License-Identifier: Apache-2.0 */
/* inside - what the files of common/db share, and nobody else sees. */
#ifndef AUSPEX_DB_INSIDE_H
#define AUSPEX_DB_INSIDE_H

#include "common/base/buf.h"
#include "common/db/db.h"

#include <libpq-fe.h>

struct db {
    PGconn *conn; /* NULL when lost */
    char *dsn, *application_name;
    enum db_fault fault;
    char sqlstate[6];
    int64_t until_us;        /* monotonic: when the call under way gives up */
    struct db_limits limits; /* of the transaction, or db_limits_short */
    struct buf incoming;     /* COPY OUT: bytes from `taken` on are not yet parsed */
    size_t taken;
    bool has_head;
};

/* Starts the time of a call. */
void db_call(struct db *db);
/* Forgets the connection. Returns false with a text for `what`. */
bool db_lose(struct db *db, const char *what, struct err *e);
/* Puts all queued bytes on the wire, reading meanwhile. */
MUST_USE bool db_push(struct db *db, struct err *e);
/* Waits for the socket, or the end of the call's time. */
MUST_USE bool db_wait(struct db *db, bool to_write, struct err *e);
/* Next result, NULL at the end of the statement; false when the connection is lost. */
MUST_USE bool db_result(struct db *db, PGresult **result, struct err *e);
/* Reads all further results and clears them; false when one of them is an error or the
 * connection is lost. */
MUST_USE bool db_finish(struct db *db, struct err *e);
/* Takes fault and text from a result that is an error. Returns false. */
bool db_refused(struct db *db, const PGresult *result, struct err *e);
/* Sends and waits for the first result, which may be an error. NULL when the connection is
 * lost. */
MUST_USE PGresult *db_send(struct db *db, const char *sql, const char *const *params, size_t n,
                           struct err *e);

#endif
