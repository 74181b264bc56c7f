/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/user_agent.h"

#include "collector/words.h"
#include "common/base/hash.h"

/* What a word tells; of the browsers the one that stands first in this order counts, and among
 * equals the first in the text. */
enum tells {
    TELLS_OS,
    TELLS_OS_WEAK, /* said by other systems, too */
    TELLS_ANDROID,
    TELLS_PHONE,
    TELLS_TABLET,
    TELLS_MOBILE,
    TELLS_TABLET_WORD,
    TELLS_OTHER,
    TELLS_BROWSER,
    TELLS_BROWSER_WEAK, /* said by other browsers, too */
    TELLS_BROWSER_LAST, /* said by nearly all */
    TELLS_BOT,
    TELLS_HEADLESS,
    TELLS_LIBRARY, /* a bot, where it stands first */
    TELLS_N
};

/* What the kinds of bots.def tell. */
enum {
    KIND_search = TELLS_BOT,
    KIND_ai = TELLS_BOT,
    KIND_seo = TELLS_BOT,
    KIND_preview = TELLS_BOT,
    KIND_feed = TELLS_BOT,
    KIND_archive = TELLS_BOT,
    KIND_monitor = TELLS_BOT,
    KIND_security = TELLS_BOT,
    KIND_library = TELLS_LIBRARY,
    KIND_headless = TELLS_HEADLESS
};

static const struct {
    struct str word;
    enum tells tells;
    struct str name;
} agents[] = {
#define AGENT(word, tells, name) {STR(word), TELLS_##tells, STR(name)},
#include "collector/user_agent.def"
#undef AGENT
#define BOT(word, kind, name) {STR(word), (enum tells)KIND_##kind, STR(name)},
#include "schemas/bots.def"
#undef BOT
};

static const struct words *known(void)
{
    static struct words w; /* filled at first use, by the one thread there is */
    for (size_t i = w.n; i < ARRAY_LEN(agents); i++)
        words_add(&w, 0, agents[i].word, (uint32_t)i);
    return &w;
}

static bool is_letter(char c)
{
    return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '_';
}

static bool is_word(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static struct str next_word(struct str *rest)
{
    size_t from = 0;
    while (from < rest->len && !is_word(rest->at[from]))
        from++;
    size_t to = from;
    while (to < rest->len && is_word(rest->at[to]))
        to++;
    struct str word = str_over(rest->at + from, to - from);
    *rest = str_over(rest->at + to, rest->len - to);
    return word;
}

static bool ends_nocase(struct str s, struct str end)
{
    return s.len >= end.len && str_eq_nocase(str_over(s.at + s.len - end.len, end.len), end);
}

static bool is_bot_name(struct str word)
{
    char last = word.len < 3 ? 0 : (char)(word.at[word.len - 1] | 32);
    if (last == 't')
        return ends_nocase(word, STR("bot")) && !str_eq_nocase(word, STR("cubot"));
    return last == 'r' &&
           (ends_nocase(word, STR("crawler")) || ends_nocase(word, STR("spider")));
}

/* What has been told, by kind; at = NULL: nothing. */
struct told {
    struct str names[TELLS_N];
};

static void hear(struct told *t, struct str word, bool is_first)
{
    int i = words_find(known(), 0, word, hash64_str(word));
    enum tells tells = i < 0 ? TELLS_BOT : agents[i].tells;
    struct str name = i < 0 ? word : agents[i].name;
    if (tells == TELLS_LIBRARY && !is_first)
        return;
    if ((i >= 0 || is_bot_name(word)) && t->names[tells].at == NULL)
        t->names[tells] = name;
}

static uint64_t marks_of(const struct told *t)
{
    bool is_bot = t->names[TELLS_BOT].at || t->names[TELLS_LIBRARY].at;
    bool is_headless = t->names[TELLS_HEADLESS].at != NULL;
    return (is_bot ? AGENT_MARK_BOT : 0) | (is_headless ? AGENT_MARK_HEADLESS : 0);
}

static struct str device_of(const struct told *t)
{
    const struct str *n = t->names;
    if (marks_of(t) != 0)
        return STR("bot");
    if (n[TELLS_OTHER].at)
        return STR("other");
    if (n[TELLS_TABLET].at || n[TELLS_TABLET_WORD].at)
        return STR("tablet");
    if (n[TELLS_ANDROID].at && !n[TELLS_MOBILE].at)
        return STR("tablet"); /* Android's phones say Mobile, its tablets don't */
    if (n[TELLS_PHONE].at || n[TELLS_ANDROID].at || n[TELLS_MOBILE].at)
        return STR("mobile");
    return n[TELLS_OS].at || n[TELLS_OS_WEAK].at ? STR("desktop") : STR("other");
}

static struct str first_told(const struct told *t, const enum tells *order, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (t->names[order[i]].len > 0)
            return t->names[order[i]];
    return (struct str){NULL, 0};
}

struct user_agent user_agent_read(struct str text)
{
    static const enum tells browsers[] = {TELLS_BOT,          TELLS_LIBRARY,
                                          TELLS_HEADLESS,     TELLS_BROWSER,
                                          TELLS_BROWSER_WEAK, TELLS_BROWSER_LAST};
    static const enum tells systems[] = {TELLS_OTHER,   TELLS_PHONE, TELLS_TABLET,
                                         TELLS_ANDROID, TELLS_OS,    TELLS_OS_WEAK};
    struct told told = {0};
    struct user_agent ua = {0};
    bool is_first = true;
    for (struct str rest = text; rest.len > 0;) {
        struct str word = next_word(&rest);
        if (word.len > 0)
            hear(&told, word, is_first);
        is_first = false;
    }
    if (text.len > 0)
        ua.device = device_of(&told);
    ua.marks = marks_of(&told);
    ua.browser = first_told(&told, browsers, ARRAY_LEN(browsers));
    ua.os = first_told(&told, systems, ARRAY_LEN(systems));
    if (str_is(ua.browser, "Safari") && str_is(ua.os, "Android"))
        ua.browser = STR("Android Browser");
    return ua;
}
