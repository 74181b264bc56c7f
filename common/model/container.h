/* SPDX-License-Identifier: Apache-2.0 */
/* container - the model file: a head and checked sections. Little-endian throughout.
 *
 *   0   "AUSPEXMD"                       64   kind[32], form[32], name[64]: [a-z0-9._-]+, then
 *   8   u32 format, 1                         zeroes
 *   12  u32 number of sections n         192  n entries of 32 bytes: tag[8] (letters, zeroes),
 *   16  u64 length of the whole file          u64 offset, u64 length, u64 XXH3-64 of the
 * section 24  u64 hash over the feature lines  ...  u64 XXH3-64 of all bytes before it 32  u32
 * number of feature lines      ...  the sections in order, each at the next multiple 36  u32 0
 * of 64, zeroes between; the file ends with the last 40  i64 first, i64 last event time 56  u64
 * 0
 *
 * There is one way to write a given content, and the reader refuses every other: wrong lengths,
 * order, alignment, padding, checksums, bytes behind the end. Nothing in it tells when or where
 * it was made, so equal training gives equal bytes. */
#ifndef AUSPEX_CONTAINER_H
#define AUSPEX_CONTAINER_H

#include "common/base/buf.h"

struct err;

enum {
    CONTAINER_SECTIONS_MAX = 16,
    CONTAINER_ALIGN = 64,
    CONTAINER_TAG = 9,
    CONTAINER_WORD = 33,
    CONTAINER_NAME = 65,
};

struct container_head {
    char kind[CONTAINER_WORD]; /* what is predicted: "conversion" */
    char form[CONTAINER_WORD]; /* what the sections mean: "trees" */
    char name[CONTAINER_NAME]; /* of the model */
    uint32_t n_features;       /* feature lines that the model knows */
    uint64_t features_hash;    /* over those lines */
    int64_t data_from_us;      /* event times that it was trained on, first .. */
    int64_t data_to_us;        /* .. and last */
};

struct section {
    char tag[CONTAINER_TAG]; /* 1 to 8 lower-case letters */
    struct str bytes;        /* a slice of what was read, or what is to be written */
};

struct container {
    struct container_head head;
    uint32_t n_sections;
    struct section sections[CONTAINER_SECTIONS_MAX];
};

/* Checks everything the layout says; the sections' slices point into `at`, which needs no
 * alignment. Allocates nothing. *c is undefined after a failure. */
MUST_USE bool container_read(struct container *c, const void *at, size_t len, struct err *e);
/* Appends the file to `out`, which must be empty. Words and tags that may not stand in a file
 * are our bug. */
void container_write(const struct container *c, struct buf *out);
/* Writes fresh checksums into an image whose head and table are in place; false where they lead
 * out of it. For the writer, and for fuzzing what lies behind the checksums. */
MUST_USE bool container_seal(uint8_t *at, size_t len);

#endif
