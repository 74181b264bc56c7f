/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the lines of an invoice: what is taken is a whole event whose items are as many
 * as it has lines, what is refused says which line; the same bytes give the same again. */
#include "collector/retail.h"

#include "common/wire/json_text.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void check_taken(const struct event *e, struct str lines)
{
    size_t n_lines = 1, n_items = 0;
    for (size_t i = 0; i < lines.len; i++)
        n_lines += lines.at[i] == '\n';
    for (size_t i = 0; i + 1 < e->items.len; i++)
        n_items += e->items.at[i] == '{' && e->items.at[i + 1] == '"';
    CHECK(json_is_valid(e->items) && n_items >= n_lines && e->items.len <= RETAIL_ITEMS_MAX);
    CHECK(isfinite(e->value) && e->type.len > 0 && e->order_id.len > 0);
    CHECK(e->visitor.len > 0 && e->visitor.len <= ID_MAX);
    CHECK((e->user_id.len > 0) != (e->anonymous_id.len > 0));
    CHECK(e->ts_us <= e->received_us && e->event_id.len > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    static struct arena arena;
    static struct buf items, packed[2];
    const struct arrival arrival = {
        .position = {.epoch = 1, .origin = ORIGIN_IMPORTS, .offset = 2, .import_id = 9},
        .received_us = 1767225600 * SECOND_US,
        .is_import = true,
        .site_id = 3};
    struct str lines = str_over(at, len);
    (void)retail_is_header(lines);
    for (int i = 0; i < 2; i++) {
        struct event e;
        const char *detail = NULL;
        arena_reset(&arena);
        buf_reset(&packed[i]);
        enum reason why = retail_read(&e, lines, &arrival, &arena, &items, &detail);
        CHECK(detail != NULL && (why == REASON_NONE) == (detail[0] == '\0'));
        if (why == REASON_NONE) {
            check_taken(&e, lines);
            event_pack(&packed[i], &e);
        }
    }
    CHECK(str_eq(buf_as_str(&packed[0]), buf_as_str(&packed[1])));
    return 0;
}
