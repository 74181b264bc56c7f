/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/lags.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { EVERY_S = 2 };

struct lags {
    const struct config *config;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t ended; /* is_ending was set */
    bool is_ending;
    int64_t lag[PROGRAMS_N];
    struct reader *readers[PROGRAMS_N]; /* of the thread alone */
};

static bool is_ending(struct lags *l)
{
    (void)pthread_mutex_lock(&l->lock);
    bool is_set = l->is_ending;
    (void)pthread_mutex_unlock(&l->lock);
    return is_set;
}

static int64_t lag_ask(struct lags *l, enum program p)
{
    struct err e = {0};
    int64_t lag = 0;
    if (!l->readers[p])
        l->readers[p] = reader_open(l->config, p, &e);
    for (enum topic t = 0; t < TOPICS_N && l->readers[p] && lag >= 0; t++) {
        struct standing s = {0};
        if (!(program_inputs(p) & 1u << t) || is_ending(l))
            continue;
        lag = reader_ask(l->readers[p], t, &s, &e) ? lag + (int64_t)standing_lag(&s) : -1;
        standing_fini(&s);
    }
    return l->readers[p] ? lag : -1;
}

static void rest(struct lags *l)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += EVERY_S;
    (void)pthread_mutex_lock(&l->lock);
    while (!l->is_ending && pthread_cond_timedwait(&l->ended, &l->lock, &until) == 0)
        continue;
    (void)pthread_mutex_unlock(&l->lock);
}

static void *run(void *to)
{
    struct lags *l = to;
    while (!is_ending(l)) {
        for (enum program p = 0; p < PROGRAMS_N; p++) {
            int64_t lag = lag_ask(l, p);
            (void)pthread_mutex_lock(&l->lock);
            l->lag[p] = lag;
            (void)pthread_mutex_unlock(&l->lock);
        }
        rest(l);
    }
    for (enum program p = 0; p < PROGRAMS_N; p++)
        reader_close(l->readers[p]);
    return NULL;
}

struct lags *lags_new(const struct config *config)
{
    struct lags *l = mem_zero(1, sizeof *l);
    l->config = config;
    for (enum program p = 0; p < PROGRAMS_N; p++)
        l->lag[p] = -1;
    CHECK(pthread_mutex_init(&l->lock, NULL) == 0);
    CHECK(pthread_cond_init(&l->ended, NULL) == 0);
    CHECK(pthread_create(&l->thread, NULL, run, l) == 0);
    return l;
}

void lags_free(struct lags *l)
{
    if (!l)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->is_ending = true;
    (void)pthread_cond_signal(&l->ended);
    (void)pthread_mutex_unlock(&l->lock);
    (void)pthread_join(l->thread, NULL);
    (void)pthread_cond_destroy(&l->ended);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}

void lags_get(struct lags *l, int64_t lag[PROGRAMS_N])
{
    (void)pthread_mutex_lock(&l->lock);
    memcpy(lag, l->lag, sizeof l->lag);
    (void)pthread_mutex_unlock(&l->lock);
}
