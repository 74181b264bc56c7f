/* SPDX-License-Identifier: Apache-2.0 */
/* record - the records of schemas/ as structs, with a packer, a bounded reader and a
 * description.
 *
 * For each RECORD(number, NAME, ...) of schemas/records.def, and each PART(NAME, ...) of
 * parts.def: struct NAME                         fields in the order of the table, `kind`s but
 * kind start with those of position.def NAME_init(struct NAME *)            every field at its
 * default NAME_pack(struct buf *, const *)    appends a map; fields at their default are left
 * out NAME_read(struct NAME *, msg, len)  untouched unless WIRE_OK; slices point into msg
 *   NAME_def                            the table, for readers that walk it (SQL, JSON, docs)
 *
 * Types: u64; f64 (NaN = absent); time (int64 microseconds since 1970, 0 = absent, name ends in
 * _us); str (UTF-8); json (a JSON text); bin; flag; list (a packed array of sub-records, read
 * with in_array and NAME_read on in_raw; n counts them). */
#ifndef AUSPEX_RECORD_H
#define AUSPEX_RECORD_H

#include "common/base/buf.h"

enum wire_status {
    WIRE_OK,
    WIRE_MALFORMED, /* not a map of small integer keys, or bytes behind it */
    WIRE_DUPLICATE, /* a key stands twice */
    WIRE_OTHER,     /* another record than asked for, or none */
};
const char *wire_status_text(enum wire_status s);

struct wire_list {
    const uint8_t *at; /* the packed array */
    size_t len;
    uint32_t n; /* sub-records in it */
};

typedef uint64_t wire_u64;
typedef double wire_f64;
typedef int64_t wire_time;
typedef struct str wire_str, wire_json, wire_bin;
typedef bool wire_flag;

enum field_type {
    FIELD_U64,
    FIELD_F64,
    FIELD_TIME,
    FIELD_STR,
    FIELD_JSON,
    FIELD_BIN,
    FIELD_FLAG,
    FIELD_LIST
};

struct record_def;
struct field_def {
    uint8_t key;
    uint8_t type; /* enum field_type */
    uint16_t offset;
    const char *name; /* as in C; JSON and SQL drop the _us of times */
    const char *meaning;
    const struct record_def *item; /* of a list: what its sub-records are */
};

struct record_def {
    const char *name;
    uint64_t number; /* the value of field `rec`; 0 for sub-records */
    size_t size;     /* of the C struct */
    const struct field_def *fields;
    size_t n_fields;
};

enum record_kind {
    REC_NONE,
#define RECORD(number, name, topic, meaning) REC_##name = (number),
#include "schemas/records.def"
#undef RECORD
    REC_END
};

enum origin { ORIGIN_NONE, ORIGIN_RAW, ORIGIN_IMPORTS, ORIGIN_CONTROL, ORIGIN_EVENTS };

/* Indexes above that of any event of the same raw record: a tick's, and the first of signals,
 * which have that of their event added. */
enum { INDEX_TICK = 1000, INDEX_SIGNAL = 2000, EVENTS_PER_RECORD = 250 };

/* The fields of position.def, alike in every internal record. */
struct position {
    uint64_t rec, epoch, origin, partition, offset, index, import_id;
};

#define FIELD(key, type, name, meaning) wire_##type name;
#define LIST(key, item, name, meaning)  struct wire_list name;
struct kind {
#include "schemas/kind.def"
};
struct rated {
#include "schemas/rated.def"
};
struct site_key {
#include "schemas/site_key.def"
};
struct site {
#include "schemas/site.def"
};
struct policy {
#include "schemas/policy.def"
};
struct event {
#include "schemas/event.def"
#include "schemas/position.def"
};
struct signal {
#include "schemas/position.def"
#include "schemas/signal.def"
};
struct tick {
#include "schemas/position.def"
#include "schemas/tick.def"
};
struct import_line {
#include "schemas/import_line.def"
#include "schemas/position.def"
};
struct import_end {
#include "schemas/import_end.def"
#include "schemas/position.def"
};
struct control {
#include "schemas/control.def"
#include "schemas/position.def"
};
struct rejected {
#include "schemas/position.def"
#include "schemas/rejected.def"
};
struct vector {
#include "schemas/position.def"
#include "schemas/vector.def"
};
struct session {
#include "schemas/position.def"
#include "schemas/session.def"
};
struct prediction {
#include "schemas/position.def"
#include "schemas/prediction.def"
};
struct checkpoint {
#include "schemas/checkpoint.def"
#include "schemas/position.def"
};
struct visitor {
#include "schemas/position.def"
#include "schemas/visitor.def"
};
struct manifest {
#include "schemas/manifest.def"
#include "schemas/position.def"
};
struct chunk {
#include "schemas/chunk.def"
#include "schemas/position.def"
};
struct intervention {
#include "schemas/intervention.def"
#include "schemas/position.def"
};
struct outcome {
#include "schemas/outcome.def"
#include "schemas/position.def"
};
struct delivery {
#include "schemas/delivery.def"
#include "schemas/position.def"
};
struct decision_state {
#include "schemas/decision_state.def"
#include "schemas/position.def"
};
struct pending {
#include "schemas/pending.def"
#include "schemas/position.def"
};
#undef FIELD
#undef LIST

#define RECORD(number, name, topic, meaning)                                            \
    void name##_init(struct name *r);                                                   \
    void name##_pack(struct buf *b, const struct name *r);                              \
    MUST_USE enum wire_status name##_read(struct name *r, const void *msg, size_t len); \
    extern const struct record_def name##_def;
#define PART(name, meaning) RECORD(0, name, "", meaning)
#include "schemas/parts.def"
#include "schemas/records.def"
#undef PART
#undef RECORD

/* NULL for a number that is none. */
const struct record_def *record_def_of(uint64_t number);

/* The position alone, from the first fields of any internal record; only these are checked. */
MUST_USE enum wire_status position_read(struct position *p, const void *msg, size_t len);
/* Order within one (origin, partition or import): by epoch, offset, index; <0, 0, >0. */
int position_cmp(const struct position *a, const struct position *b);

#define POSITION_OF(r)                                                                 \
    ((struct position){(r)->rec, (r)->epoch, (r)->origin, (r)->partition, (r)->offset, \
                       (r)->index, (r)->import_id})
#define POSITION_SET(r, p)                                                                \
    ((r)->epoch = (p)->epoch, (r)->origin = (p)->origin, (r)->partition = (p)->partition, \
     (r)->offset = (p)->offset, (r)->index = (p)->index, (r)->import_id = (p)->import_id)

#endif
