/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/refusals.h"
#include "ctl/glyph.h"

#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/wire/json_out.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void refusals_fini(struct refusals *r)
{
    free(r->kept);
    free(r->seen);
    arena_fini(&r->arenas[0]);
    arena_fini(&r->arenas[1]);
    arena_fini(&r->words);
    *r = (struct refusals){0};
}

static void reason_count(struct refusals *r, struct str reason)
{
    for (size_t i = 0; i < r->n_reasons; i++)
        if (str_eq(r->reasons[i].reason, reason)) {
            r->reasons[i].n++;
            return;
        }
    if (r->n_reasons == REFUSALS_REASONS)
        return; /* reasons.def has fewer */
    r->reasons[r->n_reasons].reason = arena_str(&r->words, reason);
    r->reasons[r->n_reasons++].n = 1;
}

/* Where a hash stands in the table, or would. */
static uint64_t *seen_place(uint64_t *table, size_t room, uint64_t hash)
{
    size_t at = hash & (room - 1);
    while (table[at] && table[at] != hash)
        at = (at + 1) & (room - 1);
    return &table[at];
}

static void seen_grow(struct refusals *r)
{
    size_t room = r->seen_room ? 2 * r->seen_room : 1024;
    uint64_t *table = mem_zero(room, sizeof *table);
    for (size_t i = 0; i < r->seen_room; i++)
        if (r->seen[i])
            *seen_place(table, room, r->seen[i]) = r->seen[i];
    free(r->seen);
    r->seen = table;
    r->seen_room = room;
}

/* A program that is killed, and an import that is sent again, leave a record twice. */
static bool is_repeat(struct refusals *r, const struct rejected *record)
{
    const uint64_t place[] = {
        record->epoch, record->origin,    record->partition,        record->offset,
        record->index, record->import_id, hash64_str(record->stage)};
    uint64_t hash = hash64(place, sizeof place);
    hash = hash ? hash : 1;
    if (2 * r->n_seen >= r->seen_room)
        seen_grow(r);
    uint64_t *at = seen_place(r->seen, r->seen_room, hash);
    if (*at)
        return true;
    *at = hash;
    r->n_seen++;
    return false;
}

bool refusals_count(struct refusals *r, const struct rejected *record)
{
    if ((r->site_id && record->site_id != r->site_id) ||
        (r->reason && !str_is(record->reason, r->reason)) ||
        record->received_us < r->since_us || is_repeat(r, record))
        return false;
    r->n++;
    reason_count(r, record->reason);
    return true;
}

static void line_json(struct buf *out, const struct rejected *record, uint32_t partition,
                      uint64_t offset)
{
    buf_printf(out, "{\"_partition\":%" PRIu32 ",\"_offset\":%" PRIu64 ",", partition, offset);
    record_json_members(out, &rejected_def, record);
    buf_byte(out, '}');
}

static const char *origin_name(uint64_t origin)
{
    static const char *const names[] = {"?", "raw", "imports", "control", "events"};
    return names[origin < ARRAY_LEN(names) ? origin : 0];
}

void refusal_line(struct buf *out, const struct rejected *record, uint32_t partition,
                  uint64_t offset, bool is_json)
{
    char at[CLOCK_TEXT], place[48];
    if (is_json) {
        line_json(out, record, partition, offset);
        return;
    }
    clock_format(record->received_us, at);
    (void)snprintf(place, sizeof place, "%" PRIu32 "/%" PRIu64, partition, offset);
    buf_printf(out, "%.19sZ  %-10s ", at, place);
    glyph_put_all(out, record->stage, true);
    buf_byte(out, ' ');
    glyph_put_all(out, record->reason, true);
    buf_printf(out, " of %s %" PRIu64 "/%" PRIu64 ".%" PRIu64 "%s", origin_name(record->origin),
               record->partition, record->offset, record->index,
               record->detail.len > 0 ? ": " : "");
    glyph_put_all(out, record->detail, true);
    buf_text(out, " | ");
    glyph_put_all(out, str_over(record->body.at, MIN(record->body.len, (size_t)REFUSAL_BODY)),
                  true);
    if (record->body.len > REFUSAL_BODY)
        buf_printf(out, "... (%zu bytes)", record->body.len);
}

static int refusal_order(const void *a, const void *b)
{
    const struct refusal *x = a, *y = b;
    if (x->received_us != y->received_us)
        return x->received_us < y->received_us ? -1 : 1;
    if (x->partition != y->partition)
        return x->partition < y->partition ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

void refusals_sort(struct refusals *r)
{
    if (r->n_kept > 1)
        qsort(r->kept, r->n_kept, sizeof *r->kept, refusal_order);
    if (r->n_kept <= r->limit)
        return;
    memmove(r->kept, r->kept + (r->n_kept - r->limit), r->limit * sizeof *r->kept);
    r->n_kept = r->limit;
    /* the texts of the others go: theirs move to the other arena */
    size_t other = 1 - r->at;
    for (size_t i = 0; i < r->n_kept; i++)
        r->kept[i].line = arena_str(&r->arenas[other], r->kept[i].line);
    arena_reset(&r->arenas[r->at]);
    r->at = other;
}

void refusals_keep(struct refusals *r, const struct rejected *record, uint32_t partition,
                   uint64_t offset)
{
    struct buf line = {0};
    if (r->limit == 0)
        return;
    if (!r->kept)
        r->kept = mem_new(2 * r->limit * sizeof *r->kept);
    refusal_line(&line, record, partition, offset, r->is_json);
    r->kept[r->n_kept++] = (struct refusal){partition, offset, record->received_us,
                                            arena_str(&r->arenas[r->at], buf_as_str(&line))};
    buf_fini(&line);
    if (r->n_kept == 2 * r->limit)
        refusals_sort(r);
}

void refusals_summary(struct refusals *r, struct buf *out)
{
    bool is_told[REFUSALS_REASONS] = {false};
    const char *before = "";
    if (r->is_json)
        buf_printf(out, "{\"_refused\":%" PRIu64 ",\"_reasons\":{", r->n);
    else
        buf_printf(out, "%" PRIu64 " refused%s", r->n, r->n ? ": " : "");
    for (size_t i = 0; i < r->n_reasons; i++) {
        size_t most = SIZE_MAX;
        for (size_t j = 0; j < r->n_reasons; j++)
            if (!is_told[j] && (most == SIZE_MAX || r->reasons[j].n > r->reasons[most].n))
                most = j;
        is_told[most] = true;
        buf_text(out, before);
        if (r->is_json) {
            json_put_str(out, r->reasons[most].reason);
            buf_byte(out, ':');
        } else {
            glyph_put_all(out, r->reasons[most].reason, true);
            buf_byte(out, ' ');
        }
        buf_printf(out, "%" PRIu64, r->reasons[most].n);
        before = r->is_json ? "," : ", ";
    }
    if (r->is_json)
        buf_text(out, "}}");
}
