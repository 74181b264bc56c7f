/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/train.h"

#include "common/base/err.h"
#include "common/model/model.h"
#include "trainer/pav.h"
#include "trainer/xgb_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KNOT_ROWS_LEAST = 30, KNOT_ROWS_SHARE = 500 };

/* A training under way: the rows in order, and what was made of them so far. */
struct run {
    const struct train_set *set;
    const struct train_options *options;
    struct split split;
    float *x; /* as in the set, but in the split's order; likewise labels */
    uint8_t *labels;
    struct rows parts[PARTS_N];
    struct booster *booster;
    struct xgb_trees trees;
    struct forest forest;
    float *margins;       /* of valid and test part, one behind the other */
    float *probabilities; /* likewise */
    struct pav_knots knots;
    struct train_report report;
};

static void run_fini(struct run *r)
{
    split_fini(&r->split);
    free(r->x);
    free(r->labels);
    booster_free(r->booster);
    xgb_trees_fini(&r->trees);
    free(r->margins);
    free(r->probabilities);
    pav_knots_fini(&r->knots);
}

static const char *const part_names[PARTS_N] = {"training", "validation", "test"};

static bool values_check(const struct train_set *set, struct err *e)
{
    if (set->n < TRAIN_ROWS_LEAST)
        return err_set(e, 0, "%zu rows are too few to train on: at least %d are needed", set->n,
                       TRAIN_ROWS_LEAST);
    if (set->n_features == 0 || set->n_features > TREES_FEATURES_MAX)
        return err_set(e, 0, "%u features, but 1 to %d are possible", set->n_features,
                       TREES_FEATURES_MAX);
    for (size_t i = 0; i < set->n * set->n_features; i++)
        if (isinf(set->x[i]))
            return err_set(e, 0, "row %zu: feature %s is infinite", i / set->n_features,
                           set->names[i % set->n_features]);
    return true;
}

static void gather(struct run *r)
{
    const struct train_set *set = r->set;
    size_t width = set->n_features;
    r->x = mem_new(set->n * width * sizeof *r->x);
    r->labels = mem_new(set->n);
    for (size_t i = 0; i < set->n; i++) {
        size_t row = r->split.rows[i];
        memcpy(r->x + i * width, set->x + row * width, width * sizeof *r->x);
        r->labels[i] = set->labels[row];
    }
    for (int k = 0; k < PARTS_N; k++) {
        size_t start = r->split.starts[k], n = r->split.starts[k + 1] - start;
        r->parts[k] =
            (struct rows){r->x + start * width, r->labels + start, n, set->n_features};
    }
}

static void facts_of(const struct run *r, int part, struct part_facts *facts)
{
    const struct train_set *set = r->set;
    *facts = (struct part_facts){0};
    for (size_t i = r->split.starts[part]; i < r->split.starts[part + 1]; i++) {
        size_t row = r->split.rows[i];
        bool is_first = facts->rows == 0;
        facts->groups += is_first || set->group[row] != set->group[r->split.rows[i - 1]];
        facts->positives += set->labels[row];
        facts->order_from = is_first ? set->order[row] : facts->order_from;
        facts->order_to = set->order[row];
        facts->rows++;
    }
}

static bool parts_check(struct run *r, struct err *e)
{
    for (int k = 0; k < PARTS_N; k++) {
        struct part_facts *p = &r->report.parts[k];
        facts_of(r, k, p);
        if (p->positives == 0 || p->positives == p->rows)
            return err_set(e, 0,
                           "the %s part has one class only: %" PRIu64
                           " positives among %" PRIu64 " rows in %" PRIu64 " groups",
                           part_names[k], p->positives, p->rows, p->groups);
    }
    return true;
}

static bool forest_make(struct run *r, struct err *e)
{
    struct buf json = {0};
    bool is_read =
        booster_json(r->booster, &json, e) && xgb_json_read(&r->trees, buf_as_str(&json), e);
    buf_fini(&json);
    if (!is_read)
        return false;
    r->forest =
        (struct forest){(const void *)r->trees.nodes.at, (const void *)r->trees.starts.at,
                        r->trees.n_trees, r->trees.n_features, r->trees.base};
    if (r->trees.n_features != r->set->n_features)
        return err_set(e, 0, "XGBoost's model knows %u features instead of %u",
                       r->trees.n_features, r->set->n_features);
    return forest_check(&r->forest, r->trees.nodes.len / sizeof(struct tree_node), e);
}

/* Margins by our own walk; those of the test part must be XGBoost's, bit for bit. */
static bool margins_make(struct run *r, struct err *e)
{
    const struct rows *valid = &r->parts[PART_VALID], *test = &r->parts[PART_TEST];
    struct trees *trees = trees_new(&r->forest);
    r->margins = mem_new((valid->n + test->n) * sizeof *r->margins);
    trees_walk(trees, valid->x, valid->n + test->n, valid->n_features, r->margins);
    trees_free(trees);
    auto_free float *theirs = mem_new(test->n * sizeof *theirs);
    if (!booster_margins(r->booster, test->x, test->n, test->n_features, theirs, e))
        return false;
    const float *ours = r->margins + valid->n;
    for (size_t i = 0; i < test->n; i++)
        if (!margin_same(ours[i], theirs[i]))
            return err_set(e, 0, "test row %zu: margin %.9g, but XGBoost says %.9g", i,
                           (double)ours[i], (double)theirs[i]);
    return true;
}

