/* SPDX-License-Identifier: Apache-2.0 */
/* archiver_bench - rows a second of packing alone, and with a real PostgreSQL (AUSPEX_TEST_DSN,
 * a database made for it): three rows an event, as DESIGN counts them. */
#include "archiver/batch.h"
#include "archiver/store.h"
#include "common/base/clock.h"
#include "common/db/db.h"
#include "common/db/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { EVENTS = 100000, BATCH_ROWS = 10000, FEATURES = 64 };
#define RECEIVED_US ((int64_t)1763600000 * SECOND_US)

static struct table_def tables[TABLES_N];

static void fill_event(struct event *e, uint64_t n, char id[32])
{
    event_init(e);
    e->epoch = 1;
    e->origin = ORIGIN_RAW;
    e->offset = n;
    e->received_us = e->ts_us = RECEIVED_US + (int64_t)n * 40;
    e->site_id = 1;
    (void)snprintf(id, 32, "visitor-%07u", (unsigned)(n * 2654435761u % 1000000));
    e->visitor = e->anonymous_id = str_of(id);
    e->event_id = STR("0f0c1f7a-9e6e-4b0c-8d13-5c2c0e1d9a77");
    e->type = STR("product_view");
    e->source = STR("web");
    e->url = STR("https://shop.example/product/1004856?utm_source=google");
    e->path = STR("/product/1004856");
    e->device = STR("desktop");
    e->browser = STR("Firefox");
    e->channel = STR("organic");
    e->product_id = STR("1004856");
    e->category = STR("electronics.smartphone");
    e->price = 130.76;
    e->properties = STR("{\"variant\":\"b\",\"position\":4}");
}

static void add(struct batch *b, enum table t, uint64_t n, const void *record, const void *item)
{
    const struct place place = {0, n};
    const void *const bases[BASES_N] = {&place, record, item};
    struct batch_record r = {.received_us = RECEIVED_US};
    batch_row(b, t, &tables[t], batch_record(b, &r, (struct str){NULL, 0}), bases);
}

/* Event, vector and prediction number n. */
static void add_three(struct batch *b, uint64_t n)
{
    static float features[FEATURES];
    char id[32];
    struct event e;
    struct vector v;
    struct prediction p;
    struct kind k;
    fill_event(&e, n, id);
    add(b, TABLE_EVENTS_ALL, n, &e, NULL);
    vector_init(&v);
    v.offset = n;
    v.received_us = e.received_us;
    v.visitor = e.visitor;
    v.event_id = e.event_id;
    v.type = e.type;
    v.session_id = STR("1-0-123456");
    v.features = str_over(features, sizeof features);
    add(b, TABLE_FEATURES, n, &v, NULL);
    prediction_init(&p);
    p.offset = n;
    p.received_us = e.received_us;
    p.visitor = e.visitor;
    p.event_id = e.event_id;
    kind_init(&k);
    k.kind = k.model = STR("conversion");
    k.probability = k.lower = k.upper = k.margin = 0.25;
    add(b, TABLE_PREDICTIONS, n, &p, &k);
}

/* Seconds for packing, and for storing when s is not NULL. */
static void run(struct store *s, double *pack_s, double *store_s)
{
    struct batch b = {0};
    struct err e = {0};
    *pack_s = *store_s = 0;
    for (uint64_t n = 0; n < EVENTS;) {
        uint64_t first = n;
        int64_t from_us = clock_mono_us();
        while (n < EVENTS && !batch_is_full(&b, BATCH_ROWS))
            add_three(&b, n++);
        *pack_s += (double)(clock_mono_us() - from_us) * 1e-6;
        from_us = clock_mono_us();
        buf_text(&b.marks, "v1");
        batch_move(
            &b, &(struct batch_move){
                    .topic = "events", .old_offset = first, .new_offset = n, .marks_len = 2});
        if (s && store_put(s, &b, &e) != STORE_DONE) {
            (void)fprintf(stderr, "%s\n", e.text);
            exit(1);
        }
        *store_s += (double)(clock_mono_us() - from_us) * 1e-6;
        batch_reset(&b);
    }
    batch_fini(&b);
}

static void database(const char *base, const char *sql)
{
    struct err e = {0};
    struct db *db = db_open(base, "archiver_bench", &e);
    if (!db || !db_exec(db, sql, NULL, 0, NULL, &e)) {
        (void)fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    db_close(db);
}

static void run_database(const char *base)
{
    char dsn[1024], sql[128];
    struct err e = {0};
    struct buf marks = {0};
    uint64_t offset;
    double pack_s, store_s;
    (void)snprintf(sql, sizeof sql, "CREATE DATABASE auspex_archiver_bench_%d", (int)getpid());
    database(base, sql);
    (void)snprintf(dsn, sizeof dsn, "%s dbname=auspex_archiver_bench_%d", base, (int)getpid());
    struct db *db = db_open(dsn, "archiver_bench", &e);
    CHECK(db && db_migrate(db, &e));
    db_close(db);
    struct store *s = store_new(dsn, "bench", "bench", &e);
    CHECK(s && store_seek(s, "events", 0, &offset, &marks, &e) == STORE_DONE);
    run(s, &pack_s, &store_s);
    printf("with PostgreSQL: %.0f events/s, %.0f rows/s (one connection, %d rows a batch)\n",
           EVENTS / (pack_s + store_s), 3 * EVENTS / (pack_s + store_s), BATCH_ROWS);
    store_free(s);
    buf_fini(&marks);
    (void)snprintf(sql, sizeof sql, "DROP DATABASE auspex_archiver_bench_%d WITH (FORCE)",
                   (int)getpid());
    database(base, sql);
}

int main(void)
{
    const char *base = getenv("AUSPEX_TEST_DSN");
    double pack_s, store_s;
    tables_init(tables);
    run(NULL, &pack_s, &store_s);
    run(NULL, &pack_s, &store_s);
    printf("packing: %.0f events/s, %.2f us an event (three rows)\n", EVENTS / pack_s,
           pack_s / EVENTS * 1e6);
    if (base)
        run_database(base);
    return 0;
}
