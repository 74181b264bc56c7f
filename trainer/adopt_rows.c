/* SPDX-License-Identifier: Apache-2.0 */
/* adopt_rows - the CSV of an export, a line at a time: only margin, label and session are kept.
 */
#include "common/base/clock.h"
#include "common/base/csv.h"
#include "common/base/err.h"
#include "common/base/hash.h"
#include "common/wire/feature.h"
#include "trainer/adopt.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 2048, NONE = COLUMNS_MAX };

struct reading {
    const struct adopted *model;
    struct adopt_rows *rows;
    const char *path;
    uint64_t line;
    struct buf sessions;           /* uint64_t a row */
    size_t n_columns;              /* of the header */
    uint32_t features[FEATURES_N]; /* the column of each line, or NONE */
    uint32_t label, session, ts;   /* likewise */
};

static bool refuse(const struct reading *r, const char *column, const char *what, struct err *e)
{
    return err_set(e, 0, "%s:%" PRIu64 ": %s: %s", r->path, r->line, column, what);
}

static void column_take(struct reading *r, struct str name, uint32_t column)
{
    for (size_t i = 0; i < FEATURES_N; i++)
        if (str_is(name, feature_defs[i].name))
            r->features[i] = column;
    if (str_is(name, "label"))
        r->label = column;
    else if (str_is(name, "session_id"))
        r->session = column;
    else if (str_is(name, "ts"))
        r->ts = column;
}

static bool header_read(struct reading *r, struct str line, struct err *e)
{
    struct str fields[COLUMNS_MAX];
    const struct forest *f = &r->model->forest;
    r->n_columns = csv_split(line, fields, COLUMNS_MAX);
    if (r->n_columns == 0)
        return refuse(r, "header", "this is no line of CSV", e);
    for (size_t i = 0; i < FEATURES_N; i++)
        r->features[i] = NONE;
    r->label = r->session = r->ts = NONE;
    for (uint32_t c = 0; c < r->n_columns; c++)
        column_take(r, fields[c], c);
    if (r->label == NONE)
        return refuse(r, "label", "there is no such column", e);
    for (uint32_t i = 0; i < f->starts[f->n_trees]; i++) {
        uint32_t feature = f->nodes[i].feature & ~TREE_DEFAULT_LEFT;
        if (f->nodes[i].left != 0 && r->features[feature] == NONE)
            return refuse(r, feature_defs[feature].name,
                          "the model asks for it, but there is no such column", e);
    }
    return true;
}

/* Empty and nan are missing. */
static bool number_read(struct str text, float *x)
{
    double number = 0;
    *x = NAN;
    if (text.len == 0 || str_eq_nocase(text, STR("nan")))
        return true;
    if (!str_f64(text, &number) || isinf((float)number))
        return false;
    *x = (float)number;
    return true;
}

static void row_add(struct reading *r, float margin, uint8_t label, uint64_t session)
{
    buf_put(&r->rows->margins, &margin, sizeof margin);
    buf_byte(&r->rows->labels, label);
    buf_put(&r->sessions, &session, sizeof session);
    r->rows->n++;
}

static bool row_read(struct reading *r, struct str line, struct err *e)
{
    struct str fields[COLUMNS_MAX];
    float x[FEATURES_N];
    size_t n = csv_split(line, fields, COLUMNS_MAX);
    if (n != r->n_columns)
        return err_set(e, 0, "%s:%" PRIu64 ": %zu columns instead of %zu", r->path, r->line, n,
                       r->n_columns);
    for (size_t i = 0; i < FEATURES_N; i++) {
        x[i] = NAN;
        if (r->features[i] != NONE && !number_read(fields[r->features[i]], &x[i]))
            return refuse(r, feature_defs[i].name, "not a number", e);
    }
    bool is_positive = str_is(fields[r->label], "1");
    if (!is_positive && !str_is(fields[r->label], "0"))
        return refuse(r, "label", "neither 0 nor 1", e);
    if (r->ts != NONE) {
        int64_t us;
        if (!clock_parse(fields[r->ts], &us))
            return refuse(r, "ts", "not a time", e);
        r->rows->from_us = r->rows->n == 0 ? us : MIN(r->rows->from_us, us);
        r->rows->to_us = r->rows->n == 0 ? us : MAX(r->rows->to_us, us);
    }
    row_add(r, adopt_margin(r->model, x), is_positive,
            r->session == NONE ? r->line : hash64_str(fields[r->session]));
    return true;
}

/* Where a session begins, at or behind the middle. */
static bool rows_cut(struct reading *r, struct err *e)
{
    struct adopt_rows *rows = r->rows;
    const uint64_t *sessions = (const void *)r->sessions.at;
    size_t at = rows->n / 2, positives[2] = {0};
    CHECK(rows->n == 0 || sessions != NULL);
    while (at > 0 && at < rows->n && sessions[at] == sessions[at - 1])
        at++;
    rows->n_calibrate = at;
    for (size_t i = 0; i < rows->n; i++)
        positives[i >= at] += rows->labels.at[i];
    for (int half = 0; half < 2; half++) {
        size_t n = half == 0 ? at : rows->n - at;
        if (positives[half] == 0 || positives[half] == n)
            return err_set(e, 0,
                           "%s: its %s half has one class only: %zu positives among %zu rows",
                           r->path, half == 0 ? "first" : "second", positives[half], n);
    }
    return true;
}

static bool lines_read(struct reading *r, FILE *f, struct err *e)
{
    char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    bool is_good = true;
    while (is_good && (len = getline(&text, &cap, f)) > 0) {
        struct str line = str_over(text, (size_t)len - (text[len - 1] == '\n'));
        line.len -= line.len > 0 && line.at[line.len - 1] == '\r';
        r->line++;
        is_good = r->line == 1 ? header_read(r, line, e) : row_read(r, line, e);
    }
    free(text);
    if (is_good && ferror(f)) {
        (void)err_set(e, errno, "read %s", r->path);
        e->code = EXIT_CODE_IO;
        return false;
    }
    if (is_good && r->line == 0)
        return err_set(e, 0, "%s is empty", r->path);
    return is_good && rows_cut(r, e);
}

bool adopt_rows_read(struct adopt_rows *rows, const struct adopted *m, const char *path,
                     struct err *e)
{
    *rows = (struct adopt_rows){0};
    struct reading r = {.model = m, .rows = rows, .path = path};
    FILE *f = fopen(path, "r");
    if (!f) {
        (void)err_set(e, errno, "%s", path);
        e->code = EXIT_CODE_IO;
        return false;
    }
    bool is_good = lines_read(&r, f, e);
    (void)fclose(f);
    buf_fini(&r.sessions);
    if (!is_good)
        adopt_rows_fini(rows);
    return is_good;
}

void adopt_rows_fini(struct adopt_rows *r)
{
    buf_fini(&r->margins);
    buf_fini(&r->labels);
    *r = (struct adopt_rows){0};
}
