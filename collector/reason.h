/* SPDX-License-Identifier: Apache-2.0 */
/* reason - why an event is refused, from schemas/reasons.def. */
#ifndef AUSPEX_REASON_H
#define AUSPEX_REASON_H

#ifdef __cplusplus
extern "C" {
#endif

enum reason {
    REASON_NONE, /* it is taken */
#define REASON(name, meaning) REASON_##name,
#include "schemas/reasons.def"
#undef REASON
    REASONS_N
};

/* "bad_utf8" for REASON_bad_utf8; "" for REASON_NONE. */
const char *reason_text(enum reason r);

#ifdef __cplusplus
}
#endif
#endif
