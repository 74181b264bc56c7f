/* SPDX-License-Identifier: Apache-2.0 */
/* stage_main: the life of a program - options, configuration, the loop, signals, the end. */
#include "common/bus/stage.h"

#include "common/base/clock.h"
#include "common/bus/checkpoint.h"
#include "common/bus/client.h"
#include "common/bus/log.h"
#include "common/bus/run.h"
#include "common/bus/topics.h"
#include "common/bus/worker.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

enum { TIMER_MS = 100, STATUS_US = 1000000, DRAIN_US = 3500000, CHECK_MS = 2000 };
enum { LEAVE_US = 4700000 }; /* after which a stop ends, whatever a library still waits for */

struct arguments {
    const char *config, *instance;
    bool check_config, print_config;
};

static void usage(const struct stage *s, FILE *to)
{
    (void)fprintf(
        to,
        "auspex-%s - %s\n\n"
        "usage: auspex-%s [-c FILE] [--instance NAME]\n"
        "       auspex-%s [-c FILE] --check-config | --print-config\n\n"
        "  -c, --config FILE   configuration (INI); the environment stands above it:\n"
        "                      AUSPEX_SECTION__KEY=value\n"
        "      --instance NAME name of this copy, in logs and in the transactional id;\n"
        "                      copies of one program need different names (host-pid)\n"
        "      --check-config  checks the configuration and ends: 0, or 78\n"
        "      --print-config  prints it as it holds, secrets masked\n"
        "      --version, --help\n\n%s\n"
        "Exit codes: 0 ended on SIGTERM or SIGINT, 2 usage, 69 Kafka or PostgreSQL is "
        "gone,\n70 a bug of ours, 75 try again, 78 configuration or state to be mended "
        "by hand.\n",
        s->name, s->summary, s->name, s->name, s->manual);
}

static int arguments_read(int argc, char *argv[], const struct stage *s, struct arguments *a)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"instance", required_argument, NULL, 'i'},
                                            {"check-config", no_argument, NULL, 'k'},
                                            {"print-config", no_argument, NULL, 'p'},
                                            {"version", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int c;
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            a->config = optarg;
            break;
        case 'i':
            a->instance = optarg;
            break;
        case 'k':
            a->check_config = true;
            break;
        case 'p':
            a->print_config = true;
            break;
        case 'v':
            (void)printf("auspex-%s %s\n", s->name, AUSPEX_VERSION);
            return EXIT_CODE_OK;
        case 'h':
            usage(s, stdout);
            return EXIT_CODE_OK;
        default:
            usage(s, stderr);
            return EXIT_CODE_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "auspex-%s: what is \"%s\"? See --help.\n", s->name,
                      argv[optind]);
        return EXIT_CODE_USAGE;
    }
    return -1;
}

void run_fail(struct run *r, const struct err *e)
{
    if (r->is_failed)
        return;
    r->failure = *e;
    r->is_failed = true;
    (void)uv_async_send(&r->wake);
}

static void on_wake(uv_async_t *wake)
{
    (void)wake; /* the turn that follows does the work */
}

static void wake(void *to)
{
    struct run *r = to;
    (void)uv_async_send(&r->wake);
}

/* Kafka or PostgreSQL do not answer: what is not stored by now will be done again by the next
 * start, as after a kill. */
static void on_alarm(int number)
{
    (void)number;
    static const char text[] = "stopped without waiting for Kafka any longer\n";
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
    _exit(EXIT_CODE_OK);
}

static void stop_limit(void)
{
    const struct itimerval limit = {
        .it_value = {.tv_sec = LEAVE_US / SECOND_US, .tv_usec = LEAVE_US % SECOND_US}};
    (void)signal(SIGALRM, on_alarm);
    (void)setitimer(ITIMER_REAL, &limit, NULL);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct run *r = signal->data;
    if (r->is_retiring)
        return;
    log_info("stopping", "signal=%d", number);
    r->stop_us = clock_mono_us();
    r->is_retiring = true;
    stop_limit();
}

/* SIGHUP = check, then swap or keep: no option can be swapped yet, so the file is only checked.
 */
static void on_hangup(uv_signal_t *signal, int number)
{
    struct run *r = signal->data;
    (void)number;
    struct err e = {0};
    struct config *c = config_open(r->hangup_path, &e);
    if (c)
        log_info("configuration is good; a restart takes it", "signal=HUP");
    else
        log_warn("configuration is kept as it was", "reason=\"%s\"", e.text);
    config_free(c);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* keeps the loop from waiting */
}

static void on_timer(uv_timer_t *timer)
{
    struct run *r = timer->data;
    int64_t now_us = clock_mono_us();
    if (r->flow.phase == FLOW_RUNNING && r->stage->timer)
        r->stage->timer(r->core, now_us, r->outbox);
    if (now_us - r->status_us >= STATUS_US) {
        r->status_us = now_us;
        status_update(r);
    }
}

