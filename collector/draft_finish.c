/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/channel.h"
#include "collector/draft_parts.h"
#include "collector/names.h"
#include "collector/user_agent.h"
#include "common/base/hash.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <stdio.h>

/* Segment's calls, and what becomes of them; NULL: what `event` names. */
static const struct {
    const char *kind, *type;
} calls[] = {{"track", NULL},          {"page", "page_view"}, {"screen", "screen_view"},
             {"identify", "identify"}, {"group", "group"},    {"alias", "alias"}};

/* Whether the event has Segment's shape; else its type is named by `type` itself. */
static bool is_call(const struct draft *d, const char **type)
{
    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        if (str_is(d->kind, calls[i].kind)) {
            *type = calls[i].type;
            return true;
        }
    *type = NULL;
    return d->kind.len == 0;
}

static enum reason settle_type(struct draft *d, bool *is_segment)
{
    const char *type;
    *is_segment = is_call(d, &type);
    if (type) {
        d->event.type = str_of(type);
        return REASON_NONE;
    }
    struct str sent = *is_segment ? d->event_name : d->kind;
    if (sent.len == 0)
        return draft_refuse(d, REASON_no_type, d->kind.len > 0 ? "track without event" : "");
    if (!names_type(sent, &d->arena, &d->event.type))
        return draft_refuse(d, REASON_bad_type, *is_segment ? "event" : "type");
    return REASON_NONE;
}

static enum reason settle_visitor(struct draft *d, const struct arrival *a)
{
    struct event *e = &d->event;
    e->visitor = e->anonymous_id.len > 0 ? e->anonymous_id : e->user_id;
    if (e->visitor.len == 0)
        return draft_refuse(d, REASON_no_visitor, "");
    if (a->envelope_site != 0 && e->site_id != 0 && e->site_id != a->envelope_site)
        return draft_refuse(d, REASON_bad_site, "not the site of its batch");
    if (a->site_id != 0)
        e->site_id = a->site_id;
    else if (a->envelope_site != 0)
        e->site_id = a->envelope_site;
    else if (e->site_id == 0)
        e->site_id = 1;
    return REASON_NONE;
}

static void settle_event_id(struct draft *d, const struct position *p)
{
    enum { LONGEST = 96 };
    if (d->event.event_id.len > 0)
        return;
    char *at = arena_take(&d->arena, LONGEST);
    int len = p->origin == ORIGIN_IMPORTS
                  ? snprintf(at, LONGEST, "i%" PRIx64 "-%" PRIu64, p->import_id, p->offset)
                  : snprintf(at, LONGEST, "%" PRIu64 "-r%" PRIu64 "-%" PRIu64 "-%" PRIu64,
                             p->epoch, p->partition, p->offset, p->index);
    d->event.event_id = str_over(at, (size_t)len);
}

static enum reason settle_time(struct draft *d, const struct arrival *a)
{
    struct event *e = &d->event;
    struct claim sent_at = d->sent_at.is_set ? d->sent_at : a->sent_at;
    e->received_us = a->received_us;
    if (sent_at.is_set)
        e->sent_at_us = sent_at.us;
    if (!a->is_import)
        e->ts_us = times_live(d->ts, sent_at, a->received_us);
    else if (d->ts.is_set)
        e->ts_us = times_import(d->ts, a->received_us);
    else
        return draft_refuse(d, REASON_no_timestamp, "");
    d->was_clamped = d->ts.is_set && e->ts_us != d->ts.us;
    if (d->was_clamped)
        e->ts_raw_us = d->ts.us;
    return REASON_NONE;
}

static void settle_surroundings(struct draft *d, const struct arrival *a)
{
    struct event *e = &d->event;
    struct str agent = d->user_agent.len > 0 ? d->user_agent : a->user_agent;
    if (agent.len > 0) {
        struct user_agent ua = user_agent_read(agent);
        e->device = e->device.len > 0 ? e->device : ua.device;
        e->browser = e->browser.len > 0 ? e->browser : ua.browser;
        e->os = e->os.len > 0 ? e->os : ua.os;
    }
    if (e->screen.len == 0 && d->width > 0 && d->height > 0) {
        char *at = arena_take(&d->arena, 48);
        int len = snprintf(at, 48, "%" PRIu64 "x%" PRIu64, d->width, d->height);
        e->screen = str_over(at, (size_t)len);
    }
}

