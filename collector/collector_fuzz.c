/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/collector_fuzz.h"

#include "collector/collector_kit.h"
#include "collector/draft.h"
#include "common/wire/in.h"
#include "common/wire/json_in.h"
#include "common/wire/json_out.h"
#include "common/wire/json_text.h"

static void check_event(const struct event *e)
{
    static struct arena a;
    static struct buf json, packed, again;
    struct event got;
    CHECK(e->visitor.len > 0 && e->visitor.len <= ID_MAX && e->site_id > 0 && e->type.len > 0);
    CHECK(e->ts_us <= e->received_us && e->event_id.len > 0);
    CHECK(e->properties.len <= PROPERTIES_MAX && e->items.len <= ITEMS_MAX);
    CHECK(e->properties.len == 0 || json_is_valid(e->properties));
    CHECK(e->items.len == 0 || json_is_valid(e->items));
    buf_reset(&json);
    buf_reset(&packed);
    buf_reset(&again);
    arena_reset(&a);
    record_json(&json, &event_def, e);
    CHECK(record_from_json(&event_def, &got, &a, json.at, json.len) == WIRE_OK);
    event_pack(&packed, e);
    event_pack(&again, &got);
    CHECK(str_eq(buf_as_str(&packed), buf_as_str(&again)));
}

/* All outputs, one behind the other. */
static void run(struct kit *k, struct str value, const char *content_type, struct buf *all)
{
    union record_any r;
    uint64_t rec;
    const struct output *o;
    size_t n_whole = 0, n = 0, n_signals = 0;
    buf_reset(all);
    k->offset = 100;
    kit_send(k, TOPIC_raw, value, content_type);
    while ((o = kit_next(k, &r, &rec)) != NULL) {
        buf_str(all, o->key);
        buf_str(all, o->value);
        if (rec == REC_signal) {
            CHECK(r.signal.index >= INDEX_SIGNAL && r.signal.from_us > 0 &&
                  r.signal.kind.len > 0);
            n_signals++;
            continue;
        }
        CHECK(n_signals == 0); /* they come last */
        n++;
        if (rec == REC_event) {
            check_event(&r.event);
            continue;
        }
        CHECK(rec == REC_rejected && r.rejected.reason.len > 0);
        struct str body = r.rejected.body;
        CHECK(body.len == 0 || memmem(value.at, value.len, body.at, body.len) != NULL);
        n_whole += body.len == value.len;
    }
    CHECK(n_whole <= 1 && (n_whole == 0 || n == 1) && n <= EVENTS_PER_RECORD);
    CHECK(n_signals % KIT_PARTITIONS == 0 && n_signals <= n * KIT_PARTITIONS);
}

void collector_fuzz(struct str value, const char *content_type)
{
    static struct kit k;
    static struct buf once, twice;
    if (k.core == NULL)
        kit_open(&k);
    run(&k, value, content_type, &once);
    run(&k, value, content_type, &twice);
    CHECK(str_eq(buf_as_str(&once), buf_as_str(&twice)));
}
