/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/report.h"
#include "ctl/ctl.h"
#include "ctl/effect.h"

#include "common/base/clock.h"
#include "common/bus/config.h"
#include "common/db/db.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Parameters of both: $1 a policy or NULL, $2 a time or NULL. */
static const char counts_sql[] =
    "WITH ends AS (SELECT intervention_id, max(result) FILTER (WHERE result <> 'retry') AS "
    "result"
    " FROM deliveries GROUP BY intervention_id)"
    " SELECT i.policy, count(*), count(DISTINCT (i.site_id, i.visitor)),"
    " count(*) FILTER (WHERE i.holdout), count(*) FILTER (WHERE i.of_import <> 0),"
    " count(*) FILTER (WHERE w.is_sent), count(*) FILTER (WHERE w.is_sent AND d.result = "
    "'delivered'),"
    " count(*) FILTER (WHERE w.is_sent AND d.result IS NULL),"
    " count(*) FILTER (WHERE w.is_sent AND d.result = 'expired'),"
    " count(*) FILTER (WHERE w.is_sent AND d.result = 'gone'),"
    " count(*) FILTER (WHERE w.is_sent AND d.result = 'refused')"
    " FROM interventions i CROSS JOIN LATERAL"
    " (SELECT i.channel = 'webhook' AND NOT i.holdout AS is_sent) w"
    " LEFT JOIN ends d ON d.intervention_id = i.intervention_id"
    " WHERE ($1::text IS NULL OR i.policy = $1)"
    " AND ($2::timestamptz IS NULL OR i.received >= $2::timestamptz)"
    " GROUP BY i.policy ORDER BY i.policy";

/* Whose window is still open does not count, though who converts is known at once and who does
 * not only at its end: or the rates would be those of whoever was quick. */
static const char arms_sql[] =
    "WITH firsts AS (SELECT DISTINCT ON (policy, site_id, visitor) policy, intervention_id, "
    "holdout,"
    " received, received + make_interval(secs => window_s) <= now() AS is_over, CASE WHEN "
    "holdout THEN propensity ELSE 1 - propensity END AS chance"
    " FROM interventions WHERE of_import = 0 AND ($1::text IS NULL OR policy = $1)"
    " ORDER BY policy, site_id, visitor, received, partition, \"offset\", index)"
    " SELECT f.policy, f.holdout, count(*), count(o.result),"
    " count(*) FILTER (WHERE o.result = 'converted'), coalesce(sum(o.value), 0),"
    " coalesce(sum(o.value * o.value), 0), coalesce(sum(f.chance), 0),"
    " coalesce(sum(f.chance * (1 - f.chance)), 0), min(o.currency), max(o.currency)"
    " FROM firsts f LEFT JOIN outcomes o"
    " ON o.intervention_id = f.intervention_id AND f.is_over"
    " WHERE $2::timestamptz IS NULL OR f.received >= $2::timestamptz"
    " GROUP BY f.policy, f.holdout";

/* Columns of counts_sql behind the policy. */
enum count {
    COUNT_CROSSINGS,
    COUNT_VISITORS,
    COUNT_HELD,
    COUNT_IMPORTED,
    COUNT_WEBHOOK,
    COUNT_DELIVERED,
    COUNT_PENDING,
    COUNT_EXPIRED,
    COUNT_GONE,
    COUNT_REFUSED,
    COUNTS_N
};
static const char *const count_names[COUNTS_N] = {
    "crossings", "visitors", "held_out", "imported", "webhook",
    "delivered", "pending",  "expired",  "gone",     "refused"};

struct summary {
    struct str policy;
    uint64_t counts[COUNTS_N];
    struct arm treated, held;
    struct effect effect;
    struct str currency; /* of all values, or empty */
    bool is_mixed;       /* values in several currencies: their sums mean nothing */
};

static void currency_take(struct summary *s, struct str least, struct str most)
{
    s->is_mixed = s->is_mixed || !str_eq(least, most) ||
                  (s->currency.len && most.len && !str_eq(s->currency, most));
    if (most.len)
        s->currency = most;
}

static void arms_take(struct summary *s, const struct db_rows *arms)
{
    for (size_t i = 0; i < db_rows_n(arms); i++) {
        if (!str_eq(db_cell(arms, i, 0), s->policy))
            continue;
        struct arm *a = str_is(db_cell(arms, i, 1), "t") ? &s->held : &s->treated;
        *a = (struct arm){
            .met = (uint64_t)db_cell_i64(arms, i, 2),
            .known = (uint64_t)db_cell_i64(arms, i, 3),
            .converted = (uint64_t)db_cell_i64(arms, i, 4),
            .value = db_cell_f64(arms, i, 5),
            .value_squares = db_cell_f64(arms, i, 6),
            .chance = db_cell_f64(arms, i, 7),
            .variance = db_cell_f64(arms, i, 8),
        };
        currency_take(s, db_cell(arms, i, 9), db_cell(arms, i, 10));
    }
    effect_judge(&s->effect, &s->treated, &s->held);
}

