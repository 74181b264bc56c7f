/* SPDX-License-Identifier: Apache-2.0 */
/* model_fuzz - the model reader over any bytes: as they are, and with the checksums made to
 * fit, which lets the fuzzer reach what lies behind them. What loads must score any row. */
#include "common/base/err.h"
#include "common/model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void load(const uint8_t *at, size_t len)
{
    static const float fills[] = {0, NAN, -INFINITY, 1e-45f};
    struct err e = {0};
    struct model *m = model_load(at, len, &e);
    CHECK(m != NULL || e.text[0] != '\0');
    if (m == NULL)
        return;
    float row[TREES_FEATURES_MAX];
    for (size_t k = 0; k < ARRAY_LEN(fills); k++) {
        struct score s;
        for (size_t i = 0; i < TREES_FEATURES_MAX; i++)
            row[i] = fills[k];
        model_score(m, row, 1, TREES_FEATURES_MAX, &s);
        CHECK(s.probability >= s.lower && s.probability <= s.upper);
        CHECK(s.lower >= 0 && s.upper <= 1);
    }
    model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    load(at, len);
    auto_free uint8_t *sealed = mem_new(len + 1);
    memcpy(sealed, at, len);
    if (container_seal(sealed, len))
        load(sealed, len);
    return 0;
}
