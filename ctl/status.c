/* SPDX-License-Identifier: Apache-2.0 */
/* status - each program: how many run, whether it is ready, how far behind; the clocks; the
 * models. */
#include "ctl/catalog.h"
#include "ctl/clocks.h"
#include "ctl/ctl.h"
#include "ctl/probe.h"
#include "ctl/standing.h"

#include "common/base/buf.h"
#include "common/bus/client.h"
#include "common/bus/config.h"
#include "common/bus/topics.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { REACH_MS = 5000 };

/* What is known of one program. */
struct health {
    int members;   /* of its group, all instances together; -1 = not known */
    unsigned port; /* of the instance on this machine; 0 = not set */
    int ready;     /* HTTP status of /readyz; 0 = no answer */
    char reason[160];
    bool has_lag;
    uint64_t lag;
    double lag_s, commit_age_s; /* NaN = not known */
    bool is_good;
};

/* What featurizer --check-skew has found since its start. */
struct skew {
    unsigned port; /* 0 = not set */
    bool is_known; /* it answers */
    double checked, mismatched;
};

struct status {
    struct health programs[PROGRAMS_N];
    struct skew skew;
    struct clocks clocks;
    struct catalog catalog;
    bool is_good;
};

static void reason_set(struct health *h, struct str text)
{
    struct str rest;
    struct str line = str_trim(str_cut(text, '\n', &rest));
    (void)snprintf(h->reason, sizeof h->reason, "%.*s",
                   STR_ARGS(str_head_utf8(line, sizeof h->reason - 1)));
}

static void admin_ask(struct health *h)
{
    struct buf body = {0};
    h->ready = probe_get(h->port, "/readyz", &body);
    reason_set(h, buf_as_str(&body));
    if (h->ready == 0)
        reason_set(h, STR("no answer on its admin port"));
    if (h->ready != 0 && probe_get(h->port, "/metrics", &body) == 200) {
        (void)probe_metric(buf_as_str(&body), "auspex_lag_seconds", &h->lag_s);
        (void)probe_metric(buf_as_str(&body), "auspex_commit_age_seconds", &h->commit_age_s);
    }
    buf_fini(&body);
}

static void group_ask(struct health *h, const struct config *c, enum program p)
{
    struct err e = {0};
    struct reader *r = reader_open(c, p, &e);
    h->members = r ? reader_members(r) : -1;
    h->has_lag = r != NULL;
    for (enum topic t = 0; t < TOPICS_N && h->has_lag; t++) {
        struct standing s = {0};
        if (!(program_inputs(p) & 1u << t))
            continue;
        h->has_lag = reader_ask(r, t, &s, &e);
        h->lag += standing_lag(&s);
        standing_fini(&s);
    }
    if (!h->has_lag && (h->port == 0 || h->ready == 200))
        reason_set(h, str_of(e.text));
    reader_close(r);
}

static void health_ask(struct health *h, const struct config *c, enum program p)
{
    *h = (struct health){.members = -1, .lag_s = (double)NAN, .commit_age_s = (double)NAN};
    h->port = (unsigned)config_u64(c, program_names[p], "admin_port");
    if (h->port > 0)
        admin_ask(h);
    group_ask(h, c, p);
    if (h->members == 0 && h->port == 0)
        reason_set(h, STR("none in its group"));
    h->is_good = h->members != 0 && h->has_lag && (h->port == 0 || h->ready == 200);
}

static void skew_ask(struct skew *s, const struct config *c)
{
    struct buf body = {0};
    *s = (struct skew){.port = (unsigned)config_u64(c, "featurizer", "skew_port")};
    if (s->port > 0 && probe_get(s->port, "/metrics", &body) == 200)
        s->is_known =
            probe_metric(buf_as_str(&body), "auspex_feature_skew_checked_total", &s->checked) &&
            probe_metric(buf_as_str(&body), "auspex_feature_skew_mismatch_total",
                         &s->mismatched);
    buf_fini(&body);
}

/* Everything below would wait for a broker that is not there. */
static bool broker_check(const struct config *c, struct err *e)
{
    const struct client_setup setup = {.kind = CLIENT_PLAIN};
    rd_kafka_t *rk = client_new(c, &setup, e);
    bool is_good = rk && topics_check(c, rk, 1u << TOPIC_events, REACH_MS, e);
    if (rk)
        rd_kafka_destroy(rk);
    return is_good;
}

static void number_text(char out[24], double v, const char *format)
{
    if (isnan(v))
        (void)snprintf(out, 24, "-");
    else
        (void)snprintf(out, 24, format[0] == '0' ? "%.0f" : "%.1f", v);
}

static void print_table(const struct status *s)
{
    (void)printf("%-11s %8s %-9s %10s %8s  %s\n", "program", "running", "state", "behind",
                 "seconds", "");
    for (enum program p = 0; p < PROGRAMS_N; p++) {
        const struct health *h = &s->programs[p];
        char running[24], behind[24], seconds[24];
        number_text(running, h->members < 0 ? (double)NAN : h->members, "0");
        number_text(behind, h->has_lag ? (double)h->lag : (double)NAN, "0");
        number_text(seconds, h->lag_s, "1");
        const char *state = h->is_good ? "ready" : h->ready == 503 ? "not ready" : "down";
        (void)printf("%-11s %8s %-9s %10s %8s  %s\n", program_names[p], running, state, behind,
                     seconds, h->reason);
    }
    if (!isnan(s->programs[PROGRAM_featurizer].commit_age_s))
        (void)printf("\noldest work that no checkpoint covers  %.1f s\n",
                     s->programs[PROGRAM_featurizer].commit_age_s);
    if (s->clocks.is_known)
        (void)printf("clock            %.1f s behind now, the least of %zu partitions\n",
                     s->clocks.age_s, s->clocks.n_partitions);
    else
        (void)printf("clock            not known: %s\n", s->clocks.reason);
}

