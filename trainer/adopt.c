/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/adopt.h"

#include "common/base/err.h"
#include "common/base/rng.h"
#include "common/model/model.h"
#include "common/wire/feature.h"
#include "trainer/metrics.h"
#include "trainer/pav.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* As the trainer's: a knot stands for so many rows at least, or for this share of them. */
enum { KNOT_ROWS_LEAST = 30, KNOT_ROWS_SHARE = 500 };

static const char *nearest(struct str name)
{
    const char *best = feature_defs[0].name;
    for (size_t i = 1; i < FEATURES_N; i++)
        if (str_distance(name, str_of(feature_defs[i].name)) < str_distance(name, str_of(best)))
            best = feature_defs[i].name;
    return best;
}

static bool line_of(struct str name, uint32_t *line, struct err *e)
{
    for (uint32_t i = 0; i < FEATURES_N; i++)
        if (str_is(name, feature_defs[i].name)) {
            *line = i;
            return true;
        }
    return err_set(e, 0,
                   "the model's feature \"%.*s\" is none of ours; the nearest is \"%s\" "
                   "(features that were made elsewhere cannot be computed here)",
                   STR_ARGS(name), nearest(name));
}

/* Our line of each of the model's features. */
static bool lines_find(const struct xgb_trees *t, uint32_t *lines, struct err *e)
{
    bool has[FEATURES_N] = {false};
    const char *at = (const char *)t->names.at;
    for (uint32_t i = 0; i < t->n_names; i++) {
        struct str name = str_of(at);
        at += name.len + 1;
        if (!line_of(name, &lines[i], e))
            return false;
        if (has[lines[i]])
            return err_set(e, 0, "the model names feature \"%.*s\" twice", STR_ARGS(name));
        has[lines[i]] = true;
    }
    if (t->n_names == 0 && t->n_features > FEATURES_N)
        return err_set(e, 0,
                       "the model has %u features without names, but there are %d: train it "
                       "with feature names, or on the export's feature columns alone",
                       t->n_features, FEATURES_N);
    for (uint32_t i = 0; t->n_names == 0 && i < t->n_features; i++)
        lines[i] = i;
    return true;
}

/* Asks our lines instead of the model's columns. */
static bool remap(struct adopted *m, struct err *e)
{
    struct xgb_trees *t = &m->trees;
    auto_free uint32_t *lines = mem_zero((size_t)t->n_features, sizeof *lines);
    if (!lines_find(t, lines, e))
        return false;
    struct tree_node *nodes = (void *)t->nodes.at;
    for (size_t i = 0; i < t->nodes.len / sizeof *nodes; i++) {
        uint32_t column = nodes[i].feature & ~TREE_DEFAULT_LEFT;
        if (nodes[i].left == 0)
            continue;
        if (column >= t->n_features)
            return err_set(e, 0, "a tree asks for feature %u of %u", column, t->n_features);
        nodes[i].feature = (nodes[i].feature & TREE_DEFAULT_LEFT) | lines[column];
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < t->n_features; i++)
        n = MAX(n, lines[i] + 1);
    m->forest = (struct forest){(const void *)nodes, (const void *)t->starts.at, t->n_trees, n,
                                t->base};
    return forest_check(&m->forest, t->nodes.len / sizeof *nodes, e) ||
           err_prefix(e, "the model's trees");
}

bool adopt_read(struct adopted *m, struct str json, struct err *e)
{
    *m = (struct adopted){0};
    if (!xgb_json_read(&m->trees, json, e))
        return false;
    if (remap(m, e))
        return true;
    adopted_fini(m);
    return false;
}

void adopted_fini(struct adopted *m)
{
    xgb_trees_fini(&m->trees);
    *m = (struct adopted){0};
}

float adopt_margin(const struct adopted *m, const float *row)
{
    const struct forest *f = &m->forest;
    float margin = f->base;
    for (uint32_t t = 0; t < f->n_trees; t++) {
        const struct tree_node *tree = f->nodes + f->starts[t], *node = tree;
        while (node->left != 0) {
            float x = row[node->feature & ~TREE_DEFAULT_LEFT];
            bool is_left =
                isnan(x) ? (node->feature & TREE_DEFAULT_LEFT) != 0 : x < node->value;
            node = tree + node->left + !is_left;
        }
        margin += node->value;
    }
    return margin;
}

/* For each feature a threshold at random, or just below it; features that no tree asks for are
 * missing. Of the last two rows one has every second feature missing, one all. */
static void golden_fill(const struct forest *f, float *golden)
{
    struct rng rng = rng_stream(1, f->n_trees);
    auto_free uint32_t *seen = mem_new(f->n_features * sizeof *seen);
    for (uint32_t g = 0; g < ADOPT_GOLDEN; g++) {
        float *row = golden + (size_t)g * f->n_features;
        memset(seen, 0, f->n_features * sizeof *seen);
        for (uint32_t i = 0; i < f->n_features; i++)
            row[i] = NAN;
        for (uint32_t i = 0; g + 1 < ADOPT_GOLDEN && i < f->starts[f->n_trees]; i++) {
            const struct tree_node *node = &f->nodes[i];
            uint32_t feature = node->feature & ~TREE_DEFAULT_LEFT;
            if (node->left == 0 || (g + 2 == ADOPT_GOLDEN && feature % 2 == 0) ||
                rng_below(&rng, ++seen[feature]) != 0)
                continue;
            float below = nextafterf(node->value, -INFINITY);
            row[feature] = rng_below(&rng, 2) && isfinite(below) ? below : node->value;
        }
    }
}

