/* SPDX-License-Identifier: Apache-2.0 */
/* scorer - features in, predictions out: one record for each, at the same position, with every
 * kind that a model is active for, and with the vector while a policy holds that asks for it.
 * Ticks, control records and ends of imports pass through.
 *
 * Keeps caches only. A record's bytes depend on the features record, on the models and on the
 * control records before it, not on what else is in the batch. */
#ifndef AUSPEX_SCORER_H
#define AUSPEX_SCORER_H

#include "common/bus/stage.h"

struct scorer;

/* The callbacks of struct stage; `core` is a struct scorer. */
void *scorer_open(const struct stage_env *env, struct err *e);
void scorer_close(void *core);
enum stage_step scorer_record(void *core, const struct stage_message *m, struct outbox *out);
void scorer_timer(void *core, int64_t mono_us, struct outbox *out);
void scorer_lookup(void *core, const struct stage_message *m);
bool scorer_is_ready(void *core, struct str *reason);

#endif
