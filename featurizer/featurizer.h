/* SPDX-License-Identifier: Apache-2.0 */
/* featurizer - the core: events in, features and sessions out, checkpoints of what it keeps.
 * Plain functions over records; the runtime's callbacks, see stage.h, forward here. Each
 * partition is worked on alone, so outputs do not depend on which instance holds which. */
#ifndef AUSPEX_FEATURIZER_H
#define AUSPEX_FEATURIZER_H

#include "featurizer/partition.h"

struct featurizer {
    struct featurizer_options options;
    struct partition **partitions; /* by number; NULL = not ours */
    size_t n_partitions;
    struct featurizer_counts counts;
    struct spill *file; /* NULL = all visitors are in memory */
    size_t memory;      /* bytes that they may take */
};

MUST_USE struct featurizer *featurizer_new(const struct featurizer_options *o);
void featurizer_free(struct featurizer *f);

/* Keeps visitors to `memory` bytes, in equal shares of the partitions; the others are in the
 * file, which must outlive the core. */
void featurizer_limit(struct featurizer *f, size_t memory, struct spill *file);

/* An empty partition; what it held before is gone. */
void featurizer_assign(struct featurizer *f, uint32_t partition);
void featurizer_revoke(struct featurizer *f, uint32_t partition);
enum stage_step featurizer_record(struct featurizer *f, const struct stage_message *m,
                                  struct outbox *out);
enum stage_step featurizer_more(struct featurizer *f, uint32_t partition, struct outbox *out);

/* As the callbacks of the same names in stage.h. */
bool featurizer_restore(struct featurizer *f, uint32_t partition, struct str key,
                        struct str value, struct err *e);
bool featurizer_restored(struct featurizer *f, uint32_t partition, struct str own,
                         struct err *e);
void featurizer_cut(struct featurizer *f, uint32_t partition, struct buf *own);
bool featurizer_pack(struct featurizer *f, uint32_t partition, struct outbox *state,
                     int64_t until_mono_us);
void featurizer_uncut(struct featurizer *f, uint32_t partition);

/* Over all partitions: visitors in memory, and in the file, and the bytes that the former take.
 */
size_t featurizer_visitors(const struct featurizer *f);
size_t featurizer_spilled(const struct featurizer *f);
size_t featurizer_state_bytes(const struct featurizer *f);
/* External signals, in all partitions together. */
size_t featurizer_signals(const struct featurizer *f);

#endif
