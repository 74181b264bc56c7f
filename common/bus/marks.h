/* SPDX-License-Identifier: Apache-2.0 */
/* marks - the highest position used of each log that an input's records stem from. Whoever
 * drops what is not above its mark counts each position once, however often it is written.
 *
 * A set of marks belongs to one partition of one topic, written by one program; within it a log
 * is named by (origin, partition) or (imports, import id). Pure. */
#ifndef AUSPEX_MARKS_H
#define AUSPEX_MARKS_H

#include "common/base/buf.h"
#include "common/wire/record.h"

struct mark {
    uint64_t origin, log; /* log: partition, or the import id */
    uint64_t epoch, offset, index;
};

/* Zero it with {0}. */
struct marks {
    struct mark *at; /* sorted by (origin, log), so that equal sets print alike */
    size_t n, cap;
};

void marks_fini(struct marks *m);
/* Moves the mark and returns true when p is above it; else leaves all as it is. */
bool marks_pass(struct marks *m, const struct position *p);
/* The same without moving. */
bool marks_would_pass(const struct marks *m, const struct position *p);

/* "v1 r0=1:5:2 i1f=1:8:0": per mark a letter for the origin (r, i, c, e), the log (imports in
 * hex), epoch, offset, index; ASCII, no NUL. */
void marks_print(const struct marks *m, struct buf *out);
/* False, and *m untouched, for anything that marks_print does not write. Empty text = no marks.
 */
MUST_USE bool marks_parse(struct marks *m, struct str text);
/* Most bytes that marks_print needs for n marks without imports. */
size_t marks_worst(size_t n);

#endif
