/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of REES46, one by one, and the whole sample (REES46 Open CDP), where it is to be had. */
#include "collector/collector_kit.h"
#include "collector/rees46.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void rows_are_read_or_refused(void **state)
{
    static const struct {
        const char *row, *fault;
    } cases[] = {
        {"2019-10-01 00:00:00 UTC,view,44,210,a.b,aqua,35.79,541,72d7", NULL},
        {"2019-10-01 00:00:00 UTC,view,44,210,,,35.79,541,72d7", NULL},
        {"2019-10-01 00:00:00 UTC,view,44,210,,,35.79,541,", NULL},
        {"2019-10-01 00:00:00 UTC,view,44,210,,,35.79,541", "not 9 columns"},
        {"2019-10-01 00:00:00 UTC,view,44,210,,,35.79,541,72d7,", "not 9 columns"},
        {"", "not 9 columns"},
        {"now,view,44,210,,,35.79,541,72d7", "event_time"},
        {"2019-10-01 00:00:00 UTC,look,44,210,,,35.79,541,72d7", "event_type"},
        {"2019-10-01 00:00:00 UTC,view,44,210,,,cheap,541,72d7", "price"},
        {"2019-10-01 00:00:00 UTC,view,44,210,,,-1,541,72d7", "price"},
        {"2019-10-01 00:00:00 UTC,view,44,210,,,,541,72d7", "price"},
        {"2019-10-01 00:00:00 UTC,view,,210,,,35.79,541,72d7", "product_id"},
        {"2019-10-01 00:00:00 UTC,view,44,210,,,35.79,,72d7", "user_id"},
        {"2019-10-01 00:00:00 UTC,view,44,210,,\xff,35.79,541,72d7", "not UTF-8"},
    };
    (void)state;
    struct arena a = {0};
    struct arrival arrival = {.received_us = KIT_RECEIVED_US, .is_import = true, .site_id = 7};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event e;
        const char *detail;
        enum reason why = rees46_read(&e, str_of(cases[i].row), &arrival, &a, &detail);
        assert_int_equal(why, cases[i].fault ? REASON_bad_row : REASON_NONE);
        assert_string_equal(detail, cases[i].fault ? cases[i].fault : "");
        if (i < 2)
            assert_true(str_is(e.category, i == 0 ? "a.b" : "210"));
    }
    arena_fini(&a);
}

struct sums {
    unsigned views, carts, purchases, rejected;
    double value;
};

static void add(struct sums *sums, struct kit *k)
{
    union record_any r;
    uint64_t rec;
    while (kit_next(k, &r, &rec)) {
        if (rec == REC_rejected) {
            assert_true(str_is(r.rejected.reason, "bad_row"));
            sums->rejected++;
            continue;
        }
        assert_true(rec == REC_event && r.event.site_id == 7);
        sums->views += str_is(r.event.type, "product_view");
        sums->carts += str_is(r.event.type, "add_to_cart");
        sums->purchases += str_is(r.event.type, "purchase");
        sums->value += isnan(r.event.value) ? 0 : r.event.value;
    }
}

static void send_lines(FILE *f, struct kit *k, struct sums *sums)
{
    char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    struct buf b = {0};
    struct import_line line;
    import_line_init(&line);
    line.epoch = 1;
    line.origin = ORIGIN_IMPORTS;
    line.import_id = 46;
    line.site_id = 7;
    line.format = STR("rees46");
    while ((len = getline(&text, &cap, f)) > 0) {
        line.offset++;
        line.body = str_over(text, (size_t)len - (text[len - 1] == '\n'));
        buf_reset(&b);
        import_line_pack(&b, &line);
        kit_send(k, TOPIC_imports, buf_as_str(&b), NULL);
        add(sums, k);
    }
    free(text);
    buf_fini(&b);
}

static void the_sample_gives_its_figures(void **state)
{
    (void)state;
    char path[4096], command[4200];
    const char *data = getenv("AUSPEX_DATA");
    (void)snprintf(path, sizeof path, "%s/rees46_sample/2019-Oct_prefix.csv.xz",
                   data ? data : "");
    if (access(path, R_OK) != 0) {
        print_message("# no sample at %s\n", path);
        skip();
    }
    (void)snprintf(command, sizeof command, "xzcat '%s'", path);
    FILE *f = popen(command, "r"); /* NOLINT(cert-env33-c): a tool of the test */
    assert_non_null(f);
    struct kit k;
    struct sums sums = {0};
    kit_open(&k);
    send_lines(f, &k, &sums);
    assert_int_equal(pclose(f), 0);
    assert_int_equal(sums.views, 17055);
    assert_int_equal(sums.carts, 165);
    assert_int_equal(sums.purchases, 214);
    assert_int_equal(sums.rejected, 1);
    assert_true(llround(sums.value * 100) == 5944263);
    assert_true(collector_counts(k.core)->events == 17434);
    kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_or_refused),
        cmocka_unit_test(the_sample_gives_its_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
