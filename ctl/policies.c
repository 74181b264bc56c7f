/* SPDX-License-Identifier: Apache-2.0 */
/* policies put, list, show, off - when to do what for a visitor; what came of it is in
 * report.c. */
#include "ctl/ctl.h"
#include "ctl/read_file.h"
#include "ctl/report.h"
#include "ctl/settings.h"

#include "actuator/policy.h"
#include "common/bus/config.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <stdio.h>

/* A webhook that actuator's configuration does not name delivers nothing; whether it is the
 * same file that actuator reads, nobody knows here. */
static void webhook_check(const struct config *config, const struct policy *p)
{
    char key[256];
    if (!str_is(p->channel, "webhook"))
        return;
    (void)snprintf(key, sizeof key, "webhooks.%.*s.url", STR_ARGS(p->webhook));
    if (!config_get(config, str_of(key)))
        (void)fprintf(stderr,
                      "auspexctl: warning: this configuration has no %.*s.url in [webhooks]; "
                      "unless actuator's has, nothing of this policy is delivered\n",
                      STR_ARGS(p->webhook));
}

static void policy_say(const struct policy *p, int64_t offset, const struct setting *old)
{
    (void)printf("policy %.*s, version %" PRId64 ", holds from control offset %" PRId64
                 " on; before: ",
                 STR_ARGS(p->name), offset + 1, offset);
    if (old)
        (void)printf("version %" PRIu64 "\n", old->offset + 1);
    else
        (void)printf("nothing\n");
    (void)printf("  %.*s by %.*s%s%.*s, %s", STR_ARGS(p->action), STR_ARGS(p->channel),
                 p->webhook.len ? " " : "", STR_ARGS(p->webhook),
                 p->site ? "site " : "all sites");
    if (p->site)
        (void)printf("%" PRIu64, p->site);
    (void)printf(", %.0f %% of visitors held out\n", p->holdout * 100);
}

static bool policy_write(const struct ctl *c, const struct settings *all,
                         const struct rule *rule, struct err *e)
{
    const struct policy *p = rule_policy(rule);
    const struct setting *old = settings_holding(all, p->name);
    struct buf json = {0};
    struct control control;
    int64_t offset = -1;
    rule_json(rule, &json);
    bool is_same = old && str_eq(old->body, buf_as_str(&json));
    control_init(&control);
    control.name = p->name;
    control.version = 1;
    control.body = buf_as_str(&json);
    control.wants_features = rule_wants_features(rule);
    bool is_good = is_same || settings_put(all, c->config, &control, &offset, e);
    if (is_same)
        (void)printf("policy %.*s holds so already, from control offset %" PRIu64 " on\n",
                     STR_ARGS(p->name), old->offset);
    else if (offset >= 0)
        policy_say(p, offset, old);
    webhook_check(c->config, p);
    buf_fini(&json);
    return is_good;
}

