/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/edge_request.h"

#include "collector/address.h"
#include "collector/edge_event.h"
#include "collector/gunzip.h"
#include "collector/problem.h"
#include "collector/site.h"
#include "collector/sites.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <stdlib.h>

enum { UNPACKED_KEPT = 64 * 1024 };

struct edge_request {
    struct edge_setup setup;
    struct edge_event event;
    struct gunzip *gunzip;
    struct buf unpacked, results;
};

struct edge_request *edge_request_new(const struct edge_setup *s)
{
    struct edge_request *q = mem_zero(1, sizeof *q);
    q->setup = *s;
    edge_event_init(&q->event, s->random);
    q->gunzip = gunzip_new();
    return q;
}

void edge_request_free(struct edge_request *q)
{
    if (!q)
        return;
    edge_event_fini(&q->event);
    gunzip_free(q->gunzip);
    buf_fini(&q->unpacked);
    buf_fini(&q->results);
    free(q);
}

void edge_answer_fini(struct edge_answer *a)
{
    buf_fini(&a->body);
    *a = (struct edge_answer){0};
}

void edge_answer_problem(struct edge_answer *a, unsigned status, const char *reason,
                         const char *detail)
{
    a->status = status;
    buf_reset(&a->body);
    problem_json(&a->body, status, reason, detail);
}

static bool problem(struct edge_answer *a, unsigned status, const char *detail)
{
    edge_answer_problem(a, status, "", detail);
    return false;
}

static bool problem_of(struct edge_answer *a, unsigned status, enum reason why,
                       const char *detail)
{
    edge_answer_problem(a, status, reason_text(why), detail);
    return false;
}

/* type: that of the events, NULL for a batch of any. */
static const struct path {
    const char *path, *type;
} paths[] = {
    {"/v1/track", "track"},   {"/v1/batch", NULL},          {"/v1/page", "page"},
    {"/v1/screen", "screen"}, {"/v1/identify", "identify"}, {"/v1/group", "group"},
    {"/v1/alias", "alias"},   {"/mp/collect", NULL},
};

static const struct path *path_of(struct str path)
{
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        if (str_is(path, paths[i].path))
            return &paths[i];
    return NULL;
}

static bool is_json_type(struct str content_type)
{
    struct str parameters;
    struct str type = str_trim(str_cut(content_type, ';', &parameters));
    return type.len == 0 || str_eq_nocase(type, STR("application/json")) ||
           str_eq_nocase(type, STR("text/plain"));
}

static bool is_gzip(struct str encoding)
{
    return str_eq_nocase(encoding, STR("gzip")) || str_eq_nocase(encoding, STR("x-gzip"));
}

static bool is_encoding(struct str encoding)
{
    return encoding.len == 0 || str_eq_nocase(encoding, STR("identity")) || is_gzip(encoding);
}

/* The user name of Basic, which has the write key and no password, or the token of Bearer. */
static struct str authorization_key(struct str authorization, struct arena *a)
{
    struct str rest, bytes, password, none = {NULL, 0};
    struct str scheme = str_cut(str_trim(authorization), ' ', &rest);
    rest = str_trim(rest);
    if (str_eq_nocase(scheme, STR("bearer")))
        return rest;
    if (!str_eq_nocase(scheme, STR("basic")) || !json_base64(rest, a, &bytes))
        return none;
    return str_cut(bytes, ':', &password);
}

static bool has_head_key(const struct edge_head *h)
{
    return h->authorization.len > 0 || h->query_key.len > 0;
}

static struct str head_key(const struct edge_head *h, struct arena *a)
{
    return h->authorization.len > 0 ? authorization_key(h->authorization, a) : h->query_key;
}

/* The site that may send this; NULL, and the answer is there, when none is. */
static const struct site *admit(const struct edge_request *q, const struct edge_head *h,
                                struct str key, struct edge_answer *a)
{
    const struct site *site = sites_find(q->setup.sites, key);
    if (!site) {
        (void)problem(a, 401, key.len > 0 ? "no site has this write key" : "no write key");
    } else if (h->origin.len > 0 && !site_allows(site, h->origin)) {
        a->allows_origin = false;
        (void)problem(a, 403, "the site does not take from pages of this origin");
        site = NULL;
    }
    return site;
}

static bool preflight(const struct edge_head *h, struct edge_answer *a)
{
    if (h->origin.len > 0 && !a->allows_origin)
        return problem(a, 403, "no site takes from pages of this origin");
    a->status = 204;
    a->is_preflight = true;
    return false;
}

/* It is said again in the answer, where a line's end in it would begin another header. */
static bool is_origin(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] >= 0x7f)
            return false;
    return true;
}

