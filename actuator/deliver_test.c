/* SPDX-License-Identifier: Apache-2.0 */
/* deliver_test - when interventions are tried, what is recorded of it, and what a checkpoint
 * keeps, over a transport that answers what a test tells it to. */
#include "actuator/deliver.h"

#include "actuator/deliver_try.h"
#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOOKS                                                                  \
    "[webhooks]\nslow.url = https://slow.example/x\nslow.secret = " TRY_SECRET \
    "\nshop.url = https://shop.example/x\nshop.secret = " TRY_SECRET "\n"

static void nothing_goes_before_its_record(void **state)
{
    (void)state;
    struct try t;
    try_open(&t, HOOKS);
    try_add(&t, 0, 1, "shop", 3600);
    try_add(&t, 1, 2, "shop", 3600);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 0);
    outbox_ack(t.out, 0);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 1);
    assert_string_equal(t.sendings[0].id, "auspex_1-0-1-0");
    assert_string_equal(t.sendings[0].hook->name, "shop");
    assert_int_equal(t.sendings[0].timestamp_s, t.now_us / SECOND_US);
    assert_non_null(strstr(t.sendings[0].body, "\"intervention_id\":\"1-0-1-0\""));
    outbox_ack(t.out, 1);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 2);
    try_close(&t);
}

static void what_is_delivered_ends(void **state)
{
    (void)state;
    struct try t;
    try_open(&t, HOOKS);
    try_add(&t, 0, 1, "shop", 3600);
    try_ack(&t);
    try_turn(&t);
    try_commit(&t);
    assert_int_equal(try_pending(&t), 1);
    assert_false(deliver_is_changed(t.d));
    t.now_us += 70000;
    try_answer(&t, 0, 204, "");
    try_turn(&t);
    assert_true(deliver_is_changed(t.d));
    try_commit(&t);
    assert_false(deliver_is_changed(t.d));
    assert_int_equal(try_pending(&t), 0);
    assert_int_equal(t.n_deliveries, 1);
    const struct try_delivery *r = &t.deliveries[0];
    assert_string_equal(r->id, "1-0-1-0");
    assert_string_equal(r->result, "delivered");
    assert_int_equal(r->attempt, 1);
    assert_int_equal(r->status, 204);
    assert_int_equal(r->took_ms, 70);
    t.now_us += 48 * HOUR_US;
    try_turn(&t);
    assert_int_equal(t.n_sendings, 0);
    try_close(&t);
}

static void what_fails_comes_again(void **state)
{
    (void)state;
    struct try t;
    try_open(&t, HOOKS);
    try_add(&t, 0, 1, "shop", 120);
    try_ack(&t);
    try_turn(&t);
    try_answer(&t, 0, 500, "100"); /* Retry-After counts with 429 and 503 */
    try_turn(&t);
    t.now_us += 4 * SECOND_US;
    try_turn(&t);
    assert_int_equal(t.n_sendings, 0);
    t.now_us += 2 * SECOND_US;
    try_turn(&t);
    assert_int_equal(t.n_sendings, 1);
    try_answer(&t, 0, 503, "30");
    try_turn(&t);
    t.now_us += 29 * SECOND_US;
    try_turn(&t);
    assert_int_equal(t.n_sendings, 0);
    t.now_us += 1 * SECOND_US;
    try_turn(&t);
    assert_int_equal(t.n_sendings, 1);
    try_answer(&t, 0, 302, "");
    try_turn(&t); /* the next would be in half an hour */
    t.now_us += 83 * SECOND_US;
    try_turn(&t);
    assert_int_equal(try_commit(&t), 3);
    t.now_us += 2 * SECOND_US;
    try_turn(&t);
    assert_int_equal(try_commit(&t), 4);
    assert_int_equal(try_pending(&t), 0);
    static const char *const results[] = {"retry", "retry", "retry", "expired"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(t.deliveries[i].result, results[i]);
        assert_int_equal(t.deliveries[i].attempt, i + 1);
    }
    assert_string_equal(t.deliveries[2].detail, "redirects are not followed");
    assert_int_equal(t.deliveries[2].next_us, try_expires_us(120));
    assert_int_equal(t.n_sendings, 0);
    try_close(&t);
}

