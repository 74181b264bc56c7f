/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/address.h"
#include "collector/draft_parts.h"
#include "collector/purposes.h"
#include "common/wire/json_text.h"

#include <math.h>

/* Of each slot of the event that a sender fills: by schemas/properties.def. */
static const struct bound {
    double least, most;
    size_t bytes; /* of a text; 0 = TEXT_MAX */
} bounds[DRAFT_SLOTS] = {
#define COMMON(field, type, unit, least, most, bytes, rule) \
    [offsetof(struct draft, event.field) / 8] = {least, most, bytes},
#define PROPERTY(field, type, unit, least, most, bytes, rule) \
    [offsetof(struct draft, event.field) / 8] = {least, most, bytes},
#include "schemas/properties.def"
#undef COMMON
#undef PROPERTY
};

struct str datum_json(struct draft *d, const struct datum *value)
{
    if (value->json.len > 0)
        return value->json;
    buf_reset(&d->scratch);
    switch (value->type) {
    case DATUM_NULL:
    case DATUM_OTHER:
        return STR("null");
    case DATUM_FLAG:
        return value->flag ? STR("true") : STR("false");
    case DATUM_INTEGER:
        if (value->is_negative)
            json_put_i64(&d->scratch, (int64_t)value->bits);
        else
            json_put_u64(&d->scratch, value->bits);
        break;
    case DATUM_FLOAT:
        json_put_f64(&d->scratch, value->number);
        break;
    case DATUM_STR:
        json_put_str(&d->scratch, value->text);
        break;
    case DATUM_ARRAY:
    case DATUM_OBJECT:
        CHECK(value->type < DATUM_ARRAY); /* containers come with their text */
    }
    return arena_str(&d->arena, buf_as_str(&d->scratch));
}

/* Ids come as numbers, too. */
static bool as_text(struct draft *d, const struct datum *value, struct str *text)
{
    if (value->type == DATUM_STR)
        *text = value->text;
    else if (value->type == DATUM_INTEGER)
        *text = datum_json(d, value);
    else
        return false;
    return true;
}

/* Prices come as texts, too. */
static bool as_number(const struct datum *value, double *number)
{
    if (value->type == DATUM_FLOAT)
        *number = value->number;
    else if (value->type == DATUM_INTEGER)
        *number = value->is_negative ? (double)(int64_t)value->bits : (double)value->bits;
    else
        return value->type == DATUM_STR && str_f64(value->text, number);
    return true;
}

static enum taken take_text(struct draft *d, const struct datum *value, size_t most,
                            struct str *to)
{
    struct str text;
    if (!as_text(d, value, &text) || text.len > most)
        return TAKEN_NO;
    if (text.len == 0)
        return TAKEN_NOTHING;
    *to = text;
    return TAKEN_YES;
}

static enum taken take_cut(const struct datum *value, struct str *to)
{
    if (value->type != DATUM_STR)
        return TAKEN_NO;
    *to = str_head_utf8(value->text, CUT_MAX);
    return TAKEN_YES;
}

static enum taken take_number(const struct line *line, const struct datum *value,
                              const struct bound *bound, double *to, enum reason *why)
{
    double number = 0;
    if (value->type == DATUM_STR && value->text.len == 0)
        return TAKEN_NOTHING;
    if (!as_number(value, &number))
        return TAKEN_NO;
    number *= line->factor;
    if (!(number >= bound->least && number <= bound->most)) {
        *why = REASON_bad_value;
        return TAKEN_NO;
    }
    *to = number;
    return TAKEN_YES;
}

/* Whole numbers, also as decimal text. */
static bool as_u64(const struct datum *value, uint64_t *number)
{
    if (value->type == DATUM_STR)
        return str_u64(value->text, number);
    *number = value->bits;
    return value->type == DATUM_INTEGER && !value->is_negative;
}

static enum taken take_site(const struct datum *value, uint64_t *to, enum reason *why)
{
    uint64_t site = 0;
    *why = REASON_bad_site;
    if (!as_u64(value, &site) || site < 1 || site > INT32_MAX)
        return TAKEN_NO;
    *to = site;
    return TAKEN_YES;
}

