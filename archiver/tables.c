/* SPDX-License-Identifier: Apache-2.0 */
#include "archiver/tables.h"

#include "common/db/copy.h"
#include "common/db/db.h"

#include <math.h>
#include <stdio.h>

const char *const column_sql[] = {
    [COLUMN_INT4] = "int",
    [COLUMN_INT8] = "bigint",
    [COLUMN_FLOAT8] = "double precision",
    [COLUMN_TIME] = "timestamptz",
    [COLUMN_FLAG] = "boolean",
    [COLUMN_TEXT] = "text",
    [COLUMN_JSONB] = "jsonb",
    [COLUMN_BYTEA] = "bytea",
};

static const enum column_type column_of_field[] = {
    [FIELD_U64] = COLUMN_INT8,  [FIELD_F64] = COLUMN_FLOAT8, [FIELD_TIME] = COLUMN_TIME,
    [FIELD_STR] = COLUMN_TEXT,  [FIELD_JSON] = COLUMN_JSONB, [FIELD_BIN] = COLUMN_BYTEA,
    [FIELD_FLAG] = COLUMN_FLAG,
};

/* The first columns of a table: the position, by its names in SQL. */
struct place_column {
    const char *name;
    enum column_type type;
    const char *field; /* of the record; NULL = of struct place */
    size_t at;         /* in struct place */
};

static const struct place_column source_place[] = {
    {"epoch", COLUMN_INT4, "epoch", 0},
    {"origin", COLUMN_INT4, "origin", 0},
    {"source_partition", COLUMN_INT4, "partition", 0},
    {"source_offset", COLUMN_INT8, "offset", 0},
    {"source_index", COLUMN_INT4, "index", 0},
    {"import_id", COLUMN_INT8, "import_id", 0},
    {"partition", COLUMN_INT4, NULL, offsetof(struct place, partition)},
    {"offset", COLUMN_INT8, NULL, offsetof(struct place, offset)},
    {0},
};
static const struct place_column key_place[] = {
    {"epoch", COLUMN_INT4, "epoch", 0},
    {"partition", COLUMN_INT4, "partition", 0},
    {"offset", COLUMN_INT8, "offset", 0},
    {0},
};
static const struct place_column index_place[] = {
    {"epoch", COLUMN_INT4, "epoch", 0},
    {"partition", COLUMN_INT4, "partition", 0},
    {"offset", COLUMN_INT8, "offset", 0},
    {"index", COLUMN_INT4, "index", 0},
    {0},
};

static const struct place_column notice_place[] = {
    {"epoch", COLUMN_INT4, "epoch", 0},
    {"partition", COLUMN_INT4, NULL, offsetof(struct place, partition)},
    {"offset", COLUMN_INT8, NULL, offsetof(struct place, offset)},
    {0},
};

/* Described as a record is, though it is none: key 1 is the position's epoch. */
static const struct field_def notice_fields[] = {
    {1, FIELD_U64, offsetof(struct notice, epoch), "epoch", "", NULL},
    {10, FIELD_TIME, offsetof(struct notice, received_us), "received_us", "", NULL},
    {11, FIELD_U64, offsetof(struct notice, rec), "rec", "", NULL},
    {12, FIELD_BIN, offsetof(struct notice, record), "record", "", NULL},
    {13, FIELD_TIME, offsetof(struct notice, clock_us), "clock_us", "", NULL},
};
static const struct record_def notice_def = {
    .name = "notice",
    .number = REC_END,
    .size = sizeof(struct notice),
    .fields = notice_fields,
    .n_fields = ARRAY_LEN(notice_fields),
};

/* `fields` are the wanted ones, or behind a "*" those that are left out; parts of the position
 * and lists never count among them. */
static const struct {
    const char *name, *fields;
    const struct place_column *place;
    const struct record_def *record, *item;
} rules[TABLES_N] = {
    [TABLE_EVENTS_ALL] = {"events_all", "*", source_place, &event_def, NULL},
    [TABLE_REPEATS] = {"repeats", " received_us visitor site_id event_id type ts_us of_import ",
                       key_place, &vector_def, NULL},
    [TABLE_FEATURES] = {"features", "* verdict ", key_place, &vector_def, NULL},
    [TABLE_SESSIONS] = {"sessions", "*", index_place, &session_def, NULL},
    /* the vector stands in features */
    [TABLE_PREDICTIONS] = {"predictions", "* verdict features_n features ", key_place,
                           &prediction_def, &kind_def},
    [TABLE_REJECTED] = {"rejected", "*", source_place, &rejected_def, NULL},
    [TABLE_INTERVENTIONS] = {"interventions", "*", index_place, &intervention_def, NULL},
    [TABLE_OUTCOMES] = {"outcomes", "*", index_place, &outcome_def, NULL},
    [TABLE_DELIVERIES] = {"deliveries", "*", index_place, &delivery_def, NULL},
    [TABLE_NOTICES] = {"notices", "*", notice_place, &notice_def, NULL},
};

enum { POSITION_KEYS = 7 };

static bool is_wanted(const char *fields, const char *name)
{
    char word[64];
    CHECK(snprintf(word, sizeof word, " %s ", name) < (int)sizeof word);
    return (strstr(fields, word) != NULL) != (fields[0] == '*');
}

static void add(struct table_def *t, const char *name, enum column_type type,
                enum column_base base, size_t at)
{
    CHECK(t->n_columns < TABLE_COLUMNS);
    size_t len = strlen(name) - (type == COLUMN_TIME ? strlen("_us") : 0);
    t->columns[t->n_columns++] = (struct column){name, (int)len, type, base, at};
}

