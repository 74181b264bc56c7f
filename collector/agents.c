/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/agents.h"

#include "collector/expressions.h"
#include "common/base/err.h"
#include "common/base/hash.h"

#include <stdlib.h>

/* The cache is cut into sets by the hash; within one the clock's hand goes round: who was asked
 * for since it last came by is passed over once. */
enum { SETS = 8192, WAYS = 8 };
enum { TEXT_MAX = 2 * (AGENT_NAME_MAX + AGENT_VERSION_MAX) };

struct kept {
    struct hash128 hash;
    struct str device; /* static */
    uint8_t marks, lens[4];
    char text[TEXT_MAX]; /* browser, its version, system, its version */
};

struct set {
    uint64_t low[WAYS];         /* of the hashes */
    uint8_t taken, asked, hand; /* bits, bits, a way */
    struct kept kept[WAYS];
};

_Static_assert(sizeof(struct set) * SETS <= (size_t)16 * 1024 * 1024, "what the header says");

/* What an expression tells when it matches. */
struct ruled {
    const struct agent_rule *rule;
    enum agent_list list;
};

struct agents {
    uint64_t seed;
    struct set *sets;
    struct agents_counts counts;
    struct agent_rules rules;
    struct expressions *expressions; /* NULL = none */
    struct ruled *ruled;             /* [n_expressions] by their numbers */
    struct arena arena;              /* of the agent that was told last */
};

static void add_list(struct agents *a, enum agent_list list)
{
    for (size_t i = 0; i < a->rules.n[list]; i++) {
        const struct agent_rule *rule = &a->rules.lists[list][i];
        if (!expressions_add(a->expressions, rule->expression, rule->is_nocase)) {
            a->counts.n_refused++;
            continue;
        }
        a->ruled[a->counts.n_expressions++] = (struct ruled){rule, list};
    }
}

static bool load(struct agents *a, const char *path, struct err *e)
{
    size_t n = 0;
    if (!agent_rules_read(&a->rules, path, e))
        return err_prefix(e, "collector.user_agents = %s", path);
    for (enum agent_list list = 0; list < AGENT_LISTS_N; list++)
        n += a->rules.n[list];
    a->expressions = expressions_new();
    a->ruled = mem_new(n * sizeof *a->ruled);
    for (enum agent_list list = 0; list < AGENT_LISTS_N; list++)
        add_list(a, list);
    if (a->counts.n_expressions == 0)
        return err_code(e, EXIT_CODE_CONFIG,
                        "collector.user_agents = %s: none of its %zu expressions can be used",
                        path, n);
    expressions_end(a->expressions);
    return true;
}

struct agents *agents_new(const char *path, uint64_t seed, struct err *e)
{
    struct agents *a = mem_zero(1, sizeof *a);
    a->seed = seed;
    a->sets = mem_zero(SETS, sizeof *a->sets);
    if (path[0] != '\0' && !load(a, path, e)) {
        agents_free(a);
        return NULL;
    }
    return a;
}

void agents_free(struct agents *a)
{
    if (!a)
        return;
    expressions_free(a->expressions);
    agent_rules_fini(&a->rules);
    arena_fini(&a->arena);
    free(a->ruled);
    free(a->sets);
    free(a);
}

const struct agents_counts *agents_counts(const struct agents *a)
{
    return &a->counts;
}

/* A replacement with its $1 to $9 filled in, without blanks at its ends. */
static struct str filled(struct agents *a, struct str replacement, const struct str *groups)
{
    size_t most = replacement.len, len = 0;
    if (replacement.len == 0 || memchr(replacement.at, '$', replacement.len) == NULL)
        return str_trim(replacement);
    for (size_t i = 1; i < EXPRESSION_GROUPS; i++)
        most += groups[i].len * replacement.len / 2;
    char *to = arena_take(&a->arena, most);
    for (size_t i = 0; i < replacement.len; i++) {
        char c = replacement.at[i],
             digit = i + 1 < replacement.len ? replacement.at[i + 1] : '\0';
        struct str part = str_over(&replacement.at[i], 1);
        if (c == '$' && digit >= '0' && digit <= '9') {
            part = digit == '0' ? (struct str){NULL, 0} : groups[digit - '0'];
            i++;
        }
        if (part.len > 0)
            memcpy(to + len, part.at, part.len);
        len += part.len;
    }
    return str_trim(str_over(to, len));
}

/* What a rule tells of the text that it matches; false when that is nothing. */
static bool tell(struct agents *a, int number, struct str text, struct str parts[AGENT_PARTS])
{
    static const size_t n_parts[AGENT_LISTS_N] = {
        [AGENT_BROWSERS] = 4, [AGENT_SYSTEMS] = 5, [AGENT_DEVICES] = 1};
    struct str groups[EXPRESSION_GROUPS];
    const struct ruled *r = &a->ruled[number];
    if (!expressions_match(a->expressions, number, text, groups, EXPRESSION_GROUPS))
        return false;
    for (size_t i = 0; i < n_parts[r->list]; i++) {
        struct str replacement = r->rule->parts[i];
        parts[i] = replacement.len > 0 ? filled(a, replacement, groups) : groups[i + 1];
    }
    return parts[0].len > 0;
}

