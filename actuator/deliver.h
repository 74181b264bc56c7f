/* SPDX-License-Identifier: Apache-2.0 */
/* deliver - interventions that are to reach the world by webhook: when each is tried, what came
 * of it, and what a checkpoint keeps of it. Together with decide.h it is actuator's core.
 *
 * An intervention is tried only once its record is acknowledged, with one idempotency key,
 * until the receiver has answered or a rule gives it up (max_age, 410, a webhook that is
 * refused). What is still pending stands in `decisions`; an attempt goes to `deliveries` in the
 * same transaction as the checkpoint that knows of it. So after a kill what was not recorded is
 * tried again under the same key, and nothing that was. Times here are the machine's: none of
 * this is part of what a replay gives again, and a replay delivers nothing.
 *
 * Attempts run in parallel, so many in all and so many for each webhook: one that is slow holds
 * no other. What is pending is bounded by max_age; attempts that no checkpoint knows yet by
 * DELIVER_RESULTS: above it none begins. */
#ifndef AUSPEX_ACTUATOR_DELIVER_H
#define AUSPEX_ACTUATOR_DELIVER_H

#include "common/bus/stage.h"

enum { DELIVER_RESULTS = 4 * 1024 * 1024 }; /* bytes of delivery records */

struct deliver;
struct transport;

/* Reads the section [webhooks]; EXIT_CODE_CONFIG when it is wrong. Delivers nothing when the
 * configuration is a replay's (output_prefix is set and another than topic_prefix). */
MUST_USE struct deliver *deliver_new(const struct stage_env *env, struct err *e);
/* The same over another transport, which it frees, for tests. */
MUST_USE struct deliver *deliver_new_over(const struct stage_env *env,
                                          const struct transport *t, struct err *e);
void deliver_free(struct deliver *d);

void deliver_assign(struct deliver *d, uint32_t partition);
void deliver_revoke(struct deliver *d, uint32_t partition);

/* Of an intervention with channel webhook that is not held out: its record is output `number`
 * of the outbox. The intervention is copied. */
void deliver_add(struct deliver *d, uint32_t partition, const struct intervention *i,
                 uint64_t number);
/* Once a turn, `now_us` of the wall clock: takes what was answered and starts what is due.
 * `out` is the outbox that the numbers count in. */
void deliver_turn(struct deliver *d, const struct outbox *out, int64_t now_us);
/* The program is to end: begins no attempt any more; true when none is under way. */
bool deliver_retire(struct deliver *d);

/* As in struct stage; of the entries only those whose key deliver_owns. */
bool deliver_is_changed(const struct deliver *d);
bool deliver_owns(struct str key);
MUST_USE bool deliver_restore(struct deliver *d, uint32_t partition, struct str key,
                              struct str value, struct err *e);
void deliver_cut(struct deliver *d, uint32_t partition);
bool deliver_pack(struct deliver *d, uint32_t partition, struct outbox *state,
                  int64_t until_mono_us);
void deliver_uncut(struct deliver *d, uint32_t partition);

#endif
