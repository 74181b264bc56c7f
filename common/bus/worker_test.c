/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/worker.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A job that waits until it is told to go on. */
struct job {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool may_end;
    int n_runs;
    pthread_t thread;
};

static void job_run(void *arg)
{
    struct job *j = arg;
    (void)pthread_mutex_lock(&j->lock);
    while (!j->may_end)
        (void)pthread_cond_wait(&j->changed, &j->lock);
    j->n_runs++;
    j->thread = pthread_self();
    (void)pthread_mutex_unlock(&j->lock);
}

static void job_let(struct job *j)
{
    (void)pthread_mutex_lock(&j->lock);
    j->may_end = true;
    (void)pthread_cond_broadcast(&j->changed);
    (void)pthread_mutex_unlock(&j->lock);
}

static void wake(void *to)
{
    atomic_fetch_add((atomic_int *)to, 1);
}

static void test_runs_one_job_at_a_time(void **state)
{
    struct job j = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    atomic_int wakes = 0;
    struct err e = {0};
    struct worker *w = worker_new(wake, &wakes, &e);
    (void)state;
    assert_non_null(w);
    assert_false(worker_is_busy(w) || worker_collect(w));
    assert_true(worker_wait(w, 0)); /* no job: nothing to wait for */
    worker_begin(w, job_run, &j);
    assert_true(worker_is_busy(w));
    assert_false(worker_wait(w, 20));
    assert_false(worker_collect(w));
    assert_int_equal(atomic_load(&wakes), 0);
    job_let(&j);
    assert_true(worker_wait(w, 10000));
    assert_true(worker_is_busy(w)); /* until it is collected */
    assert_true(worker_collect(w));
    assert_false(worker_collect(w) || worker_is_busy(w));
    assert_int_equal(j.n_runs, 1);
    assert_false(pthread_equal(j.thread, pthread_self()));
    worker_free(w);
    assert_int_equal(atomic_load(&wakes), 1);
}

static void test_goes_on_job_after_job(void **state)
{
    struct job j = {.lock = PTHREAD_MUTEX_INITIALIZER,
                    .changed = PTHREAD_COND_INITIALIZER,
                    .may_end = true};
    atomic_int wakes = 0;
    struct err e = {0};
    struct worker *w = worker_new(wake, &wakes, &e);
    (void)state;
    for (int i = 1; i <= 500; i++) {
        worker_begin(w, job_run, &j);
        assert_true(worker_wait(w, 10000));
        assert_int_equal(j.n_runs, i);
        assert_true(worker_collect(w));
    }
    worker_free(w);
    assert_int_equal(atomic_load(&wakes), 500);
}

static void *let_later(void *arg)
{
    job_let(arg);
    return NULL;
}

static void test_free_waits_for_the_job(void **state)
{
    struct job j = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    atomic_int wakes = 0;
    struct err e = {0};
    pthread_t other;
    struct worker *w = worker_new(wake, &wakes, &e);
    (void)state;
    worker_begin(w, job_run, &j);
    assert_false(worker_wait(w, 10)); /* it is under way */
    assert_int_equal(pthread_create(&other, NULL, let_later, &j), 0);
    worker_free(w);
    assert_int_equal(j.n_runs, 1);
    assert_int_equal(pthread_join(other, NULL), 0);
    worker_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_one_job_at_a_time),
        cmocka_unit_test(test_goes_on_job_after_job),
        cmocka_unit_test(test_free_waits_for_the_job),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
