/* SPDX-License-Identifier: Apache-2.0 */
/* state_pack - a visitor's state as bytes: a msgpack map with the keys of profile.def, the user
 * id and the recent ids, and lanes with their visits likewise. Equal states give equal bytes.
 */
#ifndef AUSPEX_STATE_PACK_H
#define AUSPEX_STATE_PACK_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "featurizer/profile.h"

struct in;

/* Grows when a key comes or its meaning changes; versions that are not known are refused, never
 * guessed. Only the newest is written. */
enum { STATE_VERSION = 3 };

/* A version that is read: what it lacks, and how those of its parts are read that have another
 * form since. */
struct state_version {
    uint64_t number;
    const char *lacks;
    void (*read_recent)(struct slab *s, struct in *in, struct recent *r);
};
/* By number, from 1; the last is STATE_VERSION. */
extern const struct state_version state_versions[STATE_VERSION];
/* NULL for a number that is not known. */
const struct state_version *state_version_of(uint64_t number);

void state_pack(struct buf *b, const struct profile *from);
/* Fills a profile that holds nothing yet. False with the reason for anything that the version
 * does not write; the profile then holds part of it and only profile_clear may use it. */
MUST_USE bool state_unpack(struct slab *s, struct profile *to,
                           const struct state_version *version, struct str bytes,
                           struct err *e);

/* A partition's visitors, each as a record `visitor` in the topic visitors. */
extern const struct entries_type state_type;

#endif