static void done_turn(struct run *r)
{
    if (!r->is_failed && !r->flow.is_stopping)
        return;
    if (r->is_joined) {
        start_cancel(r);
        flow_stop(&r->flow, clock_mono_us());
        if (r->is_failed)
            r->flow.is_lost = true; /* what failed must not be committed over */
        commit_drain(r);
        group_release(r);
    }
    r->is_done = true;
    uv_stop(&r->loop);
}

/* The core's own server: opened once all settings are known, closed before the flow stops. */
static void serve_turn(struct run *r, bool is_known)
{
    struct err e = {0};
    const struct stage *s = r->stage;
    if (is_known && !r->is_serving && !r->is_retiring && !r->is_failed) {
        r->is_serving = true;
        if (s->serve && !s->serve(r->core, &e))
            run_fail(r, &e);
    }
    bool is_restoring = s->kind == STAGE_STATEFUL && r->flow.phase == FLOW_STARTING;
    if (s->turn && r->is_serving && !is_restoring)
        s->turn(r->core, r->outbox);
    if (!r->is_retiring || r->flow.is_stopping)
        return;
    int64_t now_us = clock_mono_us();
    if (!s->retire || !r->is_serving || s->retire(r->core) || now_us - r->stop_us > RETIRE_US)
        flow_stop(&r->flow, now_us);
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct run *r = prepare->data;
    struct err e = {0};
    bool is_known = lookup_turn(r);
    bool may_join = !r->is_joined && !r->is_failed && !r->flow.is_stopping;
    if (is_known && may_join && !group_join(r, &e))
        run_fail(r, &e);
    group_poll(r);
    start_turn(r);
    bool has_more = input_turn(r);
    commit_turn(r);
    output_pump(r);
    serve_turn(r, is_known);
    done_turn(r);
    if (has_more || r->flow.cut == CUT_PACKING)
        (void)uv_idle_start(&r->again, on_idle);
    else
        (void)uv_idle_stop(&r->again);
}

static void loop_open(struct run *r)
{
    CHECK(uv_loop_init(&r->loop) == 0);
    CHECK(uv_async_init(&r->loop, &r->wake, on_wake) == 0);
    CHECK(uv_idle_init(&r->loop, &r->again) == 0);
    CHECK(uv_prepare_init(&r->loop, &r->prepare) == 0);
    CHECK(uv_timer_init(&r->loop, &r->timer) == 0);
    uv_signal_t *const signals[] = {&r->term, &r->interrupt, &r->hangup};
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        CHECK(uv_signal_init(&r->loop, signals[i]) == 0);
        signals[i]->data = r;
        CHECK(uv_signal_start(signals[i], numbers[i] == SIGHUP ? on_hangup : on_signal,
                              numbers[i]) == 0);
    }
    r->prepare.data = r;
    r->timer.data = r;
    CHECK(uv_timer_start(&r->timer, on_timer, TIMER_MS, TIMER_MS) == 0);
    (void)signal(SIGPIPE, SIG_IGN);
}

static unsigned topics_needed(const struct stage *s)
{
    unsigned mask = 1u << TOPIC_events;
    for (size_t i = 0; i < s->n_inputs; i++)
        mask |= 1u << s->inputs[i].topic;
    if (s->kind == STAGE_STATEFUL)
        mask |= 1u << s->state;
    for (enum topic t = 0; t < TOPICS_N; t++)
        if (s->outputs & 1u << t)
            mask |= 1u << t;
    return mask;
}

static bool raw_count(struct run *r, rd_kafka_t *rk, struct err *e)
{
    size_t n = topics_partitions(rk, r->names[TOPIC_raw], CHECK_MS);
    if (n == 0 || n == SIZE_MAX)
        return err_retry(e, "topic %s does not tell its partitions", r->names[TOPIC_raw]);
    r->env.raw_partitions = (uint32_t)n;
    return true;
}

/* Waits for Kafka for as long as the option says, then checks that the topics are as they must.
 */
static bool kafka_check(struct run *r, struct err *e)
{
    struct client_setup setup = {.kind = CLIENT_PLAIN};
    rd_kafka_t *rk = client_new(r->config, &setup, e);
    if (!rk)
        return false;
    int64_t wait_s = (int64_t)config_u64(r->config, "auspex", "start_wait_s");
    int64_t until_us = clock_mono_us() + wait_s * SECOND_US;
    int check_ms = (int)MAX(MIN(wait_s * 1000, (int64_t)CHECK_MS), (int64_t)100);
    bool is_good;
    while (!(is_good = topics_check(r->config, rk, topics_needed(r->stage), check_ms, e)) &&
           e->retry && clock_mono_us() < until_us && uv_run(&r->loop, UV_RUN_NOWAIT) >= 0 &&
           !r->is_retiring)
        log_warn("waits for Kafka", "reason=\"%s\"", e->text);
    if (is_good && topics_needed(r->stage) & 1u << TOPIC_raw)
        is_good = raw_count(r, rk, e);
    rd_kafka_destroy(rk);
    if (!is_good && e->retry)
        e->code = EXIT_CODE_GONE;
    return is_good || r->is_retiring;
}

