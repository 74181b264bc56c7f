/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/outbox.h"

#include "common/base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void give(struct outbox *o, struct str value)
{
    buf_str(outbox_begin(o), value);
    outbox_end(o, TOPIC_events, 3, STR("key"));
}

static void test_keeps_in_order(void **state)
{
    struct outbox *o = outbox_new();
    (void)state;
    assert_true(outbox_first(o) == 0 && outbox_next(o) == 0 && outbox_bytes(o) == 0);
    give(o, STR("one"));
    give(o, STR("three"));
    assert_true(outbox_first(o) == 0 && outbox_next(o) == 2);
    assert_int_equal(outbox_bytes(o), 3 + 3 + 3 + 5);
    const struct output *out = outbox_at(o, 1);
    assert_true(out->topic == TOPIC_events && out->partition == 3 && !out->is_json);
    assert_true(str_is(out->key, "key") && str_is(out->value, "three") && !out->is_acked);
    outbox_free(o);
}

static void test_copies_all_that_is_said(void **state)
{
    struct outbox *o = outbox_new();
    char key[] = "k", id[] = "id", trace[] = "trace";
    const struct output said = {.topic = TOPIC_predictions,
                                .partition = 1,
                                .is_json = true,
                                .key = str_of(key),
                                .value = STR("ignored"),
                                .ce_id = str_of(id),
                                .ce_time_us = 5,
                                .traceparent = str_of(trace),
                                .is_acked = true};
    (void)state;
    buf_text(outbox_begin(o), "value");
    outbox_end_as(o, &said);
    key[0] = id[0] = trace[0] = '?';
    const struct output *kept = outbox_at(o, 0);
    assert_true(str_is(kept->key, "k") && str_is(kept->value, "value"));
    assert_true(str_is(kept->ce_id, "id") && str_is(kept->traceparent, "trace"));
    assert_true(kept->is_json && kept->ce_time_us == 5 && kept->topic == TOPIC_predictions);
    assert_false(kept->is_acked);
    assert_int_equal(outbox_bytes(o), 1 + 5 + 2 + 5);
    outbox_drop(o, 1);
    assert_int_equal(outbox_bytes(o), 0);
    outbox_free(o);
}

static void test_begin_starts_empty(void **state)
{
    struct outbox *o = outbox_new();
    (void)state;
    buf_text(outbox_begin(o), "given up");
    buf_text(outbox_begin(o), "x");
    outbox_end(o, TOPIC_events, 0, STR(""));
    give(o, STR("")); /* an empty value, as heartbeats have */
    assert_true(str_is(outbox_at(o, 0)->value, "x") && outbox_at(o, 0)->key.len == 0);
    assert_int_equal(outbox_at(o, 1)->value.len, 0);
    outbox_free(o);
}

static void test_forgets_up_to_the_first_unacked(void **state)
{
    struct outbox *o = outbox_new();
    (void)state;
    for (int i = 0; i < 4; i++)
        give(o, STR("v"));
    outbox_ack(o, 2);
    outbox_ack(o, 1);
    assert_int_equal(outbox_first(o), 0);
    assert_true(outbox_at(o, 1)->is_acked && !outbox_at(o, 0)->is_acked);
    outbox_ack(o, 0);
    assert_int_equal(outbox_first(o), 3);
    outbox_ack(o, 3);
    assert_true(outbox_first(o) == 4 && outbox_bytes(o) == 0);
    give(o, STR("v"));
    assert_true(outbox_next(o) == 5 && outbox_first(o) == 4);
    outbox_free(o);
}

/* What is kept beside the outbox, to compare. */
enum { MOST = 6000 };
struct kept {
    const char *at;
    size_t len;
    uint8_t fill;
    bool is_acked;
};

static void give_filled(struct outbox *o, struct rng *rng, struct kept *k)
{
    static const uint32_t spans[] = {1, 40, 400, 5000, 70000, 600000};
    uint32_t span = spans[rng_below(rng, rng_below(rng, 40) == 0 ? 6 : 4)];
    k->len = rng_below(rng, span);
    k->fill = (uint8_t)rng_u64(rng);
    k->is_acked = false;
    struct buf *b = outbox_begin(o);
    if (k->len > 0)
        memset(buf_take(b, k->len), k->fill, k->len);
    outbox_end(o, TOPIC_events, 0, STR(""));
    k->at = outbox_at(o, outbox_next(o) - 1)->value.at;
}

static void check_kept(const struct outbox *o, const struct kept *kept)
{
    size_t bytes = 0;
    for (uint64_t i = outbox_first(o); i < outbox_next(o); i++) {
        const struct output *out = outbox_at(o, i);
        assert_true(out->value.len == kept[i].len && out->value.at == kept[i].at);
        assert_true(out->is_acked == kept[i].is_acked);
        if (kept[i].len > 0) {
            assert_int_equal((uint8_t)out->value.at[0], kept[i].fill);
            assert_int_equal((uint8_t)out->value.at[kept[i].len - 1], kept[i].fill);
        }
        bytes += kept[i].len;
    }
    assert_true(outbox_bytes(o) == bytes);
    assert_true(outbox_first(o) == outbox_next(o) || !kept[outbox_first(o)].is_acked);
}

static void test_bytes_stay_where_they_are(void **state)
{
    struct kept *kept = mem_zero(MOST, sizeof *kept);
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rng rng = rng_stream(seed, 0);
        struct outbox *o = outbox_new();
        for (int step = 0; step < 3000; step++) {
            uint64_t n = outbox_next(o) - outbox_first(o);
            uint32_t dice = rng_below(&rng, 100);
            if (dice < 55 && outbox_next(o) < MOST) {
                give_filled(o, &rng, &kept[outbox_next(o)]);
            } else if (dice < 97 && n > 0) {
                uint64_t i = outbox_first(o) + rng_below(&rng, (uint32_t)MIN(n, 8u));
                kept[i].is_acked = true;
                outbox_ack(o, i);
            } else if (n > 0) {
                outbox_drop(o, outbox_first(o) + rng_below(&rng, (uint32_t)n));
                while (outbox_first(o) < outbox_next(o) && kept[outbox_first(o)].is_acked)
                    outbox_drop(o, outbox_first(o) + 1);
            }
            if (step % 50 == 0)
                check_kept(o, kept);
        }
        check_kept(o, kept);
        outbox_drop(o, outbox_next(o));
        assert_int_equal(outbox_bytes(o), 0);
        outbox_free(o);
    }
    free(kept);
}

/* More than the ring holds at first, so that it has to grow while it wraps round. */
static void test_ring_grows(void **state)
{
    struct outbox *o = outbox_new();
    char text[32];
    (void)state;
    for (unsigned i = 0; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "value %u", i);
        give(o, str_of(text));
        if (i < 700)
            outbox_ack(o, i);
    }
    assert_true(outbox_first(o) == 700 && outbox_next(o) == 5000);
    for (unsigned i = 700; i < 5000; i++) {
        (void)snprintf(text, sizeof text, "value %u", i);
        assert_true(str_is(outbox_at(o, i)->value, text));
    }
    outbox_free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_in_order),
        cmocka_unit_test(test_copies_all_that_is_said),
        cmocka_unit_test(test_begin_starts_empty),
        cmocka_unit_test(test_forgets_up_to_the_first_unacked),
        cmocka_unit_test(test_bytes_stay_where_they_are),
        cmocka_unit_test(test_ring_grows),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
