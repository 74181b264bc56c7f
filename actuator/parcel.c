/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/parcel.h"

#include "common/base/clock.h"

enum { GIVES_PER_LOOK = 16 };

#define KEY_PREFIX STR("\0pending")

struct str parcel_key(struct buf *key, struct str intervention_id)
{
    buf_reset(key);
    buf_str(key, KEY_PREFIX);
    buf_str(key, intervention_id);
    return buf_as_str(key);
}

bool parcel_owns(struct str key)
{
    return str_starts(key, KEY_PREFIX);
}

static void pack(struct buf *value, const struct entry *x)
{
    const struct parcel *p = (const struct parcel *)x;
    const size_t prefix = KEY_PREFIX.len;
    struct pending r;
    pending_init(&r);
    r.intervention_id = str_over(x->key + prefix, x->key_len - prefix);
    r.intervention = str_over(p->record, p->len);
    r.attempts = p->attempts;
    r.next_us = p->next_us;
    pending_pack(value, &r);
}

static bool unpack(struct slab *s, struct entry *x, struct str value, struct err *e)
{
    struct parcel *p = (struct parcel *)x;
    struct pending r;
    struct intervention i;
    enum wire_status status = pending_read(&r, value.at, value.len);
    if (status == WIRE_OK)
        status = intervention_read(&i, r.intervention.at, r.intervention.len);
    if (status != WIRE_OK || r.intervention.len > PARCEL_RECORD)
        return err_code(e, EXIT_CODE_CONFIG, "pending delivery: %s", wire_status_text(status));
    p->len = (uint32_t)r.intervention.len;
    p->record = slab_take(s, p->len);
    memcpy(p->record, r.intervention.at, p->len);
    p->attempts = r.attempts;
    p->next_us = r.next_us;
    return true;
}

static void clear(struct slab *s, struct entry *x)
{
    struct parcel *p = (struct parcel *)x;
    slab_give(s, p->record, p->len);
    p->record = NULL;
    p->len = 0;
}

const struct entries_type parcel_type = {
    .topic = TOPIC_decisions,
    .size = sizeof(struct parcel),
    .pack = pack,
    .unpack = unpack,
    .clear = clear,
};

void parcel_keep(struct entries *s, struct parcel *p, struct str record)
{
    CHECK(!p->record && record.len <= PARCEL_RECORD);
    p->len = (uint32_t)record.len;
    p->record = slab_take(&s->slab, record.len);
    memcpy(p->record, record.at, record.len);
}

/* What unpack or an own packer has seen is read again without fault. */
void parcel_intervention(const struct parcel *p, struct intervention *i)
{
    CHECK(intervention_read(i, p->record, p->len) == WIRE_OK);
}

static void piece_add(struct buf *results, struct str bytes)
{
    uint32_t len = (uint32_t)bytes.len;
    buf_put(results, &len, sizeof len);
    buf_str(results, bytes);
}

static struct str piece_take(const struct buf *results, size_t *at)
{
    uint32_t len;
    CHECK(results->len - *at >= sizeof len);
    memcpy(&len, results->at + *at, sizeof len);
    *at += sizeof len;
    CHECK(results->len - *at >= len);
    struct str piece = str_over(results->at + *at, len);
    *at += len;
    return piece;
}

void results_add(struct buf *results, const struct delivery *r)
{
    uint32_t len = 0;
    piece_add(results, r->intervention_id);
    size_t at = results->len;
    buf_put(results, &len, sizeof len);
    delivery_pack(results, r);
    len = (uint32_t)(results->len - at - sizeof len);
    memcpy(results->at + at, &len, sizeof len);
}

bool results_give(const struct buf *results, size_t *at, struct outbox *state,
                  uint32_t partition, int64_t until_mono_us)
{
    for (unsigned n = 0; *at < results->len; n++) {
        if (n % GIVES_PER_LOOK == GIVES_PER_LOOK - 1 && clock_mono_us() >= until_mono_us)
            return false;
        struct str key = piece_take(results, at);
        buf_str(outbox_begin(state), piece_take(results, at));
        outbox_end(state, TOPIC_deliveries, partition, key);
    }
    return true;
}