static void one_that_is_gone_takes_all_with_it(void **state)
{
    (void)state;
    struct try t;
    try_open(&t, HOOKS "[actuator]\nwebhook_each = 2\n");
    for (uint64_t i = 0; i < 5; i++)
        try_add(&t, 0, i, "shop", 3600);
    try_add(&t, 0, 5, "slow", 3600);
    try_ack(&t);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 3); /* 0, 1 and 5 */
    try_answer_id(&t, "1-0-0-0", 410);
    try_turn(&t);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 2);
    try_answer_id(&t, "1-0-1-0", 500); /* was under way */
    try_add(&t, 0, 6, "shop", 3600);
    try_ack(&t);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 1);
    assert_int_equal(try_commit(&t), 7); /* six are gone, and one retry before */
    assert_int_equal(try_count(&t, "gone"), 6);
    assert_int_equal(try_count(&t, "retry"), 1);
    assert_int_equal(try_pending(&t), 1);
    try_restart(&t); /* a new process asks again */
    try_add(&t, 0, 7, "shop", 3600);
    try_ack(&t);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 2);
    try_close(&t);
}

static void where_it_may_not_go_it_does_not(void **state)
{
    (void)state;
    static const struct {
        const char *url, *more;
        bool is_refused;
    } urls[] = {
        {"http://127.0.0.1:8080/x", "", true},
        {"http://127.0.0.1:8080/x", "shop.allow_private = true\n", false},
        {"http://127.1/", "", true},
        {"http://0x7f000001/", "", true},
        {"http://2130706433/", "", true},
        {"http://[::1]/", "", true},
        {"http://[::ffff:10.0.0.1]/", "", true},
        {"http://[fe80::1%25eth0]/", "", true},
        {"http://localhost/", "", true},
        {"http://LOCALHOST.:9/", "", true},
        {"http://a.localhost/", "", true},
        {"http://169.254.169.254/latest", "", true},
        {"http://user:word@10.0.0.1/", "", true},
        {"https://shop.example/", "", false},
        {"https://1.1.1.1/", "", false},
        {"https://notlocalhost/", "", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct try t;
        char text[512];
        (void)snprintf(text, sizeof text, "[webhooks]\nshop.url = %s\nshop.secret = %s\n%s",
                       urls[i].url, TRY_SECRET, urls[i].more);
        try_open(&t, text);
        try_add(&t, 0, 1, "shop", 3600);
        try_ack(&t);
        try_turn(&t);
        (void)try_commit(&t);
        if ((try_count(&t, "refused") == 1) != urls[i].is_refused ||
            (t.n_sendings == 1) == urls[i].is_refused)
            fail_msg("%s %s", urls[i].url, urls[i].more);
        try_close(&t);
    }
}

static void an_unknown_webhook_is_waited_for(void **state)
{
    (void)state;
    struct try t;
    try_open(&t, HOOKS);
    try_add(&t, 0, 1, "other", 3600);
    try_ack(&t);
    try_turn(&t);
    assert_int_equal(try_commit(&t), 1);
    assert_string_equal(t.deliveries[0].result, "retry");
    assert_string_equal(t.deliveries[0].detail, "no webhook of this name is configured");
    assert_int_equal(t.n_sendings, 0);
    try_reconfigure(&t, HOOKS "other.url = https://o.example\nother.secret = " TRY_SECRET "\n");
    t.now_us += 6 * SECOND_US;
    try_turn(&t);
    assert_int_equal(t.n_sendings, 1);
    try_answer(&t, 0, 200, "");
    try_turn(&t);
    assert_int_equal(try_commit(&t), 2);
    assert_int_equal(t.deliveries[1].attempt, 2);
    try_close(&t);
}

static void a_slow_one_holds_no_other(void **state)
{
    (void)state;
    struct try t;
    try_open(&t, HOOKS "[actuator]\nwebhook_parallel = 8\nwebhook_each = 8\n");
    for (uint64_t i = 0; i < 50; i++)
        try_add(&t, 0, i, "slow", 3600);
    for (uint64_t i = 50; i < 100; i++)
        try_add(&t, 0, i, "shop", 3600);
    try_ack(&t);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 8); /* each webhook has its half */
    for (unsigned i = 50; i < 100; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, "1-0-%u-0", i);
        try_answer_id(&t, id, 200);
        try_turn(&t);
    }
    assert_int_equal(t.n_sendings, 4);
    for (size_t i = 0; i < t.n_sendings; i++)
        assert_string_equal(t.sendings[i].hook->name, "slow");
    t.now_us += 3600 * SECOND_US; /* those behind the slow ones expire without an attempt */
    try_turn(&t);
    (void)try_commit(&t);
    assert_int_equal(try_count(&t, "delivered"), 50);
    assert_int_equal(try_count(&t, "expired"), 46);
    try_close(&t);
}

