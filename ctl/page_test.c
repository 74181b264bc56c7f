/* SPDX-License-Identifier: Apache-2.0 */
/* page_test - the page as it looks, rows that stay, rates, and strangers' bytes that never
 * reach the terminal; libc's wcwidth is the judge of columns. */
#include "ctl/page.h"

#include "common/base/clock.h"
#include "common/base/rng.h"
#include "common/wire/out.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>

#include <cmocka.h>

static const int64_t begun_us = 1735732800 * SECOND_US; /* 2025-01-01 12:00:00 */
static const struct page_look plain = {.width = 80, .height = 24};

static void event_give(struct page *p, struct str visitor, const char *type, const char *path,
                       int64_t now_us)
{
    struct event r;
    event_init(&r);
    r.visitor = visitor;
    r.site_id = 1;
    r.type = str_of(type);
    r.path = str_of(path);
    page_event(p, &r, now_us);
}

static void vector_give(struct page *p, struct str visitor, int64_t seconds, int64_t now_us)
{
    struct vector r;
    vector_init(&r);
    r.visitor = visitor;
    r.site_id = 1;
    r.ts_us = now_us;
    r.session_started_us = now_us - seconds * SECOND_US;
    page_vector(p, &r, now_us);
}

static void prediction_give(struct page *p, struct str visitor, struct str type,
                            struct str product_id, double chance, int64_t now_us)
{
    struct prediction r;
    struct kind k;
    struct buf kinds = {0};
    kind_init(&k);
    k.kind = STR("conversion");
    k.probability = chance;
    out_array(&kinds, 1);
    kind_pack(&kinds, &k);
    prediction_init(&r);
    r.visitor = visitor;
    r.site_id = 1;
    r.type = type;
    r.product_id = product_id;
    r.session_id = STR("1-0-7");
    if (!isnan(chance))
        r.kinds = (struct wire_list){kinds.at, kinds.len, 1};
    page_prediction(p, &r, now_us);
    buf_fini(&kinds);
}

static void intervention_give(struct page *p, struct str visitor, struct str message,
                              bool is_held, int64_t now_us)
{
    struct intervention r;
    intervention_init(&r);
    r.visitor = visitor;
    r.site_id = 1;
    r.policy = STR("nudge");
    r.action = STR("offer");
    r.channel = STR("topic");
    r.message = message;
    r.holdout = is_held;
    r.received_us = now_us;
    page_intervention(p, &r, now_us);
}

static void outcome_give(struct page *p, struct str visitor, double value, bool is_held,
                         int64_t now_us)
{
    struct outcome r;
    outcome_init(&r);
    r.visitor = visitor;
    r.site_id = 1;
    r.policy = STR("nudge");
    r.result = isnan(value) ? STR("ignored") : STR("converted");
    r.value = value;
    r.currency = STR("EUR");
    r.holdout = is_held;
    r.received_us = now_us;
    r.fired_us = now_us - 83 * SECOND_US;
    page_outcome(p, &r, now_us);
}

static const char golden[] =
    "auspex  12:00:05 UTC  all sites  since 12:00:00\n"
    "events/s 0.4  predictions/s 1.2  interventions/s 0.4  rejected/s 0.2\n"
    "behind collector=0 featurizer=123k scorer=247k actuator=370k archiver=?\n"
    "visitor      last action   page or product conversion        session\n"
    "anna-012345~ add_to_cart   SKU-77          0.438 ████▍     ↑ 12m05s fired\n"
    "bert         page          SKU-2           0.250 ██▌       ↓ -      held out\n"
    "日本の訪問~  purchase      靴              1.000 ██████████  1h06m  converted\n"
    "new one      search                          -               -\n"
    "dora         search        /search           -               -      ignored\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "\n"
    "interventions and outcomes\n"
    "\n"
    "\n"
    "12:00:03 anna-012345~ nudge            fired offer by topic: 10 % off, anna\n"
    "12:00:03 bert         nudge            held out from offer\n"
    "12:00:04 日本の訪問~  nudge            converted (held out) 45.00 EUR after 1m2~\n"
    "12:00:04 dora         nudge            ignored\n"
    "events 2  fired 1  held out 1  converted 1  ignored 1  rejected 1\n";

