/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/channel.h"

#include "collector/url.h"
#include "collector/words.h"
#include "common/base/hash.h"

enum channel {
    CHANNEL_direct,
    CHANNEL_organic,
    CHANNEL_paid_search,
    CHANNEL_paid_social,
    CHANNEL_social,
    CHANNEL_email,
    CHANNEL_display,
    CHANNEL_affiliate,
    CHANNEL_referral,
    CHANNEL_other,
    CHANNEL_NONE
};

static const struct str channels[CHANNEL_NONE + 1] = {
    STR("direct"),   STR("organic"), STR("paid_search"), STR("paid_social"),
    STR("social"),   STR("email"),   STR("display"),     STR("affiliate"),
    STR("referral"), STR("other"),   {NULL, 0},
};

/* What of the table is not wanted says nothing. */
#define SOURCES(name, meaning)
#define MEDIA(name, meaning)
#define CAMPAIGNS(name, meaning)
#define RULE(group, channel, sources, media, campaigns)
#define HOST(list, name)
#define LABEL(list, word)
#define APP(list, id)
#define SOURCE(list, word)
#define MEDIUM(list, pattern)
#define CAMPAIGN(list, pattern)
#define CLICK(parameter, sources, media)

#undef SOURCES
#define SOURCES(name, meaning) SOURCES_##name,
enum {
    SOURCES_any,
#include "schemas/channels.def"
    SOURCES_N
};
#undef SOURCES
#define SOURCES(name, meaning)

#undef MEDIA
#define MEDIA(name, meaning) MEDIA_##name,
enum {
    MEDIA_any,
#include "schemas/channels.def"
    MEDIA_N
};
#undef MEDIA
#define MEDIA(name, meaning)

#undef CAMPAIGNS
#define CAMPAIGNS(name, meaning) CAMPAIGNS_##name,
enum {
    CAMPAIGNS_any,
#include "schemas/channels.def"
    CAMPAIGNS_N
};
#undef CAMPAIGNS
#define CAMPAIGNS(name, meaning)

_Static_assert(SOURCES_N <= 33 && MEDIA_N <= 33 && CAMPAIGNS_N <= 33, "a bit for each list");

/* The lists that something is on, one bit each; none for `any`. */
#define BIT(list) ((uint32_t)((UINT64_C(1) << (list)) >> 1))

struct lists {
    uint32_t sources, media, campaigns;
};