bool edge_request_head(struct edge_request *q, const struct edge_head *h, struct edge_answer *a)
{
    const struct path *path = path_of(h->path);
    if (!is_origin(h->origin))
        return problem(a, 400, "Origin is none");
    a->allows_origin = h->origin.len > 0 && sites_allow(q->setup.sites, h->origin);
    if (!path)
        return problem(a, 404, "");
    if (str_is(h->method, "OPTIONS"))
        return preflight(h, a);
    if (!str_is(h->method, "POST"))
        return problem(a, 405, "events come by POST");
    if (!is_encoding(h->content_encoding))
        return problem(a, 415, "Content-Encoding is neither gzip nor identity");
    if (!is_json_type(h->content_type))
        return problem(a, 415, "Content-Type is neither application/json nor text/plain");
    arena_reset(&q->event.arena);
    return !has_head_key(h) || admit(q, h, head_key(h, &q->event.arena), a) != NULL;
}

/* One request being answered. */
struct use {
    struct edge_request *q;
    const struct edge_head *h;
    struct edge_answer *a;
    const struct site *site;
    int64_t mono_us;
    struct arrival arrival;
    struct buf *value;
    struct str key; /* visitor of the first event that was accepted */
};

/* Puts an event that was accepted, and that the draft holds, into the record. */
static void add(struct use *u, struct str event)
{
    const struct event *e = draft_event(u->q->event.judge.draft);
    bool is_first = u->a->n_accepted++ == 0;
    if (is_first)
        u->key = arena_str(&u->q->event.arena, e->visitor);
    buf_text(u->value, is_first ? "{\"batch\":[" : ",");
    buf_str(u->value, event);
}

/* A program that speaks for others is not their browser. */
static bool is_browser(struct str agent)
{
    if (!str_starts(agent, STR("Mozilla/")) || !str_is_utf8(agent))
        return false;
    return memchr(agent.at, 0, agent.len) == NULL;
}

static struct str agent_of(const struct use *u)
{
    if (u->arrival.user_agent.len > 0)
        return u->arrival.user_agent;
    return is_browser(u->h->user_agent) ? str_head_utf8(u->h->user_agent, CUT_MAX)
                                        : (struct str){NULL, 0};
}

/* What the request says of it comes first: it may speak for others, or say that there is none.
 */
static struct str ip_of(const struct use *u)
{
    struct str ip = u->arrival.ip.len > 0 ? u->arrival.ip : u->h->ip;
    return address_is_none(ip) ? (struct str){NULL, 0} : ip;
}

static void put_time(struct buf *b, const char *name, struct claim claim)
{
    char text[CLOCK_TEXT];
    if (!claim.is_set)
        return;
    clock_format(claim.us, text);
    buf_printf(b, ",\"%s\":\"%s\"", name, text);
}

static void put_text(struct buf *b, const char *name, struct str text)
{
    if (text.len == 0)
        return;
    buf_printf(b, ",\"%s\":", name);
    json_put_str(b, text);
}

/* What stood around the events of the request stands around those of the record. */
static void end_record(struct use *u)
{
    struct buf *b = u->value;
    struct str agent = agent_of(u);
    buf_printf(b, "],\"siteId\":%" PRIu64, u->site->site);
    put_time(b, "sentAt", u->arrival.sent_at);
    put_time(b, "timestamp", u->arrival.ts);
    put_text(b, "userAgent", agent);
    put_text(b, "ip", ip_of(u));
    put_text(b, "anonymousId", u->arrival.anonymous_id);
    put_text(b, "userId", u->arrival.user_id);
    if (u->arrival.consent != 0)
        buf_printf(b, ",\"consent\":%" PRIu64, u->arrival.consent);
    if (u->arrival.user_properties.len > 0) {
        buf_text(b, ",\"user_properties\":");
        buf_str(b, u->arrival.user_properties);
    }
    buf_byte(b, '}');
}

static void put_id(struct use *u, struct buf *b, bool has_id)
{
    if (!has_id)
        return;
    buf_text(b, ",\"id\":");
    json_put_str(b, draft_event(u->q->event.judge.draft)->event_id);
}

static bool may_send(struct use *u, uint64_t n)
{
    if (sites_take(u->q->setup.sites, u->site->site, n, u->mono_us, &u->a->retry_after_s))
        return true;
    return problem(u->a, 429, "more events a second than the site may send");
}

static bool is_small(struct use *u)
{
    if (u->value->len <= EDGE_RECORD_MAX)
        return true;
    u->a->n_accepted = 0;
    return problem_of(u->a, 413, REASON_too_large, "more than a record of raw holds");
}

static bool take_single(struct use *u, struct str event, const char *type)
{
    bool has_id;
    if (!may_send(u, 1))
        return false;
    enum reason why = edge_event_take(&u->q->event, &event, type, &u->arrival, &has_id);
    if (why != REASON_NONE) {
        u->a->n_rejected = 1;
        return problem_of(u->a, 400, why, draft_detail(u->q->event.judge.draft));
    }
    add(u, event);
    u->a->status = 200;
    buf_text(&u->a->body, "{\"success\":true");
    put_id(u, &u->a->body, has_id);
    buf_byte(&u->a->body, '}');
    return true;
}

