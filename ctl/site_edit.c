/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/site_edit.h"

#include "collector/zone.h"
#include "common/base/currency.h"

#include <inttypes.h>
#include <sys/random.h>

enum { PREFIX_LEN = 8 };

void site_edit_init(struct site_edit *s, uint64_t number)
{
    *s = (struct site_edit){0};
    site_init(&s->site);
    s->site.site = number;
}

void site_edit_fini(struct site_edit *s)
{
    arena_fini(&s->arena);
    buf_fini(&s->origins);
    *s = (struct site_edit){0};
}

bool site_edit_read(struct site_edit *s, struct str json, struct err *e)
{
    struct site site;
    if (!site_from_json(&site, &s->arena, json, e)) {
        e->code = EXIT_CODE_CONFIG;
        return false;
    }
    if (site.site != s->site.site)
        return err_code(e, EXIT_CODE_CONFIG, "it is of site %" PRIu64 ", not %" PRIu64,
                        site.site, s->site.site);
    s->site = site;
    s->n_keys = site_keys(&site, s->keys);
    buf_reset(&s->origins);
    buf_str(&s->origins, site.origins);
    return true;
}

void site_edit_name(struct site_edit *s, const char *name)
{
    s->site.name = arena_str(&s->arena, str_of(name));
}

bool site_edit_key_add(struct site_edit *s, const char *key, struct err *e)
{
    struct str k = str_of(key);
    char hex[SHA256_HEX];
    for (size_t i = 0; i < k.len; i++)
        if (k.at[i] <= ' ' || k.at[i] > '~' || k.at[i] == ':')
            return err_code(e, EXIT_CODE_USAGE,
                            "a key is of visible ASCII, without blanks and colons");
    if (k.len < SITE_KEY_MIN || k.len > SITE_KEY_MAX)
        return err_code(e, EXIT_CODE_USAGE,
                        "a key has %d to %d characters (--new-key makes one)", SITE_KEY_MIN,
                        SITE_KEY_MAX);
    site_key_hash(k, hex);
    for (size_t i = 0; i < s->n_keys; i++)
        if (str_is(s->keys[i].sha256, hex))
            return true;
    if (s->n_keys == SITE_KEYS_MAX)
        return err_code(
            e, EXIT_CODE_USAGE,
            "the site has %d keys already, the most it may have: --remove-key first",
            SITE_KEYS_MAX);
    /* of a short key a third at most, so that what is told does not help to guess it */
    struct str prefix = str_over(k.at, MIN(k.len / 3, (size_t)PREFIX_LEN));
    s->keys[s->n_keys++] = (struct site_key){.prefix = arena_str(&s->arena, prefix),
                                             .sha256 = arena_str(&s->arena, str_of(hex))};
    return true;
}

bool site_edit_key_remove(struct site_edit *s, const char *prefix, struct err *e)
{
    size_t n = 0, found = 0;
    for (size_t i = 0; i < s->n_keys; i++)
        if (str_starts(s->keys[i].prefix, str_of(prefix))) {
            found = i;
            n++;
        }
    if (n != 1 || prefix[0] == '\0')
        return err_code(
            e, EXIT_CODE_USAGE,
            "%zu keys of the site begin with \"%s\", and it must be one: sites list "
            "shows them",
            n, prefix);
    s->n_keys--;
    for (size_t i = found; i < s->n_keys; i++)
        s->keys[i] = s->keys[i + 1];
    return true;
}

void site_edit_origin_add(struct site_edit *s, bool is_first, const char *origin)
{
    if (is_first)
        buf_reset(&s->origins);
    struct str rest = str_trim(str_of(origin));
    if (s->origins.len > 0 && rest.len > 0)
        buf_byte(&s->origins, ' ');
    buf_str(&s->origins, rest);
}

bool site_edit_zone(struct site_edit *s, const char *zone, struct err *e)
{
    struct str name = str_of(zone);
    struct buf rules = {0};
    if (name.len > 0 && !(zone_find(name, &name) && zone_put_rules(name, &rules))) {
        struct str near = zone_nearest(name);
        return err_code(e, EXIT_CODE_USAGE,
                        "this machine has no time zone \"%.*s\"%s%.*s%s (its zones: "
                        "/usr/share/zoneinfo)",
                        STR_ARGS(str_head_utf8(name, 60)),
                        near.len ? "; the nearest is \"" : "", STR_ARGS(near),
                        near.len ? "\"" : "");
    }
    s->site.timezone = arena_str(&s->arena, name);
    s->site.zone_rules = arena_str(&s->arena, buf_as_str(&rules));
    buf_fini(&rules);
    return true;
}

