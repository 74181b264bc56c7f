/* SPDX-License-Identifier: Apache-2.0 */
#include "common/model/model.h"

#include "common/base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shape {
    uint32_t n_trees, n_nodes;
    float base;
    uint32_t n_knots, n_golden;
};
_Static_assert(sizeof(struct shape) == 20 && sizeof(struct tree_node) == 12 &&
                   sizeof(struct score) == 16,
               "no padding: they are written as they are");

enum { METRICS, SHAPE, STARTS, NODES, KNOTS, GOLDEN, SECTIONS_N, SCORED_AT_ONCE = 64 };
static const char *const tags[SECTIONS_N] = {"metrics", "shape", "starts",
                                             "nodes",   "knots", "golden"};

struct model {
    struct container_head head;
    char *metrics;
    size_t metrics_len;
    float *knot_floats; /* x, value, lower, upper, one behind the other */
    struct isotonic knots;
    struct trees *trees;
};

static bool section_fits(const struct container *c, int which, uint64_t len, struct err *e)
{
    if (c->sections[which].bytes.len == len)
        return true;
    return err_set(e, 0, "section %s has %zu bytes instead of %llu", tags[which],
                   c->sections[which].bytes.len, (unsigned long long)len);
}

static bool metrics_check(struct str s, struct err *e)
{
    bool is_object = s.len >= 2 && s.at[0] == '{' && s.at[s.len - 1] == '}';
    if (!is_object || s.len > MODEL_METRICS_MAX || !str_is_utf8(s))
        return err_set(e, 0, "section metrics is not a JSON object of UTF-8, at most 1 MiB");
    return true;
}

/* All counts are bounded before anything is multiplied by them, and all lengths compared with
 * what is there before anything is allocated. */
static bool shape_read(const struct container *c, struct shape *s, struct err *e)
{
    if (strcmp(c->head.form, "trees") != 0)
        return err_set(e, 0, "form %s, but only trees is known", c->head.form);
    if (c->n_sections != SECTIONS_N)
        return err_set(e, 0, "%u sections instead of %d", c->n_sections, SECTIONS_N);
    for (int i = 0; i < SECTIONS_N; i++)
        if (strcmp(c->sections[i].tag, tags[i]) != 0)
            return err_set(e, 0, "section %s where %s should stand", c->sections[i].tag,
                           tags[i]);
    if (!section_fits(c, SHAPE, sizeof *s, e))
        return false;
    memcpy(s, c->sections[SHAPE].bytes.at, sizeof *s);
    if (s->n_golden == 0 || s->n_golden > MODEL_GOLDEN_MAX)
        return err_set(e, 0, "%u golden rows, but 1 to %d are possible", s->n_golden,
                       MODEL_GOLDEN_MAX);
    if (s->n_trees > TREES_MAX || c->head.n_features > TREES_FEATURES_MAX)
        return err_set(e, 0, "%u trees over %u features are too many", s->n_trees,
                       c->head.n_features);
    uint64_t golden_len = 4ull * c->head.n_features + sizeof(struct score);
    return metrics_check(c->sections[METRICS].bytes, e) &&
           section_fits(c, STARTS, 4 * ((uint64_t)s->n_trees + 1), e) &&
           section_fits(c, NODES, sizeof(struct tree_node) * (uint64_t)s->n_nodes, e) &&
           section_fits(c, KNOTS, 16 * (uint64_t)s->n_knots, e) &&
           section_fits(c, GOLDEN, s->n_golden * golden_len, e);
}

/* An aligned copy on the heap of its own, never NULL. */
static void *copy_of(struct str bytes)
{
    void *copy = mem_new(bytes.len + 1);
    memcpy(copy, bytes.at, bytes.len);
    return copy;
}

static bool trees_read(struct model *m, const struct container *c, const struct shape *s,
                       struct err *e)
{
    auto_free uint32_t *starts = copy_of(c->sections[STARTS].bytes);
    auto_free struct tree_node *nodes = copy_of(c->sections[NODES].bytes);
    struct forest f = {nodes, starts, s->n_trees, c->head.n_features, s->base};
    if (!forest_check(&f, s->n_nodes, e))
        return false;
    m->trees = trees_new(&f);
    return true;
}

static bool knots_read(struct model *m, const struct container *c, uint32_t n, struct err *e)
{
    float *x = m->knot_floats = copy_of(c->sections[KNOTS].bytes);
    m->knots = (struct isotonic){n, x, x + n, x + 2 * (size_t)n, x + 3 * (size_t)n};
    return isotonic_check(&m->knots, e) || err_prefix(e, "calibration");
}

static bool score_same(const struct score *a, const struct score *b)
{
    return margin_same(a->margin, b->margin) && margin_same(a->probability, b->probability) &&
           margin_same(a->lower, b->lower) && margin_same(a->upper, b->upper);
}

