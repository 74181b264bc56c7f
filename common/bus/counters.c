/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/counters.h"

#include <math.h>
#include <stdlib.h>

/* 0.25 ms * 2^18 = 65.5 s */
enum { BUCKETS = 19 };
static const double FIRST_BUCKET_S = 0.00025;

static const struct family {
    const char *program, *name, *type, *labels, *help;
} families[COUNTERS_N] = {
#define COUNTER(program, name, type, labels, help) {#program, #name, #type, labels, help},
#include "schemas/counters.def"
#undef COUNTER
};

struct child {
    struct counter counter; /* first: what counter_of gives */
    struct child *next;
    char *label1, *label2;
};

struct histogram {
    struct histogram *next;
    char *name, *help;
    uint64_t buckets[BUCKETS + 1]; /* the last takes what is above all */
    uint64_t n;
    double sum_s;
};

struct counters {
    const char *program;
    struct child *first[COUNTERS_N], *last[COUNTERS_N]; /* in the order they were made */
    struct histogram *histograms, *last_histogram;
};

static bool is_ours(const struct counters *c, const struct family *f)
{
    return strcmp(f->program, "all") == 0 || strcmp(f->program, c->program) == 0;
}

static int labels_n(const struct family *f)
{
    if (f->labels[0] == '\0')
        return 0;
    return strchr(f->labels, ',') ? 2 : 1;
}

struct counters *counters_new(const char *program)
{
    struct counters *c = mem_zero(1, sizeof *c);
    c->program = program;
    for (enum counter_id id = 0; id < COUNTERS_N; id++)
        if (is_ours(c, &families[id]) && labels_n(&families[id]) == 0)
            (void)counter_of(c, id, NULL, NULL);
    return c;
}

static void children_free(struct child *k)
{
    for (struct child *next; k; k = next) {
        next = k->next;
        free(k->label1);
        free(k->label2);
        free(k);
    }
}

void counters_free(struct counters *c)
{
    if (!c)
        return;
    for (enum counter_id id = 0; id < COUNTERS_N; id++)
        children_free(c->first[id]);
    for (struct histogram *h = c->histograms, *next; h; h = next) {
        next = h->next;
        free(h->name);
        free(h->help);
        free(h);
    }
    free(c);
}

static bool label_is(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

struct counter *counter_of(struct counters *c, enum counter_id id, const char *label1,
                           const char *label2)
{
    CHECK(id < COUNTERS_N && is_ours(c, &families[id]));
    CHECK(labels_n(&families[id]) == (label1 != NULL) + (label2 != NULL) &&
          (label1 || !label2));
    for (struct child *k = c->first[id]; k; k = k->next)
        if (label_is(k->label1, label1) && label_is(k->label2, label2))
            return &k->counter;
    struct child *k = mem_zero(1, sizeof *k);
    k->label1 = label1 ? mem_text(label1) : NULL;
    k->label2 = label2 ? mem_text(label2) : NULL;
    if (c->last[id])
        c->last[id]->next = k;
    else
        c->first[id] = k;
    c->last[id] = k;
    return &k->counter;
}

struct histogram *counters_histogram(struct counters *c, const char *name, const char *help)
{
    for (struct histogram *h = c->histograms; h; h = h->next)
        if (strcmp(h->name, name) == 0)
            return h;
    struct histogram *h = mem_zero(1, sizeof *h);
    h->name = mem_text(name);
    h->help = mem_text(help);
    if (c->last_histogram)
        c->last_histogram->next = h;
    else
        c->histograms = h;
    c->last_histogram = h;
    return h;
}

void histogram_add(struct histogram *h, double seconds)
{
    double bound = FIRST_BUCKET_S;
    int i = 0;
    while (i < BUCKETS && !(seconds <= bound)) {
        bound *= 2;
        i++;
    }
    h->buckets[i]++;
    h->n++;
    h->sum_s += seconds;
}

/* Whole numbers without exponent, others with all their digits. */
static void print_number(double v, struct buf *out)
{
    if (isnan(v))
        buf_text(out, "NaN");
    else if (isinf(v))
        buf_text(out, v > 0 ? "+Inf" : "-Inf");
    else if (v == floor(v) && fabs(v) < 1e15)
        buf_printf(out, "%.0f", v);
    else
        buf_printf(out, "%.17g", v);
}

/* \ " and newline are escaped in label values, \ and newline in help. */
static void print_escaped(const char *text, bool is_label, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '\n')
            buf_text(out, "\\n");
        else if (*text == '\\')
            buf_text(out, "\\\\");
        else if (*text == '"' && is_label)
            buf_text(out, "\\\"");
        else
            buf_byte(out, (uint8_t)*text);
    }
}

static void print_head(const char *name, const char *type, const char *help, struct buf *out)
{
    buf_printf(out, "# HELP auspex_%s ", name);
    print_escaped(help, false, out);
    buf_printf(out, "\n# TYPE auspex_%s %s\n", name, type);
}

static void print_label(struct str name, const char *value, struct buf *out)
{
    buf_str(out, name);
    buf_text(out, "=\"");
    print_escaped(value, true, out);
    buf_byte(out, '"');
}

static void print_child(const struct family *f, const struct child *k, struct buf *out)
{
    struct str second;
    struct str first = str_cut(str_of(f->labels), ',', &second);
    buf_printf(out, "auspex_%s", f->name);
    if (k->label1) {
        buf_byte(out, '{');
        print_label(first, k->label1, out);
        if (k->label2) {
            buf_byte(out, ',');
            print_label(second, k->label2, out);
        }
        buf_byte(out, '}');
    }
    buf_byte(out, ' ');
    print_number(k->counter.value, out);
    buf_byte(out, '\n');
}

static void print_histogram(const struct histogram *h, struct buf *out)
{
    print_head(h->name, "histogram", h->help, out);
    uint64_t below = 0;
    for (int i = 0; i < BUCKETS; i++) {
        below += h->buckets[i];
        buf_printf(out, "auspex_%s_bucket{le=\"%.15g\"} %llu\n", h->name,
                   ldexp(FIRST_BUCKET_S, i), (unsigned long long)below);
    }
    buf_printf(out, "auspex_%s_bucket{le=\"+Inf\"} %llu\nauspex_%s_sum ", h->name,
               (unsigned long long)h->n, h->name);
    print_number(h->sum_s, out);
    buf_printf(out, "\nauspex_%s_count %llu\n", h->name, (unsigned long long)h->n);
}

void counters_print(const struct counters *c, struct buf *out)
{
    for (enum counter_id id = 0; id < COUNTERS_N; id++) {
        const struct family *f = &families[id];
        if (!is_ours(c, f))
            continue;
        print_head(f->name, f->type, f->help, out);
        for (const struct child *k = c->first[id]; k; k = k->next)
            print_child(f, k, out);
    }
    for (const struct histogram *h = c->histograms; h; h = h->next)
        print_histogram(h, out);
}
