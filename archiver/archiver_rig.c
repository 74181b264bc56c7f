/* SPDX-License-Identifier: Apache-2.0 */
#include "archiver/archiver_rig.h"

#include "common/bus/counters.h"
#include "common/db/db.h"
#include "common/db/migrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

char dsn[1024];
static char database[64];

int rig_make(void **state)
{
    (void)state;
    const char *base = getenv("AUSPEX_TEST_DSN");
    struct err e = {0};
    char sql[128];
    if (!base)
        return 0;
    struct db *db = db_open(base, "archiver_db_test", &e);
    if (!db)
        fail_msg("%s", e.text);
    (void)snprintf(database, sizeof database, "auspex_archiver_test_%d", (int)getpid());
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE %s", database);
    assert_true(db_exec(db, sql, NULL, 0, NULL, &e));
    db_close(db);
    (void)snprintf(dsn, sizeof dsn, "%s dbname=%s", base, database);
    db = db_open(dsn, "archiver_db_test", &e);
    assert_true(db && db_migrate(db, &e));
    db_close(db);
    return 0;
}

int rig_drop(void **state)
{
    (void)state;
    const char *base = getenv("AUSPEX_TEST_DSN");
    struct err e = {0};
    char sql[128];
    if (!base)
        return 0;
    struct db *db = db_open(base, "archiver_db_test", &e);
    (void)snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", database);
    assert_true(db && db_exec(db, sql, NULL, 0, NULL, &e));
    db_close(db);
    return 0;
}

struct rig rig_open(const char *to, const char *group)
{
    struct err e = {0};
    struct rig r = {.counters = counters_new("archiver"), .outbox = outbox_new()};
    struct archiver_setup setup = {.dsn = to,
                                   .group = group,
                                   .instance = "test",
                                   .partitions = PARTITIONS,
                                   .batch_rows = 10000,
                                   .counters = r.counters};
    if (!dsn[0])
        skip();
    for (enum topic t = 0; t < TOPICS_N; t++)
        setup.topics[t] = topic_word(t);
    r.archiver = archiver_new(&setup, &e);
    if (!r.archiver)
        fail_msg("%s", e.text);
    return r;
}

void rig_close(struct rig *r)
{
    archiver_close(r->archiver);
    counters_free(r->counters);
    outbox_free(r->outbox);
    buf_fini(&r->value);
}

uint64_t rig_seek(struct rig *r, enum topic t, uint32_t partition)
{
    struct err e = {0};
    uint64_t offset = UINT64_MAX;
    if (archiver_seek(r->archiver, t, partition, &offset, &e) != SINK_STORED)
        fail_msg("%s", e.text);
    return offset;
}

void rig_give(struct rig *r, enum topic t, uint32_t partition, uint64_t offset)
{
    struct stage_message m = {.topic = t,
                              .partition = partition,
                              .offset = offset,
                              .append_us = RECEIVED_US,
                              .value = buf_as_str(&r->value)};
    assert_int_equal(archiver_record(r->archiver, &m, r->outbox), STEP_DONE);
}

enum sink_result rig_flush(struct rig *r)
{
    struct err e = {0};
    enum sink_result result = archiver_flush(r->archiver, &e);
    if (result == SINK_FATAL)
        fail_msg("%s", e.text);
    return result;
}

void rig_store(struct rig *r)
{
    assert_true(archiver_seal(r->archiver));
    assert_int_equal(rig_flush(r), SINK_STORED);
}

int64_t ask(const char *sql)
{
    struct err e = {0};
    int64_t n = -1;
    struct db *db = db_open(dsn, "archiver_db_test", &e);
    if (!db || !db_value_i64(db, sql, NULL, 0, &n, &e))
        fail_msg("%s: %s", sql, e.text);
    db_close(db);
    return n;
}
