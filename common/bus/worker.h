/* SPDX-License-Identifier: Apache-2.0 */
/* worker - one thread for what blocks: one job at a time, begun and collected by the loop. */
#ifndef AUSPEX_WORKER_H
#define AUSPEX_WORKER_H

#include "common/base/err.h"

struct worker;

/* `wake` is called from the thread whenever a job has ended. */
MUST_USE struct worker *worker_new(void (*wake)(void *to), void *to, struct err *e);
/* None may be under way. */
void worker_begin(struct worker *w, void (*run)(void *job), void *job);
bool worker_is_busy(struct worker *w);
/* True once for each job, after it has ended. */
bool worker_collect(struct worker *w);
/* Waits until the job has ended, for at most timeout_ms; whether it has. */
bool worker_wait(struct worker *w, int timeout_ms);
void worker_free(struct worker *w); /* waits for a job under way */

#endif
