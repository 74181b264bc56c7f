/* SPDX-License-Identifier: Apache-2.0 */
/* tally - what became of an import's lines, counted from `features` and `rejected`; records
 * that stand twice count once. */
#ifndef AUSPEX_CTL_TALLY_H
#define AUSPEX_CTL_TALLY_H

#include "common/base/err.h"

struct config;
struct buf;

enum tally_reason {
#define REASON(name, meaning) TALLY_##name,
#include "schemas/reasons.def"
#undef REASON
    TALLY_REASONS
};

struct tally {
    uint64_t accepted, late, repeats, rejected;
    uint64_t reasons[TALLY_REASONS + 1]; /* the last: names not known here */
};

/* Where to begin reading, noted before an import is sent; NULL in both = from the start. */
struct tally_from {
    int64_t *features, *rejected;
    size_t n_features, n_rejected;
};
MUST_USE bool tally_note(struct tally_from *f, const struct config *c, struct err *e);
void tally_from_fini(struct tally_from *f);

MUST_USE bool tally_count(struct tally *t, const struct config *c, uint64_t import_id,
                          const struct tally_from *from, struct err *e);
/* "accepted 5, rejected 1 (bad_row 1), late 0, repeats 0" */
void tally_print(const struct tally *t, struct buf *out);

#endif
