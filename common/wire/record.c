/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/record.h"

#include "common/wire/in.h"
#include "common/wire/out.h"

#include <math.h>

const char *wire_status_text(enum wire_status s)
{
    static const char *const texts[] = {"ok", "malformed", "duplicate key", "another record"};
    return texts[s];
}

/* Readers of the field types, named by the type so that the tables can paste them. */
static wire_u64 read_u64(struct in *in)
{
    return in_u64(in);
}

static wire_f64 read_f64(struct in *in)
{
    return in_f64(in);
}

static wire_time read_time(struct in *in)
{
    return in_i64(in);
}

static wire_str read_str(struct in *in)
{
    struct str s = in_str(in);
    if (!str_is_utf8(s))
        in_fail(in);
    return s;
}

static wire_json read_json(struct in *in)
{
    return read_str(in);
}

static wire_bin read_bin(struct in *in)
{
    return in_bin(in);
}

static wire_flag read_flag(struct in *in)
{
    return in_flag(in);
}

static struct wire_list read_list(struct in *in)
{
    struct in head = *in;
    uint32_t n = in_array(&head);
    struct str raw = in_raw(in);
    if (head.bad)
        in_fail(in);
    return (struct wire_list){(const uint8_t *)raw.at, raw.len, n};
}

static bool has_u64(wire_u64 v)
{
    return v != 0;
}

static bool has_f64(wire_f64 v)
{
    return !isnan(v);
}

static bool has_time(wire_time v)
{
    return v != 0;
}

static bool has_str(wire_str v)
{
    return v.len > 0;
}

static bool has_json(wire_json v)
{
    return v.len > 0;
}

static bool has_bin(wire_bin v)
{
    return v.len > 0;
}

static bool has_flag(wire_flag v)
{
    return v;
}

static bool has_list(struct wire_list v)
{
    return v.n > 0;
}

static void pack_u64(struct buf *b, wire_u64 v)
{
    out_u64(b, v);
}

static void pack_f64(struct buf *b, wire_f64 v)
{
    out_f64(b, v);
}

static void pack_time(struct buf *b, wire_time v)
{
    out_i64(b, v);
}

static void pack_str(struct buf *b, wire_str v)
{
    out_str(b, v);
}

static void pack_json(struct buf *b, wire_json v)
{
    out_str(b, v);
}

static void pack_bin(struct buf *b, wire_bin v)
{
    out_bin(b, v);
}

static void pack_flag(struct buf *b, wire_flag v)
{
    out_flag(b, v);
}

static void pack_list(struct buf *b, struct wire_list v)
{
    buf_put(b, v.at, v.len);
}

/* Keys seen, one bit each; keys above 127 are a newer writer's. */
static bool key_is_new(uint64_t seen[2], uint64_t key)
{
    if (key > 127)
        return true;
    uint64_t bit = (uint64_t)1 << (key & 63);
    bool is_new = !(seen[key >> 6] & bit);
    seen[key >> 6] |= bit;
    return is_new;
}

static wire_u64 default_u64(void)
{
    return 0;
}

static wire_f64 default_f64(void)
{
    return (double)NAN;
}

static wire_time default_time(void)
{
    return 0;
}

static wire_str default_str(void)
{
    return (struct str){NULL, 0};
}

static wire_json default_json(void)
{
    return default_str();
}

static wire_bin default_bin(void)
{
    return default_str();
}

static wire_flag default_flag(void)
{
    return false;
}

/* One inclusion of the template a record; the parts first, since others name them. */
#define RECORD_NAME   kind
#define RECORD_FILE   "schemas/kind.def"
#define RECORD_NUMBER 0
#define RECORD_TEXT   "kind"
#include "common/wire/record_unit.h"

#define RECORD_NAME   rated
#define RECORD_FILE   "schemas/rated.def"
#define RECORD_NUMBER 0
#define RECORD_TEXT   "rated"
#include "common/wire/record_unit.h"

#define RECORD_NAME   site_key
#define RECORD_FILE   "schemas/site_key.def"
#define RECORD_NUMBER 0
#define RECORD_TEXT   "site_key"
#include "common/wire/record_unit.h"

#define RECORD_NAME   site
#define RECORD_FILE   "schemas/site.def"
#define RECORD_NUMBER 0
#define RECORD_TEXT   "site"
#include "common/wire/record_unit.h"

#define RECORD_NAME   policy
#define RECORD_FILE   "schemas/policy.def"
#define RECORD_NUMBER 0
#define RECORD_TEXT   "policy"
#include "common/wire/record_unit.h"

#define RECORD_NAME   event
#define RECORD_FILE   "schemas/event.def"
#define RECORD_NUMBER 1
#define RECORD_TEXT   "event"
#include "common/wire/record_unit.h"

#define RECORD_NAME   tick
#define RECORD_FILE   "schemas/tick.def"
#define RECORD_NUMBER 2
#define RECORD_TEXT   "tick"
#include "common/wire/record_unit.h"