static void summary_take(struct summary *s, const struct db_rows *counts, size_t row,
                         const struct db_rows *arms)
{
    *s = (struct summary){.policy = db_cell(counts, row, 0)};
    for (size_t i = 0; i < COUNTS_N; i++)
        s->counts[i] = (uint64_t)db_cell_i64(counts, row, i + 1);
    arms_take(s, arms);
}

static void print_counts(const struct summary *s)
{
    const uint64_t *n = s->counts;
    (void)printf("policy %.*s\n", STR_ARGS(s->policy));
    (void)printf("  crossings   %" PRIu64 " of %" PRIu64 " visitors; %" PRIu64
                 " held out, %" PRIu64 " of imports\n",
                 n[COUNT_CROSSINGS], n[COUNT_VISITORS], n[COUNT_HELD], n[COUNT_IMPORTED]);
    if (n[COUNT_WEBHOOK] == 0)
        (void)printf("  webhook     none to send\n");
    else
        (void)printf("  webhook     %" PRIu64 " to send: %" PRIu64 " delivered, %" PRIu64
                     " pending, %" PRIu64 " expired, %" PRIu64 " gone, %" PRIu64 " refused\n",
                     n[COUNT_WEBHOOK], n[COUNT_DELIVERED], n[COUNT_PENDING], n[COUNT_EXPIRED],
                     n[COUNT_GONE], n[COUNT_REFUSED]);
}

static void print_pair(const char *name, uint64_t treated, uint64_t held)
{
    (void)printf("  %-16s%12" PRIu64 "%12" PRIu64 "\n", name, treated, held);
}

/* A number at the right of 12 columns; "-" where there is none. */
static void print_cell(double v, const char *behind)
{
    char text[32] = "-";
    if (!isnan(v))
        (void)snprintf(text, sizeof text, "%.2f%s", v, behind);
    (void)printf("%12s", text);
}

static void print_arms(const struct summary *s)
{
    const struct arm *t = &s->treated, *h = &s->held;
    const struct estimate *rate = &s->effect.rate, *value = &s->effect.value;
    bool is_comparable = t->known > 0 && h->known > 0;
    (void)printf("\n  %-16s%12s%12s   difference (95 %% interval)\n", "", "treated",
                 "held out");
    print_pair("visitors", t->met, h->met);
    print_pair("window over", t->known, h->known);
    print_pair("converted", t->converted, h->converted);
    (void)printf("  %-16s", "rate");
    print_cell(arm_rate(t) * 100, " %");
    print_cell(arm_rate(h) * 100, " %");
    if (is_comparable)
        (void)printf("   %+.2f points (%+.2f to %+.2f)", rate->value * 100, rate->lower * 100,
                     rate->upper * 100);
    (void)printf("\n  %-16s", "value a visitor");
    if (s->is_mixed) {
        (void)printf("   in several currencies, which are not added");
    } else {
        print_cell(arm_value(t), "");
        print_cell(arm_value(h), "");
    }
    if (is_comparable && !s->is_mixed && !isnan(value->lower))
        (void)printf("   %+.2f (%+.2f to %+.2f)%s%.*s", value->value, value->lower,
                     value->upper, s->currency.len ? " " : "", STR_ARGS(s->currency));
    (void)printf("\n");
}

static void print_summary(const struct summary *s)
{
    struct buf text = {0};
    print_counts(s);
    if (s->treated.met + s->held.met > 0) {
        print_arms(s);
        effect_sentence(&text, &s->effect, &s->treated, &s->held);
        if (s->effect.held_due > 0) {
            buf_text(&text, "\n  ");
            effect_ratio_sentence(&text, &s->effect, &s->treated, &s->held);
        }
        (void)printf("\n  %s\n", buf_cstr(&text));
    }
    (void)printf("\n");
    buf_fini(&text);
}

static void put_number(struct buf *b, const char *name, double v)
{
    buf_printf(b, ",\"%s\":", name);
    json_put_f64(b, v);
}

