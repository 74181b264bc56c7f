/* SPDX-License-Identifier: Apache-2.0 */
/* give - the records that actuator makes, put into the outbox. */
#ifndef AUSPEX_ACTUATOR_GIVE_H
#define AUSPEX_ACTUATOR_GIVE_H

#include "actuator/dossier.h"
#include "actuator/settings.h"
#include "common/base/clock.h"
#include "common/bus/stage.h"

/* So many seconds later; the end of time when that is beyond it. */
static inline int64_t give_later(int64_t us, uint64_t s)
{
    int64_t later_us;
    bool is_beyond = __builtin_add_overflow(us, (int64_t)s * SECOND_US, &later_us);
    return is_beyond ? INT64_MAX : later_us;
}

/* The record that interventions and outcomes come of: they stand at its position, counted for
 * each topic. */
struct trigger {
    uint64_t epoch, partition, offset;
    int64_t received_us;
    uint64_t n_interventions, n_outcomes;
    struct str traceparent; /* for interventions */
};

/* "EPOCH-PARTITION-OFFSET-INDEX" */
enum { INTERVENTION_ID = 88 };
struct str give_id(uint64_t epoch, uint64_t partition, uint64_t offset, uint64_t index,
                   char out[INTERVENTION_ID]);

struct firing {
    const struct prediction *p;
    const struct setting *setting;
    struct str key, message;
    bool is_held_out, is_json;
};
/* Returns the output's number. `i` is what was given; its slices are those of `f` and `id`. */
uint64_t give_intervention(struct outbox *out, struct trigger *t, const struct firing *f,
                           char id[INTERVENTION_ID], struct intervention *i);

/* What an open intervention of lane `of_import` came to; `by` is the event that converted, or
 * NULL when it was ignored. */
void give_outcome(struct outbox *out, struct trigger *t, struct str key, uint64_t of_import,
                  const struct open *o, const struct prediction *by);

#endif
