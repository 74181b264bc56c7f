/* SPDX-License-Identifier: Apache-2.0 */
/* state_pack - a visitor's state as bytes: a msgpack map with the keys of profile.def, the user
 * id and the recent ids, and lanes with their visits likewise. Equal states give equal bytes.
 */
#ifndef AUSPEX_STATE_PACK_H
#define AUSPEX_STATE_PACK_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "featurizer/profile.h"

/* Grows when a key comes or its meaning changes; versions that are not known are refused, never
 * guessed. 1 had no tails, and is read: its sessions have what comes from now on. */
enum { STATE_VERSION_LEAST = 1, STATE_VERSION = 2 };

void state_pack(struct buf *b, const struct profile *from);
/* Fills a profile that holds nothing yet. False with the reason for anything that state_pack
 * does not write; the profile then holds part of it and only profile_clear may use it. */
MUST_USE bool state_unpack(struct slab *s, struct profile *to, struct str bytes, struct err *e);

/* A partition's visitors, each as a record `visitor` in the topic visitors. */
extern const struct entries_type state_type;

#endif