#define RECORD_NAME   signal
#define RECORD_FILE   "schemas/signal.def"
#define RECORD_NUMBER 19
#define RECORD_TEXT   "signal"
#include "common/wire/record_unit.h"

#define RECORD_NAME   import_line
#define RECORD_FILE   "schemas/import_line.def"
#define RECORD_NUMBER 3
#define RECORD_TEXT   "import_line"
#include "common/wire/record_unit.h"

#define RECORD_NAME   import_end
#define RECORD_FILE   "schemas/import_end.def"
#define RECORD_NUMBER 4
#define RECORD_TEXT   "import_end"
#include "common/wire/record_unit.h"

#define RECORD_NAME   control
#define RECORD_FILE   "schemas/control.def"
#define RECORD_NUMBER 5
#define RECORD_TEXT   "control"
#include "common/wire/record_unit.h"

#define RECORD_NAME   rejected
#define RECORD_FILE   "schemas/rejected.def"
#define RECORD_NUMBER 6
#define RECORD_TEXT   "rejected"
#include "common/wire/record_unit.h"

#define RECORD_NAME   vector
#define RECORD_FILE   "schemas/vector.def"
#define RECORD_NUMBER 7
#define RECORD_TEXT   "vector"
#include "common/wire/record_unit.h"

#define RECORD_NAME   session
#define RECORD_FILE   "schemas/session.def"
#define RECORD_NUMBER 8
#define RECORD_TEXT   "session"
#include "common/wire/record_unit.h"

#define RECORD_NAME   prediction
#define RECORD_FILE   "schemas/prediction.def"
#define RECORD_NUMBER 9
#define RECORD_TEXT   "prediction"
#include "common/wire/record_unit.h"

#define RECORD_NAME   checkpoint
#define RECORD_FILE   "schemas/checkpoint.def"
#define RECORD_NUMBER 10
#define RECORD_TEXT   "checkpoint"
#include "common/wire/record_unit.h"

#define RECORD_NAME   visitor
#define RECORD_FILE   "schemas/visitor.def"
#define RECORD_NUMBER 11
#define RECORD_TEXT   "visitor"
#include "common/wire/record_unit.h"

#define RECORD_NAME   manifest
#define RECORD_FILE   "schemas/manifest.def"
#define RECORD_NUMBER 12
#define RECORD_TEXT   "manifest"
#include "common/wire/record_unit.h"

#define RECORD_NAME   chunk
#define RECORD_FILE   "schemas/chunk.def"
#define RECORD_NUMBER 13
#define RECORD_TEXT   "chunk"
#include "common/wire/record_unit.h"

#define RECORD_NAME   intervention
#define RECORD_FILE   "schemas/intervention.def"
#define RECORD_NUMBER 14
#define RECORD_TEXT   "intervention"
#include "common/wire/record_unit.h"

#define RECORD_NAME   outcome
#define RECORD_FILE   "schemas/outcome.def"
#define RECORD_NUMBER 15
#define RECORD_TEXT   "outcome"
#include "common/wire/record_unit.h"

#define RECORD_NAME   delivery
#define RECORD_FILE   "schemas/delivery.def"
#define RECORD_NUMBER 16
#define RECORD_TEXT   "delivery"
#include "common/wire/record_unit.h"

#define RECORD_NAME   decision_state
#define RECORD_FILE   "schemas/decision_state.def"
#define RECORD_NUMBER 17
#define RECORD_TEXT   "decision_state"
#include "common/wire/record_unit.h"

#define RECORD_NAME   pending
#define RECORD_FILE   "schemas/pending.def"
#define RECORD_NUMBER 18
#define RECORD_TEXT   "pending"
#include "common/wire/record_unit.h"

const struct record_def *record_def_of(uint64_t number)
{
    switch (number) {
#define RECORD(number, name, topic, meaning) \
    case number:                             \
        return &name##_def;
#include "schemas/records.def"
#undef RECORD
    default:
        return NULL;
    }
}

enum wire_status position_read(struct position *p, const void *msg, size_t len)
{
    struct in in = in_over(msg, len);
    struct position found = {0};
    uint64_t *const fields[] = {&found.rec,    &found.epoch, &found.origin,   &found.partition,
                                &found.offset, &found.index, &found.import_id};
    uint32_t n = in_map(&in);
    for (uint64_t last = 0; n > 0; n--) {
        uint64_t key = in_u64(&in);
        if (key >= ARRAY_LEN(fields) || in.bad)
            break; /* packers write in the order of keys: the position stands first */
        if (key < last)
            return WIRE_MALFORMED;
        last = key;
        *fields[key] = in_u64(&in);
    }
    if (in.bad)
        return WIRE_MALFORMED;
    if (found.rec == REC_NONE || found.rec >= REC_END)
        return WIRE_OTHER;
    *p = found;
    return WIRE_OK;
}

int position_cmp(const struct position *a, const struct position *b)
{
    if (a->epoch != b->epoch)
        return a->epoch < b->epoch ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}
