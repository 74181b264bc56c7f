/* SPDX-License-Identifier: Apache-2.0 */
/* run - one running stage: the thin part of the runtime, between flow (which decides),
 * librdkafka and libuv. Internal to common/bus; its parts are run_group (membership), run_input
 * (records), run_output (producer), run_start (where to begin), run_lookup (look-up topics),
 * run_commit (group commits, checkpoints, sinks) and run_status (admin).
 *
 * Threads: the loop's, which calls the core, and one worker for what blocks: finding where to
 * begin, checkpoints, a sink's flush. They meet in worker_collect on the loop. */
#ifndef AUSPEX_RUN_H
#define AUSPEX_RUN_H

#include "common/bus/admin.h"
#include "common/bus/config.h"
#include "common/bus/counters.h"
#include "common/bus/flow.h"

#include <librdkafka/rdkafka.h>
#include <uv.h>

enum { INPUT_AHEAD = 64 };

/* The consumer's side of a flow_source; same index. */
struct run_source {
    rd_kafka_queue_t *queue;
    rd_kafka_message_t *ahead[INPUT_AHEAD]; /* fetched, not yet used: [at, n) */
    size_t at, n;
    int64_t wait_until_us; /* after STEP_WAIT */
    int64_t seek_until_us; /* after a seek: what the client still had is ignored */
    int64_t last_append_us;
    int64_t high_seen, still_us; /* end of the log, and since when nothing has moved */
    char place[TOPIC_NAME +
               64]; /* "TOPIC partition N offset ", and from place_at on its number */
    size_t place_at;
    struct counter *records_in, *repeats, *lag_records, *lag_seconds;
};

struct start_job;
struct commit_job;
struct checkpointer;
struct worker;
struct lookup;

struct run {
    const struct stage *stage;
    struct config *config;
    struct counters *counters;
    struct stage_env env;
    void *core;
    struct flow flow;
    struct outbox *outbox, *aside;
    uint64_t sent, sent_aside; /* outputs of each handed to the producer */
    struct outbox *state;      /* packed entries of the checkpoint in the making */

    uv_loop_t loop;
    uv_poll_t input_poll, output_poll;
    int input_fd, output_fd; /* eventfds that librdkafka writes to */
    uv_async_t wake;
    uv_idle_t again; /* more input is at hand: do not wait for events */
    uv_prepare_t prepare;
    uv_timer_t timer;
    uv_signal_t term, interrupt, hangup;
    const char *hangup_path; /* configuration that SIGHUP checks */
    struct admin *admin;

    rd_kafka_t *consumer, *producer;
    rd_kafka_queue_t *output_queue;
    rd_kafka_topic_t *topics[TOPICS_N]; /* of the producer */
    char names[TOPICS_N][TOPIC_NAME];
    rd_kafka_consumer_group_metadata_t *group; /* pinned at assign */
    struct run_source *sources;
    size_t turn; /* source whose turn it is */
    struct worker *worker;
    struct start_job *start; /* under way, or NULL */
    struct commit_job *commit;
    struct checkpointer *checkpointer;
    struct lookup *lookup;
    rd_kafka_queue_t *commit_queue; /* outcomes of group commits */
    uint64_t commit_number; /* of the last group commit; outcomes of older ones count no more */
    bool is_joined;         /* the consumer has been made */
    int64_t lost_us;        /* when the assignment was lost last; 0 = never */
    int64_t commit_confirmed_us, start_us, status_us;
    int64_t wall_us;  /* when this slice of records began */
    char reason[256]; /* why it is not ready */

    struct err failure; /* why the program ends, when is_failed */
    bool is_failed, is_done;
    bool is_serving, is_retiring; /* the core's server is open; the program is to end */
    int64_t stop_us;
    struct counter *records_out[TOPICS_N], *bytes_out[TOPICS_N], *outputs_bytes, *commits,
        *commit_failures, *commit_age, *start_seconds, *producer_restarts, *ready, *log_dropped;
    struct histogram *delay;
};

/* The program ends with this failure, after giving back what it has. */
void run_fail(struct run *r, const struct err *e);

/* run_group.c */
MUST_USE bool group_join(struct run *r, struct err *e);
void group_poll(struct run *r);   /* serves rebalances */
void group_assign(struct run *r); /* the start job is done: give the offsets to librdkafka */
void group_release(struct run *r);
void group_rejoin(struct run *r); /* leaves the group, drops all, joins again */
/* Leaves the group, but waits only so long for a coordinator that does not answer; false then:
 * the session's end will tell the group, and closing would wait for as long. */
bool group_leave(struct run *r);
void group_close(struct run *r);

/* run_input.c */
MUST_USE bool input_watch(struct run *r, struct err *e); /* what wakes the loop */
/* Uses records for a slice of time; true when more is at hand. */
bool input_turn(struct run *r);
/* While draining: goes on with the record whose outputs are not all given yet. */
void input_owed(struct run *r);
void input_resume(struct run *r); /* a sink's batch is stored: who waited may go on */
void input_drop_ahead(struct run_source *s); /* forgets what was fetched and not used */

/* run_output.c */
MUST_USE bool output_open(struct run *r, struct err *e);
void output_pump(struct run *r);  /* hands outputs over, serves delivery reports */
void output_count(struct run *r); /* tells flow how the outbox stands */
void output_remake(struct run *r);
void output_close(struct run *r);
/* One message as an input of the core: fills everything but the position. */
void message_of(const rd_kafka_message_t *m, enum topic t, struct stage_message *out);

/* run_start.c */
void start_begin(
    struct run *r); /* on assign; start_turn ends it in input_assign, or run_fail */
void start_turn(struct run *r);
void start_cancel(struct run *r); /* waits for the worker; the job counts for nothing */
/* run_lookup.c */
MUST_USE bool lookup_open(struct run *r, struct err *e);
bool lookup_turn(struct run *r); /* true when every lookup topic has been read to its end */
void lookup_close(struct run *r);

/* run_commit.c */
void commit_turn(struct run *r); /* does what flow_decide asks for until it asks for nothing */
/* Drains within the flow's limit, from inside a rebalance or at the end. */
void commit_drain(struct run *r);
void commit_close(struct run *r);

/* run_status.c */
MUST_USE bool status_open(struct run *r, struct err *e);
void status_update(struct run *r); /* lag and gauges, about once a second */
void status_close(struct run *r);

#endif