static void put_arm(struct buf *b, const char *name, const struct summary *s,
                    const struct arm *a)
{
    buf_printf(b,
               ",\"%s\":{\"visitors\":%" PRIu64 ",\"known\":%" PRIu64 ",\"converted\":%" PRIu64,
               name, a->met, a->known, a->converted);
    put_number(b, "rate", arm_rate(a));
    if (!s->is_mixed)
        put_number(b, "value_per_visitor", arm_value(a));
    buf_byte(b, '}');
}

static void put_estimate(struct buf *b, const char *name, const struct estimate *e)
{
    buf_printf(b, ",\"%s\":{\"value\":", name);
    json_put_f64(b, e->value);
    put_number(b, "lower", e->lower);
    put_number(b, "upper", e->upper);
    buf_byte(b, '}');
}

static void print_json(const struct summary *s)
{
    struct buf b = {0}, text = {0};
    buf_text(&b, "{\"policy\":");
    json_put_str(&b, s->policy);
    for (size_t i = 0; i < COUNTS_N; i++)
        buf_printf(&b, ",\"%s\":%" PRIu64, count_names[i], s->counts[i]);
    put_arm(&b, "treated", s, &s->treated);
    put_arm(&b, "held", s, &s->held);
    put_estimate(&b, "rate_difference", &s->effect.rate);
    if (!s->is_mixed)
        put_estimate(&b, "value_difference", &s->effect.value);
    if (s->currency.len && !s->is_mixed) {
        buf_text(&b, ",\"currency\":");
        json_put_str(&b, s->currency);
    }
    put_number(&b, "held_share", s->effect.held_share);
    put_number(&b, "held_due", s->effect.held_due);
    put_number(&b, "held_z", s->effect.ratio_z);
    effect_sentence(&text, &s->effect, &s->treated, &s->held);
    buf_text(&b, ",\"sentence\":");
    json_put_str(&b, buf_as_str(&text));
    buf_reset(&text);
    effect_ratio_sentence(&text, &s->effect, &s->treated, &s->held);
    buf_text(&b, ",\"holdout_sentence\":");
    json_put_str(&b, buf_as_str(&text));
    (void)printf("%s}\n", buf_cstr(&b));
    buf_fini(&text);
    buf_fini(&b);
}

static void print_all(const struct ctl *c, const struct db_rows *counts,
                      const struct db_rows *arms)
{
    bool is_json = ctl_value(c, "json") != NULL;
    for (size_t i = 0; i < db_rows_n(counts); i++) {
        struct summary s;
        summary_take(&s, counts, i, arms);
        if (is_json)
            print_json(&s);
        else
            print_summary(&s);
    }
    if (is_json)
        return;
    if (db_rows_n(counts) > 0)
        (void)printf(
            "Visitors are compared, each by its first intervention of the policy, those whose "
            "window is\nover; imports are not.\n");
    else
        (void)printf("no interventions are in the archive%s\n",
                     ctl_value(c, "since") ? " of that time" : "");
}

/* Both questions in one transaction: they speak of one state of the archive. */
static bool report_ask(struct db *db, const char *const params[2], struct db_rows **counts,
                       struct db_rows **arms, struct err *e)
{
    if (!db_begin(db, &db_limits_long, e) ||
        !db_exec(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", NULL, 0,
                 NULL, e))
        return false;
    *counts = db_query(db, counts_sql, params, 2, e);
    *arms = *counts ? db_query(db, arms_sql, params, 2, e) : NULL;
    bool is_good = *arms != NULL;
    db_rollback(db);
    return is_good;
}

int policies_report_run(struct ctl *c, struct err *e)
{
    const char *dsn = config_text(c->config, "postgres", "dsn");
    char since[CLOCK_TEXT];
    int64_t span_us;
    struct db_rows *counts = NULL, *arms = NULL;
    if (!ctl_span(c, "since", &span_us, e))
        return err_exit(e);
    if (dsn[0] == '\0') {
        (void)err_code(e, EXIT_CODE_CONFIG, "dsn is not set in [postgres]");
        return err_exit(e);
    }
    clock_format(MAX(clock_wall_us() - span_us, 0), since);
    const char *const params[2] = {c->operands[0], span_us ? since : NULL};
    struct db *db = db_open(dsn, "auspexctl", e);
    bool is_good = db && report_ask(db, params, &counts, &arms, e);
    if (is_good && c->operands[0] && db_rows_n(counts) == 0)
        is_good = err_set(e, 0, "no interventions of policy %s are in the archive%s",
                          c->operands[0], span_us ? " of that time" : "");
    if (is_good)
        print_all(c, counts, arms);
    db_rows_free(counts);
    db_rows_free(arms);
    db_close(db);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}