static void results_without_a_checkpoint_are_bounded(void **state)
{
    (void)state;
    struct try t;
    try_open(&t, HOOKS);
    uint64_t n = 0, before = 1, offset = 0;
    while (n != before) {
        before = n;
        for (int i = 0; i < 1000; i++)
            try_add(&t, 0, offset++, "shop", 3600);
        try_ack(&t);
        try_turn(&t);
        while (t.n_sendings > 0) {
            try_answer(&t, 0, 200, "");
            try_turn(&t);
            n++;
        }
    }
    assert_in_range(n, 10000, 100000);
    assert_int_equal(try_commit(&t), n);
    assert_int_equal(try_commit(&t), n); /* the cut behind says that it came through */
    try_turn(&t);
    assert_true(t.n_sendings > 0);
    try_close(&t);
}

/* Also when no record comes that would bring the next checkpoint. */
static void what_is_recorded_makes_room(void **state)
{
    (void)state;
    struct try t;
    enum { N = 60000, TURNS = 400 };
    size_t n_stored = 0;
    try_open(&t, HOOKS);
    for (uint64_t i = 0; i < N; i++)
        try_add(&t, 0, i, "shop", 1);
    try_ack(&t);
    try_commit(&t);
    t.now_us += 2 * SECOND_US;
    for (int i = 0; i < TURNS && n_stored < N; i++) {
        try_turn(&t);
        if (i % 50 == 49 && deliver_is_changed(t.d))
            n_stored = try_commit(&t);
    }
    assert_int_equal(n_stored, N);
    assert_int_equal(try_count(&t, "expired"), N);
    try_close(&t);
}

static void a_replay_delivers_nothing(void **state)
{
    (void)state;
    struct try t;
    try_open(&t, HOOKS "[auspex]\noutput_prefix = auspex.again\n");
    try_add(&t, 0, 1, "shop", 3600);
    try_ack(&t);
    try_turn(&t);
    assert_int_equal(try_commit(&t), 0);
    assert_int_equal(t.n_sendings, 0);
    assert_int_equal(try_pending(&t), 0);
    try_close(&t);
    try_open(&t, HOOKS "[auspex]\ntopic_prefix = a.b\noutput_prefix = a.b\n");
    try_add(&t, 0, 1, "shop", 3600);
    try_ack(&t);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 1);
    assert_string_equal(t.sendings[0].id, "auspex_1-0-1-0_a_b");
    try_close(&t);
}

static void who_retires_begins_nothing(void **state)
{
    (void)state;
    struct try t;
    try_open(&t, HOOKS);
    try_add(&t, 0, 1, "shop", 3600);
    try_ack(&t);
    try_turn(&t);
    try_add(&t, 0, 2, "shop", 3600);
    try_ack(&t);
    assert_false(deliver_retire(t.d));
    try_turn(&t);
    assert_int_equal(t.n_sendings, 1);
    try_answer(&t, 0, 200, "");
    assert_false(deliver_retire(t.d));
    try_turn(&t);
    assert_true(deliver_retire(t.d));
    assert_int_equal(try_commit(&t), 1);
    assert_int_equal(try_pending(&t), 1);
    try_close(&t);
}