static void calibrate(struct run *r)
{
    size_t n_valid = r->parts[PART_VALID].n, n = n_valid + r->parts[PART_TEST].n;
    auto_free struct pav_block *blocks = mem_new(n_valid * sizeof *blocks);
    size_t n_blocks = pav_fit(r->margins, r->parts[PART_VALID].labels, n_valid, blocks);
    uint64_t least = MAX((uint64_t)KNOT_ROWS_LEAST, (uint64_t)n_valid / KNOT_ROWS_SHARE);
    pav_knots_init(&r->knots, blocks, n_blocks, least);
    r->probabilities = mem_new(n * sizeof *r->probabilities);
    for (size_t i = 0; i < n; i++)
        r->probabilities[i] = isotonic_at(&r->knots.knots, r->margins[i]).p;
}

static void measure(struct run *r)
{
    struct train_report *m = &r->report;
    const struct rows *valid = &r->parts[PART_VALID], *test = &r->parts[PART_TEST];
    const float *margins = r->margins + valid->n, *p = r->probabilities + valid->n;
    const uint8_t *labels = test->labels;
    const struct part_facts *facts = &m->parts[PART_TEST];
    double base = (double)facts->positives / (double)facts->rows;
    m->n_features = r->set->n_features;
    m->n_trees = r->forest.n_trees;
    m->n_knots = r->knots.knots.n;
    m->boost = r->options->boost;
    m->auc = metric_auc(margins, labels, test->n);
    m->ap = metric_ap(margins, labels, test->n);
    m->brier = metric_brier(p, labels, test->n);
    m->brier_base = base * (1 - base);
    m->ece = metric_ece(p, labels, test->n);
    m->logloss = metric_logloss(p, labels, test->n);
    m->best_f1 = metric_best_f1(r->probabilities, valid->labels, valid->n);
    m->at_half = metric_confusion(p, labels, test->n, 0.5f);
    m->at_best_f1 = metric_confusion(p, labels, test->n, m->best_f1);
}

/* Rows spread evenly over the test part; the last is its first with every second feature
 * missing, so that default ways are always among what is proven. */
static void golden_pick(const struct rows *test, float *golden)
{
    size_t width = test->n_features;
    for (size_t g = 0; g < TRAIN_GOLDEN; g++)
        memcpy(golden + g * width, test->x + test->n * g / TRAIN_GOLDEN * width,
               width * sizeof *golden);
    float *last = golden + (TRAIN_GOLDEN - 1) * width;
    memcpy(last, test->x, width * sizeof *last);
    for (size_t f = 0; f < width; f += 2)
        last[f] = NAN;
}

static void word_copy(char *field, size_t size, const char *word)
{
    CHECK(strlen(word) < size);
    (void)snprintf(field, size, "%s", word);
}

static bool container_make(struct run *r, struct trained *out, struct err *e)
{
    const struct train_options *o = r->options;
    size_t width = r->set->n_features;
    auto_free float *golden = mem_new(TRAIN_GOLDEN * width * sizeof *golden);
    float margins[TRAIN_GOLDEN];
    golden_pick(&r->parts[PART_TEST], golden);
    if (!booster_margins(r->booster, golden, TRAIN_GOLDEN, r->set->n_features, margins, e))
        return false;
    report_json(&r->report, &out->metrics);
    struct model_parts parts = {
        .head = {.n_features = r->set->n_features,
                 .features_hash = o->features_hash,
                 .data_from_us = r->set->from_us,
                 .data_to_us = r->set->to_us},
        .metrics = buf_as_str(&out->metrics),
        .forest = r->forest,
        .knots = r->knots.knots,
        .golden_rows = golden,
        .golden_margins = margins,
        .n_golden = TRAIN_GOLDEN,
    };
    word_copy(parts.head.name, sizeof parts.head.name, o->name);
    word_copy(parts.head.kind, sizeof parts.head.kind, o->kind);
    return model_write(&parts, &out->container, e);
}

static bool run_all(struct run *r, struct trained *out, struct err *e)
{
    const struct train_set *set = r->set;
    const struct train_options *o = r->options;
    if (!values_check(set, e) ||
        !split_init(&r->split, set->order, set->group, set->seq, set->n, e))
        return false;
    gather(r);
    if (!parts_check(r, e))
        return false;
    r->booster = boost_train(&r->parts[PART_TRAIN], &r->parts[PART_VALID], &o->boost,
                             o->progress, o->progress_to, e);
    if (r->booster == NULL || !forest_make(r, e) || !margins_make(r, e))
        return false;
    calibrate(r);
    measure(r);
    return container_make(r, out, e);
}

bool train_run(const struct train_set *set, const struct train_options *o, struct trained *out,
               struct err *e)
{
    struct run r = {.set = set, .options = o};
    *out = (struct trained){0};
    bool is_done = run_all(&r, out, e);
    out->report = r.report;
    run_fini(&r);
    if (!is_done)
        trained_fini(out);
    return is_done;
}

void trained_fini(struct trained *t)
{
    buf_fini(&t->container);
    buf_fini(&t->metrics);
}