static bool golden_hold(const struct model *m, const struct container *c, uint32_t n,
                        struct err *e)
{
    auto_free float *rows = copy_of(c->sections[GOLDEN].bytes);
    auto_free struct score *scores = mem_zero(n, sizeof *scores);
    const float *expected = rows + (size_t)n * c->head.n_features;
    model_score(m, rows, n, c->head.n_features, scores);
    for (uint32_t i = 0; i < n; i++) {
        struct score want;
        memcpy(&want, expected + 4 * (size_t)i, sizeof want);
        if (!score_same(&scores[i], &want))
            return err_set(
                e, 0,
                "golden row %u: margin %.9g, probability %.9g (%.9g to %.9g) here, but "
                "%.9g, %.9g (%.9g to %.9g) in the file",
                i, (double)scores[i].margin, (double)scores[i].probability,
                (double)scores[i].lower, (double)scores[i].upper, (double)want.margin,
                (double)want.probability, (double)want.lower, (double)want.upper);
    }
    return true;
}

struct model *model_load(const void *at, size_t len, struct err *e)
{
    struct container c;
    struct shape shape = {0};
    if (!container_read(&c, at, len, e) || !shape_read(&c, &shape, e))
        return NULL;
    struct model *m = mem_zero(1, sizeof *m);
    m->head = c.head;
    m->metrics = copy_of(c.sections[METRICS].bytes);
    m->metrics_len = c.sections[METRICS].bytes.len;
    if (trees_read(m, &c, &shape, e) && knots_read(m, &c, shape.n_knots, e) &&
        golden_hold(m, &c, shape.n_golden, e))
        return m;
    model_free(m);
    return NULL;
}

void model_free(struct model *m)
{
    if (m == NULL)
        return;
    free(m->metrics);
    free(m->knot_floats);
    trees_free(m->trees);
    free(m);
}

const struct container_head *model_head(const struct model *m)
{
    return &m->head;
}

struct str model_metrics(const struct model *m)
{
    return str_over(m->metrics, m->metrics_len);
}

static struct score score_of(const struct isotonic *knots, float margin)
{
    struct calibrated y = isotonic_at(knots, margin);
    return (struct score){margin, y.p, y.lower, y.upper};
}

void model_score(const struct model *m, const float *rows, size_t n_rows, size_t stride,
                 struct score *out)
{
    CHECK(stride >= m->head.n_features);
    float margins[SCORED_AT_ONCE];
    for (size_t r = 0; r < n_rows; r += SCORED_AT_ONCE) {
        size_t n = MIN(n_rows - r, (size_t)SCORED_AT_ONCE);
        trees_walk(m->trees, rows + r * stride, n, stride, margins);
        for (size_t i = 0; i < n; i++)
            out[r + i] = score_of(&m->knots, margins[i]);
    }
}

static void golden_put(const struct model_parts *p, struct buf *golden)
{
    buf_put(golden, p->golden_rows, sizeof(float) * p->n_golden * p->head.n_features);
    for (uint32_t i = 0; i < p->n_golden; i++) {
        struct score s = score_of(&p->knots, p->golden_margins[i]);
        buf_put(golden, &s, sizeof s);
    }
}

static void knots_put(const struct isotonic *k, struct buf *knots)
{
    const float *const columns[] = {k->x, k->value, k->lower, k->upper};
    for (size_t i = 0; i < ARRAY_LEN(columns); i++)
        buf_put(knots, columns[i], sizeof(float) * k->n);
}

bool model_write(const struct model_parts *p, struct buf *out, struct err *e)
{
    const struct forest *f = &p->forest;
    uint32_t n_nodes = f->starts[f->n_trees];
    struct shape shape = {f->n_trees, n_nodes, f->base, p->knots.n, p->n_golden};
    struct buf golden = {0}, knots = {0};
    if (!isotonic_check(&p->knots, e)) /* golden scores are made with them */
        return err_prefix(e, "calibration");
    golden_put(p, &golden);
    knots_put(&p->knots, &knots);
    struct container c = {.head = p->head, .n_sections = SECTIONS_N};
    (void)snprintf(c.head.form, sizeof c.head.form, "trees");
    const struct str bytes[SECTIONS_N] = {
        p->metrics,
        str_over(&shape, sizeof shape),
        str_over(f->starts, sizeof *f->starts * ((size_t)f->n_trees + 1)),
        str_over(f->nodes, sizeof *f->nodes * n_nodes),
        buf_as_str(&knots),
        buf_as_str(&golden),
    };
    for (int i = 0; i < SECTIONS_N; i++) {
        (void)snprintf(c.sections[i].tag, CONTAINER_TAG, "%s", tags[i]);
        c.sections[i].bytes = bytes[i];
    }
    container_write(&c, out);
    buf_fini(&golden);
    buf_fini(&knots);
    struct model *m = model_load(out->at, out->len, e);
    if (m == NULL)
        buf_reset(out);
    model_free(m);
    return m != NULL;
}
