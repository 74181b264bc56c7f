/* SPDX-License-Identifier: Apache-2.0 */
/* metrics - how good scores are, over n rows with labels 0 and 1. All sums in double and in a
 * fixed order, so equal input gives equal bits. NaN where a metric is not defined. */
#ifndef AUSPEX_METRICS_H
#define AUSPEX_METRICS_H

#include "common/base/base.h"

enum { METRICS_ECE_BINS = 15 };

struct confusion {
    uint64_t tp, fp, fn, tn; /* "yes" is a score at or above the threshold */
};

/* Area under the ROC curve; equal scores count half (Mann-Whitney). Needs both classes. */
double metric_auc(const float *scores, const uint8_t *labels, size_t n);
/* Average precision: sum over thresholds of (recall gained) * precision, no interpolation. */
double metric_ap(const float *scores, const uint8_t *labels, size_t n);
/* Mean squared difference of probability and label. */
double metric_brier(const float *p, const uint8_t *labels, size_t n);
/* Mean negative log-likelihood; probabilities are kept 1e-7 away from 0 and 1. */
double metric_logloss(const float *p, const uint8_t *labels, size_t n);
/* Expected calibration error: |share of positives - mean probability| over METRICS_ECE_BINS
 * bins of equal width ((0, 1/15], ...; 0 belongs to the first), weighted by rows. */
double metric_ece(const float *p, const uint8_t *labels, size_t n);

struct confusion metric_confusion(const float *p, const uint8_t *labels, size_t n,
                                  float threshold);
double confusion_f1(const struct confusion *c); /* 0 where there is no true positive */
/* The score with the best F1 as threshold; the highest of several. */
float metric_best_f1(const float *p, const uint8_t *labels, size_t n);

#endif
