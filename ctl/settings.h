/* SPDX-License-Identifier: Apache-2.0 */
/* settings - what topic control says of sites or policies: the last record of each name. */
#ifndef AUSPEX_CTL_SETTINGS_H
#define AUSPEX_CTL_SETTINGS_H

#include "common/base/arena.h"
#include "common/wire/record.h"

struct config;
struct err;

struct setting {
    struct str name, body;
    uint64_t version; /* 0 = it was taken back */
    uint64_t offset;  /* of its record in control; 1 + offset is the version that people see */
    bool wants_features;
};

struct settings {
    const char *what; /* "site" or "policy" */
    struct arena arena;
    struct setting *items; /* policies by name, sites by number; texts live in the arena */
    size_t n;
    uint64_t end; /* offset behind the last record of control that was read */
};

/* Reads control to its end. */
MUST_USE bool settings_read(struct settings *s, const struct config *config, const char *what,
                            struct err *e);
void settings_fini(struct settings *s);
/* The last word about a name, also when it says that it holds no more; NULL when there is none.
 */
const struct setting *settings_find(const struct settings *s, struct str name);
/* The same, but NULL also for what was taken back. */
const struct setting *settings_holding(const struct settings *s, struct str name);

/* Writes a control record about a name that was read by settings_read. Its position is set
 * here. EXIT_CODE_AGAIN, with the record written all the same, when another of the same name
 * came in between: the one that was written last holds. */
MUST_USE bool settings_put(const struct settings *s, const struct config *config,
                           struct control *control, int64_t *offset, struct err *e);

/* Writes a control record and waits until it is stored. Its position is set here. */
MUST_USE bool control_put(const struct config *config, struct control *control, int64_t *offset,
                          struct err *e);

#endif
