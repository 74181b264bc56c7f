/* SPDX-License-Identifier: Apache-2.0 */
/* stage - what a program tells the runtime about itself; stage_main is its whole main.
 *
 * A core is plain functions over records and time. The runtime owns Kafka, offsets, marks,
 * checkpoints, signals, configuration, logs, metrics and the admin port. All callbacks run on
 * the loop's thread, one at a time, except sink_flush. */
#ifndef AUSPEX_STAGE_H
#define AUSPEX_STAGE_H

#include "common/base/err.h"
#include "common/bus/outbox.h"
#include "common/wire/record.h"

struct config;
struct counters;
struct uv_loop_s;

/* What a core may look at; valid from open to close. */
struct stage_env {
    const struct config *config;
    struct counters *counters;
    uint32_t partitions; /* of events and of all topics behind it */
    uint32_t
        raw_partitions; /* of raw, at the start; 0 when the stage neither reads nor writes it */
    const char *instance;
    struct uv_loop_s *loop; /* where a core's own server or client lives */
    /* Takes what is made from no input (what a server was sent), at any time on the loop's
     * thread. No cut waits for it and no rebalance drops it: below outbox_first(aside) all is
     * stored. Whoever puts into it bounds it. */
    struct outbox *aside;
};

/* One input record; slices are valid during the call. */
struct stage_message {
    enum topic topic;
    uint32_t partition;
    uint64_t offset;
    int64_t append_us; /* the broker's append time */
    struct str key, value;
    struct str content_type, ce_type, traceparent; /* headers; empty when absent */
    struct position position;                      /* of inputs that are marked; else zeroes */
};

enum stage_step {
    STEP_DONE, /* the record is used */
    STEP_MORE, /* used, but outputs are left: call `more` when there is room */
    STEP_WAIT, /* not used: give it again a little later */
};

enum stage_kind {
    STAGE_STATELESS, /* commits offsets to its group, marks in the metadata */
    STAGE_STATEFUL,  /* checkpoints state, marks and offsets in one transaction */
    STAGE_SINK,      /* keeps offsets and marks itself, with what it stores */
};

enum input_role {
    INPUT_GROUP,  /* shared by the group's members */
    INPUT_LOOKUP, /* every instance reads all of it, from the start, before it takes input */
};

struct stage_input {
    enum topic topic;
    enum input_role role;
    bool is_marked; /* records carry positions: what is not above its mark is dropped */
    bool has_holes; /* offsets need not follow each other: transactions or compaction */
};

enum sink_result {
    SINK_STORED,
    SINK_RETRY,  /* the world is wrong: the same batch again, later */
    SINK_FENCED, /* somebody else moved our offsets: drop all, join again */
    SINK_FATAL,  /* leave with the err's code */
};

enum { STAGE_INPUTS = 12, RETIRE_US = 2500000 };

struct stage {
    const char *name;    /* "featurizer" */
    const char *summary; /* one line */
    const char *manual;  /* what --help says below the usage */
    enum stage_kind kind;
    struct stage_input inputs[STAGE_INPUTS];
    size_t n_inputs;
    unsigned outputs;     /* bits 1 << enum topic: what it writes, checked at start */
    bool is_oldest_first; /* takes the input partition whose next record is oldest */
    enum topic state;     /* STAGE_STATEFUL: the compacted topic of its checkpoints */

    /* The core; NULL on failure. */
    void *(*open)(const struct stage_env *env, struct err *e);
    void (*close)(void *core);
    /* Input partitions come and go; optional. State of a partition begins empty at assign. */
    void (*assign)(void *core, enum topic t, uint32_t partition);
    void (*revoke)(void *core, enum topic t, uint32_t partition);
    enum stage_step (*record)(void *core, const struct stage_message *m, struct outbox *out);
    /* After STEP_MORE, with the same partition, until STEP_DONE. */
    enum stage_step (*more)(void *core, enum topic t, uint32_t partition, struct outbox *out);
    /* Every 100 ms; optional. Never for what a replay must give again. */
    void (*timer)(void *core, int64_t mono_us, struct outbox *out);
    /* A record of an INPUT_LOOKUP topic. */
    void (*lookup)(void *core, const struct stage_message *m);
    /* A core's own server or client; each optional. `serve`: all look-up topics have been read
     * to their ends, listeners may open; false ends the program. `turn`: once in each turn of
     * the loop, after outputs were handed over and acknowledgements taken, but not while state
     * is restored, which the worker's thread does. `retire`: the program is to end: take
     * nothing new, and true when nobody is owed an answer any more; asked in each turn, for
     * RETIRE_US at most. */
    bool (*serve)(void *core, struct err *e);
    void (*turn)(void *core, struct outbox *out);
    bool (*retire)(void *core);
    /* Whether the core itself can work; optional. The reason goes to /readyz. */
    bool (*is_ready)(void *core, struct str *reason);

    /* STAGE_STATEFUL. Whether there is something to checkpoint that no record has led to;
     * optional, asked on the loop's thread. */
    bool (*is_changed)(void *core);
    /* Restoring, on the worker's thread, gives the entries of the state topic in their order,
     * superseded ones included: a later one of a key replaces the earlier, an empty value
     * forgets it. Then come the partition's own bytes (empty at the first start). */
    bool (*restore)(void *core, uint32_t partition, struct str key, struct str value,
                    struct err *e);
    bool (*restored)(void *core, uint32_t partition, struct str own, struct err *e);
    /* A checkpoint begins: the entries changed since the last one are to be packed as they are
     * now, also when records are used meanwhile. `own` takes the partition's own bytes. */
    void (*cut)(void *core, uint32_t partition, struct buf *own);
    /* Packs such entries into `state` (key, value; an empty value forgets the entry) until the
     * time is up; true when none is left. What is put there for another topic than the state's
     * is written in the same transaction: it is there once, if the checkpoint is. */
    bool (*pack)(void *core, uint32_t partition, struct outbox *state, int64_t until_mono_us);
    /* The checkpoint that began with `cut` did not come through: its entries count as changed
     * again. */
    void (*uncut)(void *core, uint32_t partition);

    /* STAGE_SINK. `seek` gives the offset to go on at; on a worker's thread, like sink_flush,
     * while the loop calls only record and timer. sink_seal takes what `record` has collected
     * as the next batch (false: nothing) and is called only when no flush is running. */
    enum sink_result (*sink_seek)(void *core, enum topic t, uint32_t partition,
                                  uint64_t *offset, struct err *e);
    bool (*sink_seal)(void *core);
    enum sink_result (*sink_flush)(void *core, struct err *e);
    /* Forgets all that is not stored; after SINK_FENCED and before a revoke. */
    void (*sink_forget)(void *core);
};

int stage_main(int argc, char *argv[], const struct stage *stage);

#endif
