/* SPDX-License-Identifier: Apache-2.0 */
/* told - a record of predictions as actuator reads it, msgpack or JSON. */
#ifndef AUSPEX_ACTUATOR_TOLD_H
#define AUSPEX_ACTUATOR_TOLD_H

#include "common/base/arena.h"
#include "common/bus/stage.h"

struct told {
    uint64_t rec; /* REC_prediction, _tick, _control, _import_end; REC_NONE = unreadable */
    union {
        struct prediction prediction;
        struct tick tick;
        struct control control;
        struct import_end import_end;
    };
    struct position position;
    int64_t received_us;
    int64_t clock_us;   /* of the events partition; 0 = not told */
    uint64_t of_import; /* of a prediction or import_end */
};

/* Slices point into the message or the arena. */
void told_read(struct told *t, const struct stage_message *m, struct arena *a);

#endif
