/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_try - a world for deliver's tests: a transport that answers when it is told to, and
 * the topics decisions and deliveries as commits leave them. */
#ifndef AUSPEX_ACTUATOR_DELIVER_TRY_H
#define AUSPEX_ACTUATOR_DELIVER_TRY_H

#include "actuator/deliver.h"
#include "actuator/transport.h"

#define TRY_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

enum { TRY_PARTITIONS = 2 };

struct try_sending {
    struct try *t;
    char id[64], *body;
    const struct hook *hook;
    int64_t timestamp_s;
    void (*done)(void *tag, const struct answer *a);
    void *tag;
    uint64_t number; /* what transport calls it by */
};

struct try_delivery {
    char id[32], result[16], detail[96];
    uint64_t attempt, status, took_ms;
    int64_t next_us;
};

struct try_state {
    uint32_t partition;
    struct buf key, value;
};

struct
try {
    struct config *config;
    struct counters *counters;
    struct deliver *d;
    struct outbox *out, *state;
    int64_t now_us;
    struct try_sending *sendings; /* under way, in order */
    size_t n_sendings;
    uint64_t last_number;
    /* what commits have stored */
    struct try_delivery *deliveries;
    size_t n_deliveries, cap_deliveries;
    struct try_state *states;
    size_t n_states, cap_states;
    /* for each that is begun; optional */
    void (*on_begin)(void *to, const struct try_sending *s);
    void *to;
};

MUST_USE bool try_opens(struct try *t, const char *ini, struct err *e);
void try_open(struct try *t, const char *ini);
void try_close(struct try *t);
/* A new process over what is committed; nothing else of the old one is left. */
void try_restart(struct try *t);
void try_reconfigure(struct try *t, const char *ini);

/* When it ends that was made with max_age_s at the beginning. */
int64_t try_expires_us(int64_t max_age_s);
/* Slices point into a static buffer until the next call. */
void try_intervention(struct intervention *i, uint32_t partition, uint64_t offset,
                      const char *webhook, int64_t max_age_s);
/* An output for an intervention's record; its number. */
uint64_t try_output(struct try *t);
void try_add(struct try *t, uint32_t partition, uint64_t offset, const char *webhook,
             int64_t max_age_s);
void try_ack(struct try *t); /* all outputs */
void try_turn(struct try *t);
void try_answer(struct try *t, size_t i, unsigned status, const char *retry_after);
void try_answer_id(struct try *t, const char *intervention_id, unsigned status);

void try_cut(struct try *t);
/* What was packed is stored; the number of deliveries stored in all. */
size_t try_store(struct try *t);
void try_uncut(struct try *t);
/* A whole commit. */
size_t try_commit(struct try *t);
/* Entries that a restart would find. */
size_t try_pending(const struct try *t);
size_t try_count(const struct try *t, const char *result);

#endif
