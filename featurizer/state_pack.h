/* SPDX-License-Identifier: Apache-2.0 */
/* state_pack - a visitor's state as bytes: a msgpack map with the keys of profile.def, the user
 * id and the recent ids, and lanes with their visits likewise. Equal states give equal bytes.
 */
#ifndef AUSPEX_STATE_PACK_H
#define AUSPEX_STATE_PACK_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "featurizer/profile.h"

/* Grows when the meaning of a key changes; other versions are refused, never guessed. */
enum { STATE_VERSION = 1 };

void state_pack(struct buf *b, const struct profile *from);
/* Fills a profile that holds nothing yet. False with the reason for anything that state_pack
 * does not write; the profile then holds part of it and only profile_clear may use it. */
MUST_USE bool state_unpack(struct slab *s, struct profile *to, struct str bytes, struct err *e);

/* The record `visitor` around it, as it stands in the topic visitors. */
void state_wrap(struct buf *b, struct str key, struct str state);
MUST_USE bool state_unwrap(struct str key, struct str value, struct str *state, struct err *e);

#endif
