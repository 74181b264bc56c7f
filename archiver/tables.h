/* SPDX-License-Identifier: Apache-2.0 */
/* tables - which columns the tables of schemas/sql have, made from the records' own tables.
 *
 * A column is a field of the record, of the record of its list (a kind), or of the place where
 * the record stands. Names are those of the .def files, times without _us; the position goes by
 * the names that 001_spine.sql explains. */
#ifndef AUSPEX_ARCHIVER_TABLES_H
#define AUSPEX_ARCHIVER_TABLES_H

#include "common/base/buf.h"
#include "common/wire/record.h"

enum table {
    TABLE_EVENTS_ALL,
    TABLE_REPEATS,
    TABLE_FEATURES,
    TABLE_SESSIONS,
    TABLE_PREDICTIONS,
    TABLE_REJECTED,
    TABLE_INTERVENTIONS,
    TABLE_OUTCOMES,
    TABLE_DELIVERIES,
    TABLE_NOTICES,
    TABLES_N
};

enum column_type {
    COLUMN_INT4,
    COLUMN_INT8,
    COLUMN_FLOAT8,
    COLUMN_TIME,
    COLUMN_FLAG,
    COLUMN_TEXT,
    COLUMN_JSONB,
    COLUMN_BYTEA
};
extern const char *const column_sql[]; /* "int", "bigint", ...: the names of the types */

enum column_base { BASE_PLACE, BASE_RECORD, BASE_ITEM, BASES_N };

/* Where a record stands in the topic that is archived. */
struct place {
    uint64_t partition, offset;
};

/* What a row of notices is made of: a record of the topic events that is no event, or the clock
 * that featurizer told with it. */
struct notice {
    uint64_t epoch, rec;
    int64_t received_us, clock_us;
    struct str record; /* as it stands in the topic */
};

struct column {
    const char *name; /* of a time: still with its _us */
    int name_len;     /* of the name in SQL */
    enum column_type type;
    enum column_base base;
    size_t at; /* bytes into the base */
};

enum { TABLE_COLUMNS = 128, TABLE_SQL = 4096 };
struct table_def {
    const char *name;
    struct column columns[TABLE_COLUMNS];
    unsigned n_columns;
    char copy[TABLE_SQL]; /* "COPY name (...) FROM STDIN (FORMAT binary)" */
};

void tables_init(struct table_def tables[TABLES_N]);
/* Appends a row; each base that the table has columns of must be there. A field at its default
 * becomes NULL, but numbers and flags 0. Numbers of int columns must fit (position_fits). */
void table_pack(struct buf *rows, const struct table_def *t, const void *const bases[BASES_N]);
/* The columns' names in quotes, with commas between, each behind `prefix` ("e." or ""). */
void table_names(struct buf *sql, const struct table_def *t, const char *prefix);
/* The way back, from the fields of a row as COPY BINARY sends it, one for each column: what
 * table_pack made of the bases is in them again, texts of JSON as jsonb writes them. The bases'
 * other fields stay. Slices point into the fields. */
struct db_field;
void table_read(const struct table_def *t, const struct db_field *fields,
                void *const bases[BASES_N]);
/* The values alone, for a row that holds more. */
void table_values(struct buf *rows, const struct table_def *t,
                  const void *const bases[BASES_N]);
/* Whether the columns of type int hold these. */
bool position_fits(const struct position *p);

#endif
