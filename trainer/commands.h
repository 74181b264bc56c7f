/* SPDX-License-Identifier: Apache-2.0 */
/* commands - what auspex-trainer does. */
#ifndef AUSPEX_COMMANDS_H
#define AUSPEX_COMMANDS_H

#include "trainer/arguments.h"

struct config;

/* Report on stdout, progress on stderr. */
MUST_USE bool command_conversion(const struct arguments *a, const struct config *c,
                                 struct err *e);
/* CSV to a->out or stdout: features by name, label, then session_id, site_id, epoch, partition,
 * offset, ts, session_started; rows by (session_started, position). */
MUST_USE bool command_export(const struct arguments *a, const struct config *c, struct err *e);

#endif
