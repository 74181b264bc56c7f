/* SPDX-License-Identifier: Apache-2.0 */
/* skew - computes the features of all events anew and compares them with those that were
 * logged.
 *
 * skew [-c FILE]: reads the topics events and features from their beginnings, prints "vectors
 * N, mismatched M, missing K"; leaves with 1 when anything differed, with 0 when nothing did.
 * Events must not have expired, nor options of featurizer have changed, since the first of
 * them. */
#include "common/bus/config.h"
#include "common/bus/tail.h"
#include "featurizer/settings.h"
#include "featurizer/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { IDLE_MS = 10000 };

static void use(struct verify *v, enum topic t, const struct tail_message *m)
{
    if (t == TOPIC_features) {
        verify_vector(v, m->partition, m->value);
        return;
    }
    struct stage_message event = {.topic = t,
                                  .partition = m->partition,
                                  .offset = m->offset,
                                  .append_us = m->append_us,
                                  .key = m->key,
                                  .value = m->value};
    verify_event(v, &event);
}

/* All that the topic holds now. */
static bool read_topic(struct verify *v, const struct config *c, enum topic t, struct err *e)
{
    char name[TOPIC_NAME];
    struct tail_message m;
    topic_name(c, t, name);
    struct tail *tail = tail_open(c, name, -1, TAIL_BEGINNING, e);
    if (!tail)
        return false;
    enum tail_step step;
    while ((step = tail_next(tail, &m, IDLE_MS, e)) == TAIL_RECORD)
        use(v, t, &m);
    tail_free(tail);
    if (step == TAIL_IDLE)
        return err_retry(e, "%s: nothing came for %d s, and its end was not reached", name,
                         IDLE_MS / 1000);
    return step == TAIL_AT_END;
}

static bool run(const char *path, struct verify_counts *counts, struct err *e)
{
    struct config *c = config_open(path, e);
    if (!c)
        return false;
    struct featurizer_options o = settings_of(c);
    struct verify *v = verify_new(&o);
    bool is_read = read_topic(v, c, TOPIC_events, e) && read_topic(v, c, TOPIC_features, e);
    *counts = verify_result(v);
    verify_free(v);
    config_free(c);
    return is_read;
}

int main(int argc, char *argv[])
{
    bool has_file = argc == 3 && strcmp(argv[1], "-c") == 0;
    struct verify_counts n = {0};
    struct err e = {0};
    if (argc != 1 && !has_file) {
        (void)fprintf(stderr, "usage: skew [-c FILE]\n");
        return EXIT_CODE_USAGE;
    }
    if (!run(has_file ? argv[2] : NULL, &n, &e)) {
        (void)fprintf(stderr, "skew: %s\n", e.text);
        return err_exit(&e);
    }
    printf("vectors %" PRIu64 ", mismatched %" PRIu64 ", missing %" PRIu64 "\n", n.vectors,
           n.mismatched, n.missing);
    return n.mismatched > 0 || n.missing > 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}
