/* SPDX-License-Identifier: Apache-2.0 */
/* auspex-featurizer: wiring only. */
#include "common/bus/config.h"
#include "common/bus/counters.h"
#include "common/bus/log.h"
#include "featurizer/featurizer.h"
#include "featurizer/modes.h"
#include "featurizer/settings.h"

#include <stdlib.h>

struct program {
    struct featurizer *core;
    struct spill *file; /* of visitors that memory has no room for; NULL = it has for all */
    struct counter *visitors, *state_bytes, *sessions, *late, *repeats, *conflicts;
    struct counter *spilled, *spills, *unspills, *expired, *signals;
};

/* What the file had is in the topic as well: the next start has it from there. */
static void spill_has_failed(const struct err *e)
{
    log_error("the file of spilled visitors fails", "reason=\"%s\"", e->text);
    _Exit(err_exit(e));
}

static bool open_spill(struct program *p, const struct config *c, struct err *e)
{
    size_t memory = config_u64(c, "featurizer", "memory_mib") << 20;
    const char *path = config_text(c, "featurizer", "spill");
    if (memory == 0)
        return true;
    if (path[0] == '\0')
        return err_code(e, EXIT_CODE_CONFIG,
                        "featurizer.memory_mib bounds memory: featurizer.spill must name the "
                        "file for visitors that have no room in it");
    p->file = spill_open(path, spill_has_failed, e);
    if (!p->file)
        return false;
    featurizer_limit(p->core, memory, p->file);
    return true;
}

static void close_core(void *core)
{
    struct program *p = core;
    featurizer_free(p->core);
    spill_close(p->file);
    free(p);
}

static void *open_core(const struct stage_env *env, struct err *e)
{
    struct featurizer_options o = settings_of(env->config);
    struct counters *c = env->counters;
    struct program *p = mem_zero(1, sizeof *p);
    p->core = featurizer_new(&o);
    p->visitors = counter_of(c, COUNTER_featurizer_visitors, NULL, NULL);
    p->state_bytes = counter_of(c, COUNTER_featurizer_state_bytes, NULL, NULL);
    p->sessions = counter_of(c, COUNTER_featurizer_sessions_total, NULL, NULL);
    p->late = counter_of(c, COUNTER_featurizer_late_total, NULL, NULL);
    p->repeats = counter_of(c, COUNTER_featurizer_repeats_total, NULL, NULL);
    p->conflicts = counter_of(c, COUNTER_featurizer_conflicts_total, NULL, NULL);
    p->spilled = counter_of(c, COUNTER_featurizer_spilled_visitors, NULL, NULL);
    p->spills = counter_of(c, COUNTER_featurizer_spills_total, NULL, NULL);
    p->unspills = counter_of(c, COUNTER_featurizer_unspills_total, NULL, NULL);
    p->expired = counter_of(c, COUNTER_featurizer_expired_total, NULL, NULL);
    p->signals = counter_of(c, COUNTER_featurizer_signals, NULL, NULL);
    if (open_spill(p, env->config, e))
        return p;
    close_core(p);
    return NULL;
}

static void assign(void *core, enum topic t, uint32_t partition)
{
    (void)t;
    featurizer_assign(((struct program *)core)->core, partition);
}

static void give_up(void *core, enum topic t, uint32_t partition)
{
    (void)t;
    featurizer_revoke(((struct program *)core)->core, partition);
}

static enum stage_step record(void *core, const struct stage_message *m, struct outbox *out)
{
    return featurizer_record(((struct program *)core)->core, m, out);
}

static enum stage_step more(void *core, enum topic t, uint32_t partition, struct outbox *out)
{
    (void)t;
    return featurizer_more(((struct program *)core)->core, partition, out);
}

static void timer(void *core, int64_t mono_us, struct outbox *out)
{
    (void)mono_us;
    (void)out;
    struct program *p = core;
    const struct featurizer_counts *n = &p->core->counts;
    counter_set(p->visitors, (double)featurizer_visitors(p->core));
    counter_set(p->state_bytes, (double)featurizer_state_bytes(p->core));
    counter_set(p->sessions, (double)n->sessions);
    counter_set(p->late, (double)n->late);
    counter_set(p->repeats, (double)n->repeats);
    counter_set(p->conflicts, (double)n->conflicts);
    counter_set(p->expired, (double)n->expired);
    counter_set(p->signals, (double)featurizer_signals(p->core));
    if (!p->file)
        return;
    struct spill_counts spill = spill_counts(p->file);
    counter_set(p->spilled, (double)featurizer_spilled(p->core));
    counter_set(p->spills, (double)spill.puts);
    counter_set(p->unspills, (double)spill.takes);
}

static bool restore(void *core, uint32_t partition, struct str key, struct str value,
                    struct err *e)
{
    return featurizer_restore(((struct program *)core)->core, partition, key, value, e);
}

static bool restored(void *core, uint32_t partition, struct str own, struct err *e)
{
    return featurizer_restored(((struct program *)core)->core, partition, own, e);
}

static void cut(void *core, uint32_t partition, struct buf *own)
{
    featurizer_cut(((struct program *)core)->core, partition, own);
}

static bool pack(void *core, uint32_t partition, struct outbox *state, int64_t until_mono_us)
{
    return featurizer_pack(((struct program *)core)->core, partition, state, until_mono_us);
}

static void uncut(void *core, uint32_t partition)
{
    featurizer_uncut(((struct program *)core)->core, partition);
}

static const struct stage featurizer = {
    .name = "featurizer",
    .summary = "makes sessions and features of events",
    .manual =
        "Reads events; writes features, one record an event; sessions, one when it has ended;\n"
        "and to rejected the events whose id came before with another body.\n"
        "Keeps a state for each visitor in memory, or with memory_mib in the file spill, and\n"
        "checkpoints it to the topic visitors; a visitor without events for keep_days is\n"
        "forgotten. Times are those of the records: no clock of this machine is asked. Run\n"
        "more copies to scale; Kafka moves the partitions.\n",
    .kind = STAGE_STATEFUL,
    .inputs = {{.topic = TOPIC_events, .role = INPUT_GROUP, .is_marked = true}},
    .n_inputs = 1,
    .outputs = 1u << TOPIC_features | 1u << TOPIC_sessions | 1u << TOPIC_rejected,
    .state = TOPIC_visitors,
    .open = open_core,
    .close = close_core,
    .assign = assign,
    .revoke = give_up,
    .record = record,
    .more = more,
    .timer = timer,
    .restore = restore,
    .restored = restored,
    .cut = cut,
    .pack = pack,
    .uncut = uncut,
};

int main(int argc, char *argv[])
{
    if (mode_of(argc, argv) != MODE_STAGE)
        return modes_main(argc, argv);
    return stage_main(argc, argv, &featurizer);
}
