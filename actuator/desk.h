/* SPDX-License-Identifier: Apache-2.0 */
/* desk - actuator's work on one partition of predictions, with all that it keeps for it: what
 * comes out depends on the partition's log and on the settings alone.
 *
 * A record's clock moves ours, which never goes back. A prediction is used (decide.h), then
 * what is due by the clock is closed, in parts: live interventions whose window has ended, then
 * imports that ended, or of which no record came for a day. */
#ifndef AUSPEX_ACTUATOR_DESK_H
#define AUSPEX_ACTUATOR_DESK_H

#include "actuator/actuator.h"
#include "actuator/give.h"
#include "actuator/operand.h"
#include "actuator/told.h"
#include "actuator/windows.h"

/* What all desks share. */
struct office {
    struct actuator_setup setup;
    struct settings *settings;
    struct counter *converted, *ignored;
    uint64_t hashes[FEATURES_N + 1]; /* over the first n feature lines */
    float row[FEATURES_N];           /* scratch, as the following */
    uint64_t truths[POLICIES_MOST];
    const struct setting *crossed[POLICIES_MOST];
    struct buf message;
};

/* An import that is under way. */
struct ongoing {
    uint64_t id;
    int64_t received_us; /* the newest received time of its predictions */
    size_t n_lanes;      /* of dossiers */
    bool is_over;
};

/* A record whose outputs pass in parts. */
struct pending_step {
    bool is_open;
    struct trigger trigger;
    struct dossier *
        *ending; /* whose lanes of the import that ends are still to close, by key */
    size_t n_ending, next_ending, cap_ending;
};

struct desk {
    uint32_t number;
    struct office *office;
    struct entries entries; /* struct dossier */
    struct windows windows;
    int64_t clock_us;        /* the furthest told; 0 = none yet */
    struct ongoing *imports; /* by rising id */
    size_t n_imports, cap_imports;
    struct pending_step step;
};

void desk_init(struct desk *d, uint32_t number, struct office *office);
void desk_fini(struct desk *d);

/* STEP_DONE or STEP_MORE; then desk_more until STEP_DONE before the next record. The control
 * record that a prediction names is known. */
enum stage_step desk_record(struct desk *d, const struct told *told, struct str traceparent,
                            struct outbox *out);
enum stage_step desk_more(struct desk *d, struct outbox *out);

/* For decide.c: the outcome of an open intervention, the one behind `before`, of `by` or none.
 */
void desk_settle(struct desk *d, struct dossier *x, struct lane *l, struct open *before,
                 struct trigger *t, const struct prediction *by, struct outbox *out);
/* NULL when it is none under way. */
struct ongoing *desk_import(const struct desk *d, uint64_t id);

/* The state that belongs to no visitor; not between STEP_MORE and STEP_DONE. */
void desk_pack_own(const struct desk *d, struct buf *own);
/* After all visitors were restored: `own` as packed, or empty when nothing was ever packed. */
MUST_USE bool desk_restored(struct desk *d, struct str own, struct err *e);

#endif
