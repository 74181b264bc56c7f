/* SPDX-License-Identifier: Apache-2.0 */
/* store - the visitors of one partition by their key, and which of them changed.
 *
 * A checkpoint: store_cut fixes what is to be packed: all that changed since the cut before.
 * store_pack packs it bit by bit; a profile that is touched before its turn is packed on the
 * spot, as it was. The next store_cut says that the checkpoint came through; store_uncut that
 * it did not, and all of it counts as changed again. Nothing visible depends on the table's
 * order. */
#ifndef AUSPEX_STORE_H
#define AUSPEX_STORE_H

#include "common/base/err.h"
#include "common/bus/outbox.h"
#include "featurizer/profile.h"

struct slot {
    uint64_t hash;
    struct profile *profile; /* NULL = free */
};

/* A profile is on it while profile->list == number. */
struct store_list {
    uint64_t number;
    struct profile *first;
};

/* Entries (length, bytes) one behind the other. */
struct store_log {
    struct buf bytes;
    size_t done; /* bytes given already */
};

struct store {
    struct slab slab; /* of all that profiles hold, too */
    struct slot *slots;
    size_t mask, n; /* slots less one, profiles */
    uint64_t last_list;
    struct store_list changed, packing, packed;
    struct store_log forgotten, forgetting; /* keys: since the cut; of the cut */
    struct store_log early;                 /* key, value: packed because they were touched */
    size_t sweep;                           /* slot that the next sweep begins at */
    struct buf state, value;                /* scratch */
};

void store_init(struct store *s);
void store_fini(struct store *s);

/* NULL when there is none. */
struct profile *store_find(const struct store *s, struct str key);
/* Made, with nothing in it, when there is none. Valid until it is forgotten. */
struct profile *store_take(struct store *s, struct str key);
/* Must be called before anything of a profile changes. */
void store_touch(struct store *s, struct profile *p);
/* Calls `use` for each profile, in no order. */
void store_each(struct store *s, void (*use)(struct profile *p, void *to), void *to);

/* A visitor without an open session whose newest event was received at or before `before_us` is
 * expired: it counts as one never seen. */
bool store_is_expired(const struct profile *p, int64_t before_us);
/* Looks at the next `n` slots and forgets the expired ones, as long as no deadline points at
 * them and no checkpoint needs them: when memory comes back is open, what is expired is not. */
void store_sweep(struct store *s, size_t n, int64_t before_us);

void store_cut(struct store *s);
/* True when nothing is left. Checks the time every few profiles. */
bool store_pack(struct store *s, struct outbox *state, uint32_t partition,
                int64_t until_mono_us);
void store_uncut(struct store *s);
/* Takes an entry back in: the later of a key replaces the earlier, an empty value forgets it.
 */
MUST_USE bool store_restore(struct store *s, struct str key, struct str value, struct err *e);

#endif