static void story(struct page *p)
{
    int64_t t = begun_us + 2 * SECOND_US;
    struct rejected refused;
    page_init(p, 0, begun_us);
    event_give(p, STR("anna-0123456789"), "page", "/shoes/red", t);
    vector_give(p, STR("anna-0123456789"), 0, t);
    prediction_give(p, STR("anna-0123456789"), STR("page"), STR(""), 0.021, t);
    prediction_give(p, STR("anna-0123456789"), STR("add_to_cart"), STR("SKU-77"), 0.4375, t);
    vector_give(p, STR("anna-0123456789"), 725, t);
    prediction_give(p, STR("bert"), STR("page"), STR("SKU-1"), 0.5, t);
    prediction_give(p, STR("bert"), STR("page"), STR("SKU-2"), 0.25, t);
    prediction_give(p, STR("日本の訪問者さん"), STR("purchase"), STR("靴"), 1, t);
    vector_give(p, STR("日本の訪問者さん"), 4000, t);
    prediction_give(p, STR("new one"), STR("search"), STR(""), (double)NAN, t);
    event_give(p, STR("dora"), "search", "/search", t);
    intervention_give(p, STR("anna-0123456789"), STR("10 % off, anna"), false, t + SECOND_US);
    intervention_give(p, STR("bert"), STR("10 % off, bert"), true, t + SECOND_US);
    outcome_give(p, STR("日本の訪問者さん"), 45, true, t + 2 * SECOND_US);
    outcome_give(p, STR("dora"), (double)NAN, false, t + 2 * SECOND_US);
    rejected_init(&refused);
    page_rejected(p, &refused, t);
    for (size_t i = 0; i < PROGRAMS_N; i++)
        p->lag[i] = i == 0 ? 0 : i == 4 ? -1 : (int64_t)i * 123456;
}

static void test_golden(void **state)
{
    static struct page p;
    struct buf b = {0};
    (void)state;
    story(&p);
    page_draw(&p, &plain, begun_us + 5 * SECOND_US, &b);
    if (strcmp(buf_cstr(&b), golden) != 0)
        (void)fputs(buf_cstr(&b), stderr);
    assert_string_equal(buf_cstr(&b), golden);
    buf_fini(&b);
}

/* Checks a page line by line: nothing but shown characters and, where there is color, our own
 * sequences; at most `width` columns; `height` lines. */
static void page_check(struct str text, const struct page_look *look)
{
    size_t n_lines = 0, columns = 0;
    mbstate_t shift = {0};
    while (text.len > 0) {
        wchar_t c;
        static const char *const own[] = {"\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[32m",
                                          "\x1b[33m"};
        size_t len = 0;
        for (size_t i = 0; i < ARRAY_LEN(own) && look->has_color; i++)
            if (str_starts(text, str_of(own[i])))
                len = strlen(own[i]);
        if (len == 0) {
            len = mbrtowc(&c, text.at, text.len, &shift);
            assert_in_range(len, 1, 4);
            if (c == '\n') {
                n_lines++;
                columns = 0;
            } else {
                assert_true(c >= 0x20 && c < (look->is_ascii ? 0x7f : 0x110000) &&
                            wcwidth(c) >= 1);
                columns += (size_t)wcwidth(c);
                assert_true(columns <= look->width);
            }
        }
        text = str_over(text.at + len, text.len - len);
    }
    assert_int_equal(n_lines, look->height);
}

static void test_sizes(void **state)
{
    static struct page p;
    struct buf b = {0};
    (void)state;
    story(&p);
    for (size_t height = 1; height < 60; height++)
        for (size_t width = 20; width < 200; width += 7) {
            struct page_look look = {width, height, height % 2, width % 2};
            buf_reset(&b);
            page_size(&p, height);
            page_draw(&p, &look, begun_us + 6 * SECOND_US, &b);
            if (height > 8)
                page_check(buf_as_str(&b), &look);
        }
    buf_fini(&b);
}

/* Right to left from here on, and CSI as one character, in UTF-8. */
static const char turn[] = {(char)0xe2, (char)0x80, (char)0xae},
                  csi[] = {(char)0xc2, (char)0x9b};

static struct str hostile(struct rng *rng, struct buf *text)
{
    const struct str pieces[] = {STR("\x1b[2J"),    STR("\x1b]0;owned\x07"),
                                 STR("\r"),         STR("\n"),
                                 str_over(csi, 2),  STR("31m"),
                                 str_over(turn, 3), STR("e\xcc\x81"),
                                 STR("日本"),       STR("\xff\xfe"),
                                 STR("\x7f"),       STR("\b\b\b"),
                                 STR("%s%n"),       STR("\xf0\x9f\x98\x80"),
                                 STR("visitor")};
    buf_reset(text);
    do
        buf_str(text, pieces[rng_below(rng, ARRAY_LEN(pieces))]);
    while (rng_below(rng, 6) > 0);
    return buf_as_str(text);
}

static void test_hostile(void **state)
{
    static struct page p;
    struct rng rng = {8};
    struct buf a = {0}, b = {0}, c = {0}, d = {0};
    (void)state;
    page_init(&p, 0, begun_us);
    for (int i = 0; i < 3000; i++) {
        int64_t now_us = begun_us + i * SECOND_US;
        struct page_look look = {80, 24, i % 2, i % 3 == 0};
        struct str visitor = hostile(&rng, &a);
        prediction_give(&p, visitor, hostile(&rng, &c), hostile(&rng, &d), rng_unit(&rng),
                        now_us);
        intervention_give(&p, visitor, hostile(&rng, &c), i % 2, now_us);
        buf_reset(&b);
        page_draw(&p, &look, now_us, &b);
        page_check(buf_as_str(&b), &look);
        buf_reset(&b);
        page_draw_news(&p, p.n_news - 1, &b);
        page_check(buf_as_str(&b), &(struct page_look){200, 1, false, false});
    }
    buf_fini(&a);
    buf_fini(&b);
    buf_fini(&c);
    buf_fini(&d);
}

