/* SPDX-License-Identifier: Apache-2.0 */
/* skewservice - rounds of skewcheck at set times, with metrics, until SIGTERM or SIGINT.
 *
 * A round runs on a thread of libuv's; the loop answers meanwhile. While PostgreSQL does not
 * answer it is not ready, and tries again every few seconds. */
#ifndef AUSPEX_SKEWSERVICE_H
#define AUSPEX_SKEWSERVICE_H

#include "featurizer/skewcheck.h"

struct skewservice_options {
    struct skew_options round; /* since_us and now_us are set anew for each */
    int64_t period_us;
    uint64_t every_s;
    unsigned port; /* of the admin pages; 0 = any free */
};

/* True when it was told to end. */
MUST_USE bool skewservice_run(const struct skewservice_options *o, struct err *e);

#endif
