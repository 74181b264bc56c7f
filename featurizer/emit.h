/* SPDX-License-Identifier: Apache-2.0 */
/* emit - the records that featurizer writes. */
#ifndef AUSPEX_EMIT_H
#define AUSPEX_EMIT_H

#include "common/bus/stage.h"
#include "featurizer/recent.h"
#include "featurizer/session.h"

/* One record of events, as its decoded form. */
struct input {
    uint64_t rec; /* enum record_kind; REC_NONE = unreadable */
    union {
        struct event event;
        struct tick tick;
        struct import_end import_end;
        struct control control;
        struct signal signal;
    };
};

/* What all records that it leads to are stamped with. */
struct trigger {
    uint64_t epoch;
    uint32_t partition;
    uint64_t offset;
    int64_t received_us;
    uint64_t n_sessions; /* given so far: the index of the next */
    uint64_t control;    /* 1 + offset of the last control record */
    int64_t
        clock_us; /* of the partition, this record heard; 0 = not each raw partition spoke */
    struct str traceparent;
    bool has_summaries;  /* vectors carry them */
    struct buf *ratings; /* where those that vectors carry are packed; NULL = they carry none */
};

/* REC_NONE for anything but the five records of events. */
void input_read(struct input *in, struct str value);

/* The lane's open session, as it ended. */
void emit_session(struct outbox *out, struct trigger *t, const struct profile *p,
                  const struct lane *l, enum session_end end);
/* `lane` is NULL for a verdict other than VERDICT_COUNTS; then there are no features. */
void emit_vector(struct outbox *out, const struct trigger *t, const struct profile *p,
                 const struct lane *lane, const struct moment *m, enum verdict verdict);
void emit_rejected(struct outbox *out, const struct trigger *t, const struct input *in,
                   struct str value, const char *reason, const char *detail);
/* Passes a tick, import_end or control record on to features. */
void emit_forward(struct outbox *out, const struct trigger *t, struct input *in);

/* "SITE:VISITOR" in `out`; false when it is too long to be one. */
bool emit_key(uint64_t site_id, struct str visitor, char out[KEY_MOST + 1], struct str *key);

#endif
