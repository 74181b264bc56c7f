/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/site.h"

#include "common/base/currency.h"
#include "common/base/zone_rules.h"
#include "common/wire/in.h"
#include "common/wire/json_in.h"
#include "common/wire/json_out.h"
#include "common/wire/out.h"

static const uint64_t rate_max = 1000000000;

void site_json(struct buf *out, const struct site *s)
{
    record_json(out, &site_def, s);
}

size_t site_keys(const struct site *s, struct site_key keys[SITE_KEYS_MAX])
{
    struct in in = in_over(s->keys.at, s->keys.len);
    size_t n = 0;
    if (s->keys.n == 0)
        return 0;
    for (uint32_t left = in_array(&in); left > 0 && n < SITE_KEYS_MAX; left--) {
        struct str raw = in_raw(&in);
        if (site_key_read(&keys[n], raw.at, raw.len) == WIRE_OK)
            n++;
    }
    return n;
}

void site_set_keys(struct site *s, struct arena *a, const struct site_key *keys, size_t n)
{
    struct buf packed = {0};
    CHECK(n <= SITE_KEYS_MAX);
    out_array(&packed, (uint32_t)n);
    for (size_t i = 0; i < n; i++)
        site_key_pack(&packed, &keys[i]);
    struct str whole = arena_str(a, buf_as_str(&packed));
    s->keys = (struct wire_list){(const uint8_t *)whole.at, whole.len, (uint32_t)n};
    buf_fini(&packed);
}

void site_key_hash(struct str key, char hex[SHA256_HEX])
{
    struct sha256 digest;
    hash_sha256(key.at, key.len, &digest);
    hash_hex(&digest, hex);
}

static bool is_hex(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!((s.at[i] >= '0' && s.at[i] <= '9') || (s.at[i] >= 'a' && s.at[i] <= 'f')))
            return false;
    return true;
}

static bool keys_check(const struct site *s, struct err *e)
{
    struct site_key keys[SITE_KEYS_MAX];
    if (s->keys.n > SITE_KEYS_MAX)
        return err_set(e, 0, "keys: more than %d", SITE_KEYS_MAX);
    size_t n = site_keys(s, keys);
    for (size_t i = 0; i < n; i++) {
        if (keys[i].sha256.len != SHA256_HEX - 1 || !is_hex(keys[i].sha256))
            return err_set(e, 0, "keys: sha256 is not 64 digits from 0 to f");
        if (keys[i].prefix.len > SITE_PREFIX_MAX)
            return err_set(e, 0, "keys: a prefix of more than %d bytes", SITE_PREFIX_MAX);
        for (size_t j = 0; j < i; j++)
            if (str_eq(keys[i].sha256, keys[j].sha256))
                return err_set(e, 0, "keys: one stands twice");
    }
    return true;
}

/* scheme://host[:port] without a path and in lower case, as browsers say it. */
static bool is_origin(struct str s)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        struct str scheme = str_of(schemes[i]);
        if (!str_starts(s, scheme) || s.len == scheme.len)
            continue;
        for (size_t at = scheme.len; at < s.len; at++) {
            char c = s.at[at];
            if (c <= ' ' || c >= 0x7f || c == '/' || c == '*' || c == '?' || c == '#' ||
                c == '@' || (c >= 'A' && c <= 'Z'))
                return false;
        }
        return true;
    }
    return false;
}

/* The next word of a list with blanks between; empty at the end. */
static struct str next_word(struct str *rest)
{
    struct str word = {NULL, 0};
    *rest = str_trim(*rest);
    if (rest->len > 0)
        word = str_cut(*rest, ' ', rest);
    return word;
}

static bool origins_check(struct str origins, struct err *e)
{
    if (str_is(origins, "*"))
        return true;
    if (origins.len > SITE_ORIGINS_MAX)
        return err_set(e, 0, "origins: more than %d bytes", SITE_ORIGINS_MAX);
    struct str rest = origins;
    for (struct str word; (word = next_word(&rest)).len > 0;)
        if (!is_origin(word))
            return err_set(e, 0,
                           "origins: \"%.*s\" is not as in https://shop.example or "
                           "http://localhost:8080, in lower case, without a path",
                           STR_ARGS(str_head_utf8(word, 100)));
    return true;
}

