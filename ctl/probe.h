/* SPDX-License-Identifier: Apache-2.0 */
/* probe - asks a program's admin port. */
#ifndef AUSPEX_CTL_PROBE_H
#define AUSPEX_CTL_PROBE_H

#include "common/base/buf.h"

/* GET of a path on loopback, for at most a second. The HTTP status, or 0 when nobody answered;
 * `body` is emptied first and holds what came behind the head. */
int probe_get(unsigned port, const char *path, struct buf *body);
/* The greatest value of a metric over its labels; false when it is not there. `name` is whole,
 * "auspex_lag_seconds". */
bool probe_metric(struct str text, const char *name, double *value);

#endif
