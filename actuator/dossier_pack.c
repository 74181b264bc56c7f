/* SPDX-License-Identifier: Apache-2.0 */
/* dossier_pack - a dossier as bytes: a msgpack array of the live lane and the array of imports'
 * lanes; a lane is an array of import, session, received, day, truths, (policy, used) pairs and
 * open interventions; one of these an array, too. Around it the record decision_state. */
#include "actuator/dossier.h"
#include "common/wire/in.h"
#include "common/wire/out.h"
#include "common/wire/record.h"

/* Grows when the meaning of a field changes; other versions are refused, never guessed. */
enum { STATE_VERSION = 1, STATE_FIELDS = 2, LANE_FIELDS = 7, OPEN_FIELDS = 10 };

static void pack_open(struct buf *b, const struct open *o)
{
    out_array(b, OPEN_FIELDS);
    out_u64(b, o->epoch);
    out_u64(b, o->offset);
    out_u64(b, o->index);
    out_u64(b, o->version);
    out_i64(b, o->due_us);
    out_i64(b, o->fired_us);
    out_i64(b, o->ts_us);
    out_flag(b, o->is_held_out);
    out_str(b, str_over(o->policy, o->policy_len));
    out_str(b, str_over(o->user_id, o->user_len));
}

static void pack_lane(struct buf *b, const struct lane *l)
{
    out_array(b, LANE_FIELDS);
    out_u64(b, l->import_id);
    out_u64(b, l->session);
    out_i64(b, l->received_us);
    out_i64(b, l->day);
    out_array(b, l->n_truths);
    for (uint32_t i = 0; i < l->n_truths; i++)
        out_u64(b, l->truths[i]);
    out_array(b, (size_t)2 * l->n_used);
    for (uint32_t i = 0; i < l->n_used; i++) {
        out_u64(b, l->used[i].policy);
        out_u64(b, l->used[i].n);
    }
    out_array(b, l->n_open);
    for (const struct open *o = l->first; o; o = o->next)
        pack_open(b, o);
}

void dossier_pack(struct buf *b, const struct dossier *d)
{
    size_t n = 0;
    for (const struct lane *l = d->imports; l; l = l->next)
        n++;
    out_array(b, STATE_FIELDS);
    pack_lane(b, &d->live);
    out_array(b, n);
    for (const struct lane *l = d->imports; l; l = l->next)
        pack_lane(b, l);
}

