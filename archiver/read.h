/* SPDX-License-Identifier: Apache-2.0 */
/* read - a record of an archived topic, in msgpack or JSON, checked for what tables can hold.
 */
#ifndef AUSPEX_ARCHIVER_READ_H
#define AUSPEX_ARCHIVER_READ_H

#include "common/base/arena.h"
#include "common/bus/stage.h"
#include "common/wire/record_any.h"

enum read_status {
    READ_ROW,    /* a record that the topic's tables hold */
    READ_NOTICE, /* a record of events that is no event, or its clock behind featurizer */
    READ_PASS,   /* a tick, or what is passed on: moves on, has no row */
    READ_BAD
};

struct reading {
    struct position position;
    union record_any
        record; /* for READ_ROW and READ_NOTICE; slices point into the message or the arena */
    const char *fault; /* for READ_BAD: a few words of ours */
    int64_t received_us;
    uint64_t site_id, of_import; /* for READ_ROW and READ_NOTICE */
};

/* The record that the topic is for: event for events ... */
const struct record_def *read_def(enum topic t);
enum read_status read_message(struct reading *r, const struct stage_message *m,
                              struct arena *a);

#endif
