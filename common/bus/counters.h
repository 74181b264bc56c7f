/* SPDX-License-Identifier: Apache-2.0 */
/* counters - the metrics of schemas/counters.def, as numbers and as Prometheus text. One thread
 * writes, the same prints. */
#ifndef AUSPEX_COUNTERS_H
#define AUSPEX_COUNTERS_H

#include "common/base/buf.h"

enum counter_id {
#define COUNTER(program, name, type, labels, help) COUNTER_##program##_##name,
#include "schemas/counters.def"
#undef COUNTER
    COUNTERS_N
};

struct counters;
struct counter {
    double value;
};

MUST_USE struct counters *counters_new(const char *program);
void counters_free(struct counters *c);
/* The one number behind these label values, made at 0 when it is new; a look-up, so keep the
 * pointer where it is hot. Labels that the table does not name are NULL. Valid as long as c. */
struct counter *counter_of(struct counters *c, enum counter_id id, const char *label1,
                           const char *label2);

static inline void counter_add(struct counter *c, double n)
{
    c->value += n;
}

static inline void counter_set(struct counter *c, double value)
{
    c->value = value;
}

/* Latencies in seconds: buckets of 2^k from 0.25 ms to 65 s. */
struct histogram;
struct histogram *counters_histogram(struct counters *c, const char *name, const char *help);
void histogram_add(struct histogram *h, double seconds);

/* Prometheus text format 0.0.4. */
void counters_print(const struct counters *c, struct buf *out);

#endif