static int policies_put_run(struct ctl *c, struct err *e)
{
    struct buf text = {0};
    struct settings all;
    struct rule *rule = NULL;
    bool is_good = file_read_whole(c->operands[0], POLICY_MAX, &text, e);
    if (is_good) {
        rule = rule_read(str_trim(buf_as_str(&text)), e);
        is_good = rule || err_prefix(e, "%s", c->operands[0]);
    }
    buf_fini(&text);
    if (is_good && settings_read(&all, c->config, "policy", e)) {
        is_good = policy_write(c, &all, rule, e);
        settings_fini(&all);
    } else {
        is_good = false;
    }
    rule_free(rule);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

static void row_print(const struct setting *item)
{
    struct err e = {0};
    (void)printf("%-24.*s %7" PRIu64 "  ", STR_ARGS(item->name), item->offset + 1);
    if (item->version == 0) {
        (void)printf("off\n");
        return;
    }
    struct rule *rule = rule_read(item->body, &e);
    if (!rule) {
        (void)printf("cannot be used: %s\n", e.text);
        return;
    }
    const struct policy *p = rule_policy(rule);
    char site[24] = "all";
    if (p->site)
        (void)snprintf(site, sizeof site, "%" PRIu64, p->site);
    (void)printf("%-10s %-15.*s %-7.*s %7.0f%%\n", site, STR_ARGS(p->action),
                 STR_ARGS(p->channel), p->holdout * 100);
    rule_free(rule);
}

static void row_print_json(const struct setting *item)
{
    struct buf b = {0};
    buf_text(&b, "{\"policy\":");
    json_put_str(&b, item->name);
    buf_printf(&b, ",\"policy_version\":%" PRIu64 ",\"holds\":%s", item->offset + 1,
               item->version ? "true" : "false");
    if (item->version && json_is_valid(item->body)) {
        buf_printf(&b, ",\"wants_features\":%s,\"settings\":",
                   item->wants_features ? "true" : "false");
        buf_str(&b, item->body);
    }
    (void)printf("%s}\n", buf_cstr(&b));
    buf_fini(&b);
}

static int policies_list_run(struct ctl *c, struct err *e)
{
    struct settings all;
    bool is_json = ctl_value(c, "json") != NULL;
    if (!settings_read(&all, c->config, "policy", e))
        return err_exit(e);
    if (!is_json && all.n > 0)
        (void)printf("%-24s %7s  %-10s %-15s %-7s %8s\n", "policy", "version", "site", "action",
                     "channel", "held out");
    for (size_t i = 0; i < all.n; i++) {
        if (is_json)
            row_print_json(&all.items[i]);
        else
            row_print(&all.items[i]);
    }
    if (all.n == 0 && !is_json)
        (void)printf("none yet: `auspexctl policies put FILE` sets one\n");
    settings_fini(&all);
    return EXIT_CODE_OK;
}

static const struct setting *policy_holding(const struct ctl *c, const struct settings *all,
                                            struct err *e)
{
    const struct setting *item = settings_holding(all, str_of(c->operands[0]));
    if (!item)
        (void)err_set(e, 0, "no policy %s holds; policies list shows which do", c->operands[0]);
    return item;
}

static int policies_show_run(struct ctl *c, struct err *e)
{
    struct settings all;
    if (!settings_read(&all, c->config, "policy", e))
        return err_exit(e);
    const struct setting *item = policy_holding(c, &all, e);
    if (item)
        (void)printf("%.*s\n", STR_ARGS(item->body));
    settings_fini(&all);
    return item ? EXIT_CODE_OK : err_exit(e);
}

static int policies_off_run(struct ctl *c, struct err *e)
{
    struct settings all;
    struct control control;
    int64_t offset = -1;
    if (!settings_read(&all, c->config, "policy", e))
        return err_exit(e);
    control_init(&control);
    control.name = str_of(c->operands[0]);
    bool is_good =
        policy_holding(c, &all, e) && settings_put(&all, c->config, &control, &offset, e);
    if (offset >= 0)
        (void)printf("policy %s is off from control offset %" PRId64
                     " on; what it has fired still gets its outcomes\n",
                     c->operands[0], offset);
    settings_fini(&all);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

const struct verb policies_verbs[] = {
    {.name = "policies put",
     .operands = "FILE",
     .summary = "sets a policy from its JSON; - is standard input",
     .manual =
         "The file holds one object, as policies show prints it; its name says which policy\n"
         "it is, and one of that name is replaced. It is checked first (78, and what is\n"
         "wrong where), then goes to control as one record, and holds from there on, also in\n"
         "every replay. Webhooks are named here and described in [webhooks] of actuator's\n"
         "configuration. Examples:\n\n"
         "  auspexctl policies put offer.json\n"
         "  auspexctl policies put - <<'END'\n"
         "  {\"name\": \"nudge\", \"action\": \"offer\", \"channel\": \"topic\", \"holdout\": "
         "0.1,\n"
         "   \"when\": {\"all\": [{\"prediction\": \"conversion\", \"op\": \">=\", \"value\": "
         "0.2},\n"
         "                    {\"prediction\": \"conversion\", \"op\": \"<=\", \"value\": "
         "0.6}]},\n"
         "   \"message\": \"10 % off, {{visitor}}\"}\n"
         "  END\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = policies_put_run},
    {.name = "policies list",
     .operands = "",
     .summary = "the policies, and which hold",
     .options = {{"json", NULL, "one object a line, with the whole settings"}},
     .manual =
         "version is 1 + the offset in control of the record that set it, as interventions\n"
         "name it in policy_version. Example:\n\n  auspexctl policies list\n",
     .run = policies_list_run},
    {.name = "policies show",
     .operands = "NAME",
     .summary = "prints a policy as it holds, for policies put",
     .manual =
         "With what was left out filled in. Example:\n\n"
         "  auspexctl policies show nudge | jq '.holdout = 0.2' | auspexctl policies put -\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = policies_show_run},
    {.name = "policies off",
     .operands = "NAME",
     .summary = "takes a policy back: it fires no more",
     .manual =
         "Its open interventions still get their outcomes, and what is pending for a webhook\n"
         "is still delivered. Example:\n\n  auspexctl policies off nudge\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = policies_off_run},
    {.name = "policies report",
     .operands = "[NAME]",
     .summary = "what policies have done, and whether it made a difference",
     .options = {{"since", "SPAN",
                  "visitors who first met a policy within it: 90s, 15m, 12h, 7d"},
                 {"json", NULL, "one object a line"}},
     .manual =
         "From PostgreSQL's interventions, outcomes and deliveries. Compared are visitors, "
         "not\n"
         "interventions, since whole visitors are held out: each visitor counts once for a\n"
         "policy, by the first intervention it had of it, and only when its window is over.\n"
         "Of the difference of rates the 95 % interval is Newcombe's, of value the normal\n"
         "one. Imports fire for nobody who could react: they are counted, not compared.\n"
         "Examples:\n\n"
         "  auspexctl policies report\n"
         "  auspexctl policies report nudge --since 7d --json\n",
     .max_operands = 1,
     .run = policies_report_run},
    {.name = NULL},
};
