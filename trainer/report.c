/* SPDX-License-Identifier: Apache-2.0 */
/* report - what a training gave, as text and as JSON; numbers with a fixed number of digits. */
#include "trainer/train.h"

#include <inttypes.h>

static const char *const part_names[PARTS_N] = {"train", "valid", "test"};

static double share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

static void confusion_text(const struct confusion *c, const char *what, double threshold,
                           struct buf *out)
{
    buf_printf(out,
               "%s (p >= %.4f): tp %" PRIu64 ", fp %" PRIu64 ", fn %" PRIu64 ", tn %" PRIu64
               "; precision %.4f, recall %.4f, F1 %.4f\n",
               what, threshold, c->tp, c->fp, c->fn, c->tn, share(c->tp, c->tp + c->fp),
               share(c->tp, c->tp + c->fn), confusion_f1(c));
}

void report_text(const struct train_report *r, struct buf *out)
{
    for (int k = 0; k < PARTS_N; k++) {
        const struct part_facts *p = &r->parts[k];
        buf_printf(out, "%-5s  %9" PRIu64 " rows  %8" PRIu64 " groups  base rate %.4f\n",
                   part_names[k], p->rows, p->groups, share(p->positives, p->rows));
    }
    buf_printf(out, "model  %u trees over %u features, calibrated by %u knots\n", r->n_trees,
               r->n_features, r->n_knots);
    buf_printf(out, "AUC %.4f, AP %.4f (margins, test part)\n", r->auc, r->ap);
    buf_printf(out,
               "Brier %.5f (base rate alone %.5f), logloss %.5f, ECE %.5f (%d bins of equal "
               "width)\n",
               r->brier, r->brier_base, r->logloss, r->ece, METRICS_ECE_BINS);
    confusion_text(&r->at_half, "at one half", 0.5, out);
    confusion_text(&r->at_best_f1, "at best F1 of valid", (double)r->best_f1, out);
}

static void confusion_json(const struct confusion *c, const char *key, double threshold,
                           struct buf *out)
{
    buf_printf(out,
               ",\"%s\":{\"threshold\":%.6f,\"tp\":%" PRIu64 ",\"fp\":%" PRIu64
               ",\"fn\":%" PRIu64 ",\"tn\":%" PRIu64 ",\"f1\":%.6f}",
               key, threshold, c->tp, c->fp, c->fn, c->tn, confusion_f1(c));
}

void report_json(const struct train_report *r, struct buf *out)
{
    buf_printf(out,
               "{\"auc\":%.6f,\"ap\":%.6f,\"brier\":%.6f,\"brier_base\":%.6f,\"logloss\":%.6f,"
               "\"ece\":%.6f,\"ece_bins\":%d",
               r->auc, r->ap, r->brier, r->brier_base, r->logloss, r->ece, METRICS_ECE_BINS);
    confusion_json(&r->at_half, "at_half", 0.5, out);
    confusion_json(&r->at_best_f1, "at_best_f1", (double)r->best_f1, out);
    for (int k = 0; k < PARTS_N; k++) {
        const struct part_facts *p = &r->parts[k];
        buf_printf(out,
                   ",\"%s\":{\"rows\":%" PRIu64 ",\"groups\":%" PRIu64 ",\"positives\":%" PRIu64
                   ",\"base_rate\":%.6f,\"order_from\":%" PRId64 ",\"order_to\":%" PRId64 "}",
                   part_names[k], p->rows, p->groups, p->positives,
                   share(p->positives, p->rows), p->order_from, p->order_to);
    }
    const struct boost_options *b = &r->boost;
    buf_printf(out,
               ",\"features\":%u,\"trees\":%u,\"knots\":%u,\"options\":{\"seed\":%" PRIu64
               ",\"rounds\":%u,\"patience\":%u,\"depth\":%u,\"min_child\":%u,\"eta\":%.6f,"
               "\"row_share\":%.6f,\"feature_share\":%.6f}}",
               r->n_features, r->n_trees, r->n_knots, b->seed, b->rounds, b->patience, b->depth,
               b->min_child, b->eta, b->row_share, b->feature_share);
}
