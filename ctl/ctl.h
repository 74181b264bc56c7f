/* SPDX-License-Identifier: Apache-2.0 */
/* ctl - what the verbs of auspexctl share: their table, and what the command line gave them. */
#ifndef AUSPEX_CTL_H
#define AUSPEX_CTL_H

#include "common/base/err.h"
#include "common/base/str.h"

struct config;
struct ctl;

enum { CTL_OPTIONS = 17, CTL_OPERANDS = 3, CTL_GIVEN = 64 };

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
    struct {
        size_t option;
        const char *value;
    } given[CTL_GIVEN]; /* in the order of the command line, one given twice twice */
    size_t n_given;
};

/* The value of an option that was given, the last one's when there are several; NULL when it
 * was not. */
const char *ctl_value(const struct ctl *c, const char *name);
/* Of an option that may be given several times, the value at or behind place *at of the command
 * line (0 at first), which moves on; NULL when there is no further one. */
const char *ctl_value_next(const struct ctl *c, const char *name, size_t *at);
/* The same as a number within bounds; `fallback` when it was not given. */
MUST_USE bool ctl_number(const struct ctl *c, const char *name, uint64_t fallback, uint64_t min,
                         uint64_t max, uint64_t *value, struct err *e);

/* The same as a span of time: 90s, 15m, 12h or 7d; *us is 0 when it was not given. */
MUST_USE bool ctl_span(const struct ctl *c, const char *name, int64_t *us, struct err *e);

/* SIGINT and SIGTERM set a flag from here on, instead of ending the program. */
void ctl_catch_signals(void);
void ctl_catch_signal(int number); /* the same for another one */
bool ctl_is_interrupted(void);

/* The verbs, one table a file. Each ends with an entry without a name. */
extern const struct verb topics_verbs[], db_verbs[], replay_verbs[], tap_verbs[],
    status_verbs[], models_verbs[], config_verbs[], wait_verbs[], sites_verbs[],
    policies_verbs[], rejected_verbs[], watch_verbs[], models_import_verbs[];

#endif
