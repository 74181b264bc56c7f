/* SPDX-License-Identifier: Apache-2.0 */
/* release - a model becomes a version: a row in table models, then chunks and manifest on the
 * topic models.
 *
 * The row comes first, so that a version number is never used twice: killed in between, there
 * is a row without a manifest, which nothing takes for a candidate, and the next training takes
 * the next number. Where there is no database (auspexctl models import) the topic alone counts
 * the versions; so the next number is above those of both. */
#ifndef AUSPEX_RELEASE_H
#define AUSPEX_RELEASE_H

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/model/container.h"

struct config;
struct db;
struct err;

enum { RELEASE_CHUNK = 256 * 1024 };

struct release {
    const struct container_head *head;
    struct str container, metrics; /* as model_load took it; JSON */
    int64_t trained_us;            /* wall clock */
    uint64_t version;              /* 0 until it is numbered */
    struct sha256 digest;          /* of the container */
};

void release_init(struct release *r, const struct container_head *head, struct str container,
                  struct str metrics, int64_t trained_us);
/* Whether a text may be a model's name: 1 to 64 of a-z, 0-9, dot, _ and -. */
bool release_is_name(struct str name);
/* The highest version of this name on the topic models, also of one that is not whole; 0 =
 * none.
 */
MUST_USE bool release_newest(const struct config *c, struct str name, uint64_t *version,
                             struct err *e);
/* Takes the next version number of this name, above `newest`, and writes the row. */
MUST_USE bool release_register(struct release *r, struct db *db, uint64_t newest,
                               struct err *e);

/* The records for the topic, in the order in which they must be sent; the manifest, `is_last`,
 * only when all before it are stored. `send` copies what it needs. */
struct release_record {
    struct str key, value;
    bool is_last;
};
MUST_USE bool release_records(const struct release *r,
                              bool (*send)(void *to, const struct release_record *record,
                                           struct err *e),
                              void *to, struct err *e);
/* Sends them and waits until they are stored. */
MUST_USE bool release_publish(const struct release *r, const struct config *c, struct err *e);

#endif
