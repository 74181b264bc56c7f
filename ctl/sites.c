/* SPDX-License-Identifier: Apache-2.0 */
/* sites put, list, off - who may send events over HTTP, and how many; what becomes of them. */
#include "ctl/ctl.h"
#include "ctl/read_file.h"
#include "ctl/settings.h"
#include "ctl/site_edit.h"

#include "common/base/buf.h"
#include "common/base/zone_rules.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <stdio.h>

enum { SITE_MAX = 2147483647, SITE_FILE_MAX = 64 * 1024 };

static bool site_number(const struct ctl *c, uint64_t *site, struct err *e)
{
    if (str_u64(str_of(c->operands[0]), site) && *site > 0 && *site <= SITE_MAX)
        return true;
    return err_code(e, EXIT_CODE_USAGE, "SITE must be a whole number from 1 to %d, not \"%s\"",
                    SITE_MAX, c->operands[0]);
}

static bool file_take(struct site_edit *s, const char *path, struct err *e)
{
    struct buf text = {0};
    bool is_good =
        file_read_whole(path, SITE_FILE_MAX, &text, e) &&
        (site_edit_read(s, str_trim(buf_as_str(&text)), e) || err_prefix(e, "%s", path));
    buf_fini(&text);
    return is_good;
}

/* Those of what becomes of the events. */
static bool events_take(struct site_edit *s, const struct ctl *c, struct err *e)
{
    const char *text;
    size_t at = 0;
    struct site *site = &s->site;
    if ((text = ctl_value(c, "timezone")) && !site_edit_zone(s, text, e))
        return false;
    if ((text = ctl_value(c, "currency")))
        site_edit_currency(s, text);
    while ((text = ctl_value_next(c, "exchange", &at)))
        if (!site_edit_exchange(s, text, e))
            return false;
    if ((text = ctl_value(c, "consent")) && !site_edit_consent(s, text, e))
        return false;
    bool is_known = ctl_value(c, "known-types-only") != NULL;
    bool is_any = ctl_value(c, "any-types") != NULL;
    if (is_known && is_any)
        return err_code(e, EXIT_CODE_USAGE, "either --known-types-only or --any-types");
    site->known_types_only = is_known || (site->known_types_only && !is_any);
    return ctl_number(c, "session-gap", site->session_gap_s, 0, SITE_GAP_MAX_S,
                      &site->session_gap_s, e) &&
           ctl_number(c, "keep-days", site->keep_days, 0, SITE_KEEP_MAX_DAYS, &site->keep_days,
                      e);
}

/* What the options say, upon what is there. `made` is the key that was made, or empty. */
static bool options_take(struct site_edit *s, const struct ctl *c, char made[SITE_KEY_MADE],
                         struct err *e)
{
    const char *text;
    size_t at = 0;
    if ((text = ctl_value(c, "name")))
        site_edit_name(s, text);
    while ((text = ctl_value_next(c, "remove-key", &at)))
        if (!site_edit_key_remove(s, text, e))
            return false;
    at = 0;
    while ((text = ctl_value_next(c, "key", &at)))
        if (!site_edit_key_add(s, text, e))
            return false;
    bool is_first = true;
    at = 0;
    while ((text = ctl_value_next(c, "origin", &at))) {
        site_edit_origin_add(s, is_first, text);
        is_first = false;
    }
    if (!ctl_number(c, "rate", s->site.rate, 0, 100000000, &s->site.rate, e) ||
        !events_take(s, c, e))
        return false;
    if (ctl_value(c, "new-key")) {
        site_key_make(made);
        return site_edit_key_add(s, made, e);
    }
    return true;
}

static void keys_print(const struct site_edit *s)
{
    for (size_t i = 0; i < s->n_keys; i++)
        (void)printf("%s%.*s...", i ? ", " : "", STR_ARGS(s->keys[i].prefix));
    (void)printf("%s\n", s->n_keys ? "" : "none: nobody can send for it (--new-key makes one)");
}

/* What is set of what becomes of the events, with commas between; "" when nothing is. */
static void events_tell(const struct site *s, struct buf *out)
{
    struct zone_rules rules = {0};
    if (s->timezone.len > 0 && zone_rules_read(&rules, s->zone_rules))
        buf_printf(out, ", timezone %.*s (%u offset%s)", STR_ARGS(s->timezone), rules.n,
                   rules.n == 1 ? "" : "s");
    if (s->currency.len > 0)
        buf_printf(out, ", currency %.*s", STR_ARGS(s->currency));
    if (s->rates.len > 0)
        buf_printf(out, " (%.*s)", STR_ARGS(s->rates));
    if (s->session_gap_s > 0)
        buf_printf(out, ", sessions end after %" PRIu64 " s", s->session_gap_s);
    if (s->consent > 0) {
        buf_text(out, ", consent ");
        site_put_consent(out, s->consent);
    }
    if (s->keep_days > 0)
        buf_printf(out, ", visitors kept %" PRIu64 " days", s->keep_days);
    if (s->known_types_only)
        buf_text(out, ", known types only");
}