void agents_tell(struct agents *a, struct str text, struct agent_told *told)
{
    const int *numbers;
    *told = (struct agent_told){0};
    if (!a->expressions)
        return;
    arena_reset(&a->arena);
    size_t n = expressions_candidates(a->expressions, text, &numbers);
    for (size_t i = 0; i < n; i++) {
        struct str parts[AGENT_PARTS] = {0};
        enum agent_list list = a->ruled[numbers[i]].list;
        if (told->parts[list][0].len == 0 && tell(a, numbers[i], text, parts))
            memcpy(told->parts[list], parts, sizeof parts);
    }
    for (enum agent_list list = 0; list < AGENT_LISTS_N; list++)
        if (str_is(told->parts[list][0], "Other")) /* some rules say so themselves */
            memset(told->parts[list], 0, sizeof told->parts[list]);
}

/* 17.4.1, as far as its parts are told. */
static struct str version_of(struct agents *a, const struct str parts[AGENT_PARTS])
{
    size_t len = 0;
    char *to = arena_take(&a->arena, AGENT_VERSION_MAX);
    for (size_t i = 1; i < AGENT_PARTS && parts[i].len > 0; i++) {
        struct str part = str_head_utf8(parts[i], AGENT_VERSION_MAX - len - (i > 1));
        if (len + (i > 1) + 1 > AGENT_VERSION_MAX || part.len == 0)
            break;
        if (i > 1)
            to[len++] = '.';
        memcpy(to + len, part.at, part.len);
        len += part.len;
        if (part.len < parts[i].len)
            break;
    }
    return str_over(to, len);
}

static void overlay(struct agents *a, const struct str parts[AGENT_PARTS], struct str *family,
                    struct str *version)
{
    if (parts[0].len == 0)
        return;
    *family = parts[0];
    *version = version_of(a, parts);
}

/* What is to be kept of the text. */
static struct user_agent read_agent(struct agents *a, struct str text)
{
    struct user_agent ua = user_agent_read(text);
    struct agent_told told;
    agents_tell(a, text, &told);
    overlay(a, told.parts[AGENT_BROWSERS], &ua.browser, &ua.browser_version);
    overlay(a, told.parts[AGENT_SYSTEMS], &ua.os, &ua.os_version);
    if (str_is(told.parts[AGENT_DEVICES][0], "Spider")) {
        ua.device = STR("bot");
        ua.marks |= AGENT_MARK_BOT;
    }
    ua.browser = str_head_utf8(ua.browser, AGENT_NAME_MAX);
    ua.os = str_head_utf8(ua.os, AGENT_NAME_MAX);
    return ua;
}

static void keep(struct kept *k, struct hash128 hash, const struct user_agent *ua)
{
    const struct str texts[] = {ua->browser, ua->browser_version, ua->os, ua->os_version};
    size_t len = 0;
    k->hash = hash;
    k->device = ua->device;
    k->marks = (uint8_t)ua->marks;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CHECK(len + texts[i].len <= sizeof k->text);
        if (texts[i].len > 0)
            memcpy(k->text + len, texts[i].at, texts[i].len);
        k->lens[i] = (uint8_t)texts[i].len;
        len += texts[i].len;
    }
}

static struct user_agent kept_agent(const struct kept *k)
{
    struct user_agent ua = {.device = k->device, .marks = k->marks};
    struct str *const texts[] = {&ua.browser, &ua.browser_version, &ua.os, &ua.os_version};
    const char *at = k->text;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *texts[i] = str_over(at, k->lens[i]);
        at += k->lens[i];
    }
    return ua;
}

/* The way that a new agent takes: a free one, or that of who was not asked for lately. */
static unsigned way_for(struct set *s)
{
    while ((s->taken >> s->hand & 1) && (s->asked >> s->hand & 1)) {
        s->asked &= (uint8_t) ~(1u << s->hand);
        s->hand = (uint8_t)((s->hand + 1) % WAYS);
    }
    unsigned way = s->hand;
    s->hand = (uint8_t)((s->hand + 1) % WAYS);
    return way;
}

struct user_agent agents_find(struct agents *a, struct str text)
{
    struct hash128 hash = hash128_str(text, a->seed);
    struct set *s = &a->sets[hash.high % SETS];
    for (unsigned way = 0; way < WAYS; way++)
        if (s->low[way] == hash.low && (s->taken >> way & 1) &&
            s->kept[way].hash.high == hash.high) {
            s->asked |= (uint8_t)(1u << way);
            a->counts.hits++;
            return kept_agent(&s->kept[way]);
        }
    a->counts.misses++;
    struct user_agent ua = read_agent(a, text);
    unsigned way = way_for(s);
    s->low[way] = hash.low;
    s->taken |= (uint8_t)(1u << way);
    keep(&s->kept[way], hash, &ua);
    return kept_agent(&s->kept[way]);
}
