/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/featurizer.h"

#include <stdlib.h>

struct featurizer *featurizer_new(const struct featurizer_options *o)
{
    CHECK(o->idle_us > 0 && o->tail <= TOKENS_MOST);
    struct featurizer *f = mem_zero(1, sizeof *f);
    f->options = *o;
    return f;
}

void featurizer_free(struct featurizer *f)
{
    if (!f)
        return;
    for (uint32_t i = 0; i < f->n_partitions; i++)
        featurizer_revoke(f, i);
    free(f->partitions);
    free(f);
}

static void share_memory(struct featurizer *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_partitions; i++)
        n += f->partitions[i] != NULL;
    for (uint32_t i = 0; i < f->n_partitions && f->file; i++)
        if (f->partitions[i])
            entries_limit(&f->partitions[i]->visitors, f->memory / n, f->file, i);
}

void featurizer_limit(struct featurizer *f, size_t memory, struct spill *file)
{
    f->memory = memory;
    f->file = file;
    share_memory(f);
}

void featurizer_assign(struct featurizer *f, uint32_t partition)
{
    featurizer_revoke(f, partition);
    if (partition >= f->n_partitions) {
        f->partitions = mem_grow(f->partitions, (partition + 1) * sizeof(struct partition *));
        for (size_t i = f->n_partitions; i <= partition; i++)
            f->partitions[i] = NULL;
        f->n_partitions = partition + 1;
    }
    struct partition *p = mem_new(sizeof *p);
    partition_init(p, partition, &f->options, &f->counts);
    f->partitions[partition] = p;
    share_memory(f);
}

void featurizer_revoke(struct featurizer *f, uint32_t partition)
{
    if (partition >= f->n_partitions || !f->partitions[partition])
        return;
    partition_fini(f->partitions[partition]);
    free(f->partitions[partition]);
    f->partitions[partition] = NULL;
    share_memory(f);
}

static struct partition *ours(struct featurizer *f, uint32_t partition)
{
    CHECK(partition < f->n_partitions && f->partitions[partition]);
    return f->partitions[partition];
}

enum stage_step featurizer_record(struct featurizer *f, const struct stage_message *m,
                                  struct outbox *out)
{
    return partition_record(ours(f, m->partition), m, out);
}

enum stage_step featurizer_more(struct featurizer *f, uint32_t partition, struct outbox *out)
{
    return partition_more(ours(f, partition), out);
}

bool featurizer_restore(struct featurizer *f, uint32_t partition, struct str key,
                        struct str value, struct err *e)
{
    return entries_restore(&ours(f, partition)->visitors, key, value, e);
}

bool featurizer_restored(struct featurizer *f, uint32_t partition, struct str own,
                         struct err *e)
{
    return partition_restored(ours(f, partition), own, e);
}

void featurizer_cut(struct featurizer *f, uint32_t partition, struct buf *own)
{
    struct partition *p = ours(f, partition);
    entries_cut(&p->visitors);
    partition_pack_own(p, own);
}

bool featurizer_pack(struct featurizer *f, uint32_t partition, struct outbox *state,
                     int64_t until_mono_us)
{
    return entries_pack(&ours(f, partition)->visitors, state, partition, until_mono_us);
}

void featurizer_uncut(struct featurizer *f, uint32_t partition)
{
    entries_uncut(&ours(f, partition)->visitors);
}

size_t featurizer_visitors(const struct featurizer *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_partitions; i++)
        n += f->partitions[i] ? f->partitions[i]->visitors.n : 0;
    return n;
}

size_t featurizer_spilled(const struct featurizer *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_partitions; i++)
        n += f->partitions[i] ? f->partitions[i]->visitors.spill.n : 0;
    return n;
}

size_t featurizer_state_bytes(const struct featurizer *f)
{
    size_t bytes = 0;
    for (size_t i = 0; i < f->n_partitions; i++)
        bytes += f->partitions[i] ? entries_bytes(&f->partitions[i]->visitors) : 0;
    return bytes;
}

size_t featurizer_signals(const struct featurizer *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n_partitions; i++)
        n += f->partitions[i] ? f->partitions[i]->signals.n : 0;
    return n;
}
