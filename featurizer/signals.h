/* SPDX-License-Identifier: Apache-2.0 */
/* signals - what holds outside for a region and a while (schemas/signal.def), of one partition:
 * the newest SIGNALS_MOST by its log. Texts are kept as their codes. */
#ifndef AUSPEX_SIGNALS_H
#define AUSPEX_SIGNALS_H

#include "common/base/buf.h"
#include "common/wire/in.h"
#include "common/wire/record.h"

enum { SIGNALS_MOST = 256 };

enum signal_kind { SIGNAL_OTHER, SIGNAL_WEATHER, SIGNAL_HOLIDAY, SIGNAL_TREND, SIGNAL_KINDS };

struct held_signal {
    uint64_t site_id;
    int64_t from_us, to_us; /* holds from the first to before the other */
    double value;           /* NaN = none told */
    uint32_t place;         /* FNV-1a of its region; 0 = it holds everywhere */
    uint16_t country;       /* the region as a country, see codes.h; 0 = it is none */
    uint8_t kind;           /* enum signal_kind */
};

/* A ring: [0, n) from `first` on, oldest first; {0} is empty. */
struct signals {
    struct held_signal *at;
    uint32_t n, cap, first;
};

void signals_fini(struct signals *l);
/* The oldest goes when there is no room. */
void signals_add(struct signals *l, const struct signal *x);

/* Where and when somebody is; 0 = not known. */
struct whereabouts {
    uint64_t site_id;
    int64_t t_us;
    uint32_t country;       /* code */
    uint32_t region, place; /* FNV-1a of REGION, of COUNTRY-REGION */
};
/* How many hold there; the value of the newest of each kind, 1 for one without value, NaN for
 * none. */
uint32_t signals_at(const struct signals *l, const struct whereabouts *w,
                    double values[SIGNAL_KINDS]);

/* As part of the partition's own state. */
void signals_pack(struct buf *out, const struct signals *l);
void signals_unpack(struct signals *l, struct in *in);

#endif
