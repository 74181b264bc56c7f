/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/answer.h"
#include "test/shop/ledger.h"
#include "test/shop/queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A parcel of one of 26 visitors; its id is the number. */
static struct parcel *make(char visitor, unsigned number)
{
    char id[EVENT_ID_SIZE], who[EVENT_ID_SIZE];
    (void)snprintf(id, sizeof(id), "%036u", number);
    (void)snprintf(who, sizeof(who), "%c-visitor", visitor);
    return parcel_new(id, who, STR("{}"), 0);
}

/* Takes and returns e.g. "a12": whose, and which; "" when there is nobody. */
static struct customer *take(struct queue *q, size_t max, char out[64])
{
    struct parcel *list;
    struct customer *c = queue_take(q, max, &list);
    size_t len = 0;
    out[0] = '\0';
    for (struct parcel *p; c && (p = list) != NULL; free(p)) {
        list = p->next;
        if (len == 0)
            out[len++] = p->visitor[0];
        len += (size_t)snprintf(out + len, 64 - len, "%lu", strtoul(p->id, NULL, 10));
    }
    return c;
}

static void a_visitor_is_out_once(void **state)
{
    (void)state;
    struct queue *q = queue_new();
    char got[64];
    static const char visitors[] = "aabacb";
    for (unsigned i = 0; visitors[i]; i++)
        queue_put(q, make(visitors[i], i));
    assert_int_equal(queue_n(q), 6);
    struct customer *a = take(q, 2, got);
    assert_string_equal(got, "a01");
    struct customer *b = take(q, 9, got);
    assert_string_equal(got, "b25");
    struct customer *c = take(q, 1, got);
    assert_string_equal(got, "c4");
    assert_null(take(q, 1, got)); /* a3 waits until a is back */
    queue_put(q, make('b', 6));
    assert_null(take(q, 1, got));
    queue_back(q, c);
    queue_back(q, b);
    queue_back(q, a);
    assert_int_equal(queue_n(q), 2);
    b = take(q, 9, got);
    assert_string_equal(got, "b6");
    a = take(q, 9, got);
    assert_string_equal(got, "a3");
    queue_put(q, make('c', 7)); /* known no more, and again */
    queue_back(q, a);
    queue_back(q, b);
    c = take(q, 9, got);
    assert_string_equal(got, "c7");
    queue_put(q, make('c', 8)); /* is freed with the queue */
    queue_back(q, c);
    queue_free(q);
}

/* Random puts, takes and returns, against what must hold of any. */
static void order_holds_in_any_case(void **state)
{
    (void)state;
    enum { STEPS = 20000, VISITORS = 26 };
    struct queue *q = queue_new();
    struct rng r = rng_stream(1, 2);
    struct customer *out[VISITORS] = {0};
    unsigned put[VISITORS] = {0}, taken[VISITORS] = {0};
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned v = rng_below(&r, VISITORS);
        struct parcel *list = NULL;
        if (rng_unit(&r) < .5)
            queue_put(q, make((char)('a' + v), put[v]++));
        else if (out[v])
            queue_back(q, steal_ptr(out[v]));
        size_t max = 1 + rng_below(&r, 3), n = 0;
        struct customer *c = rng_unit(&r) < .3 ? queue_take(q, max, &list) : NULL;
        for (struct parcel *p; c && (p = list) != NULL; n++, free(p)) {
            list = p->next;
            v = (unsigned)(p->visitor[0] - 'a');
            assert_true(n > 0 || !out[v]);
            assert_true(n == 0 || out[v] == c);
            assert_int_equal(strtoul(p->id, NULL, 10), taken[v]++);
            out[v] = c;
        }
        assert_true(n <= max);
    }
    size_t left = 0;
    for (unsigned v = 0; v < VISITORS; v++) {
        left += put[v] - taken[v];
        if (out[v])
            queue_back(q, out[v]);
    }
    assert_int_equal(queue_n(q), left);
    queue_free(q);
}

