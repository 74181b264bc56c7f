/* SPDX-License-Identifier: Apache-2.0 */
/* script - stories of one visitor in a line each, and what a feature is after each event, for
 * tests. A script is lines with | between:
 *   TIME[*N] TYPE [FIELD=VALUE ...]  N events (unless told, one) of that event time; received
 * then, or with the newest before; fields of event.def. In a text % is the number of the event,
 * from 0 !TIME                            the clock comes to TIME: a tick
 *   @ZONE                            the site's zone from now on, as in site.def
 *   @{JSON}                          its settings
 *   &FIELD=VALUE ...                 an external signal, with fields of signal.def
 * TIME is in seconds from T0, or a sum as 1d2h3m4s; so are fields that are times. The site is 7
 * unless told; an event with an import_id comes by that import. Idle is 1800 s. */
#ifndef AUSPEX_SCRIPT_H
#define AUSPEX_SCRIPT_H

#include "featurizer/try.h"

struct script_row {
    enum feature feature;
    const char *script;
    const char *values; /* after each event, of N the last; whatever stands between */
};

/* Fails the running test where a value is not as told, to 1e-6. */
void script_run(const struct script_row *row);

#endif