/* A screen is an app's page: its name is title and, without an address, path. */
static void settle_page(struct draft *d)
{
    struct event *e = &d->event;
    bool is_screen = str_is(e->type, "screen_view");
    struct str name = is_screen && d->screen_name.len > 0 ? d->screen_name : d->name;
    if (e->title.len == 0 && (is_screen || str_is(e->type, "page_view")))
        e->title = str_head_utf8(name, CUT_MAX);
    if (e->path.len == 0)
        e->path = e->url.len == 0 && is_screen ? name : channel_path(e->url);
    e->channel = channel_of(e);
}

static char *put(char *to, struct str s)
{
    if (s.len > 0)
        memcpy(to, s.at, s.len);
    return to + s.len;
}

/* Whether members of the place are properties: of a call in Segment's shape those at its top
 * belong to the envelope. */
static bool is_property(const struct kept *k, bool is_segment)
{
    return !(is_segment && k->place == PLACE_root);
}

/* Members of different places may bear one name, which one object must not. */
static enum reason check_names(struct draft *d, bool is_segment)
{
    uint32_t object = keyset_object(&d->keys);
    enum place first = PLACE_none;
    bool is_mixed = false;
    for (size_t i = 0; i < d->n_kept; i++)
        if (is_property(&d->kept[i], is_segment)) {
            is_mixed |= first != PLACE_none && d->kept[i].place != first;
            first = d->kept[i].place;
        }
    for (size_t i = 0; is_mixed && i < d->n_kept; i++) {
        struct str key = d->kept[i].key_json;
        if (is_property(&d->kept[i], is_segment) &&
            keyset_add(&d->keys, object, key, hash64_str(key)) != KEYSET_NEW)
            return draft_refuse(d, REASON_duplicate_key, "a property in two places");
    }
    return REASON_NONE;
}

static enum reason settle_properties(struct draft *d, bool is_segment)
{
    size_t len = 1;
    enum reason why = check_names(d, is_segment);
    for (size_t i = 0; i < d->n_kept; i++) {
        struct kept *k = &d->kept[i];
        if (!is_property(k, is_segment))
            continue;
        k->value.json = json_compact(datum_json(d, &k->value), &d->arena);
        len += k->key_json.len + k->value.json.len + 4; /* quotes, colon, comma or brace */
    }
    if (why != REASON_NONE || len == 1)
        return why;
    if (len > PROPERTIES_MAX)
        return draft_refuse(d, REASON_bad_field, "unknown properties of more than 8 KiB");
    char *from = arena_take(&d->arena, len), *to = put(from, STR("{"));
    for (size_t i = 0; i < d->n_kept; i++) {
        if (!is_property(&d->kept[i], is_segment))
            continue;
        to = put(to, to == from + 1 ? STR("\"") : STR(",\""));
        to = put(to, d->kept[i].key_json);
        to = put(to, STR("\":"));
        to = put(to, d->kept[i].value.json);
    }
    to = put(to, STR("}"));
    d->event.properties = str_over(from, (size_t)(to - from));
    return REASON_NONE;
}

enum reason draft_finish(struct draft *d, const struct arrival *a)
{
    bool is_segment;
    enum reason why = d->fault;
    if (why == REASON_NONE)
        why = settle_type(d, &is_segment);
    if (why == REASON_NONE)
        why = settle_visitor(d, a);
    if (why == REASON_NONE)
        why = settle_time(d, a);
    if (why == REASON_NONE)
        why = settle_properties(d, is_segment);
    if (why != REASON_NONE)
        return why;
    POSITION_SET(&d->event, &a->position);
    settle_event_id(d, &a->position);
    settle_surroundings(d, a);
    settle_page(d);
    if (a->is_import && d->event.source.len == 0)
        d->event.source = STR("import");
    d->event.body_hash = hash64_str(buf_as_str(&d->body));
    return REASON_NONE;
}
