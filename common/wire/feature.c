/* SPDX-License-Identifier: Apache-2.0 */
#include "common/wire/feature.h"

#include "common/base/buf.h"
#include "common/base/hash.h"

const struct feature_def feature_defs[FEATURES_N] = {
#define FEATURE(name, type, unit, group, absent, meaning, rule) \
    {#name, #type, #unit, #group, absent, meaning, rule},
#include "schemas/features.def"
#undef FEATURE
};

uint64_t features_hash(size_t n)
{
    CHECK(n <= FEATURES_N);
    struct buf b = {0};
    for (size_t i = 0; i < n; i++)
        buf_printf(&b, "%s:%s:%s\n", feature_defs[i].name, feature_defs[i].type,
                   feature_defs[i].unit);
    uint64_t hash = hash64(b.at, b.len);
    buf_fini(&b);
    return hash;
}
