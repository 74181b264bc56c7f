/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/release.h"

#include "common/base/err.h"
#include "common/wire/record.h"

#include <inttypes.h>
#include <stdio.h>

void release_init(struct release *r, const struct container_head *head, struct str container,
                  struct str metrics, int64_t trained_us)
{
    *r = (struct release){head, container, metrics, trained_us, 0, {{0}}};
    hash_sha256(container.at, container.len, &r->digest);
}

/* As container words are: it becomes one, and part of a Kafka key. */
bool release_is_name(struct str name)
{
    bool is_word = name.len > 0 && name.len < CONTAINER_NAME;
    for (size_t i = 0; is_word && i < name.len; i++)
        is_word = name.at[i] != '\0' &&
                  strchr("abcdefghijklmnopqrstuvwxyz0123456789._-", name.at[i]) != NULL;
    return is_word;
}

static struct str digest_bytes(const struct release *r)
{
    return str_over(r->digest.bytes, sizeof r->digest.bytes);
}

static size_t n_chunks(const struct release *r)
{
    return (r->container.len + RELEASE_CHUNK - 1) / RELEASE_CHUNK;
}

static void put_chunk(const struct release *r, size_t number, struct buf *value)
{
    size_t start = number * RELEASE_CHUNK;
    struct chunk c;
    chunk_init(&c);
    c.epoch = 1;
    c.name = str_of(r->head->name);
    c.version = r->version;
    c.chunk = number;
    c.bytes =
        str_over(r->container.at + start, MIN(r->container.len - start, (size_t)RELEASE_CHUNK));
    chunk_pack(value, &c);
}

static void put_manifest(const struct release *r, struct buf *value)
{
    struct manifest m;
    manifest_init(&m);
    m.epoch = 1;
    m.name = str_of(r->head->name);
    m.kind = str_of(r->head->kind);
    m.version = r->version;
    m.sha256 = digest_bytes(r);
    m.bytes = r->container.len;
    m.chunks = n_chunks(r);
    m.metrics = r->metrics;
    m.data_from_us = r->head->data_from_us;
    m.data_to_us = r->head->data_to_us;
    m.features_n = r->head->n_features;
    m.features_hash = r->head->features_hash;
    m.trained_us = r->trained_us;
    manifest_pack(value, &m);
}

bool release_records(const struct release *r,
                     bool (*send)(void *to, const struct release_record *record, struct err *e),
                     void *to, struct err *e)
{
    struct buf key = {0}, value = {0};
    size_t n = n_chunks(r);
    bool is_sent = true;
    CHECK(r->version > 0);
    for (size_t i = 0; i <= n && is_sent; i++) {
        buf_reset(&key);
        buf_reset(&value);
        buf_printf(&key, "%s/%" PRIu64, r->head->name, r->version);
        if (i < n) {
            buf_printf(&key, "/%zu", i);
            put_chunk(r, i, &value);
        } else {
            put_manifest(r, &value);
        }
        struct release_record record = {buf_as_str(&key), buf_as_str(&value), i == n};
        is_sent = send(to, &record, e);
    }
    buf_fini(&key);
    buf_fini(&value);
    return is_sent;
}
