/* SPDX-License-Identifier: Apache-2.0 */
/* ctl - what the verbs of auspexctl share: their table, and what the command line gave them. */
#ifndef AUSPEX_CTL_H
#define AUSPEX_CTL_H

#include "common/base/err.h"
#include "common/base/str.h"

struct config;
struct ctl;

enum { CTL_OPTIONS = 10, CTL_OPERANDS = 3 };

struct ctl_option {
    const char *name;  /* without its dashes; NULL ends the list */
    const char *value; /* what stands for the value in --help; NULL: it takes none */
    const char *meaning;
};

/* A verb is one word, or two. `run` returns the exit code; what failed is in *e, which main
 * prints when it holds a text. */
struct verb {
    const char *name, *operands, *summary, *manual;
    size_t min_operands, max_operands;
    struct ctl_option options[CTL_OPTIONS];
    int (*run)(struct ctl *c, struct err *e);
};

struct ctl {
    const struct verb *verb;
    struct config *config;
    const char *operands[CTL_OPERANDS]; /* NULL where not given */
    const char *values[CTL_OPTIONS];    /* by the verb's options; "" for one without value */
};

/* The value of an option that was given, NULL when it was not. */
const char *ctl_value(const struct ctl *c, const char *name);
/* The same as a number within bounds; `fallback` when it was not given. */
MUST_USE bool ctl_number(const struct ctl *c, const char *name, uint64_t fallback, uint64_t min,
                         uint64_t max, uint64_t *value, struct err *e);

/* SIGINT and SIGTERM set a flag from here on, instead of ending the program. */
void ctl_catch_signals(void);
bool ctl_is_interrupted(void);

/* The verbs, one table a file. Each ends with an entry without a name. */
extern const struct verb topics_verbs[], db_verbs[], replay_verbs[], tap_verbs[],
    status_verbs[], models_verbs[], config_verbs[], wait_verbs[];

#endif
