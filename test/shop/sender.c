/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/sender.h"

#include "test/shop/kafka.h"

#include <signal.h>
#include <time.h>

enum { POLL_MAX_MS = 100, FLUSH_MS = 4500 };
enum { WAITING_MAX = 50000 }; /* unanswered events; below what Kafka's client can hold */

static volatile sig_atomic_t told_to_stop;

static void on_signal(int signal_number)
{
    (void)signal_number;
    told_to_stop = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
}

bool sender_open(struct sender *s, const struct sender_options *o, struct err *e)
{
    *s = (struct sender){.is_http = o->edge.url != NULL};
    catch_signals();
    return ledger_open(&s->ledger, o->ledger, e) &&
           (s->is_http ? edge_open(&s->way, &o->edge, &s->ledger, e)
                       : kafka_open(&s->way, o->brokers, o->topic, &s->ledger, e));
}

bool sender_is_over(const struct sender *s)
{
    return told_to_stop || s->ledger.broken.text[0];
}

bool sender_is_full(const struct sender *s)
{
    return s->way.waiting(s->way.core) >= WAITING_MAX;
}

bool sender_send(struct sender *s, struct str event, int64_t due_us, struct err *e)
{
    char id[EVENT_ID_SIZE], visitor[EVENT_ID_SIZE];
    event_json_ids(event, id, visitor);
    if (!s->way.send(s->way.core, parcel_new(id, visitor, event, due_us), e))
        return false;
    s->sent++;
    return true;
}

void sender_wait(struct sender *s, int64_t due_us)
{
    int64_t left_us = due_us - clock_wall_us();
    int64_t left_ms = left_us / 1000;
    bool is_full = left_us <= 0 && sender_is_full(s);
    int ms = is_full ? POLL_MAX_MS : (int)MIN(MAX(left_ms, 0), (int64_t)POLL_MAX_MS);
    s->way.wait(s->way.core, ms);
    if (left_us > 0 && left_ms == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)left_us * 1000}, NULL);
}

static void tell(const struct sender *s)
{
    const struct delays *d = &s->ledger.delays;
    (void)printf("sent %llu, acknowledged %llu, failed %llu\n", (unsigned long long)s->sent,
                 (unsigned long long)s->ledger.acked,
                 (unsigned long long)(s->sent - s->ledger.acked));
    if (s->is_http)
        (void)printf("delay p50 %.1f ms, p99 %.1f ms, most %.1f ms; resent %llu\n",
                     (double)delays_quantile_us(d, .5) / 1e3,
                     (double)delays_quantile_us(d, .99) / 1e3, (double)d->most_us / 1e3,
                     (unsigned long long)s->ledger.resent);
}

void sender_finish(struct sender *s)
{
    void *core = s->way.core;
    while (!sender_is_over(s) && s->way.waiting(core) > 0)
        s->way.wait(core, POLL_MAX_MS);
    int64_t end_us = clock_mono_us() + (int64_t)FLUSH_MS * 1000;
    while (s->way.waiting(core) > 0 && clock_mono_us() < end_us && !s->ledger.broken.text[0])
        s->way.wait(core, POLL_MAX_MS);
    s->way.drop(core);
    tell(s);
}

bool sender_close(struct sender *s, struct err *e)
{
    if (s->way.core)
        s->way.close(s->way.core);
    bool good = !s->ledger.broken.text[0];
    if (!good)
        *e = s->ledger.broken;
    struct err other = {0};
    good = ledger_close(&s->ledger, good ? e : &other) && good;
    if (good && s->sent > s->ledger.acked)
        good = err_code(e, EXIT_CODE_FAILED, "%llu events were never acknowledged%s%s",
                        (unsigned long long)(s->sent - s->ledger.acked),
                        s->ledger.refusal.text[0] ? "; " : "", s->ledger.refusal.text);
    return good;
}
