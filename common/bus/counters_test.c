/* SPDX-License-Identifier: Apache-2.0 */
/* counters_test - the Prometheus text of counters and histograms. */
#include "common/bus/counters.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void has_line(const struct counters *c, const char *line)
{
    struct buf out = {0}, wanted = {0};
    counters_print(c, &out);
    buf_printf(&wanted, "\n%s\n", line);
    if (!strstr(buf_cstr(&out), buf_cstr(&wanted)))
        fail_msg("no line %s in %s", line, buf_cstr(&out));
    buf_fini(&out);
    buf_fini(&wanted);
}

static void unlabelled_begin_at_zero(void **state)
{
    (void)state;
    struct counters *c = counters_new("collector");
    struct buf out = {0};
    has_line(c, "auspex_events_total 0");
    has_line(c, "# TYPE auspex_events_total counter");
    has_line(c, "# HELP auspex_events_total events accepted");
    has_line(c, "auspex_ready 0");
    has_line(c, "# TYPE auspex_ready gauge");
    counters_print(c, &out);
    assert_null(strstr(buf_cstr(&out), "auspex_visitors"));
    buf_fini(&out);
    counters_free(c);
}

static void labels_are_kept_apart(void **state)
{
    (void)state;
    struct counters *c = counters_new("collector");
    struct counter *a = counter_of(c, COUNTER_collector_rejected_total, "malformed", NULL);
    struct counter *b = counter_of(c, COUNTER_collector_rejected_total, "a\"b\\c\nd", NULL);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(a, counter_of(c, COUNTER_collector_rejected_total, "malformed", NULL));
    counter_add(a, 2);
    counter_add(a, 1);
    counter_add(b, 1);
    counter_set(counter_of(c, COUNTER_all_lag_records, "events", "7"), 12);
    has_line(c, "auspex_rejected_total{reason=\"malformed\"} 3");
    has_line(c, "auspex_rejected_total{reason=\"a\\\"b\\\\c\\nd\"} 1");
    has_line(c, "auspex_lag_records{topic=\"events\",partition=\"7\"} 12");
    counters_free(c);
}

static void numbers_keep_their_digits(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *line;
    } cases[] = {
        {123456789012.0, "auspex_ready 123456789012"},
        {0.1, "auspex_ready 0.10000000000000001"},
        {-2, "auspex_ready -2"},
        {HUGE_VAL, "auspex_ready +Inf"},
        {-HUGE_VAL, "auspex_ready -Inf"},
        {(double)NAN, "auspex_ready NaN"},
    };
    struct counters *c = counters_new("scorer");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        counter_set(counter_of(c, COUNTER_all_ready, NULL, NULL), cases[i].value);
        has_line(c, cases[i].line);
    }
    counters_free(c);
}

static void histogram_counts_below_bounds(void **state)
{
    (void)state;
    struct counters *c = counters_new("scorer");
    struct histogram *h = counters_histogram(c, "latency_seconds", "how long");
    assert_ptr_equal(h, counters_histogram(c, "latency_seconds", "how long"));
    histogram_add(h, 0.00025);
    histogram_add(h, 0.0003);
    histogram_add(h, 1);
    histogram_add(h, 1000);
    has_line(c, "# TYPE auspex_latency_seconds histogram");
    has_line(c, "auspex_latency_seconds_bucket{le=\"0.00025\"} 1");
    has_line(c, "auspex_latency_seconds_bucket{le=\"0.0005\"} 2");
    has_line(c, "auspex_latency_seconds_bucket{le=\"0.512\"} 2");
    has_line(c, "auspex_latency_seconds_bucket{le=\"1.024\"} 3");
    has_line(c, "auspex_latency_seconds_bucket{le=\"65.536\"} 3");
    has_line(c, "auspex_latency_seconds_bucket{le=\"+Inf\"} 4");
    has_line(c, "auspex_latency_seconds_sum 1001.00055");
    has_line(c, "auspex_latency_seconds_count 4");
    counters_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unlabelled_begin_at_zero),
        cmocka_unit_test(labels_are_kept_apart),
        cmocka_unit_test(numbers_keep_their_digits),
        cmocka_unit_test(histogram_counts_below_bounds),
    };
    return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
