/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/hash.h"
#include "test/shop/args.h"
#include "test/shop/event_json.h"
#include "test/shop/pace.h"
#include "test/shop/record.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define END_US (INT64_C(1718000000) * SECOND_US)

/* --- helpers --- */

static void read_file(const char *path, struct buf *b)
{
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    char chunk[65536];
    size_t len;
    while ((len = fread(chunk, 1, sizeof(chunk), f)) > 0)
        buf_put(b, chunk, len);
    (void)fclose(f);
}

/* Events and truth of a short history, as the program writes them. */
static void write_history(uint64_t seed, uint32_t sessions, struct buf *events,
                          struct buf *truth)
{
    char out[] = "/tmp/shop-test-XXXXXX", told[] = "/tmp/shop-test-XXXXXX";
    (void)close(mkstemp(out));
    (void)close(mkstemp(told));
    struct history_options o = {
        .past = {.seed = seed, .days = 3, .sessions = sessions, .end_us = END_US},
        .out = out,
        .truth = told};
    struct err e = {0};
    assert_true(history_write(&o, &e));
    read_file(out, events);
    read_file(told, truth);
    (void)unlink(out);
    (void)unlink(told);
}

static bool same(const struct buf *a, const struct buf *b)
{
    return str_eq(buf_as_str(a), buf_as_str(b));
}

/* A strict little reader of JSON (RFC 8259): returns what follows the value, or NULL. */
static const char *json_value(const char *at);

static const char *json_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    while (*at != '"') {
        if ((unsigned char)*at < 0x20 || *at == '\\')
            return NULL; /* the shop writes nothing that needs an escape */
        at++;
    }
    return at + 1;
}

static const char *json_members(const char *at, char close, bool named)
{
    if (*at == close)
        return at + 1;
    for (;;) {
        if (named && (!(at = json_string(at)) || *at++ != ':'))
            return NULL;
        if (!(at = json_value(at)))
            return NULL;
        if (*at == close)
            return at + 1;
        if (*at++ != ',')
            return NULL;
    }
}

static const char *json_value(const char *at)
{
    if (*at == '{')
        return json_members(at + 1, '}', true);
    if (*at == '[')
        return json_members(at + 1, ']', false);
    if (*at == '"')
        return json_string(at);
    size_t digits = strspn(at, "0123456789");
    bool leading_zero = digits > 1 && *at == '0';
    if (digits == 0 || leading_zero)
        return NULL;
    at += digits;
    if (*at == '.' && (digits = strspn(at + 1, "0123456789")) > 0)
        at += 1 + digits;
    return at;
}

/* --- tests --- */

static void same_seed_same_bytes(void **state)
{
    (void)state;
    struct buf a = {0}, b = {0}, c = {0}, at = {0}, bt = {0}, ct = {0};
    write_history(7, 400, &a, &at);
    write_history(7, 400, &b, &bt);
    write_history(8, 400, &c, &ct);
    assert_true(a.len > 1000 && at.len > 1000);
    assert_true(same(&a, &b) && same(&at, &bt));
    assert_false(same(&a, &c) || same(&at, &ct));
    struct buf *all[] = {&a, &b, &c, &at, &bt, &ct};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        buf_fini(all[i]);
}

static int by_text(const void *a, const void *b)
{
    return memcmp(a, b, EVENT_ID_LEN);
}

static void every_event_is_whole(void **state)
{
    (void)state;
    static const char *const needed[] = {
        "{\"messageId\":\"", "\"anonymousId\":\"", "\"type\":\"",   "\"timestamp\":\"",
        "\"sentAt\":\"",     "\"properties\":{",   "\"context\":{", "\"userAgent\":\"",
        "\"locale\":\"",     "\"timezone\":\"",    "\"screen\":{",  "\"ip\":\"",
        "\"site_id\":1}"};
    struct buf events = {0}, truth = {0};
    write_history(3, 2000, &events, &truth);
    auto_free char *ids = mem_new(events.len);
    size_t n = 0;
    int64_t last_us = 0;
    for (struct str rest = buf_as_str(&events), line; rest.len > 0; n++) {
        line = str_cut(rest, '\n', &rest);
        auto_free char *text = mem_new(line.len + 1);
        memcpy(text, line.at, line.len);
        text[line.len] = '\0';
        const char *end = json_value(text);
        assert_true(end == text + line.len);
        for (size_t i = 0; i < ARRAY_LEN(needed); i++)
            assert_non_null(strstr(text, needed[i]));
        int64_t ts_us = 0;
        assert_true(clock_parse(str_over(strstr(text, "\"timestamp\":\"") + 13, CLOCK_TEXT - 1),
                                &ts_us));
        assert_true(ts_us >= last_us && ts_us <= END_US);
        last_us = ts_us;
        memcpy(ids + n * EVENT_ID_LEN, text + 14, EVENT_ID_LEN);
    }
    assert_in_range(n, 2000 * 7, 2000 * 12);
    qsort(ids, n, EVENT_ID_LEN, by_text);
    for (size_t i = 1; i < n; i++)
        assert_true(by_text(ids + i * EVENT_ID_LEN, ids + (i - 1) * EVENT_ID_LEN) != 0);
    buf_fini(&events);
    buf_fini(&truth);
}

