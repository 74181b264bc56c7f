/* SPDX-License-Identifier: Apache-2.0 */
/* collector - takes events as senders give them, and gives them checked and repaired.
 *
 * Reads raw (any key, any partitions), imports and control; writes events, partitioned by
 * visitor, and rejected. Takes events over HTTP, too, and appends them to raw. Keeps nothing
 * but counts: restarted, it goes on at its offsets, and what it repeats bears the same
 * positions. Into which of the two topics a record goes depends on the record alone, so that no
 * restart and no second collector can put it into both. */
#include "collector/agents.h"
#include "collector/collector.h"
#include "collector/edge.h"
#include "collector/enrich.h"
#include "collector/geo.h"
#include "collector/sites.h"
#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/bus/counters.h"
#include "common/bus/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

/* The core and where its counts are shown. */
struct program {
    struct collector *core;
    struct enrich enrich;
    const struct stage_env *env;
    struct sites *sites;
    struct edge *edge; /* NULL when there is none */
    struct counter *events, *heartbeats, *ticks, *clamped, *signals;
    struct counter *rejected[REASONS_N], *known_sites;
    struct counter *agent_hits, *agent_misses, *geo_found, *geo_unknown, *geo_none;
    struct counter *geo_good, *geo_bad;
};

static struct edge *open_edge(const struct program *p)
{
    const struct config *c = p->env->config;
    struct edge_options options = {
        .connections = config_u64(c, "collector", "edge_connections"),
        .body_max = config_u64(c, "collector", "edge_body_kib") * 1024,
        .queue_max = config_u64(c, "collector", "edge_queue_kib") * 1024,
        .wait_us = (int64_t)config_u64(c, "collector", "edge_wait_ms") * 1000,
        .request_us = (int64_t)config_u64(c, "collector", "edge_request_s") * SECOND_US,
        .raw_partitions = p->env->raw_partitions,
        .proxies = (unsigned)config_u64(c, "collector", "edge_proxies"),
    };
    if (config_text(c, "collector", "edge")[0] == '\0')
        return NULL;
    return edge_new(&options, p->env->loop, p->sites, p->env->aside, p->env->counters);
}

/* A body must fit into the queue, or it would be told to come again for ever. */
static bool limits_agree(const struct config *c, struct err *e)
{
    uint64_t body = config_u64(c, "collector", "edge_body_kib");
    uint64_t queue = config_u64(c, "collector", "edge_queue_kib");
    return queue >= body || err_code(e, EXIT_CODE_CONFIG,
                                     "[collector] edge_queue_kib = %" PRIu64
                                     ": at least edge_body_kib, %" PRIu64,
                                     queue, body);
}

static bool open_agents(struct enrich *x, const struct config *c, struct err *e)
{
    uint64_t seed;
    int64_t from_us = clock_mono_us();
    const char *path = config_text(c, "collector", "user_agents");
    CHECK(getrandom(&seed, sizeof seed, 0) == sizeof seed);
    x->agents = agents_new(path, seed, e);
    if (!x->agents || path[0] == '\0')
        return x->agents != NULL;
    const struct agents_counts *n = agents_counts(x->agents);
    log_info("expressions for user agents are ready", "n=%zu refused=%zu ms=%" PRId64,
             n->n_expressions, n->n_refused, (clock_mono_us() - from_us) / 1000);
    if (n->n_refused > 0)
        log_warn("expressions for user agents cannot be used", "n=%zu path=%s", n->n_refused,
                 path);
    return true;
}

/* What events are enriched by; closed again when it fails. */
static bool open_enrich(struct enrich *x, const struct config *c, struct err *e)
{
    const char *geoip = config_text(c, "collector", "geoip");
    if (!open_agents(x, c, e))
        return false;
    if (geoip[0] == '\0')
        return true;
    x->geo = geo_open(geoip, e);
    if (!x->geo)
        agents_free(x->agents);
    return x->geo != NULL;
}

static void close_enrich(struct enrich *x)
{
    agents_free(x->agents);
    geo_free(x->geo);
}

