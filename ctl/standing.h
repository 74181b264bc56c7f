/* SPDX-License-Identifier: Apache-2.0 */
/* standing - where a program stands in the topics it reads, by the offsets that its group, or
 * archiver's table archive_offsets, holds. */
#ifndef AUSPEX_CTL_STANDING_H
#define AUSPEX_CTL_STANDING_H

#include "ctl/programs.h"

#include "common/base/err.h"

struct config;
struct reader;

/* One topic; n partitions. `next` is the offset a program goes on at; where it has none yet,
 * the first one. */
struct standing {
    size_t n;
    int64_t *first, *end, *next;
};
void standing_fini(struct standing *s);
/* Records between `next` and the end, and whether all before `end` (n of them) is used. */
uint64_t standing_lag(const struct standing *s);
bool standing_is_past(const struct standing *s, const int64_t *end);
uint64_t standing_sum(const struct standing *s); /* of `next`: grows as the program goes on */

MUST_USE struct reader *reader_open(const struct config *c, enum program p, struct err *e);
void reader_close(struct reader *r);
/* Asks Kafka (and PostgreSQL for archiver); *s is filled anew, untouched on failure. */
MUST_USE bool reader_ask(struct reader *r, enum topic t, struct standing *s, struct err *e);
/* Members of the group at present, or -1. */
int reader_members(struct reader *r);

#endif