static bool run_open(struct run *r, struct err *e)
{
    const struct config *c = r->config;
    struct flow_limits limits = {
        .outputs_bytes = config_u64(c, "auspex", "outputs_kib") * 1024,
        .commit_us = (int64_t)config_u64(c, "auspex", "commit_ms") * 1000,
        .drain_us = DRAIN_US,
    };
    if (r->stage->kind == STAGE_STATEFUL)
        limits.commit_us = (int64_t)config_u64(c, "auspex", "checkpoint_ms") * 1000;
    else if (r->stage->kind == STAGE_SINK)
        limits.commit_us = (int64_t)config_u64(c, r->stage->name, "batch_ms") * 1000;
    flow_init(&r->flow, r->stage->kind, &limits);
    for (enum topic t = 0; t < TOPICS_N; t++)
        topic_name(c, t, r->names[t]);
    r->outbox = outbox_new();
    r->aside = outbox_new();
    r->state = outbox_new();
    r->counters = counters_new(r->stage->name);
    loop_open(r);
    r->env.config = c;
    r->env.counters = r->counters;
    r->env.partitions = (uint32_t)config_u64(c, "auspex", "partitions");
    r->env.loop = &r->loop;
    r->env.aside = r->aside;
    if (!status_open(r, e) || !kafka_check(r, e) || r->is_retiring)
        return r->is_retiring;
    r->core = r->stage->open(&r->env, e);
    r->worker = worker_new(wake, r, e);
    if (!r->core || !r->worker)
        return false;
    if (r->stage->kind == STAGE_STATEFUL) {
        char id[2 * TOPIC_NAME];
        topics_group(c, r->stage->name, id);
        (void)snprintf(id + strlen(id), sizeof id - strlen(id), ".%s", r->env.instance);
        r->checkpointer = checkpointer_new(c, id);
    }
    return input_watch(r, e) && output_open(r, e) && lookup_open(r, e);
}

static void handle_close(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

static void run_close(struct run *r, int code)
{
    if (!group_leave(r))
        _exit(code); /* all that could be stored is */
    group_close(r);
    lookup_close(r);
    worker_free(r->worker);
    commit_close(r);
    output_close(r);
    if (r->core)
        r->stage->close(r->core);
    status_close(r);
    uv_walk(&r->loop, handle_close, NULL);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&r->loop);
    if (r->input_fd >= 0)
        (void)close(r->input_fd);
    if (r->output_fd >= 0)
        (void)close(r->output_fd);
    flow_fini(&r->flow);
    outbox_free(r->outbox);
    outbox_free(r->aside);
    outbox_free(r->state);
    counters_free(r->counters);
    config_free(r->config);
}

static int leave(const struct stage *s, const struct err *e)
{
    (void)fprintf(stderr, "auspex-%s: %s\n", s->name, e->text);
    return err_exit(e);
}

static int run_stage(struct run *r)
{
    struct err e = {0};
    bool is_open = run_open(r, &e);
    if (is_open && !r->is_retiring) {
        CHECK(uv_prepare_start(&r->prepare, on_prepare) == 0);
        log_info("started", "version=%s", AUSPEX_VERSION);
        (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    } else if (!is_open) {
        run_fail(r, &e);
    }
    int code = r->is_failed ? err_exit(&r->failure) : EXIT_CODE_OK;
    if (r->is_failed)
        log_error("leaves", "code=%d reason=\"%s\"", code, r->failure.text);
    else
        log_info("stopped", "after_ms=%lld", (long long)(clock_mono_us() - r->stop_us) / 1000);
    run_close(r, code);
    return code;
}

static void log_begin(const struct stage *s, const struct config *c, const char *instance)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    enum log_level least = LOG_INFO;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (strcmp(config_text(c, "auspex", "log_level"), levels[i]) == 0)
            least = (enum log_level)i;
    bool is_json = strcmp(config_text(c, "auspex", "log_format"), "json") == 0;
    log_open(s->name, instance, is_json, least);
}

int stage_main(int argc, char *argv[], const struct stage *stage)
{
    struct arguments a = {0};
    struct err e = {0};
    char instance[128];
    int code = arguments_read(argc, argv, stage, &a);
    if (code >= 0)
        return code;
    struct config *c = config_open(a.config, &e);
    if (!c)
        return leave(stage, &e);
    if (a.print_config) {
        struct buf text = {0};
        config_print(c, &text);
        (void)fwrite(text.at, 1, text.len, stdout);
        buf_fini(&text);
    }
    if (a.print_config || a.check_config) {
        config_free(c);
        return EXIT_CODE_OK;
    }
    char host[64] = "host";
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(instance, sizeof instance, "%s-%d", host, (int)getpid());
    struct run *r = mem_zero(1, sizeof *r);
    r->stage = stage;
    r->config = c;
    r->hangup_path = a.config;
    r->env.instance = a.instance ? a.instance : instance;
    r->input_fd = r->output_fd = -1;
    log_begin(stage, c, r->env.instance);
    code = run_stage(r);
    free(r);
    return code;
}
