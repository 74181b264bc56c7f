/* SPDX-License-Identifier: Apache-2.0 */
/* The core alone over events of 480 bytes; then over events with address, referrer, campaign,
 * user agent and sender's address, with nothing and with all enrichment: uap-core's expressions
 * over 400 agents of its package (zipf), and a database of 35,000 networks over 20,000
 * addresses (zipf). In the same run simdjson on demand goes over every field of the same
 * events. Median and p90 of 21 turns.
 *
 * usage: collector_bench MANY_MMDB [REGEXES_YAML AGENTS_TXT] */
#include "collector/address.h"
#include "collector/agents.h"
#include "collector/collector_bench_floor.h"
#include "collector/collector_kit.h"
#include "collector/enrich.h"
#include "collector/geo.h"
#include "collector/sample.h"
#include "common/base/err.h"
#include "common/base/rng.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    TURNS = 21,
    PER_TURN = 20000,
    PADDING = 64,
    EVENTS = 20000,
    AGENTS = 400,
    PLACES = 20000
};

#define UAP "/usr/share/uap-core/"

static double cpu_s(void)
{
    struct timespec t;
    CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median and 90th percentile of the turns. */
struct figure {
    double median, p90;
};

static struct figure figure_of(double turns[TURNS])
{
    qsort(turns, TURNS, sizeof *turns, by_value);
    return (struct figure){turns[TURNS / 2], turns[TURNS * 9 / 10]};
}

/* What is sent, each text with readable bytes behind it. */
struct load {
    struct str events[EVENTS];
    struct buf bytes[EVENTS];
    size_t n, len; /* len: of all */
    uint64_t sums[EVENTS];
};

static void load_add(struct load *l, struct str text)
{
    struct buf *b = &l->bytes[l->n];
    buf_str(b, text);
    memset(buf_take(b, PADDING), 0, PADDING);
    l->events[l->n] = str_over(b->at, text.len);
    l->sums[l->n] = floor_sum(l->events[l->n]);
    CHECK(l->sums[l->n++] > 0);
    l->len += text.len;
}

static void load_fini(struct load *l)
{
    for (size_t i = 0; i < l->n; i++)
        buf_fini(&l->bytes[i]);
    free(l);
}

static double turn_of_core(struct collector *c, struct outbox *out, const struct load *l)
{
    static uint64_t offset = 1;
    double from = cpu_s();
    for (size_t i = 0; i < PER_TURN; i++) {
        struct stage_message m = {.topic = TOPIC_raw,
                                  .offset = offset++,
                                  .append_us = KIT_RECEIVED_US,
                                  .value = l->events[i % l->n]};
        CHECK(collector_record(c, &m, out) == STEP_DONE);
        if (i % 256 == 255)
            outbox_drop(out, outbox_next(out));
    }
    return (cpu_s() - from) / PER_TURN;
}

static double turn_of_floor(const struct load *l)
{
    double from = cpu_s();
    for (size_t i = 0; i < PER_TURN; i++)
        CHECK(floor_sum(l->events[i % l->n]) == l->sums[i % l->n]);
    return (cpu_s() - from) / PER_TURN;
}

static void bench_core(const char *name, const struct load *l, struct enrich *x)
{
    struct collector_setup setup = {8, 8, SECOND_US, x};
    struct collector *c = collector_new(&setup);
    struct outbox *out = outbox_new();
    double core[TURNS], bare[TURNS];
    (void)turn_of_core(c, out, l);
    for (int i = 0; i < TURNS; i++) {
        core[i] = turn_of_core(c, out, l);
        bare[i] = turn_of_floor(l);
    }
    CHECK(collector_counts(c)->events == (uint64_t)(TURNS + 1) * PER_TURN);
    struct figure f = figure_of(core), floor = figure_of(bare);
    printf("%s, %zu bytes: %.0f events/s, %.3f us CPU an event (p90 %.3f)\n", name,
           l->len / l->n, 1 / f.median, f.median * 1e6, f.p90 * 1e6);
    printf("  simdjson on demand, every field: %.3f us (p90 %.3f); the core takes %.1f times "
           "that\n",
           floor.median * 1e6, floor.p90 * 1e6, f.median / floor.median);
    collector_free(c);
    outbox_free(out);
}

/* One of n, the k-th as often as 1 in k. */
static size_t zipf(struct rng *r, const double *sums, size_t n)
{
    double at = rng_unit(r) * sums[n - 1];
    size_t low = 0, high = n - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        *(sums[middle] > at ? &high : &low) = middle + (sums[middle] <= at);
    }
    return low;
}

