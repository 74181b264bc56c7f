/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/policy.h"

#include "actuator/condition.h"
#include "actuator/template.h"
#include "common/wire/json_out.h"
#include "common/wire/json_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MOST = 50, DAY_S = 86400 };

struct rule {
    struct arena arena;
    struct policy policy;
    struct condition when;
    struct template message;
};

static bool refuse(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
static bool refuse(struct err *e, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return err_code(e, EXIT_CODE_CONFIG, "%s", text);
}

/* A field's place in the policy; its type is `type`. */
#define VALUE(type, p, f) ((type *)(void *)((char *)(p) + (f)->offset))

static bool u64_read(struct str token, uint64_t *out)
{
    struct json_number n;
    if (json_number_scan(token, &n) != JSON_OK || !n.is_integer || n.is_negative)
        return false;
    *out = n.bits;
    return true;
}

static bool number_read(struct str token, double *out)
{
    return token.len > 0 && strchr("-0123456789", token.at[0]) != NULL && str_f64(token, out);
}

/* The member's value by its type; `when` is only passed over. */
static bool field_read(struct rule *r, const struct field_def *f, struct str token,
                       struct err *e)
{
    struct policy *p = &r->policy;
    switch ((enum field_type)f->type) {
    case FIELD_U64:
        return u64_read(token, VALUE(uint64_t, p, f)) ||
               refuse(e, "%s: must be a whole number, 0 or more", f->name);
    case FIELD_F64:
        return number_read(token, VALUE(double, p, f)) ||
               refuse(e, "%s: must be a number", f->name);
    case FIELD_STR:
        return cursor_unquote(token, &r->arena, VALUE(struct str, p, f)) ||
               refuse(e, "%s: must be a text", f->name);
    case FIELD_FLAG:
        *VALUE(bool, p, f) = str_is(token, "true");
        return str_is(token, "true") || str_is(token, "false") ||
               refuse(e, "%s: must be true or false", f->name);
    case FIELD_JSON:
        *VALUE(struct str, p, f) = token;
        return true;
    case FIELD_TIME:
    case FIELD_BIN:
    case FIELD_LIST:
        break;
    }
    CHECK(false);
}

static bool member_read(struct rule *r, struct str key, struct str token, uint64_t *seen,
                        struct err *e)
{
    const struct field_def *fields = policy_def.fields;
    const char *names[64];
    char shown[SHOWN];
    CHECK(policy_def.n_fields <= ARRAY_LEN(names));
    for (size_t i = 0; i < policy_def.n_fields; i++) {
        names[i] = fields[i].name;
        if (!str_is(key, fields[i].name))
            continue;
        if (*seen >> i & 1)
            return refuse(e, "\"%s\" stands twice", fields[i].name);
        *seen |= (uint64_t)1 << i;
        return field_read(r, &fields[i], token, e);
    }
    return refuse(e, "unknown member %s; the nearest is \"%s\"", word_shown(key, shown),
                  word_nearest(key, names, policy_def.n_fields));
}

static bool members_read(struct rule *r, struct str text, struct err *e)
{
    struct cursor c = {text.at, text.at + text.len, &r->arena};
    uint64_t seen = 0;
    if (!cursor_take(&c, '{'))
        return refuse(e, "a policy is a JSON object");
    if (cursor_peek(&c) == '}')
        return refuse(e, "\"name\" is missing");
    do {
        struct str key;
        if (!cursor_key(&c, &key))
            return refuse(e, "a key that is no text");
        if (!member_read(r, key, cursor_value(&c), &seen, e))
            return false;
    } while (cursor_take(&c, ','));
    return true;
}

static bool is_name(struct str s)
{
    if (s.len == 0 || s.len > NAME_MOST || s.at[0] < 'a' || s.at[0] > 'z')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyz0123456789_", s.at[i]) == NULL || s.at[i] == '\0')
            return false;
    return true;
}

static bool check_word(const char *field, struct str word, const char *const *words, size_t n,
                       struct err *e)
{
    char shown[SHOWN];
    if (word.len == 0)
        return refuse(e, "\"%s\" is missing", field);
    for (size_t i = 0; i < n; i++)
        if (str_is(word, words[i]))
            return true;
    return refuse(e, "%s: unknown %s; the nearest is \"%s\"", field, word_shown(word, shown),
                  word_nearest(word, words, n));
}

static bool check_range(const char *field, uint64_t value, uint64_t least, uint64_t most,
                        struct err *e)
{
    return (value >= least && value <= most) ||
           refuse(e, "%s: must be from %llu to %llu", field, (unsigned long long)least,
                  (unsigned long long)most);
}

static bool check(const struct policy *p, struct err *e)
{
    static const char *const actions[] = {"personalization", "notification", "offer",
                                          "content_change",  "live_chat",    "support_ticket"};
    static const char *const priorities[] = {"low", "normal", "high", "critical"};
    static const char *const channels[] = {"topic", "webhook"};
    if (p->name.len == 0)
        return refuse(e, "\"name\" is missing");
    if (!is_name(p->name))
        return refuse(e, "name: must be a to z, 0 to 9 and _, a letter first, at most %d",
                      NAME_MOST);
    if (p->when.len == 0)
        return refuse(e, "\"when\" is missing");
    if (!check_word("action", p->action, actions, ARRAY_LEN(actions), e) ||
        !check_word("channel", p->channel, channels, ARRAY_LEN(channels), e) ||
        !check_word("priority", p->priority, priorities, ARRAY_LEN(priorities), e))
        return false;
    bool is_webhook = str_is(p->channel, "webhook");
    if (is_webhook && !is_name(p->webhook))
        return refuse(e, "webhook: the channel webhook needs its name in [webhooks]");
    if (!is_webhook && p->webhook.len > 0)
        return refuse(e, "webhook: is for the channel webhook");
    if (!(p->holdout >= 0 && p->holdout <= 0.9))
        return refuse(e, "holdout: must be from 0 to 0.9");
    return check_range("site", p->site, 0, INT32_MAX, e) &&
           check_range("cap_per_day", p->cap_per_day, 0, 1000000, e) &&
           check_range("max_age_s", p->max_age_s, 1, (uint64_t)30 * DAY_S, e) &&
           check_range("window_s", p->window_s, 1, (uint64_t)90 * DAY_S, e);
}

static void fill_defaults(struct policy *p)
{
    policy_init(p);
    p->channel = STR("topic");
    p->priority = STR("normal");
    p->holdout = 0;
    p->max_age_s = 3600;
    p->window_s = DAY_S;
}

static bool rule_fill(struct rule *r, struct str json, struct err *e)
{
    if (json.len > POLICY_MAX)
        return refuse(e, "longer than %d bytes", POLICY_MAX);
    if (!str_is_utf8(json))
        return refuse(e, "not UTF-8");
    if (!json_is_valid(json))
        return refuse(e, "not JSON");
    struct str text = arena_str(&r->arena, json);
    fill_defaults(&r->policy);
    if (!members_read(r, text, e))
        return false;
    if (!check(&r->policy, e))
        return false;
    r->policy.holdout = fabs(r->policy.holdout); /* no -0 */
    r->policy.when = json_compact(r->policy.when, &r->arena);
    struct cursor c = {r->policy.when.at, r->policy.when.at + r->policy.when.len, &r->arena};
    return condition_read(&r->when, &c, e) &&
           template_read(&r->message, r->policy.message, &r->arena, e);
}

struct rule *rule_read(struct str json, struct err *e)
{
    struct rule *r = mem_zero(1, sizeof *r);
    if (rule_fill(r, json, e))
        return r;
    rule_free(r);
    return NULL;
}

void rule_free(struct rule *r)
{
    if (!r)
        return;
    arena_fini(&r->arena);
    free(r);
}

const struct policy *rule_policy(const struct rule *r)
{
    return &r->policy;
}

bool rule_wants_features(const struct rule *r)
{
    return r->when.wants_features || r->message.wants_features;
}

void rule_json(const struct rule *r, struct buf *out)
{
    record_json(out, &policy_def, &r->policy);
}

bool rule_holds_in(const struct rule *r, const struct view *v)
{
    return condition_holds(&r->when, v);
}

void rule_message_in(const struct rule *r, const struct view *v, struct buf *out)
{
    template_fill(&r->message, v, POLICY_MESSAGE, out);
}

bool rule_holds(const struct rule *r, const struct prediction *p, const float *features)
{
    struct view v;
    view_make(&v, p, features);
    return rule_holds_in(r, &v);
}

void rule_message(const struct rule *r, const struct prediction *p, const float *features,
                  struct buf *out)
{
    struct view v;
    view_make(&v, p, features);
    rule_message_in(r, &v, out);
}