/* Nothing granted is an answer, too, and 0 would mean that none was given. */
static enum taken take_mask(const struct datum *value, const struct bound *bound, uint64_t *to,
                            enum reason *why)
{
    enum { NECESSARY = 1 };
    if (value->type == DATUM_ARRAY || value->type == DATUM_OBJECT)
        return purposes_mask(value->json, to) ? TAKEN_BOTH : TAKEN_KEEP;
    if (value->type != DATUM_INTEGER)
        return TAKEN_KEEP;
    *why = REASON_bad_value;
    if (value->is_negative || (double)value->bits > bound->most)
        return TAKEN_NO;
    *to = value->bits > 0 ? value->bits : NECESSARY;
    return TAKEN_YES;
}

/* Kept as sent, too. */
static enum taken take_flag(const struct datum *value, uint64_t *to)
{
    bool is_text = value->type == DATUM_STR;
    if (is_text ? str_is(value->text, "true") || str_is(value->text, "1")
                : value->type == DATUM_FLAG && value->flag)
        *to = 1;
    return TAKEN_KEEP;
}

static enum taken take_time(const struct datum *value, struct claim *to, enum reason *why)
{
    uint64_t whole = 0;
    struct claim claim = {0, false};
    *why = REASON_bad_timestamp;
    if (value->type == DATUM_STR && value->text.len == 0)
        return TAKEN_NOTHING;
    if (value->type == DATUM_FLOAT)
        claim.is_set = times_number(value->number, &claim.us);
    else if (as_u64(value, &whole))
        claim.is_set = times_integer(whole, &claim.us);
    else if (value->type == DATUM_STR)
        claim.is_set = clock_parse(value->text, &claim.us);
    if (!claim.is_set || claim.us < 0) /* an offset can take it before 1970 */
        return TAKEN_NO;
    *to = claim;
    return TAKEN_YES;
}

static enum taken take_micros(const struct datum *value, struct claim *to, enum reason *why)
{
    uint64_t us = 0;
    *why = REASON_bad_timestamp;
    if (!as_u64(value, &us) || us >= CLOCK_END_US)
        return TAKEN_NO;
    *to = (struct claim){(int64_t)us, true};
    return TAKEN_YES;
}

/* A time that is no event time: not repaired, not clamped. */
static enum taken take_moment(const struct datum *value, const struct bound *bound, int64_t *to,
                              enum reason *why)
{
    struct claim claim;
    enum taken taken = take_time(value, &claim, why);
    bool is_text = value->type == DATUM_STR;
    *why = is_text || value->type == DATUM_FLAG || value->type >= DATUM_ARRAY
               ? REASON_bad_field
               : REASON_bad_value;
    if (taken != TAKEN_YES)
        return taken;
    if (claim.us / SECOND_US > (int64_t)bound->most) {
        *why = REASON_bad_value;
        return TAKEN_NO;
    }
    *to = claim.us;
    return TAKEN_YES;
}

static enum taken take_day(const struct datum *value, const struct bound *bound, struct str *to,
                           enum reason *why)
{
    int64_t us;
    if (value->type != DATUM_STR)
        return TAKEN_NO;
    if (value->text.len == 0)
        return TAKEN_NOTHING;
    *why = REASON_bad_value;
    if (value->text.len != bound->bytes || !clock_parse(value->text, &us))
        return TAKEN_NO;
    *to = value->text;
    return TAKEN_YES;
}

static enum taken take_ip(struct draft *d, const struct datum *value, struct str *to)
{
    char network[ADDRESS_TEXT];
    if (value->type != DATUM_STR || !address_truncate(value->text, network))
        return TAKEN_NOTHING;
    *to = arena_str(&d->arena, str_of(network));
    return TAKEN_YES;
}

struct alias {
    const char *said, *meant;
};

static enum taken take_word(const struct datum *value, const struct alias *words, size_t n,
                            struct str *to)
{
    for (size_t i = 0; value->type == DATUM_STR && i < n; i++)
        if (str_eq_nocase(value->text, str_of(words[i].said))) {
            *to = str_of(words[i].meant);
            return TAKEN_YES;
        }
    return TAKEN_KEEP;
}

