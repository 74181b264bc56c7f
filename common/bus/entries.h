/* SPDX-License-Identifier: Apache-2.0 */
/* entries - the keyed state of one partition, and which entries changed: what a program with
 * state keeps, and what its checkpoints write.
 *
 * A program's own struct begins with `struct entry`; `entries_type` says how it is packed, read
 * and cleared. A checkpoint: entries_cut fixes what is to be packed: all that changed since the
 * cut before. entries_pack packs it bit by bit; an entry that is touched before its turn is
 * packed on the spot, as it was. The next entries_cut says that the checkpoint came through;
 * entries_uncut that it did not, and all of it counts as changed again. Nothing visible depends
 * on the table's order. Warm, nothing calls malloc.
 *
 * With a limit, what was taken longest ago leaves memory for a file (see spill.h) and comes
 * back when it is taken or found; only what no checkpoint needs and `may_spill` lets go. An
 * entry is in memory or in the file, never in both. Nothing visible depends on where it is. */
#ifndef AUSPEX_ENTRIES_H
#define AUSPEX_ENTRIES_H

#include "common/base/err.h"
#include "common/base/slab.h"
#include "common/bus/outbox.h"
#include "common/bus/spill.h"

enum { ENTRY_KEY_MOST = 1 << SLAB_MOST };

/* The beginning of a program's struct, at its first byte. */
struct entry {
    char *key;        /* in the slab */
    uint32_t key_len; /* 1 .. ENTRY_KEY_MOST */
    uint32_t taken;   /* when it was taken last, in the table's own time */
    uint64_t hash;
    /* which list it is on: valid while `list` is one of the table's numbers */
    uint64_t list;
    struct entry *prev, *next;
};

static inline struct str entry_key(const struct entry *x)
{
    return str_over(x->key, x->key_len);
}

struct entries_type {
    enum topic topic; /* of the state records */
    size_t size;      /* of the program's struct, at most 8192 */
    /* Appends the value of the state record, never an empty one. */
    void (*pack)(struct buf *value, const struct entry *x);
    /* Reads it into an entry with nothing in it but its key. On failure `clear` is all that
     * happens to the entry. */
    bool (*unpack)(struct slab *s, struct entry *x, struct str value, struct err *e);
    /* Gives back what the entry holds in the slab, but not the key; `struct entry` stays. */
    void (*clear)(struct slab *s, struct entry *x);
    /* Asks memory (slab_ahead) for what `pack` will read of an entry that is there itself; NULL
     * = nothing else. */
    void (*ahead)(const struct entry *x);
    /* Whether nobody points at it and `pack` has all of it; NULL = never. */
    bool (*may_spill)(const struct entry *x);
};

struct entries_slot {
    uint64_t hash;
    struct entry *entry; /* NULL = free */
};

struct entries_list {
    uint64_t number;
    struct entry *first;
};

/* Pieces (length, bytes) one behind the other. */
struct entries_log {
    struct buf bytes;
    size_t done; /* bytes given already */
};

struct entries {
    const struct entries_type *type;
    struct slab slab; /* of all that entries hold, too */
    struct entries_slot *slots;
    size_t mask, n; /* slots less one, entries */
    uint64_t last_list;
    struct entries_list changed, packing, packed;
    struct entries_log forgotten, forgetting; /* keys: since the cut; of the cut */
    struct entries_log early;                 /* key, value: packed because they were touched */
    size_t sweep;                             /* slot that the next sweep begins at */
    struct buf value;                         /* scratch */
    struct entries_spill {
        struct spill *file; /* NULL = none */
        uint32_t partition;
        size_t limit;             /* bytes in use */
        size_t n;                 /* entries in the file */
        uint64_t n_taken;         /* the table's time: takes and restores */
        size_t hand;              /* slot that the next look begins at */
        unsigned rest;            /* trims to pass over, as the last found nothing */
        struct spill_place sweep; /* where sweeps stand in the file */
    } spill;
};

void entries_init(struct entries *s, const struct entries_type *type);
void entries_fini(struct entries *s);

/* Memory of the table and of all that its entries hold, as taken from the system. */
size_t entries_bytes(const struct entries *s);
/* What of it is in use: what is given back serves what comes. */
size_t entries_used(const struct entries *s);
/* How many there are, in memory and in the file. */
size_t entries_n(const struct entries *s);

/* Lets entries_trim and entries_restore keep to `used` bytes in memory as far as entries may
 * leave it. The file, which must outlive the table, has nothing of the partition yet. Called
 * again, only the limit changes. */
void entries_limit(struct entries *s, size_t used, struct spill *file, uint32_t partition);
/* Moves some entries to the file when there are more than the limit lets stay. Pointers to
 * entries that may leave are not valid any longer. Bounded work: a table that is far above its
 * limit, as when its slots have just doubled, needs many calls. */
void entries_trim(struct entries *s);

/* NULL when there is none. */
struct entry *entries_find(struct entries *s, struct str key);
/* Made, zeroed but for its key, when there is none. Valid until it is forgotten. A new one
 * counts as changed only once it is touched. The key has 1 .. ENTRY_KEY_MOST bytes. */
struct entry *entries_take(struct entries *s, struct str key);
/* Must be called before anything of an entry changes. */
void entries_touch(struct entries *s, struct entry *x);
/* Takes it out, and lets the next cut's checkpoint forget it; a cut that is being packed still
 * has it as it was. */
void entries_forget(struct entries *s, struct entry *x);
/* Calls `use` for each entry in memory, in no order. */
void entries_each(struct entries *s, void (*use)(struct entry *x, void *to), void *to);
/* Looks at the next `n` slots and forgets those of which `is_over` says that they count as ones
 * never seen, as long as no checkpoint needs them: when memory comes back is open, what is over
 * is not. Looks at a sixteenth as many of those in the file. */
void entries_sweep(struct entries *s, size_t n,
                   bool (*is_over)(const struct entry *x, void *to), void *to);

/* Not while a cut is being packed. */
void entries_cut(struct entries *s);
/* True when nothing is left. Checks the time every few entries. */
bool entries_pack(struct entries *s, struct outbox *state, uint32_t partition,
                  int64_t until_mono_us);
void entries_uncut(struct entries *s);
/* Takes an entry back in, before anything was touched: the later of a key replaces the earlier,
 * an empty value forgets it. False when unpack says so, or the key cannot be one; then there is
 * no entry of that key. Keeps to the limit. */
MUST_USE bool entries_restore(struct entries *s, struct str key, struct str value,
                              struct err *e);

#endif
