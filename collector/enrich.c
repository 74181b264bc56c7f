/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/enrich.h"

#include "collector/agents.h"
#include "collector/geo.h"

/* Whether what is told is nothing, or the same; nothing becomes the same. */
static bool fill(struct str *told, struct str found)
{
    if (told->len == 0)
        *told = found;
    return str_eq_nocase(*told, found);
}

static bool agrees(struct str told, struct str found)
{
    return told.len == 0 || str_eq_nocase(told, found);
}

static void add_agent(struct enrich *x, struct event *e, struct str agent)
{
    struct user_agent ua = x->agents ? agents_find(x->agents, agent) : user_agent_read(agent);
    e->device = e->device.len > 0 ? e->device : ua.device;
    e->agent_marks |= ua.marks;
    if (fill(&e->browser, ua.browser) && e->browser_version.len == 0)
        e->browser_version = ua.browser_version;
    if (fill(&e->os, ua.os) && e->os_version.len == 0)
        e->os_version = ua.os_version;
}

static void add_place(struct enrich *x, struct event *e)
{
    struct geo_place place;
    if (!x->geo) {
        x->counts.geo_none++;
        return;
    }
    if (!geo_find(x->geo, e->ip, &place)) {
        x->counts.geo_unknown++;
        return;
    }
    x->counts.geo_found++;
    if (!fill(&e->country, place.country))
        return;
    bool is_near = agrees(e->region, place.region) && agrees(e->city, place.city);
    if (is_near) {
        (void)fill(&e->region, place.region);
        (void)fill(&e->city, place.city);
    }
    (void)fill(&e->timezone, place.timezone);
}

void enrich_event(struct enrich *x, struct event *e, struct str agent)
{
    if (agent.len > 0)
        add_agent(x, e, agent);
    if (e->ip.len > 0)
        add_place(x, e);
}
