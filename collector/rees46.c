/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/rees46.h"

#include "common/base/hash.h"

#include <inttypes.h>
#include <stdio.h>

enum column {
    COLUMN_TIME,
    COLUMN_TYPE,
    COLUMN_PRODUCT,
    COLUMN_CATEGORY_ID,
    COLUMN_CATEGORY_CODE,
    COLUMN_BRAND,
    COLUMN_PRICE,
    COLUMN_USER,
    COLUMN_SESSION,
    COLUMNS_N
};

static const struct {
    const char *said, *type;
} types[] = {{"view", "product_view"},
             {"cart", "add_to_cart"},
             {"remove_from_cart", "remove_from_cart"},
             {"purchase", "purchase"}};

bool rees46_is_header(struct str line)
{
    return str_starts(line, STR("event_time,event_type,"));
}

static bool split(struct str line, struct str columns[COLUMNS_N])
{
    struct str rest = line;
    for (size_t i = 0; i < COLUMNS_N; i++) {
        if (rest.at == NULL)
            return false;
        columns[i] = str_cut(rest, ',', &rest);
    }
    return rest.at == NULL;
}

static bool set_type(struct event *e, struct str said)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++)
        if (str_is(said, types[i].said)) {
            e->type = str_of(types[i].type);
            return true;
        }
    return false;
}

/* The first column that is not as it should be; NULL when all are. */
static const char *set_columns(struct event *e, const struct str columns[COLUMNS_N])
{
    if (!clock_parse(columns[COLUMN_TIME], &e->ts_us))
        return "event_time";
    if (!set_type(e, columns[COLUMN_TYPE]))
        return "event_type";
    if (!str_f64(columns[COLUMN_PRICE], &e->price) || e->price < 0)
        return "price";
    e->product_id = columns[COLUMN_PRODUCT];
    e->category = columns[columns[COLUMN_CATEGORY_CODE].len > 0 ? COLUMN_CATEGORY_CODE
                                                                : COLUMN_CATEGORY_ID];
    e->brand = columns[COLUMN_BRAND];
    e->user_id = columns[COLUMN_USER];
    e->visitor = visitor_key(e->anonymous_id, e->user_id);
    e->session_hint = columns[COLUMN_SESSION];
    if (e->product_id.len == 0 || e->product_id.len > ID_MAX)
        return "product_id";
    if (e->user_id.len == 0 || e->user_id.len > ID_MAX)
        return "user_id";
    if (e->session_hint.len > ID_MAX)
        return "user_session";
    return NULL;
}

enum reason rees46_read(struct event *e, struct str line, const struct arrival *a,
                        struct arena *arena, const char **detail)
{
    enum { LONGEST = 64 };
    struct str columns[COLUMNS_N];
    event_init(e);
    *detail = "not 9 columns";
    if (line.len > EVENT_MAX || !split(line, columns))
        return REASON_bad_row;
    *detail = "not UTF-8";
    if (!str_is_utf8(line) || memchr(line.at, 0, line.len) != NULL)
        return REASON_bad_row;
    *detail = set_columns(e, columns);
    if (*detail != NULL)
        return REASON_bad_row;
    *detail = "";
    if (str_is(e->type, "purchase")) {
        e->quantity = 1;
        e->value = e->price;
    }
    POSITION_SET(e, &a->position);
    e->received_us = a->received_us;
    e->site_id = a->site_id > 0 ? a->site_id : 1;
    e->source = STR("import");
    e->body_hash = hash64_str(line);
    int64_t claimed_us = e->ts_us;
    e->ts_us = times_import((struct claim){claimed_us, true}, a->received_us);
    if (e->ts_us != claimed_us)
        e->ts_raw_us = claimed_us;
    char *id = arena_take(arena, LONGEST);
    int len = snprintf(id, LONGEST, "i%" PRIx64 "-%" PRIu64, a->position.import_id,
                       a->position.offset);
    e->event_id = str_over(id, (size_t)len);
    return REASON_NONE;
}