static void add_place(struct table_def *t, const struct place_column *c,
                      const struct record_def *record)
{
    if (!c->field) {
        add(t, c->name, c->type, BASE_PLACE, c->at);
        return;
    }
    for (size_t i = 0; i < record->n_fields; i++)
        if (record->fields[i].key < POSITION_KEYS &&
            strcmp(record->fields[i].name, c->field) == 0)
            add(t, c->name, c->type, BASE_RECORD, record->fields[i].offset);
}

static void add_fields(struct table_def *t, const struct record_def *d, const char *fields,
                       enum column_base base)
{
    for (size_t i = 0; i < d->n_fields; i++) {
        const struct field_def *f = &d->fields[i];
        bool is_position = d->number != 0 && f->key < POSITION_KEYS;
        if (!is_position && f->type != FIELD_LIST && is_wanted(fields, f->name))
            add(t, f->name, column_of_field[f->type], base, f->offset);
    }
}

void table_names(struct buf *sql, const struct table_def *t, const char *prefix)
{
    for (unsigned i = 0; i < t->n_columns; i++)
        buf_printf(sql, "%s%s\"%.*s\"", i ? ", " : "", prefix, t->columns[i].name_len,
                   t->columns[i].name);
}

static void write_copy(struct table_def *t)
{
    struct buf b = {0};
    buf_printf(&b, "COPY %s (", t->name);
    table_names(&b, t, "");
    buf_text(&b, ") FROM STDIN (FORMAT binary)");
    CHECK(b.len < sizeof t->copy);
    memcpy(t->copy, buf_cstr(&b), b.len + 1);
    buf_fini(&b);
}

void tables_init(struct table_def tables[TABLES_N])
{
    for (int i = 0; i < TABLES_N; i++) {
        struct table_def *t = &tables[i];
        t->name = rules[i].name;
        t->n_columns = 0;
        for (const struct place_column *c = rules[i].place; c->name; c++)
            add_place(t, c, rules[i].record);
        add_fields(t, rules[i].record, rules[i].fields, BASE_RECORD);
        if (rules[i].item)
            add_fields(t, rules[i].item, "*", BASE_ITEM);
        write_copy(t);
    }
}

static void pack_u64(struct buf *b, enum column_type type, const void *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    if (type == COLUMN_INT4)
        copy_int4(b, (int32_t)v);
    else
        copy_int8(b, (int64_t)v);
}

static void pack_float8(struct buf *b, const void *at)
{
    double v;
    memcpy(&v, at, sizeof v);
    if (isnan(v))
        copy_null(b);
    else
        copy_float8(b, v);
}

static void pack_time(struct buf *b, const void *at)
{
    int64_t us;
    memcpy(&us, at, sizeof us);
    if (us == 0)
        copy_null(b);
    else
        copy_time(b, us);
}

static void pack_flag(struct buf *b, const void *at)
{
    bool v;
    memcpy(&v, at, sizeof v);
    copy_flag(b, v);
}

static void pack_bytes(struct buf *b, enum column_type type, const void *at)
{
    struct str s;
    memcpy(&s, at, sizeof s);
    if (s.len == 0)
        copy_null(b);
    else if (type == COLUMN_JSONB)
        copy_jsonb(b, s);
    else
        copy_text(b, s); /* bytea looks the same */
}

void table_pack(struct buf *rows, const struct table_def *t, const void *const bases[BASES_N])
{
    copy_row(rows, t->n_columns);
    table_values(rows, t, bases);
}

void table_values(struct buf *rows, const struct table_def *t, const void *const bases[BASES_N])
{
    for (const struct column *c = t->columns; c < t->columns + t->n_columns; c++) {
        const char *at = (const char *)bases[c->base] + c->at;
        switch (c->type) {
        case COLUMN_INT4:
        case COLUMN_INT8:
            pack_u64(rows, c->type, at);
            break;
        case COLUMN_FLOAT8:
            pack_float8(rows, at);
            break;
        case COLUMN_TIME:
            pack_time(rows, at);
            break;
        case COLUMN_FLAG:
            pack_flag(rows, at);
            break;
        case COLUMN_TEXT:
        case COLUMN_JSONB:
        case COLUMN_BYTEA:
            pack_bytes(rows, c->type, at);
            break;
        }
    }
}

static void read_number(char *to, const struct db_field *f, const struct column *c)
{
    int64_t i64 = c->type == COLUMN_TIME ? db_field_time(f) : db_field_i64(f);
    double f64 = db_field_f64(f);
    bool flag = db_field_flag(f);
    if (c->type == COLUMN_FLAG)
        memcpy(to, &flag, sizeof flag);
    else if (c->type == COLUMN_FLOAT8)
        memcpy(to, &f64, sizeof f64);
    else
        memcpy(to, &i64, sizeof i64);
}

void table_read(const struct table_def *t, const struct db_field *fields,
                void *const bases[BASES_N])
{
    for (unsigned i = 0; i < t->n_columns; i++) {
        const struct column *c = &t->columns[i];
        char *to = (char *)bases[c->base] + c->at;
        struct str s =
            c->type == COLUMN_JSONB ? db_field_jsonb(&fields[i]) : db_field_str(&fields[i]);
        if (c->type == COLUMN_TEXT || c->type == COLUMN_JSONB || c->type == COLUMN_BYTEA)
            memcpy(to, &s, sizeof s);
        else
            read_number(to, &fields[i], c);
    }
}

bool position_fits(const struct position *p)
{
    return p->epoch <= INT32_MAX && p->origin <= INT32_MAX && p->partition <= INT32_MAX &&
           p->index <= INT32_MAX;
}