static enum taken take_source(const struct datum *value, struct str *to)
{
    static const struct alias words[] = {
        {"web", "web"},       {"browser", "web"},   {"client", "web"},
        {"mobile", "mobile"}, {"ios", "mobile"},    {"android", "mobile"},
        {"app", "mobile"},    {"server", "server"}, {"import", "import"},
        {"crm", "crm"},       {"ads", "ads"},       {"analytics", "analytics"},
    };
    return take_word(value, words, ARRAY_LEN(words), to);
}

static enum taken take_device(const struct datum *value, struct str *to)
{
    static const struct alias words[] = {
        {"desktop", "desktop"}, {"mobile", "mobile"}, {"phone", "mobile"}, {"ios", "mobile"},
        {"android", "mobile"},  {"tablet", "tablet"}, {"bot", "bot"},      {"other", "other"},
    };
    return take_word(value, words, ARRAY_LEN(words), to);
}

static bool is_screen_size(struct str s)
{
    struct str height, width = str_cut(s, 'x', &height);
    uint64_t w, h;
    return s.len <= 16 && str_u64(width, &w) && str_u64(height, &h);
}

/* 1920x1080, or, in a bare event, the name of a screen. */
static enum taken take_screen(struct draft *d, const struct line *line,
                              const struct datum *value, struct str *to)
{
    if (value->type != DATUM_STR)
        return TAKEN_KEEP;
    if (is_screen_size(value->text))
        return take_text(d, value, TEXT_MAX, to);
    return line->place == PLACE_root ? take_text(d, value, TEXT_MAX, &d->screen_name)
                                     : TAKEN_KEEP;
}

static enum taken take_size(const struct datum *value, uint64_t *to)
{
    double number;
    if (!as_number(value, &number) || !(number >= 0 && number <= 1e6))
        return TAKEN_KEEP;
    *to = (uint64_t)llround(number);
    return TAKEN_YES;
}

static enum taken take_json(struct draft *d, const struct datum *value, enum datum_type type,
                            size_t most, struct str *to)
{
    if (value->type != type)
        return TAKEN_NO;
    struct str json = json_compact(value->json, &d->arena);
    if (json.len > most)
        return TAKEN_NO;
    *to = json;
    return TAKEN_YES;
}

enum taken draft_leaf(struct draft *d, const struct line *line, const struct datum *value,
                      enum reason *why)
{
    void *to = (char *)d + line->to;
    const struct bound *bound = &bounds[line->to / 8];
    switch ((enum leaf)line->leaf) {
    case LEAF_text:
        return take_text(d, value, bound->bytes > 0 ? bound->bytes : TEXT_MAX, to);
    case LEAF_cut:
    case LEAF_agent:
        return take_cut(value, to);
    case LEAF_ip:
        return take_ip(d, value, to);
    case LEAF_source:
        return take_source(value, to);
    case LEAF_device:
        return take_device(value, to);
    case LEAF_screen:
        return take_screen(d, line, value, to);
    case LEAF_size:
        return take_size(value, to);
    case LEAF_site:
        return take_site(value, to, why);
    case LEAF_time:
        return take_time(value, to, why);
    case LEAF_micros:
        return take_micros(value, to, why);
    case LEAF_moment:
        return take_moment(value, bound, to, why);
    case LEAF_day:
        return take_day(value, bound, to, why);
    case LEAF_mask:
        return take_mask(value, bound, to, why);
    case LEAF_number:
        return take_number(line, value, bound, to, why);
    case LEAF_flag:
        return take_flag(value, to);
    case LEAF_items:
        return take_json(d, value, DATUM_ARRAY, bound->bytes, to);
    case LEAF_json:
        return take_json(d, value, DATUM_OBJECT, PROPERTIES_MAX, to);
    case LEAF_object:
    case LEAF_array:
    case LEAF_batch:
        break;
    }
    return TAKEN_NO;
}
