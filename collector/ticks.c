/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/ticks.h"

#include "common/base/clock.h"

#include <stdlib.h>

struct spoken {
    int64_t last_us, last_tick_us; /* append times; 0 = nothing since the assignment */
};

/* A raw partition. */
struct source {
    struct spoken *spoken; /* by events partition; NULL = not assigned */
    bool is_heard;
    int64_t heard_mono_us; /* 0 = the timer has not been there yet */
};

struct ticks {
    uint32_t partitions;
    struct source *sources;
    uint32_t n_sources;
};

struct ticks *ticks_new(uint32_t partitions)
{
    struct ticks *t = mem_zero(1, sizeof *t);
    t->partitions = partitions;
    return t;
}

void ticks_free(struct ticks *t)
{
    if (!t)
        return;
    for (uint32_t i = 0; i < t->n_sources; i++)
        free(t->sources[i].spoken);
    free(t->sources);
    free(t);
}

void ticks_assign(struct ticks *t, uint32_t raw)
{
    if (raw >= t->n_sources) {
        t->sources = mem_grow(t->sources, (raw + 1) * sizeof *t->sources);
        memset(t->sources + t->n_sources, 0, (raw + 1 - t->n_sources) * sizeof *t->sources);
        t->n_sources = raw + 1;
    }
    ticks_revoke(t, raw);
    t->sources[raw].spoken = mem_zero(t->partitions, sizeof *t->sources[raw].spoken);
}

void ticks_revoke(struct ticks *t, uint32_t raw)
{
    if (raw >= t->n_sources)
        return;
    free(t->sources[raw].spoken);
    t->sources[raw] = (struct source){0};
}

static struct source *source_of(struct ticks *t, uint32_t raw)
{
    if (raw >= t->n_sources || t->sources[raw].spoken == NULL)
        ticks_assign(t, raw);
    return &t->sources[raw];
}

void ticks_event(struct ticks *t, uint32_t raw, uint32_t p, int64_t append_us)
{
    CHECK(p < t->partitions);
    source_of(t, raw)->spoken[p].last_us = append_us;
}

bool ticks_due(struct ticks *t, uint32_t raw, uint32_t p, int64_t append_us)
{
    CHECK(p < t->partitions);
    struct spoken *s = &source_of(t, raw)->spoken[p];
    if (append_us - s->last_us < TICK_SILENCE_S * SECOND_US &&
        append_us - s->last_tick_us < TICK_EVERY_S * SECOND_US)
        return false;
    s->last_us = s->last_tick_us = append_us;
    return true;
}

void ticks_heard(struct ticks *t, uint32_t raw)
{
    source_of(t, raw)->is_heard = true;
}

bool ticks_silent(struct ticks *t, uint32_t *raw, int64_t mono_us, int64_t silence_us)
{
    for (uint32_t i = *raw + 1; i < t->n_sources; i++) {
        struct source *s = &t->sources[i];
        if (s->spoken == NULL)
            continue;
        bool is_silent =
            !s->is_heard && s->heard_mono_us != 0 && mono_us - s->heard_mono_us >= silence_us;
        if (s->is_heard || s->heard_mono_us == 0 || is_silent)
            s->heard_mono_us = mono_us;
        s->is_heard = false;
        if (is_silent) {
            *raw = i;
            return true;
        }
    }
    return false;
}
