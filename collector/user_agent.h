/* SPDX-License-Identifier: Apache-2.0 */
/* user_agent - device, browser and system from a user agent by its words, in a simple way:
 * families, no versions. The class of the device and the marks come from here in any case;
 * agents.h knows families and versions better. */
#ifndef AUSPEX_USER_AGENT_H
#define AUSPEX_USER_AGENT_H

#include "common/base/str.h"

/* Of event.def's agent_marks. */
enum { AGENT_MARK_BOT = 1, AGENT_MARK_HEADLESS = 2 };

struct user_agent {
    struct str device;  /* desktop, mobile, tablet, bot or other; empty when there is no text */
    struct str browser; /* family; of a bot its name; empty when unknown */
    struct str os;      /* family; empty when unknown */
    struct str browser_version, os_version; /* as 17.4.1; empty when unknown */
    uint64_t marks;
};

/* The texts are static or point into `text`. */
struct user_agent user_agent_read(struct str text);

#endif
