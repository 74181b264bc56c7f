/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/judge.h"

#include "collector/event_json.h"
#include "collector/event_msgpack.h"

void judge_init(struct judge *j)
{
    *j = (struct judge){.draft = draft_new()};
    j->json = event_json_new();
    j->msgpack = event_msgpack_new();
}

void judge_fini(struct judge *j)
{
    draft_free(j->draft);
    event_json_free(j->json);
    event_msgpack_free(j->msgpack);
    batch_fini(&j->batch);
    buf_fini(&j->texts);
}

static enum reason read_bytes(struct judge *j, bool is_msgpack, enum place place,
                              struct str bytes)
{
    draft_begin(j->draft);
    if (bytes.len > EVENT_MAX)
        return draft_refuse(j->draft, REASON_too_large, "");
    return is_msgpack ? event_msgpack_read(j->msgpack, j->draft, place, bytes)
                      : event_json_read(j->json, j->draft, place, bytes);
}

enum reason judge_event(struct judge *j, bool is_msgpack, struct str bytes)
{
    return read_bytes(j, is_msgpack, PLACE_root, bytes);
}

/* Copies the texts of an envelope, which die with the next event that is read. */
static void hold_texts(struct buf *b, struct envelope *e)
{
    struct str *texts[] = {&e->user_agent, &e->ip, &e->anonymous_id, &e->user_id,
                           &e->user_properties};
    buf_reset(b);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        buf_str(b, *texts[i]);
    size_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i]->len > 0) /* else b may have no bytes at all */
            texts[i]->at = (const char *)b->at + at;
        at += texts[i]->len;
    }
}

enum reason judge_envelope(struct judge *j, bool is_msgpack, struct arrival *a)
{
    struct envelope around;
    enum reason why = read_bytes(j, is_msgpack, PLACE_envelope, buf_as_str(&j->batch.envelope));
    if (why == REASON_NONE)
        why = draft_envelope(j->draft, &around);
    if (why != REASON_NONE)
        return why;
    hold_texts(&j->texts, &around);
    a->sent_at = around.sent_at;
    a->ts = around.ts;
    a->envelope_site = around.site_id;
    a->consent = around.consent;
    a->user_agent = around.user_agent;
    a->ip = around.ip;
    a->anonymous_id = around.anonymous_id;
    a->user_id = around.user_id;
    a->user_properties = around.user_properties;
    return REASON_NONE;
}
