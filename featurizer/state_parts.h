/* SPDX-License-Identifier: Apache-2.0 */
/* state_parts - the parts of a visitor's state that are no plain numbers, as msgpack. */
#ifndef AUSPEX_STATE_PARTS_H
#define AUSPEX_STATE_PARTS_H

#include "common/wire/in.h"
#include "common/wire/out.h"
#include "featurizer/profile.h"

/* Packing: each gives key and value, or nothing when there is nothing; how many it gave. */
size_t part_text(struct buf *b, uint64_t key, const struct text *t);
size_t part_set(struct buf *b, uint64_t key, const struct set *set);
size_t part_counts(struct buf *b, uint64_t key,
                   const struct bag *bag); /* its hashes: part_set */
size_t part_sketch(struct buf *b, uint64_t key, const struct sketch *sketch);
size_t part_cells(struct buf *b, uint64_t key, const uint16_t *cells, size_t n);
size_t part_tail(struct buf *b, uint64_t key, const struct tokens *t);
size_t part_recent(struct buf *b, uint64_t key, const struct recent *r);
size_t part_days(struct buf *b, uint64_t key, const struct days *d);
size_t part_summaries(struct buf *b, uint64_t key, const struct summaries *l);
size_t part_ratings(struct buf *b, uint64_t key, const struct ratings *r);
size_t part_pairs(struct buf *b, uint64_t key, const struct pairs *p);
size_t part_looks(struct buf *b, uint64_t key, const struct looks *l);

/* Reading, into what holds nothing yet; anything that is never packed fails the cursor. */
void part_text_read(struct slab *s, struct in *in, struct text *t, size_t most);
void part_set_read(struct slab *s, struct in *in, struct set *set);
/* A bag's hashes, each counted once until part_counts_read says better. */
void part_bag_read(struct slab *s, struct in *in, struct bag *bag);
void part_counts_read(struct in *in, struct bag *bag);
void part_sketch_read(struct slab *s, struct in *in, struct sketch **sketch);
void part_cells_read(struct in *in, uint16_t *cells, size_t n);
void part_tail_read(struct slab *s, struct in *in, struct tokens *t);
void part_recent_read(struct slab *s, struct in *in, struct recent *r);
void part_recent_read_wide(struct slab *s, struct in *in, struct recent *r);
void part_days_read(struct slab *s, struct in *in, struct days *d);
void part_summaries_read(struct slab *s, struct in *in, struct summaries *l);
void part_ratings_read(struct slab *s, struct in *in, struct ratings *r);
void part_pairs_read(struct slab *s, struct in *in, struct pairs *p);
void part_looks_read(struct slab *s, struct in *in, struct looks *l);

#endif