static bool is_shown(const struct page *p, const char *visitor)
{
    for (size_t i = 0; i < p->n_slots; i++)
        if (p->slots[i].hash &&
            str_is(str_over(p->slots[i].visitor.at, p->slots[i].visitor.len), visitor))
            return true;
    return false;
}

/* Who had no row comes with what is known of it, and who loses its row keeps that, too. */
static void test_remembered(void **state)
{
    static struct page p;
    int64_t t = begun_us;
    char name[32];
    (void)state;
    page_init(&p, 0, begun_us);
    for (size_t i = 0; i < p.n_slots; i++) {
        (void)snprintf(name, sizeof name, "old%zu", i);
        prediction_give(&p, str_of(name), STR("page"), STR("P1"), 0.25, t + (int64_t)i);
    }
    prediction_give(&p, STR("known"), STR("search"), STR("P2"), 0.5, t + SECOND_US);
    assert_false(is_shown(&p, "known"));
    intervention_give(&p, STR("known"), STR("m"), false, t + SECOND_US);
    assert_true(is_shown(&p, "known") && !is_shown(&p, "old0"));
    assert_true(p.slots[0].probability == 0.5 && p.slots[0].mark == MARK_FIRED);
    prediction_give(&p, STR("old0"), STR("page"), STR("P3"), 0.75, t + 4 * SECOND_US);
    assert_true(is_shown(&p, "old0") && !is_shown(&p, "old1"));
    assert_true(p.slots[1].probability == 0.75 && p.slots[1].before == 0.25);
}

/* Something done for many visitors at once takes no more than half of the rows. */
static void test_half_is_left(void **state)
{
    static struct page p;
    char name[32];
    size_t n = 0;
    (void)state;
    page_init(&p, 0, begun_us);
    for (size_t i = 0; i < p.n_slots; i++) {
        (void)snprintf(name, sizeof name, "old%zu", i);
        event_give(&p, str_of(name), "page", "/", begun_us + (int64_t)i);
    }
    for (size_t i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "new%zu", i);
        intervention_give(&p, str_of(name), STR("m"), false, begun_us + SECOND_US);
    }
    for (size_t i = 0; i < p.n_slots; i++)
        n += p.slots[i].mark == MARK_FIRED;
    assert_int_equal(n, p.n_slots / 2);
}

/* A full page: newcomers wait until a row has stood for a while; an intervention needs no wait,
 * and its row stands longer. */
static void test_rows_stand(void **state)
{
    static struct page p;
    int64_t t = begun_us;
    char name[32];
    (void)state;
    page_init(&p, 0, begun_us);
    for (size_t i = 0; i < p.n_slots; i++) {
        (void)snprintf(name, sizeof name, "old%zu", i);
        event_give(&p, str_of(name), "page", "/", t + (int64_t)i);
    }
    event_give(&p, STR("early"), "page", "/", t + SECOND_US);
    assert_false(is_shown(&p, "early"));
    intervention_give(&p, STR("urgent"), STR("m"), false, t + SECOND_US);
    assert_true(is_shown(&p, "urgent") && !is_shown(&p, "old0") && is_shown(&p, "old1"));
    event_give(&p, STR("late"), "page", "/", t + 4 * SECOND_US);
    assert_true(is_shown(&p, "late") && !is_shown(&p, "old1") && is_shown(&p, "urgent"));
    outcome_give(&p, STR("bored"), (double)NAN, false, t + 9 * SECOND_US);
    assert_false(is_shown(&p, "bored"));
    outcome_give(&p, STR("buyer"), 5, false, t + 9 * SECOND_US);
    assert_true(is_shown(&p, "buyer") && !is_shown(&p, "old2"));
    event_give(&p, STR("late"), "page", "/", t + 9 * SECOND_US);
    page_size(&p, 8); /* two rows: the most recent are left */
    assert_int_equal(p.n_slots, 2);
    assert_true(is_shown(&p, "late") && is_shown(&p, "buyer"));
}

static void test_site_and_rates(void **state)
{
    static struct page p;
    int64_t t = begun_us + 10 * SECOND_US;
    (void)state;
    page_init(&p, 2, begun_us);
    event_give(&p, STR("other"), "page", "/", t);
    assert_false(is_shown(&p, "other"));
    assert_int_equal(p.rates[RATE_events].total, 0);
    page_init(&p, 1, begun_us);
    for (int i = 0; i < 10; i++)
        event_give(&p, STR("v"), "page", "/", t - i * SECOND_US / 2);
    assert_true(fabs(page_rate(&p, RATE_events, t) - 9 / 5.0) <
                1e-9); /* the last is of this second */
    assert_true(page_rate(&p, RATE_events, t + 7 * SECOND_US) == 0);
    assert_true(page_rate(&p, RATE_events, begun_us) == 0);
    assert_int_equal(p.rates[RATE_events].total, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),         cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_hostile),        cmocka_unit_test(test_rows_stand),
        cmocka_unit_test(test_site_and_rates), cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_half_is_left),
    };
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 77;
    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