bool site_allows(const struct site *s, struct str origin)
{
    if (str_is(s->origins, "*"))
        return true;
    struct str rest = s->origins;
    for (struct str word; (word = next_word(&rest)).len > 0;)
        if (str_eq(word, origin))
            return true;
    return false;
}

static bool is_zone_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-' || c == '+' || c == '/' || c == ':';
}

/* Of the name only the form: what a collector takes must not depend on its table of zones. */
static bool zone_check(const struct site *s, struct err *e)
{
    struct zone_rules rules;
    bool is_name = s->timezone.len <= SITE_TIMEZONE_MAX;
    for (size_t i = 0; is_name && i < s->timezone.len; i++)
        is_name = is_zone_byte(s->timezone.at[i]);
    if (!is_name)
        return err_set(e, 0, "timezone: no name of a zone, as Europe/Berlin is one");
    if (s->timezone.len == 0 && s->zone_rules.len > 0)
        return err_set(e, 0, "zone_rules: without a timezone");
    if (!zone_rules_read(&rules, s->zone_rules))
        return err_set(e, 0,
                       "zone_rules: not as in \"0=60 1711846800=120\", rising, at most %d "
                       "offsets of at most %d minutes",
                       ZONE_RULES_MAX, ZONE_OFFSET_MAX_MIN);
    return true;
}

static bool rates_check(const struct site *s, struct err *e)
{
    struct rates rates;
    struct str rest = s->rates, number;
    if (s->rates.len > 0 && s->currency.len == 0)
        return err_set(e, 0, "rates: without a currency that they lead to");
    if (!rates_read(&rates, s->rates))
        return err_set(e, 0,
                       "rates: not as in \"USD=0.92 GBP=1.17\", positive, at most %d, each "
                       "code once",
                       RATES_MAX);
    for (struct str word; (word = next_word(&rest)).len > 0;) {
        struct str code = str_cut(word, '=', &number);
        if (!currency_is_known(code))
            return err_set(e, 0, "rates: %.*s is no currency of ISO 4217", STR_ARGS(code));
        if (str_eq(code, s->currency))
            return err_set(e, 0, "rates: %.*s is the site's own currency", STR_ARGS(code));
    }
    return true;
}

static bool currency_check(const struct site *s, struct err *e)
{
    if (s->currency.len > 0 && !currency_is_known(s->currency))
        return err_set(e, 0, "currency: \"%.*s\" is no code of ISO 4217, as EUR is one",
                       STR_ARGS(str_head_utf8(s->currency, 10)));
    return rates_check(s, e);
}

static bool numbers_check(const struct site *s, struct err *e)
{
    if (s->rate > rate_max)
        return err_set(e, 0, "rate: more than %llu events a second",
                       (unsigned long long)rate_max);
    if (s->session_gap_s != 0 &&
        (s->session_gap_s < SITE_GAP_MIN_S || s->session_gap_s > SITE_GAP_MAX_S))
        return err_set(e, 0, "session_gap_s: not from %d to %d seconds", SITE_GAP_MIN_S,
                       SITE_GAP_MAX_S);
    if (s->consent > SITE_CONSENT_ALL)
        return err_set(e, 0, "consent: not a mask from 0 to %d", SITE_CONSENT_ALL);
    if (s->keep_days > SITE_KEEP_MAX_DAYS)
        return err_set(e, 0, "keep_days: more than %d", SITE_KEEP_MAX_DAYS);
    return true;
}

static bool site_check(const struct site *s, struct err *e)
{
    if (s->site < 1 || s->site > INT32_MAX)
        return err_set(e, 0, "site: not a number from 1 to 2147483647");
    if (s->name.len > SITE_NAME_MAX)
        return err_set(e, 0, "name: more than %d bytes", SITE_NAME_MAX);
    return numbers_check(s, e) && keys_check(s, e) && origins_check(s->origins, e) &&
           zone_check(s, e) && currency_check(s, e);
}

bool site_from_json(struct site *out, struct arena *a, struct str json, struct err *e)
{
    struct site s;
    switch (record_from_json(&site_def, &s, a, json.at, json.len)) {
    case WIRE_OK:
        break;
    case WIRE_DUPLICATE:
        return err_set(e, 0, "a member stands twice");
    case WIRE_MALFORMED:
    case WIRE_OTHER:
        return err_set(e, 0, "not an object as JSON, or a member of a wrong type");
    }
    if (!site_check(&s, e))
        return false;
    *out = s;
    return true;
}
