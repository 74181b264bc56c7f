/* SPDX-License-Identifier: Apache-2.0 */
/* flow - decides what the runtime does next, as a function of what has happened. Pure: no
 * Kafka, no clock, no allocation but its own lists; the runtime drives it, and so can a
 * simulator.
 *
 * One instance lives through phases, all of its input partitions together (assignment is
 * eager):
 *
 *   IDLE --assigned--> STARTING --started--> RUNNING --revoked, lost, stop--> DRAINING --> IDLE
 *
 * While it runs, a commit goes round: a cut fixes the input offsets, the marks and the number
 * of the last output; the state as of the cut is packed; all outputs below the number are
 * awaited; then the cut is committed. So an offset is never committed before what it led to is
 * stored. */
#ifndef AUSPEX_FLOW_H
#define AUSPEX_FLOW_H

#include "common/bus/marks.h"
#include "common/bus/stage.h"

enum flow_phase { FLOW_IDLE, FLOW_STARTING, FLOW_RUNNING, FLOW_DRAINING };
enum flow_cut { CUT_NONE, CUT_PACKING, CUT_ACKING, CUT_COMMITTING };
enum flow_producer { PRODUCER_UP, PRODUCER_BROKEN };

/* One input partition that is assigned. */
struct flow_source {
    const struct stage_input *input;
    uint32_t partition;
    uint64_t next; /* offset that should come next */
    bool is_open;  /* a first record fixes `next`: nothing was committed, the log may start late
                    */
    bool has_sought; /* a hole was met and sought back to once */
    struct marks marks;
    uint64_t last_offset, last_hash; /* of the last record used, for the checkpoint */
    /* as of the cut */
    uint64_t cut_next, cut_last_offset, cut_last_hash;
    bool cut_is_open; /* no record had been used: there is no offset to commit */
    struct buf cut_marks, cut_own;
    bool is_changed; /* used since the cut */
    bool has_more;   /* outputs of its head record are owed: no cut may fall in between */
};

struct flow_limits {
    size_t outputs_bytes; /* above it nothing is read */
    int64_t commit_us;    /* from one cut to the next, and more when packing takes long */
    int64_t drain_us;     /* what a drain may take */
};

struct flow {
    enum stage_kind kind;
    struct flow_limits limits;
    enum flow_phase phase;
    struct flow_source *sources;
    size_t n_sources;
    bool is_lost;     /* the assignment belongs to others already: commit nothing */
    bool is_stopping; /* the program ends */
    int64_t drain_until_us;

    uint64_t out_next, out_acked; /* outputs given, and those below which all are stored */
    size_t out_bytes;
    enum flow_producer producer;
    int64_t producer_retry_us, producer_wait_us;

    enum flow_cut cut;
    uint64_t cut_number;
    int64_t cut_last_us, commit_retry_us, commit_wait_us;
    int64_t pack_us; /* what packing the last cut took */
};

void flow_init(struct flow *f, enum stage_kind kind, const struct flow_limits *limits);
void flow_fini(struct flow *f);

/* What is to be done next; the runtime does it and tells the outcome. */
enum flow_action {
    FLOW_NOTHING,
    FLOW_REMAKE_PRODUCER, /* destroy, make anew, send all unacknowledged again */
    FLOW_CUT,             /* take the cut: flow_cut_taken */
    FLOW_PACK,            /* go on packing: flow_packed when none is left */
    FLOW_COMMIT,          /* commit the cut: flow_committed with the outcome */
    FLOW_RELEASE,         /* drained or out of time: give the partitions back: flow_released */
};
enum flow_action flow_decide(struct flow *f, int64_t now_us);

/* Partitions: the list replaces what was there (only in IDLE). */
void flow_assigned(struct flow *f, const struct stage_input *const *inputs,
                   const uint32_t *partitions, size_t n);
struct flow_source *flow_source_of(struct flow *f, enum topic t, uint32_t partition);
/* Where a source begins; is_open when nothing was ever committed. */
void flow_place(struct flow_source *s, uint64_t next, bool is_open);
void flow_started(struct flow *f, int64_t now_us);
/* is_lost: others own them already. Also from STARTING. */
void flow_revoked(struct flow *f, bool is_lost, int64_t now_us);
void flow_stop(struct flow *f, int64_t now_us);
void flow_released(struct flow *f);

/* Whether input may be taken now. */
bool flow_may_read(const struct flow *f);
enum flow_take {
    TAKE_USE,
    TAKE_REPEAT, /* its position was used: count it, pass over it */
    TAKE_STALE,  /* an offset that was used: the client gave it again; ignore it */
    TAKE_HOLE,   /* offsets are missing: seek back to `next` */
    TAKE_TORN,   /* missing still: leave with EXIT_CODE_BUG */
};
/* Judges a record and moves nothing but has_sought; `p` is NULL for inputs without marks. */
enum flow_take flow_take(struct flow_source *s, uint64_t offset, const struct position *p);
/* The record at `offset` is used, or passed over: moves offset and mark. */
void flow_used(struct flow_source *s, uint64_t offset, const struct position *p, uint64_t hash);
/* How the outbox stands. */
void flow_outputs(struct flow *f, uint64_t next, uint64_t acked, size_t bytes);

void flow_producer_broken(struct flow *f, int64_t now_us);
void flow_producer_made(struct flow *f);

/* A cut has been taken: offsets and marks of every source are copied; packing is only for
 * STAGE_STATEFUL. */
void flow_cut_taken(struct flow *f, int64_t now_us);
/* Part of the packing took so long. The next cut waits until all of it is no more than a fifth
 * of the time from this cut to that. */
void flow_packing(struct flow *f, int64_t took_us);
void flow_packed(struct flow *f);
enum flow_outcome {
    COMMIT_DONE,
    COMMIT_AGAIN,  /* the same cut once more, later (a sink whose database is down) */
    COMMIT_FAILED, /* this cut is void; the next one covers it */
    COMMIT_FENCED, /* somebody else owns the partitions: drop all */
};
void flow_commit_began(struct flow *f);
void flow_committed(struct flow *f, enum flow_outcome outcome, int64_t now_us);

/* The next cut is due at once: a sink's batch is full. */
void flow_hurry(struct flow *f);
/* The state has changed although no record was used: a commit is to cover it. */
void flow_change(struct flow *f);
/* Whether anything was used that no commit covers. */
bool flow_is_dirty(const struct flow *f);

#endif
