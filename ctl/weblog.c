/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/weblog.h"

#include "collector/address.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/wire/json_text.h"

#include <stdio.h>

/* The parts of a line. */
struct hit {
    struct str host, user, time, request, status, bytes, referrer, agent;
};

/* Takes what stands before the next blank. */
static bool word_take(struct str *rest, struct str *word)
{
    *word = str_cut(*rest, ' ', rest);
    return word->len > 0;
}

/* Takes what stands between two characters, the second of which no backslash stands before. */
static bool between_take(struct str *rest, char open, char close, struct str *text)
{
    if (rest->len < 2 || rest->at[0] != open)
        return false;
    for (size_t i = 1; i < rest->len; i++) {
        if (rest->at[i] == '\\') {
            i++;
        } else if (rest->at[i] == close) {
            *text = str_over(rest->at + 1, i - 1);
            *rest = str_over(rest->at + i + 1, rest->len - i - 1);
            if (rest->len > 0 && rest->at[0] != ' ')
                return false;
            *rest = rest->len > 0 ? str_over(rest->at + 1, rest->len - 1) : *rest;
            return true;
        }
    }
    return false;
}

static bool hit_read(struct hit *h, struct str line)
{
    struct str ident;
    return word_take(&line, &h->host) && word_take(&line, &ident) &&
           word_take(&line, &h->user) && between_take(&line, '[', ']', &h->time) &&
           between_take(&line, '"', '"', &h->request) && word_take(&line, &h->status) &&
           word_take(&line, &h->bytes) && between_take(&line, '"', '"', &h->referrer) &&
           between_take(&line, '"', '"', &h->agent);
}

/* Two digits. */
static bool two(struct str s, size_t at, unsigned *value)
{
    uint64_t number;
    if (!str_u64(str_over(s.at + at, 2), &number))
        return false;
    *value = (unsigned)number;
    return true;
}

/* "10/Oct/2000:13:55:36 -0700" as microseconds since 1970. */
static bool time_read(struct str s, int64_t *us)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    enum { LEN = 26 };
    unsigned day, hour, minute, second, zone_hour, zone_minute;
    uint64_t year;
    if (s.len != LEN || s.at[2] != '/' || s.at[6] != '/' || s.at[11] != ':' ||
        s.at[20] != ' ' || (s.at[21] != '+' && s.at[21] != '-'))
        return false;
    const char *month = NULL;
    for (const char *m = months; *m && !month; m += 3)
        month = memcmp(m, s.at + 3, 3) == 0 ? m : NULL;
    if (!month || !two(s, 0, &day) || !str_u64(str_over(s.at + 7, 4), &year) ||
        !two(s, 12, &hour) || !two(s, 15, &minute) || !two(s, 18, &second) ||
        !two(s, 22, &zone_hour) || !two(s, 24, &zone_minute) || year < 1970 || day < 1 ||
        day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t days = clock_days((int)year, (unsigned)(month - months) / 3 + 1, day);
    int64_t ahead_us = zone_hour * HOUR_US + zone_minute * MINUTE_US;
    *us = days * DAY_US + hour * HOUR_US + minute * MINUTE_US + second * SECOND_US -
          (s.at[21] == '+' ? ahead_us : -ahead_us);
    return *us >= 0 && *us < CLOCK_END_US;
}

static bool is_asset(struct str path)
{
    static const char *const ends[] = {
        ".css",  ".js",    ".mjs", ".map",  ".png",        ".jpg",  ".jpeg", ".gif",
        ".webp", ".avif",  ".svg", ".ico",  ".bmp",        ".woff", ".ttf",  ".eot",
        ".otf",  ".woff2", ".mp3", ".mp4",  ".webm",       ".xml",  ".json", ".txt",
        ".gz",   ".zip",   ".pdf", ".wasm", ".webmanifest"};
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (str_ends(path, str_of(ends[i])))
            return true;
    return false;
}

static const char *type_of(struct str method, struct str path, uint64_t status)
{
    if (status >= 400)
        return "error";
    if (str_is(method, "GET") && !is_asset(path))
        return "page_view";
    return str_is(method, "POST") ? "form_submit" : "request";
}

static void member(struct buf *b, const char *name, struct str value)
{
    if (value.len == 0 || str_is(value, "-"))
        return;
    if (b->at[b->len - 1] != '{')
        buf_byte(b, ',');
    json_put_str(b, str_of(name));
    buf_byte(b, ':');
    json_put_str(b, value);
}

static void object_begin(struct buf *b, const char *name)
{
    buf_printf(b, ",\"%s\":{", name);
}

static void put_visitor(struct buf *b, const struct hit *h)
{
    char text[40];
    uint64_t pseudonym = hash64_str(h->host) * 0x9e3779b97f4a7c15u ^ hash64_str(h->agent);
    (void)snprintf(text, sizeof text, "log-%016llx", (unsigned long long)pseudonym);
    member(b, "anonymousId", str_of(text));
    member(b, "userId", h->user);
}

static void put_context(struct buf *b, const struct hit *h, struct str target, struct str path)
{
    char network[ADDRESS_TEXT];
    object_begin(b, "context");
    if (address_truncate(h->host, network))
        member(b, "ip", str_of(network));
    member(b, "userAgent", h->agent);
    if (b->at[b->len - 1] == '{')
        buf_printf(b, "\"page\":{");
    else
        object_begin(b, "page");
    member(b, "url", target);
    member(b, "path", path);
    member(b, "referrer", h->referrer);
    buf_text(b, "}}");
}

void weblog_mask(struct str line, struct buf *masked)
{
    char network[ADDRESS_TEXT];
    struct str word, rest = line;
    for (int i = 0; i < 2 && rest.at; i++) { /* the second: behind a virtual host */
        word = str_cut(rest, ' ', &rest);
        if (address_truncate(word, network))
            buf_text(masked, network);
        else
            buf_str(masked, word);
        if (rest.at)
            buf_byte(masked, ' ');
    }
    buf_str(masked, rest);
}

bool weblog_row(struct str line, struct buf *json)
{
    struct hit h;
    struct str protocol, query;
    char time[CLOCK_TEXT];
    uint64_t status;
    int64_t us;
    if (!str_is_utf8(line) || !hit_read(&h, line) || !time_read(h.time, &us) ||
        !str_u64(h.status, &status) || status < 100 || status > 999)
        return false;
    struct str method = str_cut(h.request, ' ', &protocol);
    struct str target = str_cut(protocol, ' ', &protocol);
    struct str path = str_cut(target, '?', &query);
    clock_format(us, time);
    buf_byte(json, '{');
    member(json, "type", str_of(type_of(method, path, status)));
    member(json, "timestamp", str_of(time));
    put_visitor(json, &h);
    member(json, "source", STR("import"));
    put_context(json, &h, target, path);
    object_begin(json, "properties");
    member(json, "method", method);
    member(json, status >= 400 ? "code" : "status", h.status);
    member(json, "bytes", h.bytes);
    buf_text(json, "}}");
    return true;
}
