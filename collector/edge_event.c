/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/edge_event.h"

#include "collector/span.h"
#include "common/wire/json_text.h"

#include <stdio.h>

void edge_event_init(struct edge_event *x, void (*random)(void *to, size_t len))
{
    *x = (struct edge_event){.random = random};
    judge_init(&x->judge);
}

void edge_event_fini(struct edge_event *x)
{
    judge_fini(&x->judge);
    arena_fini(&x->arena);
}

/* A UUID of version 4 (RFC 9562), with its terminator. */
static void make_id(struct edge_event *x, char text[37])
{
    enum { LEN = 16 };
    if (x->left < LEN) {
        x->random(x->pool, sizeof x->pool);
        x->left = sizeof x->pool;
    }
    uint8_t *b = x->pool + sizeof x->pool - x->left;
    x->left -= LEN;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    for (size_t i = 0, at = 0; i < LEN; i++) {
        static const char digits[] = "0123456789abcdef";
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        text[at++] = digits[b[i] >> 4];
        text[at++] = digits[b[i] & 15];
    }
    text[36] = '\0';
}

/* Whether a key, with its quotes, means this name. */
static bool key_means(struct edge_event *x, struct str key, const char *name)
{
    struct str plain, inner = str_over(key.at + 1, key.len - 2);
    if (memchr(inner.at, '\\', inner.len) == NULL)
        return str_is(inner, name);
    return json_unescape(inner, &x->arena, &plain) == JSON_OK && str_is(plain, name);
}

static bool find_member(struct edge_event *x, struct str object, const char *name,
                        struct str *value)
{
    struct span_member m;
    if (!span_char(&object, '{'))
        return false;
    while (span_next(&object, &m))
        if (key_means(x, m.key, name)) {
            *value = m.value;
            return true;
        }
    return false;
}

/* Whether `word` stands in it; sought by its letter at `rare`, which few texts have. */
static bool has_word(struct str s, struct str word, size_t rare)
{
    const char *at = s.at, *end = s.at + s.len;
    while ((at = memchr(at, word.at[rare], (size_t)(end - at))) != NULL) {
        size_t before = (size_t)(at - s.at), behind = (size_t)(end - at);
        if (before >= rare && behind >= word.len - rare &&
            memcmp(at - rare, word.at, word.len) == 0)
            return true;
        at++;
    }
    return false;
}

/* Whether a write key may be a member of it, its name perhaps with escapes. */
static bool may_have_key(struct str s)
{
    enum { K = 5 };
    return s.len > 0 && (has_word(s, STR("writeKey"), K) || has_word(s, STR("\\u00"), 0));
}

struct str edge_event_key(struct edge_event *x, struct str body)
{
    struct str value, key;
    if (!may_have_key(body) || !find_member(x, body, "writeKey", &value) || value.len < 2 ||
        value.at[0] != '"' ||
        json_unescape(str_over(value.at + 1, value.len - 2), &x->arena, &key) != JSON_OK)
        return (struct str){NULL, 0};
    return key;
}

/* What is to be put in front of an event. */
struct front {
    const char *type; /* NULL = none */
    char id[37];      /* "" = none */
    bool has_ip;      /* it tells an address somewhere, of which only the network may stay */
    struct str ip;    /* the network; empty = none */
};

/* Whether the member may hold the sender's address within it. */
static bool is_around_ip(struct edge_event *x, struct str key)
{
    return key_means(x, key, "context") || key_means(x, key, "properties") ||
           key_means(x, key, "params") || key_means(x, key, "traits");
}

static bool tells_ip(struct edge_event *x, struct str object, bool is_top)
{
    struct span_member m;
    if (!span_char(&object, '{'))
        return false;
    while (span_next(&object, &m))
        if (key_means(x, m.key, "ip") ||
            (is_top && is_around_ip(x, m.key) && tells_ip(x, m.value, false)))
            return true;
    return false;
}

/* The same, soon told of most events. */
static bool has_ip(struct edge_event *x, struct str event)
{
    bool may_have =
        memmem(event.at, event.len, "\"ip\"", 4) != NULL || has_word(event, STR("\\u00"), 0);
    return may_have && tells_ip(x, event, true);
}

static bool is_dropped(struct edge_event *x, const struct front *f, struct str key)
{
    static const char *const ids[] = {"messageId", "message_id", "event_id"};
    if (key_means(x, key, "writeKey") || (f->has_ip && key_means(x, key, "ip")))
        return true;
    for (size_t i = 0; f->id[0] != '\0' && i < ARRAY_LEN(ids); i++)
        if (key_means(x, key, ids[i]))
            return true; /* it is empty, or it would have been taken */
    return f->type != NULL && key_means(x, key, "type");
}

