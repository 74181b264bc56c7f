/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/standing.h"

#include "common/bus/client.h"
#include "common/bus/config.h"
#include "common/bus/topics.h"
#include "common/db/db.h"

#include <stdlib.h>

enum { ASK_MS = 10000 };

struct reader {
    const struct config *config;
    rd_kafka_t *rk;
    struct db *db; /* of archiver */
    char group[TOPIC_NAME];
};

void standing_fini(struct standing *s)
{
    free(s->first);
    free(s->end);
    free(s->next);
    *s = (struct standing){0};
}

uint64_t standing_lag(const struct standing *s)
{
    uint64_t lag = 0;
    for (size_t p = 0; p < s->n; p++)
        if (s->end[p] > s->next[p])
            lag += (uint64_t)(s->end[p] - s->next[p]);
    return lag;
}

bool standing_is_past(const struct standing *s, const int64_t *end)
{
    for (size_t p = 0; p < s->n; p++)
        if (s->next[p] < end[p])
            return false;
    return true;
}

uint64_t standing_sum(const struct standing *s)
{
    uint64_t sum = 0;
    for (size_t p = 0; p < s->n; p++)
        sum += (uint64_t)s->next[p];
    return sum;
}

struct reader *reader_open(const struct config *c, enum program p, struct err *e)
{
    struct reader *r = mem_zero(1, sizeof *r);
    topics_group(c, program_names[p], r->group);
    const struct client_setup setup = {.kind = CLIENT_READER, .group = r->group};
    r->config = c;
    r->rk = client_new(c, &setup, e);
    bool is_good = r->rk != NULL;
    if (is_good && p == PROGRAM_archiver) {
        r->db = db_open(config_text(c, "postgres", "dsn"), "auspexctl", e);
        is_good = r->db != NULL;
    }
    if (is_good)
        return r;
    reader_close(r);
    return NULL;
}

void reader_close(struct reader *r)
{
    if (!r)
        return;
    if (r->rk)
        rd_kafka_destroy(r->rk);
    db_close(r->db);
    free(r);
}

static bool archived_ask(struct reader *r, const char *topic, struct standing *s, struct err *e)
{
    const char *const params[] = {r->group, topic};
    if (!db_reopen(r->db, e))
        return false;
    struct db_rows *rows = db_query(r->db,
                                    "SELECT partition, next_offset FROM archive_offsets "
                                    "WHERE grp = $1 AND topic = $2",
                                    params, ARRAY_LEN(params), e);
    if (!rows)
        return false;
    for (size_t p = 0; p < s->n; p++)
        s->next[p] = -1;
    for (size_t i = 0; i < db_rows_n(rows); i++) {
        int64_t p = db_cell_i64(rows, i, 0);
        if (p >= 0 && (size_t)p < s->n)
            s->next[p] = db_cell_i64(rows, i, 1);
    }
    db_rows_free(rows);
    return true;
}

static bool offsets_ask(struct reader *r, enum topic t, const char *name, struct standing *s,
                        struct err *e)
{
    /* where the program stands first: the ends may only be later */
    bool is_good = r->db ? archived_ask(r, name, s, e)
                         : topics_committed(r->rk, name, s->n, s->next, ASK_MS, e);
    if (!is_good || !topics_ends(r->rk, name, s->n, s->first, s->end, ASK_MS, e))
        return false;
    for (size_t p = 0; p < s->n; p++)
        if (s->next[p] < s->first[p])
            s->next[p] = s->first[p];
    if (t == TOPIC_deliveries) /* the last place is the mark that ends a transaction */
        for (size_t p = 0; p < s->n; p++)
            s->next[p] = MIN(s->next[p] + 1, s->end[p]);
    return true;
}

bool reader_ask(struct reader *r, enum topic t, struct standing *s, struct err *e)
{
    char name[TOPIC_NAME];
    topic_name(r->config, t, name);
    struct standing fresh = {.n = s->n};
    if (fresh.n == 0)
        fresh.n = topics_partitions(r->rk, name, ASK_MS);
    if (fresh.n == SIZE_MAX)
        return err_code(e, EXIT_CODE_GONE, "%s: no broker answered within %d s",
                        config_get(r->config, STR("kafka.bootstrap.servers")), ASK_MS / 1000);
    if (fresh.n == 0)
        return err_code(e, EXIT_CODE_CONFIG,
                        "topic %s is missing (`auspexctl topics apply` makes it)", name);
    fresh.first = mem_zero(fresh.n, sizeof *fresh.first);
    fresh.end = mem_zero(fresh.n, sizeof *fresh.end);
    fresh.next = mem_zero(fresh.n, sizeof *fresh.next);
    if (!offsets_ask(r, t, name, &fresh, e)) {
        standing_fini(&fresh);
        return false;
    }
    standing_fini(s);
    *s = fresh;
    return true;
}

int reader_members(struct reader *r)
{
    const struct rd_kafka_group_list *list = NULL;
    int n = -1;
    rd_kafka_resp_err_t code = rd_kafka_list_groups(r->rk, r->group, &list, ASK_MS);
    for (int i = 0; !code && i < list->group_cnt; i++)
        if (strcmp(list->groups[i].group, r->group) == 0)
            n = list->groups[i].member_cnt;
    if (list)
        rd_kafka_group_list_destroy(list);
    return code ? -1 : MAX(n, 0);
}
