/* SPDX-License-Identifier: Apache-2.0 */
/* sink - a file that lines are added to; "-" is standard output. */
#ifndef AUSPEX_SHOP_SINK_H
#define AUSPEX_SHOP_SINK_H

#include "common/base/buf.h"
#include "common/base/err.h"

#include <stdio.h>

struct sink {
    FILE *file; /* NULL: nobody asked for it, everything put there is dropped */
    const char *path;
};

/* `path` NULL opens nothing and succeeds. An existing file is emptied, or with `append` kept
 * and written line by line, so that a kill loses none. */
MUST_USE bool sink_open(struct sink *k, const char *path, bool append, struct err *e);
bool sink_is_empty(const struct sink *k); /* nothing in it yet, or no file */
/* Writes the buffer's bytes and empties it. */
MUST_USE bool sink_put(struct sink *k, struct buf *b, struct err *e);
/* Flushes and closes; false when anything could not be written. Safe on a zeroed sink. */
MUST_USE bool sink_close(struct sink *k, struct err *e);

#endif
