/* SPDX-License-Identifier: Apache-2.0 */
/* user_agent - device, browser and system from a user agent, by its words, in a simple first
 * way: families, no versions. */
#ifndef AUSPEX_USER_AGENT_H
#define AUSPEX_USER_AGENT_H

#include "common/base/str.h"

struct user_agent {
    struct str device;  /* desktop, mobile, tablet, bot or other; empty when there is no text */
    struct str browser; /* family; of a bot its name; empty when unknown */
    struct str os;      /* family; empty when unknown */
};

/* The texts are static or point into `text`. */
struct user_agent user_agent_read(struct str text);

#endif