static void a_record_that_is_too_long_goes_without_kinds(void **state)
{
    (void)state;
    struct try t;
    struct buf kinds = {0};
    struct intervention i;
    buf_byte(&kinds, 0xdc); /* an array of 16 bits' length */
    buf_byte(&kinds, 0x40);
    buf_byte(&kinds, 0);
    for (int k = 0; k < 0x4000; k++)
        buf_byte(&kinds, 0x80); /* an empty map */
    try_open(&t, HOOKS);
    try_intervention(&i, 0, 1, "shop", 3600);
    i.kinds = (struct wire_list){kinds.at, kinds.len, 0x4000};
    deliver_add(t.d, 0, &i, try_output(&t));
    try_ack(&t);
    try_turn(&t);
    assert_int_equal(t.n_sendings, 1);
    assert_null(strstr(t.sendings[0].body, "kinds"));
    buf_fini(&kinds);
    try_close(&t);
}

static void foreign_state_is_refused(void **state)
{
    (void)state;
    struct try t;
    struct err e = {0};
    try_open(&t, HOOKS);
    assert_true(deliver_owns(STR("\0pending1-0-1-0")));
    assert_false(deliver_owns(STR("\0checkpoint")));
    assert_false(deliver_owns(STR("1:visitor")));
    assert_false(deliver_restore(t.d, 0, STR("\0pendingx"), STR("\xc1"), &e));
    assert_int_equal(e.code, EXIT_CODE_CONFIG);
    assert_true(deliver_restore(t.d, 0, STR("\0pendingx"), (struct str){NULL, 0}, &e));
    try_close(&t);
}

static void configurations_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text, *error;
    } wrong[] = {
        {"[webhooks]\na.secret = " TRY_SECRET, "[webhooks] a.url is not set"},
        {"[webhooks]\na.url = http://h/", "[webhooks] a.secret is not set"},
        {"[webhooks]\na.url = http://h/\na.secret = whsec_c2hvcnQ=",
         "[webhooks] a.secret must be whsec_ and 24 to 64 bytes in base64"},
        {"[webhooks]\na.url = ftp://h/\na.secret = " TRY_SECRET,
         "[webhooks] a.url: it must be http or https"},
        {"[webhooks]\na.url = gopherx://h/\na.secret = " TRY_SECRET,
         "[webhooks] a.url: it must be http or https"},
        {"[webhooks]\na.url = h/x\na.secret = " TRY_SECRET, "[webhooks] a.url: Bad scheme"},
        {"[webhooks]\na.url = http://h:99999/\na.secret = " TRY_SECRET,
         "[webhooks] a.url: Port number was not a decimal number between 0 and 65535"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct err e = {0};
        struct try t;
        assert_false(try_opens(&t, wrong[i].text, &e));
        assert_string_equal(e.text, wrong[i].error);
        assert_int_equal(e.code, EXIT_CODE_CONFIG);
        try_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_goes_before_its_record),
        cmocka_unit_test(what_is_delivered_ends),
        cmocka_unit_test(what_fails_comes_again),
        cmocka_unit_test(one_that_is_gone_takes_all_with_it),
        cmocka_unit_test(where_it_may_not_go_it_does_not),
        cmocka_unit_test(an_unknown_webhook_is_waited_for),
        cmocka_unit_test(a_slow_one_holds_no_other),
        cmocka_unit_test(results_without_a_checkpoint_are_bounded),
        cmocka_unit_test(what_is_recorded_makes_room),
        cmocka_unit_test(a_replay_delivers_nothing),
        cmocka_unit_test(who_retires_begins_nothing),
        cmocka_unit_test(a_record_that_is_too_long_goes_without_kinds),
        cmocka_unit_test(foreign_state_is_refused),
        cmocka_unit_test(configurations_are_checked),
    };
    return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
