/* SPDX-License-Identifier: Apache-2.0 */
/* topics apply, topics check - the topics of schemas/topics.def. */
#include "ctl/ctl.h"

#include "common/bus/client.h"
#include "common/bus/topics.h"

#include <stdio.h>

enum { APPLY_MS = 30000, CHECK_MS = 10000, ALL = (1 << TOPICS_N) - 1 };

static int topics_apply_run(struct ctl *c, struct err *e)
{
    const struct client_setup setup = {.kind = CLIENT_PLAIN};
    int made = 0;
    rd_kafka_t *rk = client_new(c->config, &setup, e);
    bool is_good = rk && topics_apply(c->config, rk, APPLY_MS, &made, e);
    if (made > 0)
        (void)printf("%d topics made\n", made);
    is_good = is_good && topics_check(c->config, rk, ALL, CHECK_MS, e);
    if (rk)
        rd_kafka_destroy(rk);
    if (!is_good)
        return err_exit(e);
    (void)printf("all %d topics are as they must be\n", TOPICS_N);
    return EXIT_CODE_OK;
}

static int topics_check_run(struct ctl *c, struct err *e)
{
    const struct client_setup setup = {.kind = CLIENT_PLAIN};
    rd_kafka_t *rk = client_new(c->config, &setup, e);
    bool is_good = rk && topics_check(c->config, rk, ALL, CHECK_MS, e);
    if (rk)
        rd_kafka_destroy(rk);
    if (!is_good)
        return err_exit(e);
    (void)printf("all %d topics are as they must be\n", TOPICS_N);
    return EXIT_CODE_OK;
}

const struct verb topics_verbs[] = {
    {.name = "topics apply",
     .operands = "",
     .summary = "makes the topics that are missing",
     .options = {{"partitions", "N", "instead of `partitions` in [auspex]"}},
     .manual =
         "With the partitions, retention (7 days, or for ever, or compacted), time stamps\n"
         "and sizes that they need. Topics that are there are checked and left as they\n"
         "are. The number of partitions is fixed once they are made.\n",
     .run = topics_apply_run},
    {.name = "topics check",
     .operands = "",
     .summary = "says whether the topics are as they must be",
     .manual = "Names every fault: missing topics, numbers of partitions, `raw` without\n"
               "message.timestamp.type=LogAppendTime, wrong cleanup. Exits with 78 for any.\n",
     .run = topics_check_run},
    {.name = NULL},
};
