/* SPDX-License-Identifier: Apache-2.0 */
/* trial - a core for tests: policies and predictions written in a line, what comes out read
 * back as records; and a busy, seeded log. */
#ifndef AUSPEX_ACTUATOR_TRIAL_H
#define AUSPEX_ACTUATOR_TRIAL_H

#include "actuator/actuator.h"
#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/wire/feature.h"

/* 2026-01-05 00:00:00 UTC, a Monday. */
#define TRIAL_T0 ((int64_t)1767571200 * SECOND_US)

struct trial {
    struct actuator *core;
    struct counters *counters;
    struct outbox *out;
    struct buf bytes;    /* the record being given */
    uint64_t offset;     /* of the next record of partition 0 */
    uint64_t control;    /* 1 + offset of the last record of control */
    unsigned n_steps;    /* calls that the last record took */
    unsigned n_fired;    /* interventions that deliveries were told of */
    uint64_t last_fired; /* number of the last one's output */
};

void trial_init(struct trial *t, bool is_json);
void trial_fini(struct trial *t);

/* Records of control; each returns 1 + its offset. */
uint64_t trial_policy(struct trial *t, const char *name, const char *json);
uint64_t trial_off(struct trial *t, const char *name);

/* A prediction of visitor "v" of site 7, session "s1", that counts; received, made and heard
 * T0 + at_s; names the last control record. Without kinds. */
struct prediction trial_prediction(const struct trial *t, const char *type, double at_s);
/* Gives it, with P(conversion) unless that is NaN, also what is left of it. What it led to is
 * behind the number returned, and stays until trial_fini. */
uint64_t trial_give(struct trial *t, const struct prediction *p, double conversion);
/* A page_view of visitor v at T0 + at_s. */
uint64_t trial_view(struct trial *t, double at_s, double conversion);
uint64_t trial_tick(struct trial *t, double clock_s);
uint64_t trial_import_end(struct trial *t, uint64_t import_id, double at_s);
/* Any record. */
uint64_t trial_record(struct trial *t, struct str value);

/* The records of a topic from output `first` on; at most `most`; returns how many there are. */
size_t trial_interventions(const struct trial *t, uint64_t first, struct intervention *to,
                           size_t most);
size_t trial_outcomes(const struct trial *t, uint64_t first, struct outcome *to, size_t most);
double trial_counter(const struct trial *t, const char *name);

/* The kinds of a prediction, packed; valid until `b` changes. */
struct wire_list trial_kinds(struct buf *b, double conversion);

/* A packed record of a busy, seeded log of one partition with two imports, late events and
 * repeats, ticks, ends of imports and silences; or, with is_control, one for the topic control.
 * Zero it but for rng, visitors and is_json. */
struct trial_log {
    struct rng rng;
    bool is_json;
    uint64_t visitors; /* ids 0 .. visitors - 1 */
    uint64_t n, control, offset, hash;
    int64_t now_us;
    int64_t file_us[2]; /* event time that the imports have come to */
    bool is_control;    /* of the last record */
    struct buf kinds;
};
void trial_log_next(struct trial_log *l, struct buf *out);
void trial_log_fini(struct trial_log *l);

#endif
