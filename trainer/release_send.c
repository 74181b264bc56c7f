/* SPDX-License-Identifier: Apache-2.0 */
/* release_send - the two places a version goes to: PostgreSQL and Kafka. */
#include "common/base/clock.h"
#include "common/base/err.h"
#include "common/bus/config.h"
#include "common/bus/publish.h"
#include "common/bus/topic.h"
#include "common/db/db.h"
#include "trainer/release.h"

#include <inttypes.h>
#include <stdio.h>

enum { FLUSH_MS = 60000 };

static const char next_version[] =
    "SELECT coalesce(max(version), 0) + 1 FROM models WHERE name = $1";
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
    const char *const params[] = {
        h->name, number.text, h->kind,       digest,    bytes.text,        trained,
        from,    to,          features.text, hash.text, buf_cstr(&metrics)};
    bool is_done = db_exec(db, insert_model, params, ARRAY_LEN(params), NULL, e);
    buf_fini(&metrics);
    return is_done;
}

/* The lock makes two trainers take turns; others may read on. */
static bool insert_next(struct release *r, struct db *db, struct err *e)
{
    const char *const name[] = {r->head->name};
    int64_t version;
    if (!db_script(db, "LOCK TABLE models IN SHARE ROW EXCLUSIVE MODE", e) ||
        !db_value_i64(db, next_version, name, 1, &version, e) || !insert(r, version, db, e) ||
        !db_commit(db, e))
        return false;
    r->version = (uint64_t)version;
    return true;
}

bool release_register(struct release *r, struct db *db, struct err *e)
{
    if (!db_begin(db, NULL, e))
        return err_prefix(e, "write table models");
    if (insert_next(r, db, e))
        return true;
    db_rollback(db);
    return err_prefix(e, "write table models");
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
