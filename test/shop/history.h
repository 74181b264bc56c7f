/* SPDX-License-Identifier: Apache-2.0 */
/* history - writes the shop's past as NDJSON in order of event time, and the truth about it. */
#ifndef AUSPEX_SHOP_HISTORY_H
#define AUSPEX_SHOP_HISTORY_H

#include "common/base/err.h"
#include "test/shop/past.h"

struct history_options {
    struct past_options past;
    const char *out;   /* file, or "-" */
    const char *truth; /* file, or NULL */
};

/* The same bytes for the same options. Says on stderr how much it wrote. */
MUST_USE bool history_write(const struct history_options *o, struct err *e);

#endif