static bool walk_converts(const struct chain *c, enum visitor_type type, struct state s,
                          struct rng *r)
{
    enum action action;
    while ((action = chain_draw(c, type, s, r)) != ACTION_EXIT) {
        if (chain_is_conversion(action))
            return true;
        s = chain_after(s, action);
    }
    return false;
}

static void truth_equals_monte_carlo(void **state)
{
    (void)state;
    static const struct state from[] = {
        {PLACE_START, 0, ACCOUNT_NONE},   {PLACE_PRODUCT, 0, ACCOUNT_IN},
        {PLACE_LISTING, 2, ACCOUNT_OUT},  {PLACE_CHECKOUT, 1, ACCOUNT_NONE},
        {PLACE_ACCOUNT, 0, ACCOUNT_NONE}, {PLACE_THANKS, 0, ACCOUNT_PLUS},
    };
    enum { WALKS = 20000 };
    struct chain *c = chain_new();
    for (unsigned t = 0; t < N_TYPES; t++) {
        for (size_t i = 0; i < ARRAY_LEN(from); i++) {
            struct rng r = rng_stream(11, (uint64_t)t * 100 + i);
            double n = 0, p = chain_converts(c, (enum visitor_type)t, from[i]);
            for (unsigned k = 0; k < WALKS; k++)
                n += walk_converts(c, (enum visitor_type)t, from[i], &r);
            double error = sqrt(p * (1 - p) / WALKS);
            if (fabs(n / WALKS - p) > 4 * error)
                fail_msg("%s, state %zu: told %.5f, saw %.5f", habits[t].name, i, p, n / WALKS);
        }
    }
    struct state paid = {PLACE_PAID, 1, ACCOUNT_IN}, gone = {PLACE_EXIT, 0, ACCOUNT_IN};
    assert_true(fabs(chain_converts(c, TYPE_BUYER, paid) - 1) < 1e-12);
    assert_true(chain_converts(c, TYPE_BUYER, gone) == 0);
    free(c);
}

/* Per visitor, the end of the last session. */
struct seen {
    int64_t last_us[20000];
};

static void check_gaps(struct seen *seen, const struct session *s)
{
    assert_true(s->visitor.number < ARRAY_LEN(seen->last_us));
    int64_t *last_us = &seen->last_us[s->visitor.number];
    if (*last_us > 0)
        assert_true(s->steps[0].ts_us - *last_us >= SHOP_IDLE_MIN_US);
    for (size_t i = 1; i < s->n; i++) {
        int64_t gap_us = s->steps[i].ts_us - s->steps[i - 1].ts_us;
        assert_true(gap_us > 0 && gap_us <= SHOP_GAP_MAX_US + 1);
    }
    *last_us = s->steps[s->n - 1].ts_us;
    assert_true(*last_us <= END_US);
}

static void sessions_split_clearly(void **state)
{
    (void)state;
    struct shop_options so = past_shop(5);
    struct past_options po = {.seed = 5, .days = 2, .sessions = 8000, .end_us = END_US};
    struct shop *shop = shop_new(&so);
    struct past p;
    auto_free struct seen *seen = mem_zero(1, sizeof(*seen));
    past_init(&p, shop, &po);
    unsigned sessions = 0, again = 0, converted = 0;
    double told = 0, happened = 0, n = 0;
    for (const struct session *s; (s = past_take(&p)) != NULL;) {
        if (s->next < s->n)
            continue;
        check_gaps(seen, s);
        sessions++;
        again += s->visitor.n_sessions > 0;
        converted += session_converts_later(s, 0, s->n);
        n += (double)s->n;
        for (size_t i = 0; i < s->n; i++) {
            told += s->steps[i].converts;
            happened += session_converts_later(s, i, s->n);
        }
    }
    assert_int_equal(sessions, po.sessions);
    assert_true(again > sessions / 5);
    assert_in_range(converted, sessions * 4 / 100, sessions * 10 / 100);
    assert_true(fabs(told - happened) / n < .02);
    past_fini(&p);
    shop_free(shop);
}

