/* SPDX-License-Identifier: Apache-2.0 */
/* settings - which policies hold behind each record of control: all that ever were, each read
 * once, so that a record that names an old control number finds what held then. A policy whose
 * body cannot be read holds not, in every replay alike, and neither does the one before it. */
#ifndef AUSPEX_ACTUATOR_SETTINGS_H
#define AUSPEX_ACTUATOR_SETTINGS_H

#include "actuator/policy.h"

struct counters;
struct counter;
struct settings;

enum { POLICIES_MOST = 512 }; /* that hold at once; one more holds not, and is logged */

/* A policy as one control record set it. */
struct setting {
    uint64_t version; /* 1 + offset of that record */
    uint64_t hash;    /* of its name */
    struct rule *rule;
    const struct policy *policy; /* of the rule */
    struct counter *crossings, *capped, *interventions, *holdouts;
};

/* Those that hold, in order of their names. */
struct holding {
    const struct setting *const *settings;
    size_t n;
    bool wants_features; /* of one of them */
};

MUST_USE struct settings *settings_new(struct counters *counters);
void settings_free(struct settings *s);
/* A record of control, in the order of the log; one below settings_known is a repeat. NULL when
 * it could not be read at all: its number counts all the same. */
void settings_control(struct settings *s, uint64_t offset, const struct control *c);
/* 1 + offset of the last record taken; 0 = none. */
uint64_t settings_known(const struct settings *s);
/* What holds behind control record `control` (1 + its offset), which is known. Valid as long as
 * the settings. */
const struct holding *settings_at(const struct settings *s, uint64_t control);

#endif
