/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/metrics.h"

#include <math.h>
#include <stdlib.h>

struct row {
    float score;
    uint8_t label;
};

static int by_score_down(const void *a, const void *b)
{
    float x = ((const struct row *)a)->score, y = ((const struct row *)b)->score;
    return (x < y) - (x > y);
}

/* Highest score first; what order equal scores come in changes no metric. */
static struct row *rows_sorted(const float *scores, const uint8_t *labels, size_t n)
{
    struct row *rows = mem_new(n * sizeof *rows + 1);
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct row){scores[i], labels[i]};
    qsort(rows, n, sizeof *rows, by_score_down);
    return rows;
}

/* The rows from `first` on with one score: counts their positives, returns the next place. */
static size_t ties_end(const struct row *rows, size_t n, size_t first, uint64_t *positives)
{
    size_t i = first;
    *positives = 0;
    for (; i < n && rows[i].score == rows[first].score; i++)
        *positives += rows[i].label;
    return i;
}

static uint64_t count_positives(const uint8_t *labels, size_t n)
{
    uint64_t positives = 0;
    for (size_t i = 0; i < n; i++)
        positives += labels[i];
    return positives;
}

double metric_auc(const float *scores, const uint8_t *labels, size_t n)
{
    uint64_t positives = count_positives(labels, n), negatives = n - positives;
    if (positives == 0 || negatives == 0)
        return (double)NAN;
    auto_free struct row *rows = rows_sorted(scores, labels, n);
    double pairs = 0;
    uint64_t above = 0, tied = 0; /* positives with a higher score; with this one */
    for (size_t i = 0, next; i < n; i = next) {
        next = ties_end(rows, n, i, &tied);
        double tied_negatives = (double)(next - i - tied);
        pairs += tied_negatives * ((double)above + 0.5 * (double)tied);
        above += tied;
    }
    return pairs / ((double)positives * (double)negatives);
}

double metric_ap(const float *scores, const uint8_t *labels, size_t n)
{
    uint64_t positives = count_positives(labels, n), found = 0, tied = 0;
    if (positives == 0)
        return (double)NAN;
    auto_free struct row *rows = rows_sorted(scores, labels, n);
    double sum = 0;
    for (size_t i = 0, next; i < n; i = next) {
        next = ties_end(rows, n, i, &tied);
        found += tied;
        sum += (double)tied / (double)positives * ((double)found / (double)next);
    }
    return sum;
}

double metric_brier(const float *p, const uint8_t *labels, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double d = (double)p[i] - labels[i];
        sum += d * d;
    }
    return n == 0 ? (double)NAN : sum / (double)n;
}

double metric_logloss(const float *p, const uint8_t *labels, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double q = fmin(fmax((double)p[i], 1e-7), 1 - 1e-7);
        sum -= log(labels[i] ? q : 1 - q);
    }
    return n == 0 ? (double)NAN : sum / (double)n;
}

double metric_ece(const float *p, const uint8_t *labels, size_t n)
{
    double sums[METRICS_ECE_BINS] = {0}, error = 0;
    uint64_t positives[METRICS_ECE_BINS] = {0};
    for (size_t i = 0; i < n; i++) {
        int bin = (int)ceil((double)p[i] * METRICS_ECE_BINS) - 1;
        bin = MIN(MAX(bin, 0), METRICS_ECE_BINS - 1);
        sums[bin] += (double)p[i];
        positives[bin] += labels[i];
    }
    for (int bin = 0; bin < METRICS_ECE_BINS; bin++)
        error += fabs((double)positives[bin] - sums[bin]);
    return n == 0 ? (double)NAN : error / (double)n;
}

struct confusion metric_confusion(const float *p, const uint8_t *labels, size_t n,
                                  float threshold)
{
    struct confusion c = {0};
    for (size_t i = 0; i < n; i++) {
        bool is_yes = p[i] >= threshold;
        c.tp += is_yes && labels[i];
        c.fp += is_yes && !labels[i];
        c.fn += !is_yes && labels[i];
        c.tn += !is_yes && !labels[i];
    }
    return c;
}

double confusion_f1(const struct confusion *c)
{
    return c->tp == 0 ? 0 : 2 * (double)c->tp / (double)(2 * c->tp + c->fp + c->fn);
}

float metric_best_f1(const float *p, const uint8_t *labels, size_t n)
{
    uint64_t positives = count_positives(labels, n), tied = 0;
    auto_free struct row *rows = rows_sorted(p, labels, n);
    float best = 1;
    double best_f1 = 0;
    struct confusion c = {0};
    for (size_t i = 0, next; i < n; i = next) {
        next = ties_end(rows, n, i, &tied);
        c.tp += tied;
        c.fp += next - i - tied;
        c.fn = positives - c.tp;
        double f1 = confusion_f1(&c);
        if (f1 > best_f1) {
            best_f1 = f1;
            best = rows[i].score;
        }
    }
    return best;
}
