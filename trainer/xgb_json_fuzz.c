/* SPDX-License-Identifier: Apache-2.0 */
/* xgb_json_fuzz - any bytes as XGBoost's JSON model. What is refused says why; what becomes a
 * model of ours is a forest that scores any row, makes a container that loads, and the same
 * bytes again. */
#include "common/base/err.h"
#include "common/model/model.h"
#include "trainer/adopt.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void use(const struct adopted *m)
{
    static struct buf containers[2], metrics;
    const struct adopt_options o = {"fuzzed", "conversion"};
    for (int i = 0; i < 2; i++) {
        struct err e = {0};
        buf_reset(&containers[i]);
        buf_reset(&metrics);
        if (!adopt_write(m, NULL, &o, &containers[i], &metrics, &e)) {
            CHECK(e.text[0] != '\0');
            return;
        }
    }
    CHECK(str_eq(buf_as_str(&containers[0]), buf_as_str(&containers[1])));
    struct err e = {0};
    struct model *loaded = model_load(containers[0].at, containers[0].len, &e);
    CHECK(loaded != NULL);
    float row[TREES_FEATURES_MAX];
    struct score s;
    for (size_t i = 0; i < TREES_FEATURES_MAX; i++)
        row[i] = i % 3 ? (float)i : NAN;
    model_score(loaded, row, 1, TREES_FEATURES_MAX, &s);
    CHECK(margin_same(s.margin, adopt_margin(m, row)));
    CHECK(isnan(s.margin) || (s.probability >= 0 && s.probability <= 1));
    model_free(loaded);
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
    struct adopted m;
    struct err e = {0};
    if (!adopt_read(&m, str_over(at, len), &e)) {
        CHECK(e.text[0] != '\0' && m.trees.nodes.at == NULL);
        return 0;
    }
    use(&m);
    adopted_fini(&m);
    return 0;
}
