/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/address.h"
#include "collector/channel.h"
#include "collector/draft_parts.h"
#include "collector/enrich.h"
#include "collector/names.h"
#include "collector/url.h"
#include "collector/zone.h"
#include "common/base/currency.h"
#include "common/base/hash.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <stdio.h>

/* Types that are others when a flag is told. */
static const struct {
    struct str type, other;
    size_t flag;
} whens[] = {
#define CALL(call, type)
#define EVENT_NAME(name, type)
#define WHEN(type, member, other) {STR(type), STR(other), offsetof(struct draft, member)},
#define PURPOSE(word, mask)
#define OBJECTION(word, mask)
#include "schemas/dialects.def"
#undef CALL
#undef EVENT_NAME
#undef WHEN
#undef PURPOSE
#undef OBJECTION
};

static enum reason take_name(struct draft *d, struct str sent, const char *detail)
{
    if (!names_type(sent, &d->arena, &d->event.type, &d->of))
        return draft_refuse(d, REASON_bad_type, detail);
    for (size_t i = 0; i < ARRAY_LEN(whens); i++) {
        uint64_t is_told;
        memcpy(&is_told, (const char *)d + whens[i].flag, sizeof is_told);
        if (is_told != 0 && str_eq(d->event.type, whens[i].type))
            return names_type(whens[i].other, &d->arena, &d->event.type, &d->of)
                       ? REASON_NONE
                       : REASON_bad_type;
    }
    return REASON_NONE;
}

/* In Segment's shape `type` is a call, or absent; else it names the type itself. GA4 calls the
 * event's name `name`. */
static enum reason settle_type(struct draft *d, bool *is_segment)
{
    struct str type = {NULL, 0};
    bool is_call = names_call(d->kind, &type);
    *is_segment = is_call || d->kind.len == 0;
    if (!*is_segment)
        return take_name(d, d->kind, "type");
    if (type.len > 0)
        return take_name(d, type, "type");
    if (d->event_name.len > 0)
        return take_name(d, d->event_name, "event");
    if (is_call || d->name.len == 0)
        return draft_refuse(d, REASON_no_type, is_call ? "track without event" : "");
    enum reason why = take_name(d, d->name, "name");
    d->name.len = 0; /* so it is no title */
    return why;
}

/* Here histories will be joined: whose event it is, is asked nowhere else. Today it is the
 * browser's or the device's, so that a login in mid-session moves nobody. */
struct str visitor_key(struct str anonymous_id, struct str user_id)
{
    return anonymous_id.len > 0 ? anonymous_id : user_id;
}

static enum reason settle_visitor(struct draft *d, const struct arrival *a)
{
    struct event *e = &d->event;
    e->anonymous_id = e->anonymous_id.len > 0 ? e->anonymous_id : a->anonymous_id;
    e->user_id = e->user_id.len > 0 ? e->user_id : a->user_id;
    e->visitor = visitor_key(e->anonymous_id, e->user_id);
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
    struct claim ts = d->ts.is_set ? d->ts : a->ts;
    e->received_us = a->received_us;
    if (sent_at.is_set)
        e->sent_at_us = sent_at.us;
    if (!a->is_import)
        e->ts_us = times_live(ts, sent_at, a->received_us);
    else if (ts.is_set)
        e->ts_us = times_import(ts, a->received_us);
    else
        return draft_refuse(d, REASON_no_timestamp, "");
    d->was_clamped = ts.is_set && e->ts_us != ts.us;
    if (d->was_clamped)
        e->ts_raw_us = ts.us;
    return REASON_NONE;
}

static void settle_surroundings(struct draft *d, const struct arrival *a)
{
    struct event *e = &d->event;
    if (a->enrich)
        enrich_event(a->enrich, e, d->user_agent.len > 0 ? d->user_agent : a->user_agent);
    if (e->screen.len == 0 && d->width > 0 && d->height > 0) {
        char *at = arena_take(&d->arena, 48);
        int len = snprintf(at, 48, "%" PRIu64 "x%" PRIu64, d->width, d->height);
        e->screen = str_over(at, (size_t)len);
    }
}

