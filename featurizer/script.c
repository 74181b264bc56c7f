/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/script.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TEXTS = 8, TEXT_LEN = 96 };

struct script {
    struct try t;
    double now_s; /* the newest received time */
    char texts[TEXTS][TEXT_LEN];
    unsigned n_texts;
};

/* What stands behind it in *rest. */
static double read_time(const char *at, const char **rest)
{
    static const struct {
        char name;
        double s;
    } units[] = {{'d', 86400}, {'h', 3600}, {'m', 60}, {'s', 1}};
    double sum = 0, sign = *at == '-' ? -1 : 1;
    at += *at == '-';
    for (char *end; *at >= '0' && *at <= '9'; at = end) {
        double number = strtod(at, &end), unit = 1;
        for (size_t i = 0; i < ARRAY_LEN(units); i++)
            if (*end == units[i].name)
                unit = units[i].s;
        end += *end == 'd' || *end == 'h' || *end == 'm' || *end == 's';
        sum += number * unit;
    }
    *rest = at;
    return sign * sum;
}

/* Each % as the number. */
static struct str numbered(struct script *s, struct str value, unsigned number)
{
    if (!memchr(value.at, '%', value.len))
        return value;
    char *text = s->texts[s->n_texts++ % TEXTS];
    struct str behind, before = str_cut(value, '%', &behind);
    int len =
        snprintf(text, TEXT_LEN, "%.*s%u%.*s", STR_ARGS(before), number, STR_ARGS(behind));
    assert_in_range(len, 1, TEXT_LEN - 1);
    return str_over(text, (size_t)len);
}

static void set_field(struct script *s, const struct record_def *def, void *record,
                      struct str member, unsigned number)
{
    const char *rest;
    struct str value, name = str_cut(member, '=', &value);
    for (size_t i = 0; i < def->n_fields; i++) {
        const struct field_def *f = &def->fields[i];
        void *at = (char *)record + f->offset;
        if (!str_is(name, f->name))
            continue;
        if (f->type == FIELD_STR)
            *(struct str *)at = value.len > 0 ? numbered(s, value, number) : value;
        else if (f->type == FIELD_F64)
            *(double *)at = strtod(value.at, NULL);
        else if (f->type == FIELD_TIME)
            *(int64_t *)at = TRY_T0 + (int64_t)(read_time(value.at, &rest) * 1e6);
        else
            assert_true(f->type == FIELD_U64 && str_u64(value, at));
        return;
    }
    fail_msg("no field %.*s", STR_ARGS(name));
}

static void set_fields(struct script *s, const struct record_def *def, void *record,
                       struct str fields, unsigned number)
{
    while (fields.len > 0)
        set_field(s, def, record, str_cut(fields, ' ', &fields), number);
}

static struct vector give_event(struct script *s, struct str line, unsigned number)
{
    const char *behind;
    struct str rest, fields;
    double ts_s = read_time(str_cut(line, ' ', &rest).at, &behind);
    struct str type = str_cut(rest, ' ', &fields);
    s->now_s = ts_s > s->now_s ? ts_s : s->now_s;
    struct event e = try_event("", s->now_s, ts_s);
    e.type = type;
    set_fields(s, &event_def, &e, fields, number);
    e.origin = e.import_id > 0 ? ORIGIN_IMPORTS : ORIGIN_RAW;
    struct vector v[1];
    assert_int_equal(try_vectors(&s->t, try_event_give(&s->t, &e), v, 1), 1);
    assert_int_equal(v->features_n, FEATURES_N);
    return *v;
}

static void set_site(struct script *s, struct str told)
{
    char body[400];
    if (told.at[0] != '{') {
        (void)snprintf(body, sizeof body, "{\"site\":7,\"zone_rules\":\"%.*s\"}",
                       STR_ARGS(told));
        told = str_of(body);
    }
    (void)try_site(&s->t, told);
    assert_int_equal(s->t.core->counts.unreadable, 0);
}

static void give_signal(struct script *s, struct str fields)
{
    struct signal x;
    signal_init(&x);
    x.received_us = TRY_T0 + (int64_t)(s->now_s * 1e6);
    set_fields(s, &signal_def, &x, fields, 0);
    uint64_t first = try_signal(&s->t, &x);
    assert_int_equal(outbox_next(s->t.out), first); /* leads to nothing */
}

/* A line that is no event; false when it is one. */
static bool give_other(struct script *s, struct str line)
{
    const char *behind;
    struct str rest = str_over(line.at + 1, line.len - 1);
    switch (line.at[0]) {
    case '@':
        set_site(s, rest);
        return true;
    case '&':
        give_signal(s, rest);
        return true;
    case '!':
        s->now_s = read_time(rest.at, &behind);
        (void)try_tick(&s->t, 0, 1, s->now_s);
        return true;
    default:
        return false;
    }
}

static bool is_near(double got, double want)
{
    if (isnan(want))
        return isnan(got);
    return fabs(got - want) <= 1e-6 * fmax(1e-3, fabs(want));
}

static unsigned how_many(struct str line)
{
    const char *behind;
    (void)read_time(line.at, &behind);
    return *behind == '*' ? (unsigned)strtoul(behind + 1, NULL, 10) : 1;
}

void script_run(const struct script_row *row)
{
    struct script s = {0};
    const char *want = row->values;
    struct str line, rest = str_of(row->script);
    try_init(&s.t, 1800);
    (void)try_tick(&s.t, 0, 1, 0);
    while (rest.len > 0) {
        line = str_cut(rest, '|', &rest);
        if (give_other(&s, line))
            continue;
        struct vector v = give_event(&s, line, 0);
        for (unsigned i = 1; i < how_many(line); i++)
            v = give_event(&s, line, i);
        char *end;
        double value = strtod(want, &end), got = (double)try_feature(&v, row->feature);
        if (end == want || !is_near(got, value))
            fail_msg("%s is %.9g, not \"%s\", after \"%.*s\" of \"%s\"",
                     feature_defs[row->feature].name, got, want, STR_ARGS(line), row->script);
        want = end;
    }
    if (*want != '\0')
        fail_msg("%s: more values than events: %s", feature_defs[row->feature].name, want);
    try_fini(&s.t);
}