void site_edit_currency(struct site_edit *s, const char *code)
{
    if (!str_is(s->site.currency, code))
        s->site.rates = (struct str){NULL, 0};
    s->site.currency = arena_str(&s->arena, str_of(code));
}

bool site_edit_exchange(struct site_edit *s, const char *rate, struct err *e)
{
    struct buf rates = {0};
    struct str number, other, rest = s->site.rates, told = str_of(rate);
    struct str code = str_cut(told, '=', &number);
    double factor;
    if (code.len != CURRENCY_LEN || code.len == told.len ||
        (number.len > 0 && !(str_f64(number, &factor) && factor > 0)))
        return err_code(e, EXIT_CODE_USAGE,
                        "--exchange must be a currency and its worth, as in USD=0.92, not "
                        "\"%s\"",
                        rate);
    while (rest.len > 0) {
        struct str word = str_cut(str_trim(rest), ' ', &rest);
        if (word.len > 0 && !str_eq(str_cut(word, '=', &other), code))
            buf_printf(&rates, "%s%.*s", rates.len ? " " : "", STR_ARGS(word));
    }
    if (number.len > 0)
        buf_printf(&rates, "%s%.*s", rates.len ? " " : "", STR_ARGS(told));
    s->site.rates = arena_str(&s->arena, buf_as_str(&rates));
    buf_fini(&rates);
    return true;
}

static const struct {
    const char *word;
    uint64_t mask;
} purposes[] = {{"necessary", 1}, {"analytics", 2}, {"marketing", 4}, {"personalization", 8}};

static uint64_t purpose_of(struct str word)
{
    for (size_t i = 0; i < ARRAY_LEN(purposes); i++)
        if (str_is(word, purposes[i].word))
            return purposes[i].mask;
    return 0;
}

bool site_edit_consent(struct site_edit *s, const char *told, struct err *e)
{
    struct str rest = str_of(told);
    uint64_t mask = 0;
    if (str_is(rest, "none"))
        rest.len = 0;
    else if (rest.len == 0)
        return err_code(e, EXIT_CODE_USAGE, "--consent must name purposes, or none");
    while (rest.len > 0) {
        struct str word = str_trim(str_cut(rest, ',', &rest));
        uint64_t purpose = purpose_of(word);
        if (purpose == 0)
            return err_code(
                e, EXIT_CODE_USAGE,
                "--consent must be none, or some of necessary, analytics, marketing, "
                "personalization with commas between, not \"%s\"",
                told);
        mask |= purpose;
    }
    s->site.consent = mask;
    return true;
}

void site_put_consent(struct buf *out, uint64_t mask)
{
    size_t start = out->len;
    for (size_t i = 0; i < ARRAY_LEN(purposes); i++)
        if (mask & purposes[i].mask)
            buf_printf(out, "%s%s", out->len > start ? "," : "", purposes[i].word);
    if (mask == 0)
        buf_text(out, "none");
}

bool site_edit_json(struct site_edit *s, struct buf *out, struct err *e)
{
    if (s->site.timezone.len > 0 && s->site.zone_rules.len == 0) {
        char zone[SITE_TIMEZONE_MAX + 1] = "";
        memcpy(zone, s->site.timezone.at, s->site.timezone.len); /* as long as it may be */
        if (!site_edit_zone(s, zone, e))
            return false;
    }
    struct site site = s->site, again;
    size_t start = out->len;
    site.keys = (struct wire_list){NULL, 0, 0};
    if (s->n_keys > 0)
        site_set_keys(&site, &s->arena, s->keys, s->n_keys);
    site.origins = buf_as_str(&s->origins);
    site_json(out, &site);
    if (site_from_json(&again, &s->arena, str_over(out->at + start, out->len - start), e))
        return true;
    e->code = EXIT_CODE_USAGE;
    return false;
}

void site_key_make(char out[SITE_KEY_MADE])
{
    static const char digits[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    enum { N = sizeof digits - 1, FAIR = 256 / N * N };
    size_t len = 3;
    memcpy(out, "wk_", len);
    while (len < SITE_KEY_MADE - 1) {
        uint8_t byte;
        CHECK(getrandom(&byte, 1, 0) == 1);
        if (byte < FAIR) /* the rest would make the first digits likelier */
            out[len++] = digits[byte % N];
    }
    out[len] = '\0';
}
