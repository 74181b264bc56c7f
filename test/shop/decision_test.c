/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/decision.h"

#include "common/wire/json_out.h"
#include "common/wire/record.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct intervention offer_at(uint64_t partition, uint64_t offset)
{
    struct intervention i;
    intervention_init(&i);
    i.rec = REC_intervention;
    i.epoch = 1;
    i.origin = ORIGIN_EVENTS;
    i.partition = partition;
    i.offset = offset;
    i.visitor = STR("who");
    i.intervention_id = STR("1-0-0-0");
    i.action = STR("offer");
    return i;
}

static bool reads(struct decisions *d, const struct intervention *i, bool is_json,
                  struct decision *out)
{
    struct buf b = {0};
    if (is_json)
        record_json(&b, &intervention_def, i);
    else
        intervention_pack(&b, i);
    bool is = decisions_read(d, buf_as_str(&b), out);
    assert_true(!is || str_is(out->visitor, "who"));
    buf_fini(&b);
    return is;
}

static void each_offer_counts_once(void **state)
{
    (void)state;
    for (unsigned is_json = 0; is_json < 2; is_json++) {
        struct decisions *d = decisions_new();
        struct decision out;
        struct intervention i = offer_at(3, 10);
        assert_true(reads(d, &i, is_json, &out));
        assert_false(out.is_held);
        assert_false(reads(d, &i, is_json, &out)); /* a repeat */
        i.offset = 9;
        assert_false(reads(d, &i, is_json, &out));
        i.offset = 10;
        i.index = 1;
        i.holdout = true;
        assert_true(reads(d, &i, is_json, &out));
        assert_true(out.is_held);
        i = offer_at(1, 2); /* another partition counts by itself */
        assert_true(reads(d, &i, is_json, &out));
        i = offer_at(1 << 20, 2);
        assert_false(reads(d, &i, is_json, &out));
        decisions_free(d);
    }
}

static void others_are_passed_over(void **state)
{
    (void)state;
    struct decisions *d = decisions_new();
    struct decision out;
    struct intervention i = offer_at(0, 1);
    i.action = STR("notification");
    assert_false(reads(d, &i, false, &out));
    i = offer_at(0, 2);
    i.of_import = 7;
    assert_false(reads(d, &i, false, &out));
    assert_false(decisions_read(d, STR(""), &out));
    assert_false(decisions_read(d, STR("{\"rec\":"), &out));
    assert_false(decisions_read(d, STR("\x81\x00\xff"), &out));
    i = offer_at(0, 1); /* what was passed over has not moved the mark */
    assert_true(reads(d, &i, true, &out));
    decisions_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_offer_counts_once),
        cmocka_unit_test(others_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