static double *zipf_sums(size_t n)
{
    double *sums = mem_new(n * sizeof *sums), sum = 0;
    for (size_t i = 0; i < n; i++)
        sums[i] = sum += 1 / (double)(i + 1);
    return sums;
}

/* Agents out of uap-core's list, in which the last of three columns is one. */
static void read_agents(const char *path, char *agents[AGENTS], struct rng *r)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t cap = 0, n = 0, seen = 0;
    ssize_t len;
    CHECK(file != NULL);
    while ((len = getline(&line, &cap, file)) > 0) {
        struct str text = str_trim(str_over(line, (size_t)len));
        const char *tab = memrchr(text.at, '\t', text.len);
        struct str agent =
            tab ? str_over(tab + 1, (size_t)(text.at + text.len - tab - 1)) : text;
        if (!tab || !str_starts(agent, STR("Mozilla/")) || memchr(agent.at, '"', agent.len) ||
            memchr(agent.at, '\\', agent.len) || !str_is_utf8(agent))
            continue;
        size_t slot = n < AGENTS ? n++ : rng_below(r, (uint32_t)++seen + AGENTS);
        if (slot >= AGENTS)
            continue;
        free(agents[slot]);
        agents[slot] = mem_text("");
        agents[slot] = mem_grow(agents[slot], agent.len + 1);
        memcpy(agents[slot], agent.at, agent.len);
        agents[slot][agent.len] = '\0';
    }
    CHECK(n == AGENTS);
    free(line);
    (void)fclose(file);
}

/* Addresses, nine of ten in networks that the database knows. */
static void find_addresses(struct geo *g, char (*addresses)[ADDRESS_TEXT], struct rng *r)
{
    for (size_t n = 0; n < PLACES;) {
        char network[16];
        struct geo_place place;
        uint32_t bits = (1u << 24) + rng_below(r, 223u << 24);
        (void)snprintf(network, sizeof network, "%u.%u.%u.0", bits >> 24, bits >> 16 & 255,
                       bits >> 8 & 255);
        if (n % 10 != 0 && !geo_find(g, str_of(network), &place))
            continue;
        (void)snprintf(addresses[n++], ADDRESS_TEXT, "%u.%u.%u.%u", bits >> 24,
                       bits >> 16 & 255, bits >> 8 & 255, bits & 255);
    }
}

static struct load *plain_load(void)
{
    struct load *l = mem_zero(1, sizeof *l);
    load_add(l, STR(SAMPLE_EVENT));
    return l;
}

static struct load *rich_load(char *agents[AGENTS], char (*addresses)[ADDRESS_TEXT],
                              struct rng *r)
{
    struct load *l = mem_zero(1, sizeof *l);
    struct buf b = {0};
    double *of_agents = zipf_sums(AGENTS), *of_places = zipf_sums(PLACES);
    while (l->n < EVENTS) {
        unsigned product = rng_below(r, 1000);
        buf_reset(&b);
        buf_printf(&b,
                   "{\"type\":\"track\",\"event\":\"product_view\",\"messageId\":\"m-%zu\","
                   "\"anonymousId\":\"5d1e0c9f-%u\",\"timestamp\":\"2025-12-31T23:59:58.123Z\","
                   "\"context\":{\"page\":{\"url\":\"https://shop.example/p/%u?utm_source=news&"
                   "utm_medium=email&utm_campaign=may\",\"title\":\"Product\",\"referrer\":"
                   "\"https://www.google.com/\"},\"ip\":\"%s\",\"userAgent\":\"%s\",\"locale\":"
                   "\"en-GB\"},\"properties\":{\"product_id\":\"p-%u\",\"category\":"
                   "\"home.kitchen\",\"brand\":\"acm\",\"price\":249.9,\"quantity\":1,"
                   "\"color\":\"red\"}}",
                   l->n, rng_below(r, 5000), product, addresses[zipf(r, of_places, PLACES)],
                   agents[zipf(r, of_agents, AGENTS)], product);
        load_add(l, buf_as_str(&b));
    }
    buf_fini(&b);
    free(of_agents);
    free(of_places);
    return l;
}

