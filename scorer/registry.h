/* SPDX-License-Identifier: Apache-2.0 */
/* registry - the models there are and which of them holds where in the log; and where policies
 * ask for features.
 *
 * Takes the records of topics models and control as they come, in any order and repeated; a
 * version is whole when its manifest and all chunks are there and its digest is right. Which
 * version of a kind serves a vector depends only on the number of the last control record
 * before it, so every replay chooses alike. Keeps the bytes of the last REGISTRY_VERSIONS
 * versions. */
#ifndef AUSPEX_REGISTRY_H
#define AUSPEX_REGISTRY_H

#include "common/base/err.h"
#include "common/base/str.h"

struct chunk;
struct control;
struct manifest;
struct model;
struct registry;

enum { REGISTRY_VERSIONS = 64, REGISTRY_KINDS = 15, REGISTRY_MODEL_MAX = 64 << 20 };

MUST_USE struct registry *registry_new(void);
void registry_free(struct registry *r);

/* False, with the reason, for a record that contradicts what is there or leads out of bounds;
 * the registry is then as it was. */
MUST_USE bool registry_manifest(struct registry *r, const struct manifest *m, struct err *e);
MUST_USE bool registry_chunk(struct registry *r, const struct chunk *c, struct err *e);
/* Control records come in the order of their offsets; repeats are passed over. */
void registry_control(struct registry *r, const struct control *c, uint64_t offset);
/* Whether, behind control record number `control`, a policy holds that asks for features. */
bool registry_wants_features(const struct registry *r, uint64_t control);
/* 1 + offset of the last control record known; 0 = none. */
uint64_t registry_known(const struct registry *r);

/* What serves a kind. */
struct serving {
    struct str kind, name; /* of `model`; valid until the next control record */
    struct str wanted_name;
    uint64_t wanted;     /* version that is activated; 0 = the kind is switched off */
    uint64_t version;    /* version of `model` */
    struct model *model; /* NULL: neither the wanted version nor an older one is to be had */
};

/* Fills `out` with what holds behind control record number `control` (as registry_known
 * counts), in the order in which the kinds were first activated; returns how many. Loads models
 * at need: `why` tells of the last one that could not be loaded, and is empty otherwise. */
size_t registry_serving(struct registry *r, uint64_t control,
                        struct serving out[REGISTRY_KINDS], struct err *why);

#endif