static void put_result(struct use *u, size_t index, enum reason why, bool has_id)
{
    struct buf *b = &u->q->results;
    buf_printf(b, "%s{\"index\":%zu", index > 0 ? "," : "", index);
    put_id(u, b, has_id);
    if (why == REASON_NONE) {
        buf_text(b, ",\"status\":\"accepted\"}");
        return;
    }
    const char *detail = draft_detail(u->q->event.judge.draft);
    buf_printf(b, ",\"status\":\"rejected\",\"reason\":\"%s\"", reason_text(why));
    if (detail[0] != '\0') {
        buf_text(b, ",\"detail\":");
        json_put_str(b, str_of(detail));
    }
    buf_byte(b, '}');
}

static void take_events(struct use *u)
{
    struct edge_event *x = &u->q->event;
    buf_reset(&u->q->results);
    for (size_t i = 0; i < x->judge.batch.n; i++) {
        struct str event = x->judge.batch.events[i];
        bool has_id;
        enum reason why = edge_event_take(x, &event, NULL, &u->arrival, &has_id);
        if (why == REASON_NONE)
            add(u, event);
        else
            u->a->n_rejected++;
        put_result(u, i, why, has_id);
    }
}

/* 200 when at least one was accepted. */
static bool answer_batch(struct use *u)
{
    struct edge_answer *a = u->a;
    bool is_good = a->n_accepted > 0;
    a->status = is_good ? 200 : 400;
    if (is_good)
        buf_byte(&a->body, '{');
    else
        problem_begin(&a->body, 400, "", "no event was accepted");
    buf_printf(&a->body, "%s\"accepted\":%" PRIu32 ",\"rejected\":%" PRIu32 ",\"results\":[",
               is_good ? "" : ",", a->n_accepted, a->n_rejected);
    buf_str(&a->body, buf_as_str(&u->q->results));
    buf_text(&a->body, "]}");
    return is_good;
}

static bool take_batch(struct use *u, struct str body)
{
    struct judge *j = &u->q->event.judge;
    switch (batch_json(&j->batch, body)) {
    case BATCH_NONE:
        return body.len > 0 && json_is_valid(body)
                   ? problem_of(u->a, 400, REASON_bad_field, "no member batch with an array")
                   : problem_of(u->a, 400, REASON_malformed, "");
    case BATCH_TOO_MANY:
        return problem_of(u->a, 413, REASON_too_many, "more than 250 events");
    case BATCH_FOUND:
        break;
    }
    enum reason why = judge_envelope(j, false, &u->arrival);
    if (why != REASON_NONE)
        return problem_of(u->a, 400, why, draft_detail(j->draft));
    if (u->arrival.envelope_site != 0 && u->arrival.envelope_site != u->site->site)
        return problem_of(u->a, 400, REASON_bad_site, "not the site of the write key");
    if (!may_send(u, j->batch.n))
        return false;
    u->arrival.envelope_site = u->site->site;
    take_events(u);
    return answer_batch(u);
}

/* The body as sent, or unpacked; false, and the answer is there, when it cannot be. */
static bool unpack(struct edge_request *q, const struct edge_head *h, struct str *body,
                   struct edge_answer *a)
{
    if (!is_gzip(h->content_encoding))
        return true;
    switch (gunzip_read(q->gunzip, *body, q->setup.body_max, &q->unpacked)) {
    case GUNZIP_OK:
        break;
    case GUNZIP_BAD:
        return problem(a, 400, "the body is not one whole gzip stream");
    case GUNZIP_TOO_LARGE:
        return problem(a, 413, "the body is larger than the limit when it is unpacked");
    }
    *body = buf_as_str(&q->unpacked);
    return true;
}

static bool take_body(struct use *u, struct str body)
{
    struct edge_request *q = u->q;
    const struct path *path = path_of(u->h->path);
    CHECK(path != NULL);
    if (!unpack(q, u->h, &body, u->a))
        return false;
    struct str key =
        has_head_key(u->h) ? head_key(u->h, &q->event.arena) : edge_event_key(&q->event, body);
    u->site = admit(q, u->h, key, u->a);
    if (!u->site)
        return false;
    q->event.known_types_only = u->site->known_types_only;
    u->arrival.position.origin = ORIGIN_RAW;
    u->arrival.envelope_site = path->type ? u->site->site : 0;
    if (!(path->type ? take_single(u, body, path->type) : take_batch(u, body)))
        return false;
    end_record(u);
    return is_small(u);
}

bool edge_request_body(struct edge_request *q, const struct edge_head *h, struct str body,
                       int64_t mono_us, struct edge_answer *a, struct buf *value,
                       struct str *key)
{
    struct use u = {.q = q, .h = h, .a = a, .mono_us = mono_us, .value = value};
    arena_reset(&q->event.arena);
    bool has_record = take_body(&u, body);
    if (q->unpacked.cap > UNPACKED_KEPT)
        buf_fini(&q->unpacked);
    *key = u.key;
    return has_record;
}
