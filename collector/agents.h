/* SPDX-License-Identifier: Apache-2.0 */
/* agents - browser, system and device of user agents with their versions, by uap-core's
 * expressions and, for the device's class and what those do not know, by user_agent.h.
 *
 * What was found is kept for the 65,536 agents asked for of late, whoever sends whatever: at
 * most 16 MiB. An agent that is kept costs no malloc. */
#ifndef AUSPEX_AGENTS_H
#define AUSPEX_AGENTS_H

#include "collector/agent_rules.h"
#include "collector/user_agent.h"

struct err;
struct agents;

enum { AGENT_NAME_MAX = 64, AGENT_VERSION_MAX = 32 }; /* bytes; longer ones are cut */

struct agents_counts {
    uint64_t hits, misses;
    size_t n_expressions, n_refused; /* of the file: those in use, those RE2 does not take */
};

/* `path` is uap-core's regexes.yaml; empty: none. `seed` is that of the hash by which agents
 * are told apart: nobody who sends may know it. NULL, with EXIT_CODE_CONFIG, when the file
 * cannot be used. */
MUST_USE struct agents *agents_new(const char *path, uint64_t seed, struct err *e);
void agents_free(struct agents *a);

/* The texts are valid until the next call, and as long as `text`. */
struct user_agent agents_find(struct agents *a, struct str text);

/* What uap-core's expressions alone tell, for each list a family and the parts of its version
 * (none of a device's); an empty family is what uap-core calls Other. Valid until the next
 * call.
 */
struct agent_told {
    struct str parts[AGENT_LISTS_N][AGENT_PARTS];
};
void agents_tell(struct agents *a, struct str text, struct agent_told *told);

const struct agents_counts *agents_counts(const struct agents *a);

#endif
