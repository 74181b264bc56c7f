/* SPDX-License-Identifier: Apache-2.0 */
/* collector_fuzz - what must hold of whatever the core gives for any record of raw. */
#ifndef AUSPEX_COLLECTOR_FUZZ_H
#define AUSPEX_COLLECTOR_FUZZ_H

#include "common/base/str.h"

/* Aborts where it does not hold. */
void collector_fuzz(struct str value, const char *content_type);

#endif
