/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sweep.h"

enum { READ_MS = 15000 };

static bool sweep_to_end(struct tail *t, const char *name,
                         void (*use)(void *to, const struct tail_message *m), void *to,
                         struct err *e)
{
    struct tail_message m;
    enum tail_step step;
    if (!t)
        return false;
    while ((step = tail_next(t, &m, READ_MS, e)) == TAIL_RECORD)
        use(to, &m);
    tail_free(t);
    if (step == TAIL_IDLE)
        (void)err_code(e, EXIT_CODE_GONE, "reading %s: nothing came within %d s", name,
                       READ_MS / 1000);
    return step == TAIL_AT_END;
}

bool sweep_topic(const struct config *config, enum topic topic,
                 void (*use)(void *to, const struct tail_message *m), void *to, struct err *e)
{
    char name[TOPIC_NAME];
    topic_name(config, topic, name);
    return sweep_to_end(tail_open(config, name, -1, TAIL_BEGINNING, e), name, use, to, e);
}

bool sweep_from(const struct config *config, enum topic topic, const int64_t *from, size_t n,
                void (*use)(void *to, const struct tail_message *m), void *to, struct err *e)
{
    char name[TOPIC_NAME];
    topic_name(config, topic, name);
    return sweep_to_end(tail_open_at(config, name, from, n, e), name, use, to, e);
}