/* Events in each of 40 minutes of the live shop, as scheduled. */
static void count_minutes(double rate, double speed, bool full_at_once, double minutes[40])
{
    struct shop_options so = past_shop(9);
    struct past_options po = {.seed = 9, .days = 7, .sessions = 4000, .end_us = END_US};
    struct shop *shop = shop_new(&so);
    struct past past;
    struct pace pace;
    past_init(&past, shop, &po);
    pace_init(&pace, shop);
    for (const struct session *s; (s = past_take(&past)) != NULL;) {
        if (s->next == s->n)
            pace_learn(&pace, s);
    }
    past_fini(&past);
    shop_salt(shop, 77);
    pace_start(&pace, rate, speed, full_at_once, END_US, 9);
    int64_t last_us = END_US;
    for (unsigned i = 0; i < 40; i++)
        minutes[i] = 0;
    for (;;) {
        int64_t due_us = pace_due(&pace);
        assert_true(due_us >= last_us);
        last_us = due_us;
        if (due_us >= END_US + 40 * MINUTE_US)
            break;
        minutes[(due_us - END_US) / MINUTE_US]++;
        assert_non_null(pace_take(&pace));
    }
    shop_free(shop);
}

static double mean_rate(const double *minutes, unsigned from, unsigned to)
{
    double n = 0;
    for (unsigned i = from; i < to; i++)
        n += minutes[i];
    return n / (60. * (to - from));
}

static void live_keeps_its_rate(void **state)
{
    (void)state;
    double minutes[40];
    count_minutes(50, 1, true, minutes);
    assert_true(fabs(mean_rate(minutes, 0, 2) - 50) < 7);
    assert_true(fabs(mean_rate(minutes, 0, 40) - 50) < 5);
    count_minutes(50, 1, false, minutes);
    assert_true(mean_rate(minutes, 0, 1) < 35);
    assert_true(fabs(mean_rate(minutes, 20, 40) - 50) < 6);
    count_minutes(20, 30, false, minutes);
    assert_true(fabs(mean_rate(minutes, 4, 40) - 20) < 3);
}

static void a_salt_makes_other_ids(void **state)
{
    (void)state;
    char id[2][EVENT_ID_SIZE];
    for (unsigned i = 0; i < 2; i++) {
        struct shop_options so = past_shop(1);
        struct shop *shop = shop_new(&so);
        shop_salt(shop, i);
        assert_true(shop_arrive(shop, END_US, INT64_MAX, 1));
        const struct session *s = shop_take(shop);
        event_id(s, 0, id[i]);
        assert_int_equal(strlen(id[i]), EVENT_ID_LEN);
        shop_free(shop);
    }
    assert_string_not_equal(id[0], id[1]);
}

static void records_have_their_form(void **state)
{
    (void)state;
    struct buf b = {0};
    ledger_line(&b, "id-1", STR("who"), 0xabcULL, true, 3, 42);
    ledger_line(&b, "id-2", STR("who"), UINT64_MAX, false, 3, 42);
    assert_string_equal(buf_cstr(&b), "id-1,who,0000000000000abc,ack,3,42\n"
                                      "id-2,who,ffffffffffffffff,fail,-1,-1\n");
    struct step steps[3] = {{.action = ACTION_PRODUCT, .converts = .25},
                            {.action = ACTION_PURCHASE, .converts = .125},
                            {.action = ACTION_CLICK, .converts = 0}};
    struct session s = {.n = 3, .steps = steps};
    buf_reset(&b);
    truth_lines(&b, &s, 3);
    assert_non_null(strstr(buf_cstr(&b), ",0.250000000,1\n"));
    assert_non_null(strstr(buf_cstr(&b), ",0.125000000,0\n"));
    buf_reset(&b);
    truth_lines(&b, &s, 1); /* cut short: the purchase was never sent */
    assert_non_null(strstr(buf_cstr(&b), ",0.250000000,0\n"));
    buf_fini(&b);
}

static enum arrival kind_of(struct str line)
{
    for (unsigned k = 0; k < N_ARRIVALS; k++) {
        char want[40];
        (void)snprintf(want, sizeof(want), "\"kind\":\"%s\"", arrival_names[k]);
        if (str_has_nocase(line, str_of(want)))
            return (enum arrival)k;
    }
    fail_msg("a line without kind");
    return N_ARRIVALS;
}

static void stream_has_every_kind(void **state)
{
    (void)state;
    struct stream_options o = {.seed = 2, .n_events = 3000, .end_us = END_US};
    struct buf a = {0}, again = {0};
    stream_generate(&a, &o);
    stream_generate(&again, &o);
    assert_true(same(&a, &again));
    unsigned n = 0, kinds[N_ARRIVALS] = {0};
    uint64_t last_ms = 0, ms;
    for (struct str rest = buf_as_str(&a), line; rest.len > 0; n++) {
        line = str_cut(rest, '\n', &rest);
        struct str number = str_over(line.at + strlen("{\"received_offset_ms\":"), 20);
        number.len = strspn(number.at, "0123456789");
        assert_true(str_u64(number, &ms));
        assert_true(ms >= last_ms);
        last_ms = ms;
        kinds[kind_of(line)]++;
    }
    assert_int_equal(n, o.n_events);
    for (unsigned k = 0; k < N_ARRIVALS; k++)
        assert_true(kinds[k] >= 20);
    assert_true(kinds[ARRIVAL_NORMAL] > n / 3);
    buf_fini(&a);
    buf_fini(&again);
}

