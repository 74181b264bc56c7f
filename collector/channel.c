/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/channel.h"

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

enum list { LIST_HOST, LIST_ENGINE, LIST_MEDIUM, LIST_SOURCE };

static const struct {
    struct str word;
    enum list list;
    enum channel channel;
} table[] = {
#define HOST(word, channel)   {STR(word), LIST_HOST, CHANNEL_##channel},
#define ENGINE(word, channel) {STR(word), LIST_ENGINE, CHANNEL_##channel},
#define MEDIUM(word, channel) {STR(word), LIST_MEDIUM, CHANNEL_##channel},
#define SOURCE(word, channel) {STR(word), LIST_SOURCE, CHANNEL_##channel},
#include "collector/channel.def"
#undef HOST
#undef ENGINE
#undef MEDIUM
#undef SOURCE
};

static const struct words *known(void)
{
    static struct words w; /* filled at first use, by the one thread there is */
    for (size_t i = w.n; i < ARRAY_LEN(table); i++)
        words_add(&w, table[i].list, table[i].word, table[i].channel);
    return &w;
}

enum { WORD_MAX = 64 };

/* In any case of letters. */
static enum channel find(enum list list, struct str word)
{
    char lower[WORD_MAX];
    if (word.len == 0 || word.len > sizeof lower)
        return CHANNEL_NONE;
    for (size_t i = 0; i < word.len; i++)
        lower[i] =
            (char)(word.at[i] >= 'A' && word.at[i] <= 'Z' ? word.at[i] | 32 : word.at[i]);
    struct str key = str_over(lower, word.len);
    int found = words_find(known(), list, key, hash64_str(key));
    return found < 0 ? CHANNEL_NONE : (enum channel)found;
}

/* What follows "scheme://"; empty when there is no scheme. */
static struct str behind_scheme(struct str address)
{
    for (size_t i = 0; i + 2 < address.len && i < 16; i++)
        if (address.at[i] == ':')
            return address.at[i + 1] == '/' && address.at[i + 2] == '/'
                       ? str_over(address.at + i + 3, address.len - i - 3)
                       : STR("");
    return STR("");
}

static size_t authority_len(struct str s)
{
    size_t len = 0;
    while (len < s.len && s.at[len] != '/' && s.at[len] != '?' && s.at[len] != '#')
        len++;
    return len;
}

struct str channel_host(struct str address)
{
    struct str rest, host = behind_scheme(address);
    host.len = authority_len(host);
    const char *sign = host.len > 0 ? memrchr(host.at, '@', host.len) : NULL;
    if (sign != NULL)
        host = str_over(sign + 1, (size_t)(host.at + host.len - sign - 1));
    host = str_cut(host, ':', &rest);
    if (str_starts(host, STR("www.")))
        host = str_over(host.at + 4, host.len - 4);
    return host;
}

struct str channel_path(struct str address)
{
    struct str s = behind_scheme(address);
    size_t from = authority_len(s), to = from;
    while (to < s.len && s.at[to] != '?' && s.at[to] != '#')
        to++;
    return from == to ? (struct str){NULL, 0} : str_over(s.at + from, to - from);
}

/* The site's own label: "google" of "google.com", "news.google.co.uk". */
static struct str site_label(struct str host)
{
    static const char *const second_levels[] = {"co", "com", "org", "net", "ac", "gov"};
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

static enum channel of_host(struct str host)
{
    for (struct str part = host; part.len > 0;) {
        enum channel found = find(LIST_HOST, part);
        if (found != CHANNEL_NONE)
            return found;
        (void)str_cut(part, '.', &part);
    }
    return find(LIST_ENGINE, site_label(host));
}

static enum channel of_source(struct str source)
{
    enum channel found = find(LIST_SOURCE, source);
    if (found == CHANNEL_NONE)
        found = find(LIST_ENGINE, source);
    return found == CHANNEL_NONE ? of_host(source) : found;
}

static enum channel of_campaign(const struct event *e)
{
    enum channel medium = find(LIST_MEDIUM, e->utm_medium), source = of_source(e->utm_source);
    if (medium == CHANNEL_paid_search && source == CHANNEL_social)
        return CHANNEL_paid_social;
    if (medium != CHANNEL_NONE)
        return medium;
    return source == CHANNEL_NONE ? CHANNEL_other : source;
}

static bool has_parameter(struct str url, const char *name)
{
    return memmem(url.at, url.len, name, strlen(name)) != NULL;
}

struct str channel_of(const struct event *e)
{
    if (e->utm_source.len + e->utm_medium.len + e->utm_campaign.len > 0)
        return channels[of_campaign(e)];
    if (e->url.len > 0 && memchr(e->url.at, '?', e->url.len) &&
        (has_parameter(e->url, "gclid=") || has_parameter(e->url, "msclkid=")))
        return channels[CHANNEL_paid_search];
    struct str from = channel_host(e->referrer);
    if (from.len == 0)
        return channels[e->url.len > 0 ? CHANNEL_direct : CHANNEL_NONE];
    if (str_eq_nocase(from, channel_host(e->url)))
        return channels[CHANNEL_NONE];
    enum channel found = of_host(from);
    return channels[found == CHANNEL_NONE ? CHANNEL_referral : found];
}
