/* SPDX-License-Identifier: Apache-2.0 */
/* enrich - what an event does not tell itself and its user agent and its network do. What is
 * added depends on the event and the data files alone, and never decides whether it is taken.
 */
#ifndef AUSPEX_ENRICH_H
#define AUSPEX_ENRICH_H

#include "common/wire/record.h"

struct agents;
struct geo;

struct enrich_counts {
    uint64_t geo_found, geo_unknown, geo_none; /* networks looked up; none: in no database */
};

/* Zeroes are valid: then user agents are told apart by user_agent.h alone. */
struct enrich {
    struct agents *agents; /* NULL = none */
    struct geo *geo;       /* NULL = none */
    struct enrich_counts counts;
};

/* Sets device, browser and os with their versions, and the agent's marks; then, by e->ip,
 * country, region, city and timezone. What the event has is left as it is, and nothing is added
 * that contradicts it: no version of another browser, no city of another country. The texts are
 * valid until the next event, and as long as `agent`. */
void enrich_event(struct enrich *x, struct event *e, struct str agent);

#endif