static void events_print(const struct site *s, int width, const char *head)
{
    struct buf b = {0};
    events_tell(s, &b);
    if (b.len > 0)
        (void)printf("%-*s %s\n", width, head, buf_cstr(&b) + 2);
    buf_fini(&b);
}

static void site_print(const struct site_edit *s, const char *made)
{
    struct str origins = buf_as_str(&s->origins);
    (void)printf("  name     %.*s\n  keys     ", STR_ARGS(s->site.name));
    keys_print(s);
    (void)printf("  origins  %.*s\n",
                 STR_ARGS(origins.len ? origins : STR("none: no web page may send")));
    if (s->site.rate)
        (void)printf("  rate     %" PRIu64 " events a second, for each collector\n",
                     s->site.rate);
    else
        (void)printf("  rate     no limit\n");
    events_print(&s->site, 10, "  events");
    if (made[0])
        (void)printf("\nnew key    %s\n\nKeep it: it is not told again.\n", made);
}

static bool site_write(const struct ctl *c, const struct settings *all, struct site_edit *s,
                       const struct setting *old, const char *made, struct err *e)
{
    struct buf json = {0};
    struct control control;
    int64_t offset = -1;
    if (!site_edit_json(s, &json, e)) {
        buf_fini(&json);
        return false;
    }
    bool is_same = old && str_eq(old->body, buf_as_str(&json));
    control_init(&control);
    control.name = str_of(c->operands[0]);
    control.version = 1;
    control.body = buf_as_str(&json);
    bool is_good = is_same || settings_put(all, c->config, &control, &offset, e);
    if (is_same)
        (void)printf("site %s holds so already, from control offset %" PRIu64 " on\n",
                     c->operands[0], old->offset);
    else if (offset >= 0 && old)
        (void)printf("site %s holds from control offset %" PRId64 " on; before: from %" PRIu64
                     " on\n",
                     c->operands[0], offset, old->offset);
    else if (offset >= 0)
        (void)printf("site %s holds from control offset %" PRId64 " on; before: nothing\n",
                     c->operands[0], offset);
    if (is_same || offset >= 0)
        site_print(s, made);
    buf_fini(&json);
    return is_good;
}

static bool site_change(const struct ctl *c, const struct settings *all, struct site_edit *s,
                        struct err *e)
{
    char made[SITE_KEY_MADE] = "";
    const struct setting *old = settings_holding(all, str_of(c->operands[0]));
    const char *path = ctl_value(c, "from");
    if (path ? !file_take(s, path, e) : old && !site_edit_read(s, old->body, e))
        return false;
    return options_take(s, c, made, e) && site_write(c, all, s, old, made, e);
}

