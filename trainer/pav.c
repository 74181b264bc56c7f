/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/pav.h"

#include <math.h>
#include <stdlib.h>

struct point {
    float margin;
    uint8_t label;
};

static int by_margin(const void *a, const void *b)
{
    float x = ((const struct point *)a)->margin, y = ((const struct point *)b)->margin;
    return (x > y) - (x < y);
}

/* Whether a's value is not below b's; exact, in integers. */
static bool is_violation(const struct pav_block *a, const struct pav_block *b)
{
    return (unsigned __int128)a->positives * b->n >= (unsigned __int128)b->positives * a->n;
}

static void join(struct pav_block *into, const struct pav_block *from)
{
    into->margin_sum += from->margin_sum;
    into->n += from->n;
    into->positives += from->positives;
}

size_t pav_fit(const float *margins, const uint8_t *labels, size_t n, struct pav_block *blocks)
{
    CHECK(n > 0);
    auto_free struct point *points = mem_new(n * sizeof *points);
    for (size_t i = 0; i < n; i++)
        points[i] = (struct point){margins[i], labels[i]};
    qsort(points, n, sizeof *points, by_margin);
    size_t n_blocks = 0;
    for (size_t i = 0; i < n;) {
        struct pav_block *b = &blocks[n_blocks++];
        *b = (struct pav_block){0};
        for (float margin = points[i].margin; i < n && points[i].margin == margin; i++)
            join(b, &(struct pav_block){(double)margin, 1, points[i].label});
        for (; n_blocks > 1 && is_violation(b - 1, b); n_blocks--, b--)
            join(b - 1, b);
    }
    return n_blocks;
}

static size_t join_small(struct pav_block *blocks, size_t n_blocks, uint64_t min_rows)
{
    size_t n = 0;
    for (size_t i = 0; i < n_blocks; i++) {
        if (n > 0 && blocks[n - 1].n < min_rows)
            join(&blocks[n - 1], &blocks[i]);
        else
            blocks[n++] = blocks[i];
    }
    if (n > 1 && blocks[n - 1].n < min_rows) {
        join(&blocks[n - 2], &blocks[n - 1]);
        n--;
    }
    return n;
}

static float mean_margin(const struct pav_block *b)
{
    return (float)(b->margin_sum / (double)b->n);
}

/* Means that are one number in float32 are one knot. */
static size_t join_equal(struct pav_block *blocks, size_t n_blocks)
{
    size_t n = 0;
    for (size_t i = 0; i < n_blocks; i++) {
        if (n > 0 && !(mean_margin(&blocks[i]) > mean_margin(&blocks[n - 1])))
            join(&blocks[n - 1], &blocks[i]);
        else
            blocks[n++] = blocks[i];
    }
    return n;
}

void wilson_interval(uint64_t k, uint64_t n, double *lower, double *upper)
{
    const double z = 1.959963984540054, rows = (double)n, p = (double)k / rows;
    double scale = 1 + z * z / rows, centre = p + z * z / (2 * rows);
    double half = z * sqrt(p * (1 - p) / rows + z * z / (4 * rows * rows));
    *lower = fmin(fmax((centre - half) / scale, 0), p);
    *upper = fmax(fmin((centre + half) / scale, 1), p);
}

void pav_knots_init(struct pav_knots *k, struct pav_block *blocks, size_t n_blocks,
                    uint64_t min_rows)
{
    size_t n = join_equal(blocks, join_small(blocks, n_blocks, min_rows));
    for (uint64_t least = MAX(min_rows, (uint64_t)1); n > ISOTONIC_MAX; least *= 2)
        n = join_equal(blocks, join_small(blocks, n, least));
    float *x = k->floats = mem_new(4 * n * sizeof *x);
    float *value = x + n, *lower = value + n, *upper = lower + n;
    for (size_t i = 0; i < n; i++) {
        double low, high;
        wilson_interval(blocks[i].positives, blocks[i].n, &low, &high);
        x[i] = mean_margin(&blocks[i]);
        value[i] = (float)((double)blocks[i].positives / (double)blocks[i].n);
        lower[i] = fminf((float)low, value[i]);
        upper[i] = fmaxf((float)high, value[i]);
    }
    k->knots = (struct isotonic){(uint32_t)n, x, value, lower, upper};
}

void pav_knots_fini(struct pav_knots *k)
{
    free(k->floats);
    *k = (struct pav_knots){0};
}