static void wrong_usage_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *argv[12];
        const char *reason; /* NULL: it is right */
    } cases[] = {
        {{"shop", NULL}, "a verb is missing"},
        {{"shop", "sell", NULL}, "no verb sell"},
        {{"shop", "history", NULL}, "history needs --out"},
        {{"shop", "history", "--out", "-", "--days", "0", NULL}, "--days 0"},
        {{"shop", "history", "--out", "-", "--seed", "x", NULL}, "--seed x"},
        {{"shop", "history", "--out", "-", "--end", "soon", NULL}, "--end soon"},
        {{"shop", "history", "--out", "-", "--rate", "1", NULL}, "history knows no option"},
        {{"shop", "history", "--out", NULL}, "value is missing"},
        {{"shop", "history", "--out", "-", "more", NULL}, "more: not expected"},
        {{"shop", "live", NULL}, "live needs --brokers or --edge"},
        {{"shop", "live", "--edge", "http://h:1", NULL}, "--edge needs --write-key"},
        {{"shop", "live", "--edge", "h:1", NULL}, "--edge h:1: want http://"},
        {{"shop", "live", "--brokers", "h:1", "--batch", "2", NULL}, "--batch needs --edge"},
        {{"shop", "live", "--brokers", "h:1", "--effect", ".2", NULL},
         "--effect needs --react"},
        {{"shop", "live", "--brokers", "h:1", "--effect", "1.1", NULL}, "--effect 1.1: want"},
        {{"shop", "live", "--edge", "http://h:1", "--write-key", "k", "--react", NULL},
         "--react needs --brokers"},
        {{"shop", "live", "--edge", "http://h:1", "--write-key", "k", "--batch", "251", NULL},
         "--batch 251"},
        {{"shop", "live", "--brokers", "h:1", "--rate", "-3", NULL}, "--rate -3"},
        {{"shop", "live", "--brokers", "h:1", "--bogus", NULL}, "--bogus: unknown option"},
        {{"shop", "stream", "--out", "-", NULL}, "stream needs --kind"},
        {{"shop", "stream", "--out", "-", "--kind", "nice", NULL}, "--kind nice"},
        {{"shop", "stream", "--kind", "hostile", NULL}, "stream needs --out or --edge"},
        {{"shop", "stream", "--kind", "hostile", "--edge", "http://h:1", NULL},
         "--edge needs --write-key"},
        {{"shop", "stream", "--out", "-", "--kind", "hostile", "--edge", "http://h:1",
          "--write-key", "k", NULL},
         "want one of them"},
        {{"shop", "stream", "--out", "-", "--kind", "hostile", NULL}, NULL},
        {{"shop", "live", "--edge", "http://h:1", "--write-key", "k", NULL}, NULL},
        {{"shop", "live", "--brokers", "h:1", "--react", "--effect", "0", NULL}, NULL},
        {{"shop", "history", "--out", "-", "--end", "2024-06-01T00:00:00Z", NULL}, NULL},
        {{"shop", "live", "--brokers", "h:1", "--start-now", NULL}, NULL},
        {{"shop", "--help", NULL}, NULL},
        {{"shop", "live", "--help", NULL}, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct args a;
        struct err e = {0};
        char *argv[12] = {0};
        int argc = 0;
        for (; cases[i].argv[argc]; argc++)
            argv[argc] = mem_text(cases[i].argv[argc]);
        bool good = args_parse(argc, argv, END_US, &a, &e);
        assert_int_equal(good, cases[i].reason == NULL);
        if (!good) {
            assert_int_equal(err_exit(&e), EXIT_CODE_USAGE);
            if (!strstr(e.text, cases[i].reason))
                fail_msg("case %zu says: %s", i, e.text);
        }
        while (argc > 0)
            free(argv[--argc]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_bytes),     cmocka_unit_test(every_event_is_whole),
        cmocka_unit_test(truth_equals_monte_carlo), cmocka_unit_test(sessions_split_clearly),
        cmocka_unit_test(live_keeps_its_rate),      cmocka_unit_test(a_salt_makes_other_ids),
        cmocka_unit_test(records_have_their_form),  cmocka_unit_test(stream_has_every_kind),
        cmocka_unit_test(wrong_usage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