#undef RULE
#define RULE(group, channel, sources, media, campaigns) \
    {CHANNEL_##channel,                                 \
     {BIT(SOURCES_##sources), BIT(MEDIA_##media), BIT(CAMPAIGNS_##campaigns)}},
static const struct {
    enum channel channel;
    struct lists on; /* 0: not asked */
} rules[] = {
#include "schemas/channels.def"
};
#undef RULE
#define RULE(group, channel, sources, media, campaigns)

#undef CLICK
#define CLICK(parameter, sources, media) \
    {STR(parameter), {BIT(SOURCES_##sources), BIT(MEDIA_##media), 0}},
static const struct {
    struct str parameter;
    struct lists on;
} clicks[] = {
#include "schemas/channels.def"
};
#undef CLICK
#define CLICK(parameter, sources, media)

enum word_kind {
    KIND_HOST,
    KIND_LABEL,
    KIND_APP,
    KIND_SOURCE,
    KIND_MEDIUM,
    KIND_CAMPAIGN,
    KIND_CLICK
};

#undef HOST
#undef LABEL
#undef APP
#undef SOURCE
#undef MEDIUM
#undef CAMPAIGN
#define HOST(list, name)        {KIND_HOST, SOURCES_##list, STR(name)},
#define LABEL(list, word)       {KIND_LABEL, SOURCES_##list, STR(word)},
#define APP(list, id)           {KIND_APP, SOURCES_##list, STR(id)},
#define SOURCE(list, word)      {KIND_SOURCE, SOURCES_##list, STR(word)},
#define MEDIUM(list, pattern)   {KIND_MEDIUM, MEDIA_##list, STR(pattern)},
#define CAMPAIGN(list, pattern) {KIND_CAMPAIGN, CAMPAIGNS_##list, STR(pattern)},
static const struct entry {
    enum word_kind kind;
    uint8_t list;
    struct str word;
} entries[] = {
#include "schemas/channels.def"
};

enum { PATTERNS_MAX = 32, WORD_MAX = 128 };

struct known {
    struct words words;
    const struct entry *patterns[PATTERNS_MAX];
    size_t n_patterns;
};

static bool is_pattern(const struct entry *x)
{
    return x->word.at[0] == '~' || x->word.at[0] == '*' || str_ends(x->word, STR("*"));
}

static const struct known *known(void)
{
    static struct known k; /* filled at first use, by the one thread there is */
    if (LIKELY(k.words.n > 0))
        return &k;
    for (const struct entry *x = entries; x < entries + ARRAY_LEN(entries); x++) {
        if (!is_pattern(x)) {
            words_add(&k.words, x->kind, x->word, x->list);
            continue;
        }
        CHECK(k.n_patterns < PATTERNS_MAX);
        k.patterns[k.n_patterns++] = x;
    }
    for (size_t i = 0; i < ARRAY_LEN(clicks); i++)
        words_add(&k.words, KIND_CLICK, clicks[i].parameter, (uint32_t)i);
    return &k;
}

static struct str lower_of(struct str s, char *to)
{
    for (size_t i = 0; i < s.len; i++)
        to[i] = (char)(s.at[i] >= 'A' && s.at[i] <= 'Z' ? s.at[i] | 32 : s.at[i]);
    return str_over(to, s.len);
}

/* Of a word in small letters: the bit of its list, or 0. */
static uint32_t find(enum word_kind kind, struct str word)
{
    int list = words_find(&known()->words, kind, word, hash64_str(word));
    return list < 0 ? 0 : BIT((unsigned)list);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Whether a word of `s` begins with `part`; an e before it is none of the word's. */
static bool has_word(struct str s, struct str part)
{
    for (size_t i = 0; i + part.len <= s.len; i++)
        if (str_eq_nocase(str_over(s.at + i, part.len), part) &&
            (i == 0 || !is_letter(s.at[i - 1]) || (s.at[i - 1] | 32) == 'e'))
            return true;
    return false;
}

static bool fits(struct str pattern, struct str s)
{
    if (pattern.at[0] == '~')
        return has_word(s, str_over(pattern.at + 1, pattern.len - 1));
    bool is_open = pattern.at[0] == '*', is_open_behind = str_ends(pattern, STR("*"));
    struct str part =
        str_over(pattern.at + is_open, pattern.len - is_open - (size_t)is_open_behind);
    if (s.len < part.len)
        return false;
    if (is_open && is_open_behind)
        return str_has_nocase(s, part);
    return str_eq_nocase(str_over(is_open ? s.at + s.len - part.len : s.at, part.len), part);
}

static uint32_t find_patterns(enum word_kind kind, struct str s)
{
    const struct known *k = known();
    uint32_t found = 0;
    for (size_t i = 0; i < k->n_patterns; i++)
        if (k->patterns[i]->kind == kind && fits(k->patterns[i]->word, s))
            found |= BIT((unsigned)k->patterns[i]->list);
    return found;
}

/* The site's own label: "google" of "google.com", "news.google.co.uk". */
static struct str site_label(struct str host)
{
    static const char *const second_levels[] = {"co", "com", "org", "net",
                                                "ac", "gov", "ne",  "or"};
    struct str labels[2] = {{NULL, 0}, {NULL, 0}}; /* the last but one, the last but two */
    struct str rest = host, label = {NULL, 0};
    while (rest.len > 0) {
        struct str next = str_cut(rest, '.', &rest);
        labels[1] = labels[0];
        labels[0] = label;
        label = next;
    }
    for (size_t i = 0; i < ARRAY_LEN(second_levels); i++)
        if (labels[1].len > 0 && str_is(labels[0], second_levels[i]))
            return labels[1];
    return labels[0];
}

/* Of a host in small letters. */
static uint32_t sources_of_host(struct str host)
{
    for (struct str part = host; part.len > 0;) {
        uint32_t found = find(KIND_HOST, part);
        if (found != 0)
            return found;
        (void)str_cut(part, '.', &part);
    }
    struct str label = site_label(host);
    return label.len > 0 ? find(KIND_LABEL, label) : 0;
}

static uint32_t sources_of_word(struct str source)
{
    char lower[WORD_MAX];
    source = str_trim(source);
    if (source.len == 0 || source.len > sizeof lower)
        return 0;
    struct str word = lower_of(source, lower);
    uint32_t found = find(KIND_SOURCE, word);
    if (found == 0)
        found = find(KIND_LABEL, word);
    return found == 0 && memchr(word.at, '.', word.len) ? sources_of_host(word) : found;
}

static uint32_t media_of(struct str medium)
{
    char lower[WORD_MAX];
    medium = str_trim(medium);
    if (medium.len == 0)
        return BIT(MEDIA_none);
    uint32_t found = find_patterns(KIND_MEDIUM, medium);
    return medium.len > sizeof lower ? found
                                     : found | find(KIND_MEDIUM, lower_of(medium, lower));
}

static bool is_on(uint32_t asked, uint32_t lists)
{
    return asked == 0 || (asked & lists) != 0;
}

static enum channel decide(struct lists on, enum channel fallback)
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++)
        if (is_on(rules[i].on.sources, on.sources) && is_on(rules[i].on.media, on.media) &&
            is_on(rules[i].on.campaigns, on.campaigns))
            return rules[i].channel;
    return fallback;
}

/* What the query of the address says. */
struct query {
    struct str utm[5]; /* as it stands there, in the order of `utm_fields` */
    size_t click;      /* index of the click id; ARRAY_LEN(clicks) = none */
};

static const struct {
    struct str name;
    size_t at; /* in struct event */
} utm_fields[] = {
    {STR("utm_source"), offsetof(struct event, utm_source)},
    {STR("utm_medium"), offsetof(struct event, utm_medium)},
    {STR("utm_campaign"), offsetof(struct event, utm_campaign)},
    {STR("utm_term"), offsetof(struct event, utm_term)},
    {STR("utm_content"), offsetof(struct event, utm_content)},
};

static struct str *utm_of(struct event *e, size_t i)
{
    return (struct str *)(void *)((char *)e + utm_fields[i].at);
}

/* Of several of one name the first counts that has a value. */
static void query_read(struct query *q, struct str rest)
{
    struct str name, value;
    *q = (struct query){.click = ARRAY_LEN(clicks)};
    while (url_next(&rest, &name, &value)) {
        if (value.len == 0)
            continue;
        if (!str_starts(name, STR("utm_"))) {
            int click = words_find(&known()->words, KIND_CLICK, name, hash64_str(name));
            q->click = click >= 0 ? MIN(q->click, (size_t)click) : q->click;
            continue;
        }
        for (size_t i = 0; i < ARRAY_LEN(utm_fields); i++)
            if (q->utm[i].len == 0 && str_eq(name, utm_fields[i].name))
                q->utm[i] = value;
    }
}

static void utm_settle(struct event *e, const struct query *q, struct arena *a)
{
    for (size_t i = 0; i < ARRAY_LEN(utm_fields); i++)
        if (utm_of(e, i)->len > 0)
            return;
    for (size_t i = 0; i < ARRAY_LEN(utm_fields); i++)
        (void)url_text(q->utm[i], a, utm_of(e, i));
}

/* True when it is a page of the same site. */
static bool referrer_settle(struct event *e, struct arena *a)
{
    struct str host = url_host(e->referrer);
    if (url_is_near(host, url_host(e->url)))
        return true;
    for (size_t i = 0; i < host.len; i++)
        if (host.at[i] >= 'A' && host.at[i] <= 'Z') {
            host = lower_of(host, arena_take(a, host.len));
            break;
        }
    e->referrer_domain = host;
    return false;
}

/* Where the page tells no host of its own, a referrer may be of the same site: then only sites
 * that are on a list tell a channel. */
static enum channel of_referrer(const struct event *e)
{
    struct str from = e->referrer_domain;
    bool is_hostless = e->url.len + e->path.len > 0 && url_host(e->url).len == 0;
    struct lists on = {url_is_app(e->referrer) ? find(KIND_APP, from) : sources_of_host(from),
                       0, 0};
    return decide(on, is_hostless ? CHANNEL_NONE : CHANNEL_referral);
}

void channel_settle(struct event *e, struct arena *a)
{
    struct query q;
    struct lists on = {0, 0, 0};
    enum channel found = CHANNEL_NONE;
    struct str query = url_query(e->url);
    q.click = ARRAY_LEN(clicks);
    if (query.len > 0) {
        query_read(&q, query);
        utm_settle(e, &q, a);
    }
    bool is_inside = referrer_settle(e, a);
    if (e->utm_source.len + e->utm_medium.len + e->utm_campaign.len > 0) {
        on = (struct lists){sources_of_word(e->utm_source), media_of(e->utm_medium),
                            find_patterns(KIND_CAMPAIGN, e->utm_campaign)};
        found = decide(on, CHANNEL_other);
    }
    if (q.click < ARRAY_LEN(clicks) && (found == CHANNEL_NONE || found == CHANNEL_other)) {
        on.sources |= clicks[q.click].on.sources;
        on.media |= clicks[q.click].on.media;
        found = decide(on, CHANNEL_other);
    } else if (found == CHANNEL_NONE && e->referrer_domain.len > 0) {
        found = of_referrer(e);
    } else if (found == CHANNEL_NONE && e->url.len > 0 && !is_inside) {
        found = CHANNEL_direct;
    }
    e->channel = channels[found];
}