static void quantiles_are_close(void **state)
{
    (void)state;
    auto_free struct delays *d = mem_zero(1, sizeof(*d));
    assert_int_equal(delays_quantile_us(d, .5), 0);
    for (int64_t us = 1; us <= 100000; us++)
        delays_add(d, us);
    assert_in_range(delays_quantile_us(d, .5), 50000, 51000);
    assert_in_range(delays_quantile_us(d, .99), 99000, 100000);
    assert_int_equal(delays_quantile_us(d, 1), 100000);
    delays_add(d, -5);
    delays_add(d, 400 * DAY_US);
    assert_int_equal(d->most_us, 400 * DAY_US);
    assert_int_equal(d->total, 100002);
}

static void answers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *reply, *accepted; /* of three */
        bool is_all;
    } cases[] = {
        {"", "111", true},
        {"{}", "111", true},
        {"{\"accepted\":3,\"rejected\":0,\"results\":[{\"index\":0,\"status\":\"accepted\"},"
         "{\"index\":1},{\"index\":2}]}",
         "111", true},
        {"{\"results\":[{\"a\":1},{\"status\":\"rejected\",\"reason\":\"bad_type\"},{}]}",
         "101", false},
        {"{\"results\":[{\"a\":{\"reason\":\"x\"}},{\"b\":\"}]\\\"{\"},{\"reason\":\"y\"}],"
         "\"more\":[{}]}",
         "010", false},
        {"{\"results\":[{},{}]}", "000", false},
        {"{\"results\":[{},{},{},{}]}", "000", false},
        {"{\"results\":[{},{},{\"a", "000", false},
        {"{\"results\":[{},{},{\"a\\", "000", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool accepted[3] = {true, true, true};
        auto_free char *reply =
            mem_text(cases[i].reply); /* so that reading behind it is seen */
        bool is_all = answer_read(str_of(reply), 3, accepted);
        for (unsigned k = 0; k < 3; k++)
            if (accepted[k] != (cases[i].accepted[k] == '1'))
                fail_msg("case %zu, event %u", i, k);
        assert_int_equal(is_all, cases[i].is_all);
    }
}

static void pauses_grow_and_heed(void **state)
{
    (void)state;
    assert_int_equal(answer_pause_ms(0, 0, 0), 25);
    assert_in_range(answer_pause_ms(0, 0, .999), 45, 50);
    assert_int_equal(answer_pause_ms(3, 0, 0), 200);
    assert_int_equal(answer_pause_ms(1000, 0, 0), 2500);
    assert_int_equal(answer_pause_ms(0, 2, 0), 2000);
    assert_in_range(answer_pause_ms(0, 2, .5), 2001, 2050);
    assert_int_equal(answer_pause_ms(1000, 1, .999), 4997);
    assert_int_equal(answer_pause_ms(0, 100000, 0), 60000);
}

static void the_ledger_counts(void **state)
{
    (void)state;
    auto_free struct ledger *l = mem_new(sizeof(*l));
    struct err e = {0};
    assert_true(ledger_open(l, "/dev/full", &e));
    auto_free struct parcel *p = make('a', 1);
    p->due_us = 1000;
    ledger_ack(l, p, 2, 7, 4000);
    ledger_fail(l, p);
    assert_true(l->acked == 1 && l->failed == 1);
    assert_int_equal(delays_quantile_us(&l->delays, .5), 3000);
    assert_non_null(strstr(l->broken.text, "/dev/full")); /* told once the line is written */
    assert_false(ledger_close(l, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_visitor_is_out_once), cmocka_unit_test(order_holds_in_any_case),
        cmocka_unit_test(quantiles_are_close),   cmocka_unit_test(answers_are_read),
        cmocka_unit_test(pauses_grow_and_heed),  cmocka_unit_test(the_ledger_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
