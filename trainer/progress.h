/* SPDX-License-Identifier: Apache-2.0 */
/* progress - a line on stderr every two seconds for steps that take longer than that. */
#ifndef AUSPEX_PROGRESS_H
#define AUSPEX_PROGRESS_H

#include "common/base/clock.h"

#include <stdio.h>

struct progress {
    int64_t next_us; /* monotonic */
};

static inline struct progress progress_start(void)
{
    return (struct progress){clock_mono_us() + 2 * SECOND_US};
}

static inline bool progress_is_due(struct progress *p)
{
    int64_t now_us = clock_mono_us();
    if (now_us < p->next_us)
        return false;
    p->next_us = now_us + 2 * SECOND_US;
    return true;
}

#endif