static int sites_put_run(struct ctl *c, struct err *e)
{
    struct settings all;
    struct site_edit s;
    uint64_t site;
    char name[24];
    if (!site_number(c, &site, e) || !settings_read(&all, c->config, "site", e))
        return err_exit(e);
    (void)snprintf(name, sizeof name, "%" PRIu64, site);
    c->operands[0] = name; /* as it is named in control: 07 is 7 */
    site_edit_init(&s, site);
    bool is_good = site_change(c, &all, &s, e);
    site_edit_fini(&s);
    settings_fini(&all);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

static void row_print(const struct setting *item, uint64_t number)
{
    struct site_edit s;
    struct err e = {0};
    site_edit_init(&s, number);
    if (item->version == 0)
        (void)printf("%-10.*s off, from control offset %" PRIu64 " on\n", STR_ARGS(item->name),
                     item->offset);
    else if (!site_edit_read(&s, item->body, &e))
        (void)printf("%-10.*s cannot be read: %s\n", STR_ARGS(item->name), e.text);
    else {
        (void)printf("%-10.*s %-20.*s %4zu %10" PRIu64 "  %.*s\n", STR_ARGS(item->name),
                     STR_ARGS(s.site.name), s.n_keys, s.site.rate,
                     STR_ARGS(buf_as_str(&s.origins)));
        for (size_t i = 0; i < s.n_keys; i++)
            (void)printf("%10s %.*s...\n", "", STR_ARGS(s.keys[i].prefix));
        events_print(&s.site, 10, "");
    }
    site_edit_fini(&s);
}

static void row_print_json(const struct setting *item)
{
    struct buf b = {0};
    buf_printf(&b, "{\"site\":%.*s,\"control_offset\":%" PRIu64 ",\"holds\":%s",
               STR_ARGS(item->name), item->offset, item->version ? "true" : "false");
    if (item->version && json_is_valid(item->body)) {
        buf_text(&b, ",\"settings\":");
        buf_str(&b, item->body);
    }
    (void)printf("%s}\n", buf_cstr(&b));
    buf_fini(&b);
}

static int sites_list_run(struct ctl *c, struct err *e)
{
    struct settings all;
    bool is_json = ctl_value(c, "json") != NULL;
    if (!settings_read(&all, c->config, "site", e))
        return err_exit(e);
    if (!is_json && all.n > 0)
        (void)printf("%-10s %-20s %4s %10s  %s\n", "site", "name", "keys", "rate", "origins");
    for (size_t i = 0; i < all.n; i++) {
        uint64_t number;
        if (!str_u64(all.items[i].name, &number))
            continue; /* not ours: a record that nobody's sites would follow */
        if (is_json)
            row_print_json(&all.items[i]);
        else
            row_print(&all.items[i], number);
    }
    if (all.n == 0 && !is_json)
        (void)printf("none yet: `auspexctl sites put 1 --name shop --new-key` makes one\n");
    settings_fini(&all);
    return EXIT_CODE_OK;
}

static int sites_off_run(struct ctl *c, struct err *e)
{
    struct settings all;
    struct control control;
    int64_t offset = -1;
    uint64_t site;
    char name[24];
    if (!site_number(c, &site, e) || !settings_read(&all, c->config, "site", e))
        return err_exit(e);
    (void)snprintf(name, sizeof name, "%" PRIu64, site);
    control_init(&control);
    control.name = str_of(name);
    bool is_good = settings_holding(&all, control.name) != NULL ||
                   err_set(e, 0, "site %s is not on; sites list shows which are", name);
    is_good = is_good && settings_put(&all, c->config, &control, &offset, e);
    if (offset >= 0)
        (void)printf("site %s is off from control offset %" PRId64
                     " on: its keys open nothing\n",
                     name, offset);
    settings_fini(&all);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

const struct verb sites_verbs[] = {
    {.name = "sites put",
     .operands = "SITE",
     .summary = "lets a site send over HTTP, or changes its settings",
     .options = {{"name", "TEXT", "what people call it"},
                 {"new-key", NULL, "makes a write key, and tells it, once"},
                 {"key", "KEY", "adds a write key that you have; may stand several times"},
                 {"remove-key", "PREFIX", "takes away the key that begins so; several times"},
                 {"origin", "URL",
                  "web pages that may send, or *; several times; instead of before"},
                 {"rate", "N", "events a second that a collector takes; 0 = no limit"},
                 {"known-types-only", NULL, "refuses event types that the catalogue lacks"},
                 {"any-types", NULL, "takes them again"},
                 {"timezone", "ZONE", "local time of visitors who tell none, as Europe/Berlin"},
                 {"currency", "CODE", "features count amounts in it; drops rates to another"},
                 {"exchange", "CODE=RATE",
                  "worth of one unit of another currency; several times; CODE= forgets it"},
                 {"session-gap", "S", "silence that ends a session, 60 to 86400; 0 = option"},
                 {"consent", "PURPOSES",
                  "of events that tell none: necessary,analytics,marketing,personalization"},
                 {"keep-days", "D", "visitors silent for so long count as new; 0 = option"},
                 {"from", "FILE",
                  "begins with this JSON (- = standard input), not with what holds"}},
     .manual =
         "SITE is its number. What is not told stays as it is. The settings go to control as\n"
         "one record and hold from there on, at every collector. Of a key only its first\n"
         "characters and its SHA-256 are kept. A key in the command line is seen by whoever\n"
         "may list processes: --new-key is better.\n\n"
         "  auspexctl sites put 1 --name shop --new-key --origin https://shop.example\n"
         "  auspexctl sites put 1 --new-key            # a second key; then, when all use it:\n"
         "  auspexctl sites put 1 --remove-key wk_3kQ\n"
         "  auspexctl sites put 1 --rate 500\n"
         "  auspexctl sites put 1 --timezone Europe/Berlin --currency EUR --exchange "
         "USD=0.92\n\n"
         "A time zone is written with its offsets from 1990 to 2059 as this machine has them; "
         "put\n"
         "it again when the rules of its country have changed. \"\" as the zone or currency "
         "takes\n"
         "it away, none the consent.\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = sites_put_run},
    {.name = "sites list",
     .operands = "",
     .summary = "the sites, their keys, origins, rates and settings",
     .options = {{"json", NULL,
                  "one object a line; its settings are what sites put --from takes"}},
     .manual = "Keys are shown by their first characters. Example:\n\n"
               "  auspexctl sites list --json | jq .settings\n",
     .run = sites_list_run},
    {.name = "sites off",
     .operands = "SITE",
     .summary = "takes a site back: its keys open nothing any more",
     .manual = "Put again, it begins anew, without keys. Example:\n\n  auspexctl sites off 1\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = sites_off_run},
    {.name = NULL},
};