/* Knots of the logistic. A line between knots h apart is off by at most h^2/8 times its second
 * derivative, which is at most .0963, and beyond 6 at most .0025: 1.9e-7 and 3.1e-7. Beyond 16
 * the value stands still, at 1.2e-7 from 0 or 1. */
static void logistic_knots(struct pav_knots *k)
{
    enum { FINE = 12 * 256, COARSE = 2 * 10 * 32 };
    const size_t n = FINE + COARSE + 1;
    CHECK(n <= ISOTONIC_MAX);
    float *x = mem_new(4 * n * sizeof *x);
    double at = -16;
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)at;
        x[n + i] = (float)(1 / (1 + exp(-at)));
        x[2 * n + i] = 0;
        x[3 * n + i] = 1;
        at += at >= -6 && at < 6 ? 1.0 / 256 : 1.0 / 32;
    }
    *k = (struct pav_knots){{(uint32_t)n, x, x + n, x + 2 * n, x + 3 * n}, x};
}

static void rows_knots(struct pav_knots *k, const struct adopt_rows *r)
{
    size_t n = r->n_calibrate;
    auto_free struct pav_block *blocks = mem_new(n * sizeof *blocks);
    size_t n_blocks = pav_fit((const void *)r->margins.at, r->labels.at, n, blocks);
    pav_knots_init(k, blocks, n_blocks,
                   MAX((uint64_t)KNOT_ROWS_LEAST, (uint64_t)n / KNOT_ROWS_SHARE));
}

static void put_measured(const struct adopt_rows *r, const struct isotonic *knots,
                         struct buf *out)
{
    size_t from = r->n_calibrate, n = r->n - from;
    const float *margins = (const float *)(const void *)r->margins.at + from;
    const uint8_t *labels = r->labels.at + from;
    auto_free float *p = mem_new(n * sizeof *p);
    uint64_t positives = 0;
    for (size_t i = 0; i < n; i++) {
        p[i] = isotonic_at(knots, margins[i]).p;
        positives += labels[i];
    }
    double base = (double)positives / (double)n;
    buf_printf(out,
               "\"auc\":%.6f,\"ap\":%.6f,\"brier\":%.6f,\"brier_base\":%.6f,\"logloss\":%.6f,"
               "\"ece\":%.6f,\"ece_bins\":%d,\"calibrated_rows\":%zu,\"measured_rows\":%zu,"
               "\"measured_positives\":%" PRIu64 ",",
               metric_auc(margins, labels, n), metric_ap(margins, labels, n),
               metric_brier(p, labels, n), base * (1 - base), metric_logloss(p, labels, n),
               metric_ece(p, labels, n), METRICS_ECE_BINS, from, n, positives);
}

static void put_metrics(const struct adopted *m, const struct adopt_rows *r,
                        const struct isotonic *knots, struct buf *out)
{
    buf_text(out, "{");
    if (r)
        put_measured(r, knots, out);
    buf_printf(out,
               "\"imported\":true,\"calibration\":\"%s\",\"features\":%u,\"trees\":%u,"
               "\"knots\":%u}",
               r ? "isotonic" : "logistic", m->forest.n_features, m->forest.n_trees, knots->n);
}

static bool write_with(const struct adopted *m, const struct adopt_rows *rows,
                       const struct adopt_options *o, const struct isotonic *knots,
                       struct buf *container, const struct buf *metrics, struct err *e)
{
    size_t width = m->forest.n_features;
    auto_free float *golden = mem_new(ADOPT_GOLDEN * width * sizeof *golden);
    float margins[ADOPT_GOLDEN];
    golden_fill(&m->forest, golden);
    for (size_t g = 0; g < ADOPT_GOLDEN; g++)
        margins[g] = adopt_margin(m, golden + g * width);
    struct model_parts parts = {
        .head = {.n_features = (uint32_t)width,
                 .features_hash = features_hash(width),
                 .data_from_us = rows ? rows->from_us : 0,
                 .data_to_us = rows ? rows->to_us : 0},
        .metrics = buf_as_str(metrics),
        .forest = m->forest,
        .knots = *knots,
        .golden_rows = golden,
        .golden_margins = margins,
        .n_golden = ADOPT_GOLDEN,
    };
    CHECK(strlen(o->name) < sizeof parts.head.name && strlen(o->kind) < sizeof parts.head.kind);
    (void)snprintf(parts.head.name, sizeof parts.head.name, "%s", o->name);
    (void)snprintf(parts.head.kind, sizeof parts.head.kind, "%s", o->kind);
    return model_write(&parts, container, e);
}

bool adopt_write(const struct adopted *m, const struct adopt_rows *rows,
                 const struct adopt_options *o, struct buf *container, struct buf *metrics,
                 struct err *e)
{
    struct pav_knots k;
    if (rows)
        rows_knots(&k, rows);
    else
        logistic_knots(&k);
    put_metrics(m, rows, &k.knots, metrics);
    bool is_good = write_with(m, rows, o, &k.knots, container, metrics, e);
    pav_knots_fini(&k);
    if (is_good && container->len > ADOPT_CONTAINER_MAX)
        return err_set(e, 0, "the model would take %zu MiB, but %d are the most",
                       container->len >> 20, ADOPT_CONTAINER_MAX >> 20);
    return is_good;
}
