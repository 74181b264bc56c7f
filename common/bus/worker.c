/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/worker.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum state { STATE_IDLE, STATE_BUSY, STATE_ENDED };

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    enum state state;
    bool is_closing;
    void (*run)(void *job);
    void *job;
    void (*wake)(void *to);
    void *to;
};

static void lock(struct worker *w)
{
    CHECK(pthread_mutex_lock(&w->lock) == 0);
}

static void unlock(struct worker *w)
{
    CHECK(pthread_mutex_unlock(&w->lock) == 0);
}

static void *thread_run(void *arg)
{
    struct worker *w = arg;
    lock(w);
    while (!w->is_closing) {
        if (w->state != STATE_BUSY) {
            (void)pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        unlock(w);
        w->run(w->job);
        lock(w);
        w->state = STATE_ENDED;
        (void)pthread_cond_broadcast(&w->changed);
        w->wake(w->to);
    }
    unlock(w);
    return NULL;
}

struct worker *worker_new(void (*wake)(void *to), void *to, struct err *e)
{
    struct worker *w = mem_zero(1, sizeof *w);
    w->wake = wake;
    w->to = to;
    pthread_condattr_t attr;
    CHECK(pthread_condattr_init(&attr) == 0 &&
          pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_mutex_init(&w->lock, NULL) == 0 &&
          pthread_cond_init(&w->changed, &attr) == 0);
    (void)pthread_condattr_destroy(&attr);
    int reason = pthread_create(&w->thread, NULL, thread_run, w);
    if (reason == 0)
        return w;
    err_set(e, reason, "worker thread");
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->changed);
    free(w);
    return NULL;
}

void worker_begin(struct worker *w, void (*run)(void *job), void *job)
{
    lock(w);
    CHECK(w->state == STATE_IDLE);
    w->run = run;
    w->job = job;
    w->state = STATE_BUSY;
    (void)pthread_cond_broadcast(&w->changed);
    unlock(w);
}

bool worker_is_busy(struct worker *w)
{
    lock(w);
    bool is_busy = w->state != STATE_IDLE;
    unlock(w);
    return is_busy;
}

bool worker_collect(struct worker *w)
{
    lock(w);
    bool has_ended = w->state == STATE_ENDED;
    if (has_ended)
        w->state = STATE_IDLE;
    unlock(w);
    return has_ended;
}

bool worker_wait(struct worker *w, int timeout_ms)
{
    struct timespec until;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    int waited = 0;
    lock(w);
    while (w->state == STATE_BUSY && waited == 0)
        waited = pthread_cond_timedwait(&w->changed, &w->lock, &until);
    bool has_ended = w->state != STATE_BUSY;
    unlock(w);
    return has_ended;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    lock(w);
    w->is_closing = true;
    (void)pthread_cond_broadcast(&w->changed);
    unlock(w);
    (void)pthread_join(w->thread, NULL);
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->changed);
    free(w);
}
