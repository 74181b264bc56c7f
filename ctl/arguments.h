/* SPDX-License-Identifier: Apache-2.0 */
/* arguments - the command line of auspexctl: options before or behind the verb. */
#ifndef AUSPEX_CTL_ARGUMENTS_H
#define AUSPEX_CTL_ARGUMENTS_H

#include "ctl/ctl.h"

struct arguments {
    const char *config;
    bool is_verbose;
};

/* Fills `a` and `c` but for c->config and returns -1; or has printed help, the version or what
 * is wrong, and returns the exit code. */
int arguments_read(struct arguments *a, struct ctl *c, int argc, char *argv[]);

#endif
