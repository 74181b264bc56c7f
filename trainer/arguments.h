/* SPDX-License-Identifier: Apache-2.0 */
/* arguments - the command line of auspex-trainer. */
#ifndef AUSPEX_ARGUMENTS_H
#define AUSPEX_ARGUMENTS_H

#include "trainer/boost.h"

#include <stdio.h>

struct err;

enum verb { VERB_NONE, VERB_CONVERSION, VERB_EXPORT, VERB_HELP, VERB_VERSION };

struct arguments {
    enum verb verb;
    const char *config;   /* file, or NULL */
    const char *out;      /* file, or NULL */
    const char *name;     /* of the model */
    const char *backfill; /* to read instead of what was logged, or NULL */
    bool no_publish, has_site;
    uint64_t site;
    struct boost_options boost;
};

/* Texts point into argv. Fails with EXIT_CODE_USAGE. */
MUST_USE bool arguments_read(struct arguments *a, int argc, char **argv, struct err *e);
void arguments_help(FILE *to);

#endif