static void find_enrich_counters(struct program *p, struct counters *all)
{
    enum counter_id agents = COUNTER_collector_agents_total, geo = COUNTER_collector_geo_total;
    enum counter_id reloads = COUNTER_collector_geo_reloads_total;
    p->agent_hits = counter_of(all, agents, "hit", NULL);
    p->agent_misses = counter_of(all, agents, "miss", NULL);
    p->geo_found = counter_of(all, geo, "found", NULL);
    p->geo_unknown = counter_of(all, geo, "unknown", NULL);
    p->geo_none = counter_of(all, geo, "none", NULL);
    p->geo_good = counter_of(all, reloads, "good", NULL);
    p->geo_bad = counter_of(all, reloads, "bad", NULL);
}

static void *open_core(const struct stage_env *env, struct err *e)
{
    if (!limits_agree(env->config, e))
        return NULL;
    struct program *p = mem_zero(1, sizeof *p);
    if (!open_enrich(&p->enrich, env->config, e)) {
        free(p);
        return NULL;
    }
    struct collector_setup setup = {
        .partitions = env->partitions,
        .raw_partitions = env->raw_partitions,
        .heartbeat_us = (int64_t)config_u64(env->config, "collector", "heartbeat_ms") * 1000,
        .enrich = &p->enrich,
    };
    p->core = collector_new(&setup);
    p->env = env;
    p->sites = sites_new();
    p->edge = open_edge(p);
    find_enrich_counters(p, env->counters);
    p->known_sites = counter_of(env->counters, COUNTER_collector_sites, NULL, NULL);
    p->events = counter_of(env->counters, COUNTER_collector_events_total, NULL, NULL);
    p->heartbeats = counter_of(env->counters, COUNTER_collector_heartbeats_total, NULL, NULL);
    p->ticks = counter_of(env->counters, COUNTER_collector_ticks_total, NULL, NULL);
    p->clamped = counter_of(env->counters, COUNTER_collector_clamped_total, NULL, NULL);
    p->signals = counter_of(env->counters, COUNTER_collector_signals_total, NULL, NULL);
    for (enum reason r = REASON_NONE + 1; r < REASONS_N; r++)
        p->rejected[r] =
            counter_of(env->counters, COUNTER_collector_rejected_total, reason_text(r), NULL);
    return p;
}

