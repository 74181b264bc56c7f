/* SPDX-License-Identifier: Apache-2.0 */
/* agent_rules - the expressions of uap-core's regexes.yaml with what they tell, as the file has
 * them (its docs/specification.md). */
#ifndef AUSPEX_AGENT_RULES_H
#define AUSPEX_AGENT_RULES_H

#include "common/base/arena.h"

struct err;

enum agent_list { AGENT_BROWSERS, AGENT_SYSTEMS, AGENT_DEVICES, AGENT_LISTS_N };

/* A family and the parts of its version. */
enum { AGENT_PARTS = 5 };

struct agent_rule {
    struct str expression;
    bool is_nocase;
    struct str
        parts[AGENT_PARTS]; /* $1 to $9 stand for groups; empty: the group of this place */
};

struct agent_rules {
    struct agent_rule *lists[AGENT_LISTS_N]; /* each in the file's order; the first that matches
                                                counts */
    size_t n[AGENT_LISTS_N], cap[AGENT_LISTS_N];
    struct arena arena; /* the texts */
};

/* Reads the file; false when it cannot be read, is no YAML, or lacks one of the three lists. */
MUST_USE bool agent_rules_read(struct agent_rules *r, const char *path, struct err *e);
void agent_rules_fini(struct agent_rules *r); /* {0} is a valid empty one */

#endif
