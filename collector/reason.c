/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/reason.h"

#include "common/base/base.h"

const char *reason_text(enum reason r)
{
    static const char *const texts[REASONS_N] = {
        "",
#define REASON(name, meaning) #name,
#include "schemas/reasons.def"
#undef REASON
    };
    CHECK(r < REASONS_N);
    return texts[r];
}
