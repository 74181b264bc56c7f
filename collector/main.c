/* SPDX-License-Identifier: Apache-2.0 */
/* collector - takes events as senders give them, and gives them checked and repaired.
 *
 * Reads raw (any key, any partitions), imports and control; writes events, partitioned by
 * visitor, and rejected. Keeps nothing but counts: restarted, it goes on at its offsets, and
 * what it repeats bears the same positions. Into which of the two topics a record goes depends
 * on the record alone, so that no restart and no second collector can put it into both. */
#include "collector/collector.h"
#include "common/bus/config.h"
#include "common/bus/counters.h"

#include <stdlib.h>

/* The core and where its counts are shown. */
struct program {
    struct collector *core;
    struct counter *events, *heartbeats, *ticks, *clamped;
    struct counter *rejected[REASONS_N];
};

static void *open_core(const struct stage_env *env, struct err *e)
{
    (void)e;
    struct program *p = mem_zero(1, sizeof *p);
    uint64_t raw = config_u64(env->config, "auspex", "raw_partitions");
    struct collector_setup setup = {
        .partitions = env->partitions,
        .raw_partitions = raw > 0 ? (uint32_t)raw : env->partitions,
        .heartbeat_us = (int64_t)config_u64(env->config, "collector", "heartbeat_ms") * 1000,
    };
    p->core = collector_new(&setup);
    p->events = counter_of(env->counters, COUNTER_collector_events_total, NULL, NULL);
    p->heartbeats = counter_of(env->counters, COUNTER_collector_heartbeats_total, NULL, NULL);
    p->ticks = counter_of(env->counters, COUNTER_collector_ticks_total, NULL, NULL);
    p->clamped = counter_of(env->counters, COUNTER_collector_clamped_total, NULL, NULL);
    for (enum reason r = REASON_NONE + 1; r < REASONS_N; r++)
        p->rejected[r] =
            counter_of(env->counters, COUNTER_collector_rejected_total, reason_text(r), NULL);
    return p;
}

static void close_core(void *core)
{
    struct program *p = core;
    collector_free(p->core);
    free(p);
}

static void assign(void *core, enum topic t, uint32_t partition)
{
    collector_assign(((struct program *)core)->core, t, partition);
}

static void revoke(void *core, enum topic t, uint32_t partition)
{
    collector_revoke(((struct program *)core)->core, t, partition);
}

static enum stage_step record(void *core, const struct stage_message *m, struct outbox *out)
{
    return collector_record(((struct program *)core)->core, m, out);
}

static void timer(void *core, int64_t mono_us, struct outbox *out)
{
    struct program *p = core;
    collector_timer(p->core, mono_us, out);
    const struct collector_counts *c = collector_counts(p->core);
    counter_set(p->events, (double)c->events);
    counter_set(p->heartbeats, (double)c->heartbeats);
    counter_set(p->ticks, (double)c->ticks);
    counter_set(p->clamped, (double)c->clamped);
    for (enum reason r = REASON_NONE + 1; r < REASONS_N; r++)
        counter_set(p->rejected[r], (double)c->rejected[r]);
}

static const char manual[] =
    "Takes:\n"
    "  raw      events as JSON or msgpack, one a record, or up to 250 as {\"batch\": [...]}. "
    "Which\n"
    "           of the two is told by the header content-type, else by the first byte.\n"
    "           Segment's shape (type track, page, screen, identify, group, alias) or a bare\n"
    "           one, where type is the name of the event and members are called as in events.\n"
    "  imports  lines of files that auspexctl replay sends: ndjson or rees46.\n"
    "  control  settings, which are copied into every partition of events.\n"
    "Gives:\n"
    "  events   each event once checked, with a repaired time, device and channel, in the\n"
    "           partition of its visitor (key SITE:VISITOR); ticks, where nothing came.\n"
    "  rejected what is unfit, with its reason, position and original bytes.\n"
    "  raw      a heartbeat in each partition that has been silent for heartbeat_ms.\n"
    "Decides:\n"
    "  An event is refused for its own faults only: of a batch the others are taken. Objects\n"
    "  with a key twice, bad UTF-8, U+0000, more than 32 levels, 32 KiB an event and numbers\n"
    "  beyond 64 bits or a double are refused. Integers stay exact. Members that no field is\n"
    "  for are kept in properties, at most 8 KiB of them.\n"
    "  Event time is the sender's; where sentAt shows that its clock is off by more than a\n"
    "  minute it is shifted, and then held between received - 7 days and received.\n"
    "  A record that is too large or not divisible is refused whole. What becomes of a record\n"
    "  depends on nothing but the record.\n";

static const struct stage collector = {
    .name = "collector",
    .summary = "takes events from raw and imports, gives them checked and repaired",
    .manual = manual,
    .kind = STAGE_STATELESS,
    .inputs = {{.topic = TOPIC_raw, .role = INPUT_GROUP, .has_holes = true},
               {.topic = TOPIC_imports, .role = INPUT_GROUP, .has_holes = true},
               {.topic = TOPIC_control, .role = INPUT_GROUP, .has_holes = true}},
    .n_inputs = 3,
    .is_oldest_first = true,
    .open = open_core,
    .close = close_core,
    .assign = assign,
    .revoke = revoke,
    .record = record,
    .timer = timer,
};

int main(int argc, char *argv[])
{
    return stage_main(argc, argv, &collector);
}
