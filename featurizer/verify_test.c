/* SPDX-License-Identifier: Apache-2.0 */
/* Skew: equal logs show none, and one changed bit, lost or strange record is seen. */
#include "featurizer/try.h"
#include "featurizer/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { RECORDS = 3000 };

static const struct featurizer_options options = {.idle_us = 1800 * SECOND_US, .tail = 9};

struct logs {
    struct try t;
    struct buf bytes[RECORDS];
    struct stage_message events[RECORDS], vectors[RECORDS + 1];
    size_t n, m;
};

static struct logs *logs_new(void)
{
    struct logs *l = mem_zero(1, sizeof *l);
    struct try_log log = {.rng = rng_stream(11, 1), .visitors = 80};
    try_init_as(&l->t, &options);
    for (l->n = 0; l->n < RECORDS; l->n++) {
        try_log_next(&log, &l->bytes[l->n]);
        l->events[l->n] = (struct stage_message){
            .offset = l->t.offset, .append_us = TRY_T0, .value = buf_as_str(&l->bytes[l->n])};
        uint64_t i = try_give(&l->t, buf_as_str(&l->bytes[l->n]));
        for (; i < outbox_next(l->t.out); i++)
            if (outbox_at(l->t.out, i)->topic == TOPIC_features)
                l->vectors[l->m++].value = outbox_at(l->t.out, i)->value;
    }
    return l;
}

static void logs_free(struct logs *l)
{
    for (size_t i = 0; i < RECORDS; i++)
        buf_fini(&l->bytes[i]);
    try_fini(&l->t);
    free(l);
}

static struct verify_counts verified(const struct logs *l)
{
    return featurizer_verify(&options, l->events, l->n, l->vectors, l->m);
}

static void equal_logs(void **state)
{
    (void)state;
    struct logs *l = logs_new();
    struct verify_counts c = verified(l);
    assert_true(c.vectors > RECORDS / 2 && c.vectors == c.events);
    assert_true(c.mismatched == 0 && c.missing == 0);
    l->vectors[l->m] = l->vectors[l->m - 1]; /* a repeat by position is none */
    l->m++;
    c = verified(l);
    assert_true(c.mismatched == 0 && c.vectors == c.events);
    logs_free(l);
}

static void each_difference_is_seen(void **state)
{
    (void)state;
    struct logs *l = logs_new();
    struct str whole = l->vectors[100].value;
    char *changed = mem_new(whole.len);
    memcpy(changed, whole.at, whole.len);
    changed[whole.len - 1] ^= 1;
    l->vectors[100].value = str_over(changed, whole.len);
    assert_int_equal(verified(l).mismatched, 1);
    l->vectors[100].value = whole;
    struct stage_message first = l->vectors[0];
    l->vectors[0] = l->vectors[1];
    struct verify_counts c = verified(l); /* the first is lost, the second stands twice */
    assert_true(c.missing == 1 && c.mismatched == 0);
    l->vectors[0] = first;
    changed[0] = (char)0xc1; /* no msgpack at all */
    l->vectors[100].value = str_over(changed, whole.len);
    c = verified(l);
    assert_true(c.mismatched == 1 && c.missing == 1);
    l->n = 0;
    c = verified(l);
    assert_true(c.ahead == l->m - 1 && c.mismatched == 1);
    free(changed);
    logs_free(l);
}

/* The clock and the tail are part of what is compared. */
static void clock_and_tail_are_seen(void **state)
{
    (void)state;
    struct logs *l = logs_new();
    struct buf changed = {0};
    struct vector v;
    struct tick k;
    struct str whole = {NULL, 0};
    size_t at = l->m - 1, n_told = 0, n_ticks = 0;
    for (size_t i = 0; i < l->m; i++) {
        struct str value = l->vectors[i].value;
        n_told += vector_read(&v, value.at, value.len) == WIRE_OK && v.clock_us > 0;
        n_ticks += tick_read(&k, value.at, value.len) == WIRE_OK && k.clock_us > 0;
    }
    assert_true(n_told > RECORDS / 2 && n_ticks > RECORDS / 20);
    while (vector_read(&v, l->vectors[at].value.at, l->vectors[at].value.len) != WIRE_OK ||
           v.tail.len < (size_t)2 * TOKEN_BYTES)
        at--;
    whole = l->vectors[at].value;
    v.clock_us++;
    vector_pack(&changed, &v);
    l->vectors[at].value = buf_as_str(&changed);
    assert_int_equal(verified(l).mismatched, 1);
    v.clock_us--;
    v.tail.len -= TOKEN_BYTES;
    buf_reset(&changed);
    vector_pack(&changed, &v);
    l->vectors[at].value = buf_as_str(&changed);
    assert_int_equal(verified(l).mismatched, 1);
    l->vectors[at].value = whole;
    struct featurizer_options o = options;
    o.tail = 0;
    struct verify_counts c = featurizer_verify(&o, l->events, l->n, l->vectors, l->m);
    assert_true(c.mismatched > RECORDS / 2 && c.missing == 0);
    buf_fini(&changed);
    logs_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_and_tail_are_seen),
        cmocka_unit_test(equal_logs),
        cmocka_unit_test(each_difference_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
