/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the reader of policies. What it takes, it writes; that must be read and written
 * again to the same text, want the same features and answer alike of any prediction. What it
 * refuses, it refuses with words. */
#include "actuator/policy.h"
#include "common/base/hash.h"
#include "common/base/rng.h"
#include "common/wire/feature.h"
#include "common/wire/out.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A prediction made of a seed; texts are of those that policies ask for, too. */
static void prediction_make(struct rng *r, struct prediction *p, float row[FEATURES_N],
                            struct buf *kinds)
{
    static const char *const words[] = {"", "purchase", "email", "EUR", "p1", "v", "\xc3\xa9"};
    struct str *const texts[] = {&p->type,       &p->channel, &p->currency, &p->product_id,
                                 &p->session_id, &p->user_id, &p->visitor,  &p->order_id};
    prediction_init(p);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *texts[i] = str_of(words[rng_below(r, ARRAY_LEN(words))]);
    p->site_id = rng_below(r, 9);
    p->value = rng_below(r, 2) ? rng_below(r, 50) : (double)NAN;
    p->late = rng_below(r, 2);
    p->of_import = rng_below(r, 2);
    p->features_n = rng_below(r, FEATURES_N + 1);
    for (size_t i = 0; i < FEATURES_N; i++)
        row[i] = rng_below(r, 3) ? (float)rng_unit(r) * 9 : NAN;
    struct kind k;
    kind_init(&k);
    k.kind = STR("conversion");
    k.probability = rng_below(r, 8) ? rng_unit(r) : (double)INFINITY;
    out_array(kinds, 1);
    kind_pack(kinds, &k);
    p->kinds = (struct wire_list){kinds->at, kinds->len, rng_below(r, 4) > 0};
}

static void ask(const struct rule *first, const struct rule *second, uint64_t seed)
{
    struct rng r = rng_stream(seed, 1);
    for (unsigned i = 0; i < 4; i++) {
        float row[FEATURES_N];
        struct prediction p;
        struct buf kinds = {0}, a = {0}, b = {0};
        prediction_make(&r, &p, row, &kinds);
        const float *features = rng_below(&r, 4) ? row : NULL;
        CHECK(rule_holds(first, &p, features) == rule_holds(second, &p, features));
        rule_message(first, &p, features, &a);
        rule_message(second, &p, features, &b);
        CHECK(a.len <= POLICY_MESSAGE && str_eq(buf_as_str(&a), buf_as_str(&b)));
        CHECK(str_is_utf8(buf_as_str(&a)));
        buf_fini(&kinds);
        buf_fini(&a);
        buf_fini(&b);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = {0}, twice = {0};
    struct err e = {0};
    struct rule *first = rule_read(str_over(data, size), &e);
    if (!first) {
        CHECK(e.text[0] != '\0' && e.code == EXIT_CODE_CONFIG);
        return 0;
    }
    rule_json(first, &once);
    struct rule *second = rule_read(buf_as_str(&once), &e);
    CHECK(second != NULL);
    rule_json(second, &twice);
    CHECK(str_eq(buf_as_str(&once), buf_as_str(&twice)));
    CHECK(rule_wants_features(first) == rule_wants_features(second));
    ask(first, second, hash64(data, size));
    rule_free(first);
    rule_free(second);
    buf_fini(&once);
    buf_fini(&twice);
    return 0;
}
