/* SPDX-License-Identifier: Apache-2.0 */
/* windows - when the windows of live interventions end, the earliest first; ties by the
 * visitor's key in byte order, then by the intervention's position. What has its outcome
 * already comes out all the same, and whoever takes it looks. Order out does not depend on
 * order in. */
#ifndef AUSPEX_ACTUATOR_WINDOWS_H
#define AUSPEX_ACTUATOR_WINDOWS_H

#include "actuator/dossier.h"

struct window {
    int64_t at_us;
    struct dossier *dossier;
    uint64_t epoch, offset, index;
};

struct windows {
    struct window *heap;
    size_t n, cap;
};

void windows_fini(struct windows *d); /* {0} is valid and empty */
void windows_add(struct windows *d, struct window new);
/* The earliest, if there is one at or before `now_us`; taken out. */
bool windows_take(struct windows *d, int64_t now_us, struct window *out);

#endif
