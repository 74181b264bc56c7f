/* SPDX-License-Identifier: Apache-2.0 */
/* feature - the lines of schemas/features.def, in order: a vector's entries. */
#ifndef AUSPEX_FEATURE_H
#define AUSPEX_FEATURE_H

#include "common/base/str.h"

enum feature {
#define FEATURE(name, type, unit, group, absent, meaning, rule) FEATURE_##name,
#include "schemas/features.def"
#undef FEATURE
    FEATURES_N
};

struct feature_def {
    const char *name, *type, *unit, *group, *absent, *meaning, *rule;
};

extern const struct feature_def feature_defs[FEATURES_N];

/* XXH3 over "name:type:unit\n" of the first n lines; a model names n and this. n <= FEATURES_N.
 */
uint64_t features_hash(size_t n);

#endif
