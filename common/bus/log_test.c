/* SPDX-License-Identifier: Apache-2.0 */
/* log_test - lines as they stand on stderr, which is a pipe of the test's own here. */
#include "common/bus/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int pipe_read = -1, pipe_write = -1, old_stderr = -1;

static void stderr_take(void)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pipe_read = fds[0];
    pipe_write = fds[1];
    assert_int_equal(fcntl(pipe_read, F_SETFL, O_NONBLOCK), 0);
    old_stderr = dup(STDERR_FILENO);
    assert_true(dup2(pipe_write, STDERR_FILENO) >= 0);
}

/* What was written since stderr_take, without its time stamps' digits. */
static const char *stderr_give(void)
{
    static char text[65536];
    assert_true(dup2(old_stderr, STDERR_FILENO) >= 0);
    ssize_t n = read(pipe_read, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    assert_int_equal(close(pipe_read) | close(pipe_write) | close(old_stderr), 0);
    return text;
}

static size_t lines_n(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == '\n';
    return n;
}

static void ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    if (n < m || strcmp(text + n - m, end) != 0)
        fail_msg("%s does not end in %s", text, end);
}

static void logfmt_line(void **state)
{
    (void)state;
    log_open("scorer", "one", false, LOG_INFO);
    stderr_take();
    log_info("partition assigned", "topic=%s partition=%u", "features", 3);
    const char *text = stderr_give();
    assert_int_equal(strncmp(text, "ts=2", 4), 0);
    ends_with(text, "Z level=info program=scorer instance=one msg=\"partition assigned\" "
                    "topic=features partition=3\n");
}

static void json_line(void **state)
{
    (void)state;
    log_open("scorer", NULL, true, LOG_INFO);
    stderr_take();
    log_warn("cannot", "path=%s reason=\"%s\" n=%d", "/a", "unknown key \"b\" in [c]", 5);
    const char *text = stderr_give();
    assert_int_equal(strncmp(text, "{\"ts\":\"2", 8), 0);
    ends_with(text, "Z\",\"level\":\"warn\",\"program\":\"scorer\",\"msg\":\"cannot\",\"path\":"
                    "\"/a\",\"reason\":\"unknown key \\\"b\\\" in [c]\",\"n\":\"5\"}\n");
}

static const struct {
    const char *value, *shown;
} hostile[] = {
    {"a\nlevel=error", "v=\"a level=error\" z=1\n"},
    {"a\x1b[31mred", "v=\"a?[31mred\" z=1\n"},
    {"a\xff\xfe", "v=\"a??\" z=1\n"},
    {"a\xc2\x9bz", "v=\"a?z\" z=1\n"},
    {"a\"b\\c", "v=\"a\\\"b\\\\c\" z=1\n"},
    {"größe", "v=\"größe\" z=1\n"},
    {"", "v=\"\" z=1\n"},
    {"plain", "v=plain z=1\n"},
};

static void values_cannot_break_lines(void **state)
{
    (void)state;
    log_open("scorer", NULL, false, LOG_INFO);
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        stderr_take();
        log_error("hostile", "v=\"%s\" z=1", hostile[i].value);
        const char *text = stderr_give();
        assert_int_equal(lines_n(text), 1);
        ends_with(text, hostile[i].shown);
    }
}

static void least_level_holds(void **state)
{
    (void)state;
    log_open("scorer", NULL, false, LOG_WARN);
    stderr_take();
    log_info("quiet", "a=1");
    log_warn("loud", "a=%d", 2);
    assert_int_equal(lines_n(stderr_give()), 1);
}

static void flood(int n)
{
    for (int i = 0; i < n; i++)
        log_info("flood", "i=%d", i);
}

static void floods_are_held_back(void **state)
{
    (void)state;
    log_open("scorer", NULL, false, LOG_INFO);
    uint64_t before = log_dropped();
    stderr_take();
    flood(100);
    log_info("another place", "a=1");
    size_t n = lines_n(stderr_give());
    assert_in_range(n, 11, 12);
    assert_int_equal(log_dropped() - before, 101 - n);
    (void)usleep(1100000);
    stderr_take();
    flood(1);
    assert_non_null(strstr(stderr_give(), "more like this)\" i=0\n"));
}

static void full_pipe_loses_lines_and_never_waits(void **state)
{
    (void)state;
    static const char filler[4096];
    log_open("scorer", NULL, false, LOG_INFO);
    uint64_t before = log_dropped();
    stderr_take();
    assert_true(fcntl(pipe_write, F_SETPIPE_SZ, 4096) >= 4096);
    assert_int_equal(write(pipe_write, filler, 4096), 4096);
    log_info("nobody reads", "a=1");
    (void)stderr_give();
    assert_int_equal(log_dropped() - before, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_line),
        cmocka_unit_test(json_line),
        cmocka_unit_test(values_cannot_break_lines),
        cmocka_unit_test(least_level_holds),
        cmocka_unit_test(floods_are_held_back),
        cmocka_unit_test(full_pipe_loses_lines_and_never_waits),
    };
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
