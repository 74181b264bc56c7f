/* SPDX-License-Identifier: Apache-2.0 */
/* catalog - the models on topic models, and which were activated on topic control. */
#ifndef AUSPEX_CTL_CATALOG_H
#define AUSPEX_CTL_CATALOG_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/hash.h"

struct config;

/* A version whose manifest is there; texts live in the catalog's arena. */
struct catalog_model {
    struct str name, kind, metrics;
    uint64_t version, bytes, n_chunks;
    struct sha256 sha256;
    int64_t trained_us;
};

/* A control record about a model, in the order of the log. */
struct catalog_activation {
    struct str name, kind;
    uint64_t version, offset;
};

struct catalog {
    struct arena arena;
    struct catalog_model *models; /* in order of name, version */
    size_t n_models;
    struct catalog_activation *activations;
    size_t n_activations;
};

/* Reads both topics to their ends. */
MUST_USE bool catalog_read(struct catalog *c, const struct config *config, struct err *e);
void catalog_fini(struct catalog *c);
/* version 0 = the newest. NULL when there is none. */
const struct catalog_model *catalog_find(const struct catalog *c, struct str name,
                                         uint64_t version);
/* What is active for a kind; NULL when nothing was ever activated. */
const struct catalog_activation *catalog_active(const struct catalog *c, struct str kind);
bool catalog_is_active(const struct catalog *c, const struct catalog_model *m);
/* Reads the chunks and compares length and digest with the manifest. */
MUST_USE bool catalog_verify(const struct config *config, const struct catalog_model *m,
                             struct err *e);

#endif
