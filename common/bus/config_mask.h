/* SPDX-License-Identifier: Apache-2.0 */
/* config_mask - options as they are printed: what looks like a secret is hidden. Internal to
 * config. */
#ifndef AUSPEX_CONFIG_MASK_H
#define AUSPEX_CONFIG_MASK_H

#include "common/base/buf.h"

/* Appends a line "key = value": the value is *** when its key tells of a password, a secret or
 * a private key; within it, what follows password= and the password of a URL are. */
void config_print_value(const char *key, const char *value, struct buf *out);

#endif