static void print_skew(const struct skew *s)
{
    if (s->is_known)
        (void)printf("skew             %.0f archived vectors computed anew, %.0f differ\n",
                     s->checked, s->mismatched);
    else if (s->port > 0)
        (void)printf("skew             not known: no answer on featurizer.skew_port\n");
}

static void print_models(const struct catalog *c)
{
    bool has_any = false;
    for (size_t i = 0; i < c->n_activations; i++) {
        const struct catalog_activation *a = &c->activations[i];
        if (catalog_active(c, a->kind) != a)
            continue;
        (void)printf("active model     %.*s %" PRIu64 " predicts %.*s\n", STR_ARGS(a->name),
                     a->version, STR_ARGS(a->kind));
        has_any = true;
    }
    if (!has_any)
        (void)printf("active model     none\n");
}

static void put_number(struct buf *b, const char *name, double v)
{
    buf_printf(b, ",\"%s\":", name);
    json_put_f64(b, v);
}

static void put_program(struct buf *b, enum program p, const struct health *h)
{
    buf_printf(b, "%s\"%s\":{\"good\":%s", p ? "," : "", program_names[p],
               h->is_good ? "true" : "false");
    put_number(b, "running", h->members < 0 ? (double)NAN : h->members);
    put_number(b, "ready_status", h->port ? h->ready : (double)NAN);
    put_number(b, "lag_records", h->has_lag ? (double)h->lag : (double)NAN);
    put_number(b, "lag_seconds", h->lag_s);
    if (p == PROGRAM_featurizer)
        put_number(b, "commit_age_seconds", h->commit_age_s);
    buf_text(b, ",\"reason\":");
    json_put_str(b, str_of(h->reason));
    buf_byte(b, '}');
}

static void print_json(const struct status *s)
{
    struct buf b = {0};
    const char *comma = "";
    buf_printf(&b, "{\"good\":%s,\"programs\":{", s->is_good ? "true" : "false");
    for (enum program p = 0; p < PROGRAMS_N; p++)
        put_program(&b, p, &s->programs[p]);
    buf_byte(&b, '}');
    put_number(&b, "clock_age_seconds", s->clocks.is_known ? s->clocks.age_s : (double)NAN);
    put_number(&b, "skew_checked", s->skew.is_known ? s->skew.checked : (double)NAN);
    put_number(&b, "skew_mismatched", s->skew.is_known ? s->skew.mismatched : (double)NAN);
    buf_text(&b, ",\"models\":[");
    for (size_t i = 0; i < s->catalog.n_activations; i++) {
        const struct catalog_activation *a = &s->catalog.activations[i];
        if (catalog_active(&s->catalog, a->kind) != a)
            continue;
        buf_printf(&b, "%s{\"name\":", comma);
        json_put_str(&b, a->name);
        buf_text(&b, ",\"kind\":");
        json_put_str(&b, a->kind);
        buf_printf(&b, ",\"version\":%" PRIu64 ",\"control_offset\":%" PRIu64 "}", a->version,
                   a->offset);
        comma = ",";
    }
    (void)printf("%s]}\n", buf_cstr(&b));
    buf_fini(&b);
}

static int status_run(struct ctl *c, struct err *e)
{
    struct status s = {.is_good = true};
    if (!broker_check(c->config, e))
        return err_exit(e);
    for (enum program p = 0; p < PROGRAMS_N; p++) {
        health_ask(&s.programs[p], c->config, p);
        s.is_good = s.is_good && s.programs[p].is_good;
    }
    skew_ask(&s.skew, c->config);
    s.is_good = s.is_good && (s.skew.port == 0 || (s.skew.is_known && s.skew.mismatched == 0));
    clocks_ask(&s.clocks, c->config);
    if (!catalog_read(&s.catalog, c->config, e))
        return err_exit(e);
    if (ctl_value(c, "json")) {
        print_json(&s);
    } else {
        print_table(&s);
        print_skew(&s.skew);
        print_models(&s.catalog);
    }
    catalog_fini(&s.catalog);
    return s.is_good ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

const struct verb status_verbs[] = {
    {.name = "status",
     .operands = "",
     .summary = "how the programs are doing; exits with 1 when one is not",
     .options = {{"json", NULL, "one object"}},
     .manual =
         "running: members of a program's group, on all machines. state: what /readyz on\n"
         "its admin_port says (of this machine; without one, whether any runs). behind:\n"
         "records between its committed offsets and the ends. seconds: age of what it\n"
         "works on. clock: how far received time, by which sessions end in silence, is\n"
         "behind now. skew: what featurizer --check-skew has found, where\n"
         "featurizer.skew_port is set; none may differ.\n",
     .run = status_run},
    {.name = NULL},
};
