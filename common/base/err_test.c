/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_says_what_failed(void **state)
{
    struct err e = {0};
    (void)state;
    assert_int_equal(err_exit(&e), EXIT_CODE_FAILED);
    assert_false(err_set(&e, ENOENT, "open %s", "x"));
    assert_string_equal(e.text, "open x: No such file or directory");
    assert_int_equal(err_exit(&e), EXIT_CODE_FAILED);
    assert_false(e.retry);
    assert_false(err_set(&e, 0, "plain"));
    assert_string_equal(e.text, "plain");
}

static void test_carries_code_and_retry(void **state)
{
    struct err e = {0};
    (void)state;
    assert_false(err_retry(&e, "busy %d", 1));
    assert_true(e.retry && err_exit(&e) == EXIT_CODE_AGAIN);
    assert_false(err_prefix(&e, "while %s", "waiting"));
    assert_string_equal(e.text, "while waiting: busy 1");
    assert_true(e.retry && err_exit(&e) == EXIT_CODE_AGAIN);
    assert_false(err_code(&e, EXIT_CODE_CONFIG, "bad"));
    assert_true(!e.retry && err_exit(&e) == EXIT_CODE_CONFIG);
    assert_string_equal(e.text, "bad");
}

static void test_cuts_long_texts(void **state)
{
    struct err e = {0};
    char wide[2 * sizeof e.text];
    (void)state;
    memset(wide, 'w', sizeof wide - 1);
    wide[sizeof wide - 1] = '\0';
    assert_false(err_set(&e, ENOENT, "%s", wide));
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_false(err_prefix(&e, "%s", "front"));
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_memory_equal(e.text, "front: w", 8);
}

/* What a failed CHECK leaves behind on stderr, from a child process. */
static void check_fails(const char *context, char *text, size_t len)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        if (dup2(ends[1], STDERR_FILENO) < 0)
            _exit(1);
        check_context(context);
        CHECK(1 + 1 == 3);
        _exit(0);
    }
    assert_int_equal(close(ends[1]), 0);
    ssize_t n = read(ends[0], text, len - 1);
    assert_true(n > 0);
    text[n] = '\0';
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void test_check_names_its_place(void **state)
{
    char text[512];
    (void)state;
    check_fails(NULL, text, sizeof text);
    assert_non_null(strstr(text, "err_test.c:"));
    assert_non_null(strstr(text, "1 + 1 == 3"));
    check_fails("topic x partition 3 offset 9", text, sizeof text);
    assert_non_null(strstr(text, "topic x partition 3 offset 9"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_says_what_failed),
        cmocka_unit_test(test_carries_code_and_retry),
        cmocka_unit_test(test_cuts_long_texts),
        cmocka_unit_test(test_check_names_its_place),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
