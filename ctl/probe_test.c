/* SPDX-License-Identifier: Apache-2.0 */
/* probe_test - metrics found in Prometheus text, and a port where nobody is. */
#include "ctl/probe.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char text[] = "# HELP auspex_lag_seconds age\n"
                           "# TYPE auspex_lag_seconds gauge\n"
                           "auspex_lag_seconds{topic=\"a b\",partition=\"0\"} 1.5\n"
                           "auspex_lag_seconds{topic=\"a b\",partition=\"1\"} 12\n"
                           "auspex_lag_seconds{topic=\"a b\",partition=\"2\"} 3\n"
                           "auspex_lag_seconds_more 99\n"
                           "auspex_ready 1\n"
                           "auspex_odd NaN\n";

static void metrics_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_there;
        double value;
    } cases[] = {
        {"auspex_lag_seconds", true, 12}, {"auspex_lag_seconds_more", true, 99},
        {"auspex_ready", true, 1},        {"auspex_lag", false, 0},
        {"auspex_odd", false, 0},         {"ready", false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        double value = -1;
        assert_int_equal(probe_metric(str_of(text), cases[i].name, &value), cases[i].is_there);
        assert_true(value == (cases[i].is_there ? cases[i].value : -1));
    }
}

static void nobody_answers(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_text(&body, "old");
    assert_int_equal(probe_get(1, "/readyz", &body), 0);
    assert_int_equal(body.len, 0);
    buf_fini(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_found),
        cmocka_unit_test(nobody_answers),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
