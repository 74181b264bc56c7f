/* SPDX-License-Identifier: Apache-2.0 */
/* release_send - the two places a version goes to: PostgreSQL and Kafka. */
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/bus/config.h"
#include "common/bus/publish.h"
#include "common/bus/tail.h"
#include "common/bus/topic.h"
#include "common/db/db.h"
#include "common/wire/record.h"
#include "trainer/release.h"

#include <inttypes.h>
#include <stdio.h>

enum { FLUSH_MS = 60000, READ_MS = 15000 };

static const char next_version[] =
    "SELECT greatest(coalesce(max(version), 0), $2::bigint) + 1 FROM models WHERE name = $1";
static const char insert_model[] =
    "INSERT INTO models (name, version, kind, sha256, bytes, trained, data_from, data_to,"
    " features_n, features_hash, metrics) VALUES ($1, $2, $3, decode($4, 'hex'), $5,"
    " $6::timestamptz, $7::timestamptz, $8::timestamptz, $9, $10, $11::jsonb)";

struct number {
    char text[24];
};

static struct number number_of(int64_t value)
{
    struct number n;
    (void)snprintf(n.text, sizeof n.text, "%" PRId64, value);
    return n;
}

static bool insert(const struct release *r, int64_t version, struct db *db, struct err *e)
{
    const struct container_head *h = r->head;
    char digest[SHA256_HEX], trained[CLOCK_TEXT], from[CLOCK_TEXT], to[CLOCK_TEXT];
    hash_hex(&r->digest, digest);
    clock_format(r->trained_us, trained);
    clock_format(h->data_from_us, from);
    clock_format(h->data_to_us, to);
    struct number number = number_of(version), bytes = number_of((int64_t)r->container.len);
    struct number features = number_of(h->n_features);
    struct number hash = number_of((int64_t)h->features_hash); /* two's complement */
    struct buf metrics = {0};
    buf_str(&metrics, r->metrics);
    bool has_window = h->data_to_us > 0; /* an imported model need not tell it */
    const char *const params[] = {h->name,
                                  number.text,
                                  h->kind,
                                  digest,
                                  bytes.text,
                                  trained,
                                  has_window ? from : NULL,
                                  has_window ? to : NULL,
                                  features.text,
                                  hash.text,
                                  buf_cstr(&metrics)};
    bool is_done = db_exec(db, insert_model, params, ARRAY_LEN(params), NULL, e);
    buf_fini(&metrics);
    return is_done;
}

/* The lock makes two trainers take turns; others may read on. */
static bool insert_next(struct release *r, struct db *db, uint64_t newest, struct err *e)
{
    struct number above = number_of((int64_t)newest);
    const char *const params[] = {r->head->name, above.text};
    int64_t version;
    if (!db_script(db, "LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE", e) ||
        !db_value_i64(db, next_version, params, ARRAY_LEN(params), &version, e) ||
        !insert(r, version, db, e) || !db_commit(db, e))
        return false;
    r->version = (uint64_t)version;
    return true;
}

bool release_register(struct release *r, struct db *db, uint64_t newest, struct err *e)
{
    if (!db_begin(db, NULL, e))
        return err_prefix(e, "write table models");
    if (insert_next(r, db, newest, e))
        return true;
    db_rollback(db);
    return err_prefix(e, "write table models");
}

/* The version that a record of the topic is of, when it is of this name; else 0. */
static uint64_t version_of(struct str name, struct str value)
{
    struct manifest m;
    struct chunk c;
    if (manifest_read(&m, value.at, value.len) == WIRE_OK)
        return str_eq(m.name, name) ? m.version : 0;
    if (chunk_read(&c, value.at, value.len) == WIRE_OK)
        return str_eq(c.name, name) ? c.version : 0;
    return 0;
}

bool release_newest(const struct config *c, struct str name, uint64_t *version, struct err *e)
{
    char topic[TOPIC_NAME];
    struct tail_message m;
    enum tail_step step;
    topic_name(c, TOPIC_models, topic);
    *version = 0;
    struct tail *t = tail_open(c, topic, -1, TAIL_BEGINNING, e);
    if (!t)
        return false;
    while ((step = tail_next(t, &m, READ_MS, e)) == TAIL_RECORD)
        *version = MAX(*version, version_of(name, m.value));
    tail_free(t);
    if (step == TAIL_IDLE)
        (void)err_code(e, EXIT_CODE_GONE, "reading %s: nothing came within %d s", topic,
                       READ_MS / 1000);
    return step == TAIL_AT_END;
}

struct sending {
    struct publisher *publisher;
    char topic[TOPIC_NAME];
};

static bool send_record(void *to, const struct release_record *record, struct err *e)
{
    struct sending *s = to;
    return (!record->is_last || publisher_flush(s->publisher, FLUSH_MS, e)) &&
           publisher_send(s->publisher, s->topic, 0, record->key, record->value, false, e);
}

bool release_publish(const struct release *r, const struct config *c, struct err *e)
{
    struct sending s = {.publisher = publisher_new(c, e)};
    if (s.publisher == NULL)
        return err_prefix(e, "publish the model");
    topic_name(c, TOPIC_models, s.topic);
    bool is_stored =
        release_records(r, send_record, &s, e) && publisher_flush(s.publisher, FLUSH_MS, e);
    publisher_free(s.publisher);
    return is_stored ||
           err_prefix(e, "publish version %" PRIu64 " of %s", r->version, r->head->name);
}