/* Nanoseconds for each of the agents, kept or new. */
static void bench_agents(struct agents *a, char *agents[AGENTS])
{
    enum { ROUNDS = 500, FRESH = 20 };
    struct buf b = {0};
    double from = cpu_s();
    for (size_t i = 0; i < (size_t)ROUNDS * AGENTS; i++)
        (void)agents_find(a, str_of(agents[i % AGENTS]));
    double hit_s = (cpu_s() - from) / ROUNDS / AGENTS;
    uint64_t before = agents_counts(a)->misses;
    from = cpu_s();
    for (size_t i = 0; i < (size_t)FRESH * AGENTS; i++) {
        buf_reset(&b);
        buf_printf(&b, "%s %zu", agents[i % AGENTS], i);
        (void)agents_find(a, buf_as_str(&b));
    }
    CHECK(agents_counts(a)->misses == before + (uint64_t)FRESH * AGENTS);
    printf("user agent: %.0f ns when it is kept, %.1f us when it is new\n", hit_s * 1e9,
           (cpu_s() - from) / FRESH / AGENTS * 1e6);
    buf_fini(&b);
}

/* The same for networks: one again and again, and more in turn than are kept. */
static void bench_geo(struct geo *g, char (*addresses)[ADDRESS_TEXT])
{
    enum { ROUNDS = 20, N = ROUNDS * PLACES };
    struct geo_place place;
    size_t n_found = 0;
    for (size_t i = 0; i < PLACES; i++)
        CHECK(address_truncate(str_of(addresses[i]), addresses[i]));
    double from = cpu_s();
    for (size_t i = 0; i < N; i++)
        n_found += geo_find(g, str_of(addresses[1]), &place);
    double kept_s = (cpu_s() - from) / N;
    CHECK(n_found == N);
    from = cpu_s();
    for (size_t i = 0; i < N; i++)
        n_found += geo_find(g, str_of(addresses[i % PLACES]), &place);
    printf("network: %.0f ns when it is kept, %.0f ns when it is looked up\n", kept_s * 1e9,
           (cpu_s() - from) / N * 1e9);
}

int main(int argc, char *argv[])
{
    const char *yaml = argc > 3 ? argv[2] : UAP "regexes.yaml";
    const char *list = argc > 3 ? argv[3] : UAP "test_resources/pgts_browser_list.txt";
    static char *agents[AGENTS], addresses[PLACES][ADDRESS_TEXT];
    struct err e = {0};
    struct rng r = {5};
    if (argc < 2)
        return EXIT_CODE_USAGE;
    double from = cpu_s();
    struct enrich x = {.agents = agents_new(yaml, 1, &e), .geo = geo_open(argv[1], &e)};
    if (!x.agents || !x.geo) {
        (void)fprintf(stderr, "%s\n", e.text);
        return err_exit(&e);
    }
    printf("start: %zu expressions (%zu refused) and the database in %.0f ms CPU\n",
           agents_counts(x.agents)->n_expressions, agents_counts(x.agents)->n_refused,
           (cpu_s() - from) * 1e3);
    read_agents(list, agents, &r);
    find_addresses(x.geo, addresses, &r);
    struct load *plain = plain_load(), *rich = rich_load(agents, addresses, &r);
    bench_core("collector core", plain, NULL);
    bench_core("events with address, referrer and campaign, no data files", rich, NULL);
    bench_core("the same with all enrichment", rich, &x);
    const struct agents_counts *n = agents_counts(x.agents);
    printf("  agents: %.3f %% hits; networks: %.1f %% found\n",
           100.0 * (double)n->hits / (double)(n->hits + n->misses),
           100.0 * (double)x.counts.geo_found /
               (double)(x.counts.geo_found + x.counts.geo_unknown));
    bench_agents(x.agents, agents);
    bench_geo(x.geo, addresses);
    load_fini(plain);
    load_fini(rich);
    for (size_t i = 0; i < AGENTS; i++)
        free(agents[i]);
    agents_free(x.agents);
    geo_free(x.geo);
    return 0;
}