static void close_core(void *core)
{
    struct program *p = core;
    edge_free(p->edge);
    sites_free(p->sites);
    collector_free(p->core);
    close_enrich(&p->enrich);
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

/* Counts of what was added, and the database, which may have changed. */
static void show_enrich(struct program *p, int64_t mono_us)
{
    const struct agents_counts *agents = agents_counts(p->enrich.agents);
    const struct enrich_counts *c = &p->enrich.counts;
    struct err e = {0};
    counter_set(p->agent_hits, (double)agents->hits);
    counter_set(p->agent_misses, (double)agents->misses);
    counter_set(p->geo_found, (double)c->geo_found);
    counter_set(p->geo_unknown, (double)c->geo_unknown);
    counter_set(p->geo_none, (double)c->geo_none);
    if (!p->enrich.geo)
        return;
    switch (geo_refresh(p->enrich.geo, mono_us, &e)) {
    case GEO_NEW:
        counter_add(p->geo_good, 1);
        log_info("the database of networks was read again", "path=%s",
                 config_text(p->env->config, "collector", "geoip"));
        break;
    case GEO_BAD:
        counter_add(p->geo_bad, 1);
        log_error("the new database of networks cannot be used, the old one goes on",
                  "reason=\"%s\"", e.text);
        break;
    case GEO_SAME:
        break;
    }
}

static void timer(void *core, int64_t mono_us, struct outbox *out)
{
    struct program *p = core;
    collector_timer(p->core, mono_us, out);
    show_enrich(p, mono_us);
    const struct collector_counts *c = collector_counts(p->core);
    counter_set(p->events, (double)c->events);
    counter_set(p->heartbeats, (double)c->heartbeats);
    counter_set(p->ticks, (double)c->ticks);
    counter_set(p->clamped, (double)c->clamped);
    counter_set(p->signals, (double)c->signals);
    for (enum reason r = REASON_NONE + 1; r < REASONS_N; r++)
        counter_set(p->rejected[r], (double)c->rejected[r]);
}

/* A setting that cannot be read leaves the site as it was: its senders go on. */
static void lookup(void *core, const struct stage_message *m)
{
    struct program *p = core;
    struct control control;
    if (control_read(&control, m->value.at, m->value.len) != WIRE_OK ||
        !sites_set(p->sites, &control))
        log_warn("a setting cannot be read", "topic=control offset=%llu",
                 (unsigned long long)m->offset);
    counter_set(p->known_sites, (double)sites_n(p->sites));
}

static bool serve(void *core, struct err *e)
{
    struct program *p = core;
    return !p->edge ||
           edge_listen(p->edge, config_text(p->env->config, "collector", "edge"), e);
}

static void turn(void *core, struct outbox *out)
{
    struct program *p = core;
    (void)out;
    if (p->edge)
        edge_turn(p->edge);
}

static bool retire(void *core)
{
    struct program *p = core;
    return !p->edge || edge_retire(p->edge);
}

static const char manual[] =
    "Takes:\n"
    "  raw      events as JSON or msgpack, one a record, or up to 250 as {\"batch\": [...]}. "
    "Which\n"
    "           of the two is told by the header content-type, else by the first byte.\n"
    "           Segment's shape (type track, page, screen, identify, group, alias) or a bare\n"
    "           one, where type is the name of the event and members are called as in events.\n"
    "  imports  lines of files that auspexctl replay sends: ndjson or rees46.\n"
    "  control  settings, which are copied into every partition of events; those of sites "
    "hold\n"
    "           at the HTTP edge from when they are read.\n"
    "  HTTP     where collector.edge says: POST /v1/track, identify, page, screen, group, "
    "alias\n"
    "           (one event, in Segment's shape) and /v1/batch ({\"batch\": [...]}), as\n"
    "           application/json or text/plain, perhaps gzip. The write key of a site stands "
    "in\n"
    "           Authorization (Bearer, or Basic as user name), ?writeKey= or the body's "
    "writeKey.\n"
    "Gives:\n"
    "  events   each event once checked, with a repaired time, device, place and channel, in "
    "the\n"
    "           partition of its visitor (key SITE:VISITOR); ticks, where nothing came.\n"
    "  rejected what is unfit, with its reason, position and original bytes.\n"
    "  raw      a heartbeat in each partition that has been silent for heartbeat_ms; one "
    "record\n"
    "           for each HTTP request, with the events of it that were accepted.\n"
    "  HTTP     200 once Kafka has stored the events, for a batch with a result for each; "
    "else\n"
    "           problem+json: 400, 401 (key), 403 (page), 413, 415, 429 (rate), or 503 with\n"
    "           Retry-After when Kafka has not stored it within edge_wait_ms.\n"
    "Decides:\n"
    "  An event is refused for its own faults only: of a batch the others are taken. Objects\n"
    "  with a key twice, bad UTF-8, U+0000, more than 32 levels, 32 KiB an event and numbers\n"
    "  beyond 64 bits or a double are refused. Integers stay exact. Members that no field is\n"
    "  for are kept in properties, at most 8 KiB of them.\n"
    "  Event time is the sender's; where sentAt shows that its clock is off by more than a\n"
    "  minute it is shifted, and then held between received - 7 days and received.\n"
    "  HTTP events are judged in the same way before they are appended; each gets a messageId\n"
    "  when it has none. Of an address the first 24 bits are kept, of IPv6 48, wherever it "
    "was\n"
    "  told. A request that is sent again with the same messageIds counts once.\n"
    "  Browser, system and kind of device are told by the user agent (user_agents), country,\n"
    "  region, city and zone by the network (geoip), as far as the event tells none itself.\n"
    "  A record that is too large or not divisible is refused whole. What becomes of a record\n"
    "  depends on nothing but the record.\n";

static const struct stage collector = {
    .name = "collector",
    .summary = "takes events from raw and imports, gives them checked and repaired",
    .manual = manual,
    .kind = STAGE_STATELESS,
    .inputs = {{.topic = TOPIC_raw, .role = INPUT_GROUP, .has_holes = true},
               {.topic = TOPIC_imports, .role = INPUT_GROUP, .has_holes = true},
               {.topic = TOPIC_control, .role = INPUT_GROUP, .has_holes = true},
               {.topic = TOPIC_control, .role = INPUT_LOOKUP, .has_holes = true}},
    .n_inputs = 4,
    .is_oldest_first = true,
    .open = open_core,
    .close = close_core,
    .assign = assign,
    .revoke = revoke,
    .record = record,
    .timer = timer,
    .lookup = lookup,
    .serve = serve,
    .turn = turn,
    .retire = retire,
};

int main(int argc, char *argv[])
{
    return stage_main(argc, argv, &collector);
}
