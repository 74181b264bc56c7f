/* SPDX-License-Identifier: Apache-2.0 */
/* dossier - what actuator keeps of one visitor, for each lane (live, or one import): which
 * conditions are true, what of today's cap is used, and interventions whose outcome is open.
 * One that holds nothing need not be there. Variable parts lie in the slab of the entries. */
#ifndef AUSPEX_ACTUATOR_DOSSIER_H
#define AUSPEX_ACTUATOR_DOSSIER_H

#include "common/bus/entries.h"

#define DOSSIER_KEPT_US ((int64_t)24 * 3600 * 1000000)

enum {
    DOSSIER_KEY = 1024, /* bytes of a key, "SITE:VISITOR" */
    DOSSIER_OPEN = 64,  /* open interventions of a lane; beyond it no new one */
    DOSSIER_USED = 512, /* policies that fired in a lane on one day; beyond it no new one */
    DOSSIER_NAME = 50,  /* bytes of a policy's name */
    DOSSIER_USER = 1024 /* bytes of a user id that are kept */
};

/* An intervention whose outcome is open. */
struct open {
    struct open *next;
    uint64_t epoch, offset, index; /* its position, within our partition */
    uint64_t version;              /* of its policy */
    int64_t due_us;                /* end of its window: received time; of imports event time */
    int64_t fired_us, ts_us;       /* received and event time of what led to it */
    bool is_held_out;
    uint8_t policy_len;
    uint16_t user_len;
    char policy[DOSSIER_NAME];
    char *user_id; /* in the slab; NULL = none */
};

/* Interventions of a policy on the lane's day. */
struct used {
    uint64_t policy, n; /* hash of its name */
};

struct lane {
    struct lane *next;         /* of imports, by rising import_id */
    uint64_t import_id;        /* 0 = live */
    uint64_t session;          /* hash of the session of the last event that counted */
    int64_t received_us;       /* newest received time */
    int64_t day;               /* that `used` counts on, since 1970 */
    uint64_t *truths;          /* versions of policies whose condition is true */
    struct used *used;         /* in the order of their first */
    struct open *first, *last; /* in the order they were made */
    uint32_t n_truths, cap_truths, n_used, cap_used, n_open;
};

struct dossier {
    struct entry entry; /* at first */
    struct lane live;
    struct lane *imports;
    uint32_t n_windows; /* deadlines that point here */
};

extern const struct entries_type dossier_type;

static inline struct str dossier_key(const struct dossier *d)
{
    return entry_key(&d->entry);
}

/* The parts of a key; false when it is none. */
MUST_USE bool dossier_key_cut(struct str key, uint64_t *site_id, struct str *visitor);

/* The lane of an import, or live for 0; NULL when there is none. */
struct lane *dossier_lane(struct dossier *d, uint64_t import_id);
/* The same, made when it is missing. */
struct lane *dossier_lane_take(struct slab *s, struct dossier *d, uint64_t import_id);
void dossier_lane_drop(struct slab *s, struct dossier *d, struct lane *l);
void dossier_clear(struct slab *s, struct dossier *d);

/* The live lane counts as one never seen: nothing is open, and no event came for a day before
 * `clock_us`; or it holds nothing anyway. */
bool dossier_live_is_over(const struct dossier *d, int64_t clock_us);

bool lane_has_truth(const struct lane *l, uint64_t version);
void lane_set_truths(struct slab *s, struct lane *l, const uint64_t *versions, size_t n);
/* Interventions of the policy that count on `day`; a new day forgets the one before. */
uint64_t lane_used(struct lane *l, int64_t day, uint64_t policy);
/* One more of that day; there is room while lane_has_room. */
bool lane_has_room(const struct lane *l);
void lane_use(struct slab *s, struct lane *l, uint64_t policy);
/* A copy at the end; `user_id` is copied too. */
void lane_open(struct slab *s, struct lane *l, const struct open *o, struct str user_id);
/* Takes out the one behind `before` (NULL: the first). */
void lane_shut(struct slab *s, struct lane *l, struct open *before);
void lane_clear(struct slab *s, struct lane *l);

/* The state as bytes, and back into an entry that holds nothing; what no pack has written is
 * refused with EXIT_CODE_CONFIG. Equal states give equal bytes. */
void dossier_pack(struct buf *b, const struct dossier *d);
MUST_USE bool dossier_unpack(struct slab *s, struct dossier *d, struct str bytes,
                             struct err *e);

#endif