static void read_truths(struct slab *s, struct in *in, struct lane *l)
{
    uint64_t versions[DOSSIER_USED];
    uint32_t n = in_array(in);
    if (n > DOSSIER_USED) {
        in_fail(in);
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        versions[i] = in_u64(in);
    lane_set_truths(s, l, versions, in->bad ? 0 : n);
}

static void read_used(struct slab *s, struct in *in, struct lane *l)
{
    uint32_t n = in_array(in);
    if (n % 2 != 0 || n > 2 * DOSSIER_USED)
        in_fail(in);
    for (uint32_t i = 0; i < n / 2 && !in->bad; i++) {
        uint64_t policy = in_u64(in), count = in_u64(in);
        lane_use(s, l, policy);
        l->used[l->n_used - 1].n = count;
        if (count == 0 || l->n_used != i + 1) /* none, or one that stands twice */
            in_fail(in);
    }
}

static bool is_behind(const struct open *a, const struct open *b)
{
    if (a->epoch != b->epoch)
        return a->epoch > b->epoch;
    return a->offset != b->offset ? a->offset > b->offset : a->index > b->index;
}

static void read_open(struct slab *s, struct in *in, struct lane *l)
{
    struct open o = {0};
    if (in_array(in) != OPEN_FIELDS)
        in_fail(in);
    o.epoch = in_u64(in);
    o.offset = in_u64(in);
    o.index = in_u64(in);
    o.version = in_u64(in);
    o.due_us = in_i64(in);
    o.fired_us = in_i64(in);
    o.ts_us = in_i64(in);
    o.is_held_out = in_flag(in);
    struct str policy = in_str(in), user_id = in_str(in);
    if (in->bad || policy.len == 0 || policy.len > DOSSIER_NAME || !str_is_utf8(policy) ||
        user_id.len > DOSSIER_USER || !str_is_utf8(user_id) ||
        (l->last && !is_behind(&o, l->last))) {
        in_fail(in);
        return;
    }
    memcpy(o.policy, policy.at, policy.len);
    o.policy_len = (uint8_t)policy.len;
    lane_open(s, l, &o, user_id);
}

/* Everything of a lane but its import, which the caller knows. */
static void read_lane(struct slab *s, struct in *in, struct lane *l)
{
    l->session = in_u64(in);
    l->received_us = in_i64(in);
    l->day = in_i64(in);
    read_truths(s, in, l);
    read_used(s, in, l);
    uint32_t n = in_array(in);
    if (n > DOSSIER_OPEN)
        in_fail(in);
    for (; n > 0 && !in->bad; n--)
        read_open(s, in, l);
}

bool dossier_unpack(struct slab *s, struct dossier *d, struct str bytes, struct err *e)
{
    struct in in = in_over(bytes.at, bytes.len);
    uint32_t n_parts = in_array(&in), n_fields = in_array(&in);
    if (n_parts != STATE_FIELDS || n_fields != LANE_FIELDS || in_u64(&in) != 0)
        in_fail(&in);
    read_lane(s, &in, &d->live);
    uint64_t below = 0;
    for (uint32_t n = in_array(&in); n > 0 && !in.bad; n--) {
        if (in_array(&in) != LANE_FIELDS)
            in_fail(&in);
        uint64_t import_id = in_u64(&in);
        if (in.bad || import_id <= below) {
            in_fail(&in);
            break;
        }
        read_lane(s, &in, dossier_lane_take(s, d, import_id));
        below = import_id;
    }
    if (in.bad || in.at != in.end)
        return err_code(e, EXIT_CODE_CONFIG,
                        "state of a visitor: %zu bytes, corrupt at byte %zu", bytes.len,
                        bytes.len > 0 ? (size_t)(in.at - (const uint8_t *)bytes.at) : 0);
    return true;
}

static void entry_pack(struct buf *value, const struct entry *x)
{
    static _Thread_local struct buf state;
    const struct dossier *d = (const struct dossier *)(const void *)x;
    struct decision_state r;
    decision_state_init(&r);
    buf_reset(&state);
    dossier_pack(&state, d);
    r.epoch = 1;
    r.visitor = dossier_key(d);
    r.version = STATE_VERSION;
    r.state = buf_as_str(&state);
    decision_state_pack(value, &r);
}

static bool entry_unpack(struct slab *s, struct entry *x, struct str value, struct err *e)
{
    struct decision_state r;
    struct str visitor;
    uint64_t site_id;
    enum wire_status status = decision_state_read(&r, value.at, value.len);
    if (status != WIRE_OK)
        return err_code(e, EXIT_CODE_CONFIG, "state of a visitor: %s",
                        wire_status_text(status));
    if (r.version != STATE_VERSION)
        return err_code(e, EXIT_CODE_CONFIG,
                        "state of a visitor has version %llu, this program knows %d",
                        (unsigned long long)r.version, STATE_VERSION);
    if (!str_eq(r.visitor, entry_key(x)) || !dossier_key_cut(entry_key(x), &site_id, &visitor))
        return err_code(e, EXIT_CODE_CONFIG, "state of a visitor under another's key");
    return dossier_unpack(s, CONTAINER_OF(x, struct dossier, entry), r.state, e);
}

static void entry_clear(struct slab *s, struct entry *x)
{
    dossier_clear(s, CONTAINER_OF(x, struct dossier, entry));
}

const struct entries_type dossier_type = {
    .topic = TOPIC_decisions,
    .size = sizeof(struct dossier),
    .pack = entry_pack,
    .unpack = entry_unpack,
    .clear = entry_clear,
};