static char *put(char *to, struct str s)
{
    if (s.len > 0)
        memcpy(to, s.at, s.len);
    return to + s.len;
}

static char *put_front(char *to, const struct front *f)
{
    to = put(to, STR("{"));
    if (f->type) {
        to = put(to, STR("\"type\":\""));
        to = put(to, str_of(f->type));
        to = put(to, STR("\","));
    }
    if (f->id[0] != '\0') {
        to = put(to, STR("\"messageId\":\""));
        to = put(to, str_of(f->id));
        to = put(to, STR("\","));
    }
    if (f->ip.len > 0) {
        to = put(to, STR("\"ip\":\""));
        to = put(to, f->ip);
        to = put(to, STR("\","));
    }
    return to;
}

/* An object without its member ip; other values as they are. */
static char *put_without_ip(struct edge_event *x, char *to, struct str value)
{
    struct span_member m;
    struct str rest = value;
    if (!span_char(&rest, '{'))
        return put(to, value);
    char *from = to;
    to = put(to, STR("{"));
    while (span_next(&rest, &m)) {
        if (key_means(x, m.key, "ip"))
            continue;
        to = put(to, m.key);
        to = put(to, STR(":"));
        to = put(to, m.value);
        to = put(to, STR(","));
    }
    if (to > from + 1)
        to--; /* the last comma */
    return put(to, STR("}"));
}

/* Whether members must make way for those in front, or must not be kept; or there are none. */
static bool has_dropped(struct edge_event *x, const struct front *f, struct str event)
{
    struct span_member m;
    bool is_empty = true;
    (void)span_char(&event, '{');
    while (span_next(&event, &m)) {
        if (is_dropped(x, f, m.key))
            return true;
        is_empty = false;
    }
    return is_empty;
}

static struct str rebuilt(struct edge_event *x, const struct front *f, struct str event)
{
    enum { FRONT_MAX = 128 };
    struct span_member m;
    struct str rest = event;
    char *from = arena_take(&x->arena, event.len + FRONT_MAX);
    char *to = put_front(from, f);
    (void)span_char(&rest, '{');
    if (!f->has_ip && !has_dropped(x, f, event)) {
        to = put(to, rest);
        return str_over(from, (size_t)(to - from));
    }
    while (span_next(&rest, &m)) {
        if (is_dropped(x, f, m.key))
            continue;
        to = put(to, m.key);
        to = put(to, STR(":"));
        to = f->has_ip && is_around_ip(x, m.key) ? put_without_ip(x, to, m.value)
                                                 : put(to, m.value);
        to = put(to, STR(","));
    }
    CHECK(to > from + 1); /* a visitor, or a type in front */
    to[-1] = '}';         /* in place of the last comma */
    return str_over(from, (size_t)(to - from));
}

static enum reason finish(struct edge_event *x, const struct arrival *a)
{
    struct draft *d = x->judge.draft;
    enum reason why = draft_finish(d, a);
    /* keys of web pages are public, and a signal changes features of a site's every visitor */
    if (why == REASON_NONE && str_is(draft_event(d)->type, "external_signal"))
        return draft_refuse(d, REASON_bad_type,
                            "external_signal comes through Kafka or a file, not over HTTP");
    if (why != REASON_NONE || !x->known_types_only || draft_is_known_type(d))
        return why;
    return draft_refuse(d, REASON_unknown_type, "the site takes the catalogue's types only");
}

enum reason edge_event_take(struct edge_event *x, struct str *event, const char *type,
                            const struct arrival *a, bool *has_id)
{
    struct draft *d = x->judge.draft;
    struct front f = {0};
    enum reason why = judge_event(&x->judge, false, *event);
    *has_id = draft_has_id(d);
    if (why != REASON_NONE)
        return why;
    struct str kind = draft_kind(d), own_ip = draft_event(d)->ip, value;
    if (type != NULL && kind.len > 0 && !str_is(kind, type))
        return draft_refuse(d, REASON_bad_type, "not the type of its path");
    f.type = kind.len == 0 ? type : NULL;
    why = f.type ? REASON_NONE : finish(x, a); /* without its type it would be another */
    if (why != REASON_NONE)
        return why;
    bool has_key = may_have_key(*event) && find_member(x, *event, "writeKey", &value);
    if (!*has_id)
        make_id(x, f.id);
    f.has_ip = has_ip(x, *event);
    if (*has_id && f.type == NULL && !has_key && !f.has_ip)
        return REASON_NONE;
    f.ip = arena_str(&x->arena, own_ip);
    *event = rebuilt(x, &f, *event);
    *has_id = true;
    why = judge_event(&x->judge, false, *event);
    if (why == REASON_NONE)
        why = finish(x, a);
    if (why == REASON_unknown_type)
        *has_id = f.id[0] == '\0'; /* the one made just now is told to nobody */
    return why;
}