/* Behind all that may tell a zone. */
static void settle_zone(struct event *e)
{
    if (e->timezone.len > 0)
        (void)zone_offset_min(e->timezone, e->ts_us, &e->utc_offset_min);
}

/* "usd" is "USD"; what is no code of three letters stays as it was sent, and has no rate. */
static void settle_currency(struct draft *d)
{
    struct event *e = &d->event;
    bool is_code = e->currency.len == CURRENCY_LEN, has_small = false;
    for (size_t i = 0; is_code && i < CURRENCY_LEN; i++) {
        is_code = (e->currency.at[i] | 32) >= 'a' && (e->currency.at[i] | 32) <= 'z';
        has_small |= e->currency.at[i] >= 'a';
    }
    if (!is_code || !has_small)
        return;
    char *at = arena_take(&d->arena, CURRENCY_LEN);
    for (size_t i = 0; i < CURRENCY_LEN; i++)
        at[i] = (char)(e->currency.at[i] & ~32);
    e->currency = str_over(at, CURRENCY_LEN);
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
        e->path = e->url.len == 0 && is_screen ? name : url_path(e->url);
    channel_settle(e, &d->arena);
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

static enum reason settle_properties(struct draft *d, const struct arrival *a, bool is_segment)
{
    size_t len = 1;
    if (a->user_properties.len > 0) {
        struct kept around = {PLACE_params,
                              STR("user_properties"),
                              {.type = DATUM_OBJECT, .json = a->user_properties}};
        draft_keep(d, &around);
    }
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

uint64_t draft_consent(const struct draft *d, uint64_t around)
{
    enum { NECESSARY = 1, ANALYTICS = 2, MARKETING = 4 };
    uint64_t told = d->event.consent != 0 ? d->event.consent : around;
    if (d->no_ads == 0)
        return told;
    return told != 0 ? told & ~(uint64_t)MARKETING : NECESSARY | ANALYTICS;
}

/* What waited for the type, what its neighbours tell, and what it must have. */
static enum reason settle_fields(struct draft *d, const struct arrival *a)
{
    struct event *e = &d->event;
    draft_own(d);
    if (e->items.len > 0)
        draft_items(d);
    e->consent = draft_consent(d, a->consent);
    e->ip = e->ip.len > 0 ? e->ip : a->ip;
    if (address_is_none(e->ip))
        e->ip = (struct str){NULL, 0};
    if (d->fault != REASON_NONE)
        return d->fault;
    const char *lacks = types_lacks(d->of, e);
    if (lacks)
        return draft_refuse(d, REASON_missing_property, lacks);
    if (e->valid_to_us != 0 && e->valid_to_us < e->valid_from_us)
        return draft_refuse(d, REASON_bad_value, "valid_to before valid_from");
    return REASON_NONE;
}

enum reason draft_finish(struct draft *d, const struct arrival *a)
{
    bool is_segment;
    enum reason why = d->fault;
    if (why == REASON_NONE)
        why = settle_type(d, &is_segment);
    if (why == REASON_NONE)
        why = settle_fields(d, a);
    if (why == REASON_NONE)
        why = settle_visitor(d, a);
    if (why == REASON_NONE)
        why = settle_time(d, a);
    if (why == REASON_NONE)
        why = settle_properties(d, a, is_segment);
    if (why != REASON_NONE)
        return why;
    POSITION_SET(&d->event, &a->position);
    settle_event_id(d, &a->position);
    settle_surroundings(d, a);
    settle_zone(&d->event);
    settle_currency(d);
    settle_page(d);
    if (a->is_import && d->event.source.len == 0)
        d->event.source = STR("import");
    d->event.body_hash = hash64_str(buf_as_str(&d->body));
    return REASON_NONE;
}
