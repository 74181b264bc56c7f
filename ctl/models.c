/* SPDX-License-Identifier: Apache-2.0 */
/* models list, promote, rollback - which version of a model is used from now on. */
#include "ctl/catalog.h"
#include "ctl/ctl.h"
#include "ctl/settings.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <stdio.h>

/* The number behind the first "auc" of the metrics. */
static bool metric_auc(struct str metrics, double *auc)
{
    const struct str name = STR("\"auc\":");
    const char *at = memmem(metrics.at, metrics.len, name.at, name.len);
    if (!at)
        return false;
    struct str rest =
        str_over(at + name.len, metrics.len - name.len - (size_t)(at - metrics.at));
    size_t len = 0;
    while (len < rest.len && rest.at[len] != ',' && rest.at[len] != '}')
        len++;
    return str_f64(str_trim(str_over(rest.at, len)), auc);
}

static void model_print(const struct catalog *c, const struct catalog_model *m)
{
    char trained[CLOCK_TEXT], auc_text[16] = "-";
    double auc;
    clock_format(m->trained_us, trained);
    if (metric_auc(m->metrics, &auc))
        (void)snprintf(auc_text, sizeof auc_text, "%.4f", auc);
    (void)printf("%-20.*s %7" PRIu64 "  %-16.*s %8s %10" PRIu64 "  %.19sZ  %s\n",
                 STR_ARGS(m->name), m->version, STR_ARGS(m->kind), auc_text, m->bytes, trained,
                 catalog_is_active(c, m) ? "active" : "");
}

static void model_print_json(const struct catalog *c, const struct catalog_model *m)
{
    struct buf b = {0};
    char trained[CLOCK_TEXT], hex[SHA256_HEX];
    clock_format(m->trained_us, trained);
    hash_hex(&m->sha256, hex);
    buf_text(&b, "{\"name\":");
    json_put_str(&b, m->name);
    buf_printf(&b, ",\"version\":%" PRIu64 ",\"kind\":", m->version);
    json_put_str(&b, m->kind);
    buf_printf(&b, ",\"active\":%s,\"bytes\":%" PRIu64 ",\"sha256\":\"%s\",\"trained\":\"%s\"",
               catalog_is_active(c, m) ? "true" : "false", m->bytes, hex, trained);
    if (json_is_valid(m->metrics)) {
        buf_text(&b, ",\"metrics\":");
        buf_str(&b, m->metrics);
    }
    (void)printf("%s}\n", buf_cstr(&b));
    buf_fini(&b);
}

static int models_list_run(struct ctl *c, struct err *e)
{
    struct catalog catalog;
    bool is_json = ctl_value(c, "json") != NULL;
    if (!catalog_read(&catalog, c->config, e))
        return err_exit(e);
    if (!is_json)
        (void)printf("%-20s %7s  %-16s %8s %10s  %-20s\n", "name", "version", "kind", "AUC",
                     "bytes", "trained");
    for (size_t i = 0; i < catalog.n_models; i++) {
        if (is_json)
            model_print_json(&catalog, &catalog.models[i]);
        else
            model_print(&catalog, &catalog.models[i]);
    }
    if (catalog.n_models == 0 && !is_json)
        (void)printf("none yet: `auspex-trainer conversion` makes one\n");
    catalog_fini(&catalog);
    return EXIT_CODE_OK;
}

static bool control_write(const struct ctl *c, const struct catalog_model *m, int64_t *offset,
                          struct err *e)
{
    struct control control;
    control_init(&control);
    control.what = STR("model");
    control.name = m->name;
    control.version = m->version;
    control.kind = m->kind;
    control.sha256 = str_over(m->sha256.bytes, sizeof m->sha256.bytes);
    return control_put(c->config, &control, offset, e);
}

static bool activate(const struct ctl *c, const struct catalog *catalog,
                     const struct catalog_model *m, struct err *e)
{
    const struct catalog_activation *old = catalog_active(catalog, m->kind);
    int64_t offset = -1;
    if (catalog_is_active(catalog, m)) {
        (void)printf("%.*s %" PRIu64 " is active already\n", STR_ARGS(m->name), m->version);
        return true;
    }
    if (!catalog_verify(c->config, m, e) || !control_write(c, m, &offset, e))
        return false;
    (void)printf("%.*s %" PRIu64 " predicts %.*s from control offset %" PRId64 " on; ",
                 STR_ARGS(m->name), m->version, STR_ARGS(m->kind), offset);
    if (old)
        (void)printf("before: %.*s %" PRIu64 "\n", STR_ARGS(old->name), old->version);
    else
        (void)printf("before: nothing\n");
    return true;
}

static int models_promote_run(struct ctl *c, struct err *e)
{
    struct catalog catalog;
    uint64_t version = 0;
    const char *name = c->operands[0];
    if (c->operands[1] && (!str_u64(str_of(c->operands[1]), &version) || version == 0)) {
        (void)err_code(e, EXIT_CODE_USAGE, "VERSION must be a whole number from 1");
        return EXIT_CODE_USAGE;
    }
    if (!catalog_read(&catalog, c->config, e))
        return err_exit(e);
    const struct catalog_model *m = catalog_find(&catalog, str_of(name), version);
    bool is_good = m != NULL;
    if (!m && version)
        (void)err_set(e, 0, "there is no model %s %" PRIu64 " with a manifest", name, version);
    else if (!m)
        (void)err_set(e, 0, "there is no model %s with a manifest", name);
    is_good = is_good && activate(c, &catalog, m, e);
    catalog_fini(&catalog);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

/* The newest activation before the one that holds, of another version that is still there. */
static const struct catalog_model *previous_of(const struct catalog *c, struct str name)
{
    const struct catalog_activation *now = NULL;
    for (size_t i = c->n_activations; i > 0; i--) {
        const struct catalog_activation *a = &c->activations[i - 1];
        if (!str_eq(a->name, name))
            continue;
        const struct catalog_model *m = catalog_find(c, name, a->version);
        if (now && a->version != now->version && m)
            return m;
        now = now ? now : a;
    }
    return NULL;
}

static int models_rollback_run(struct ctl *c, struct err *e)
{
    struct catalog catalog;
    if (!catalog_read(&catalog, c->config, e))
        return err_exit(e);
    const struct catalog_model *m = previous_of(&catalog, str_of(c->operands[0]));
    bool is_good =
        m ? activate(c, &catalog, m, e)
          : err_set(e, 0, "no other version of %s was active before", c->operands[0]);
    catalog_fini(&catalog);
    return is_good ? EXIT_CODE_OK : err_exit(e);
}

const struct verb models_verbs[] = {
    {.name = "models list",
     .operands = "",
     .summary = "models that were published, and which is active",
     .options = {{"json", NULL, "one object a line, with all metrics"}},
     .manual = "AUC is that of the test part, as the trainer measured it.\n",
     .run = models_list_run},
    {.name = "models promote",
     .operands = "NAME [VERSION]",
     .summary = "uses a version of a model from now on (the newest)",
     .manual = "Checks that manifest and chunks are there and whole, then writes a control\n"
               "record: the version is used from that record on, in every replay the same.\n",
     .min_operands = 1,
     .max_operands = 2,
     .run = models_promote_run},
    {.name = "models rollback",
     .operands = "NAME",
     .summary = "uses the version again that was active before",
     .manual = "Like promote, with the newest other version that was active.\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = models_rollback_run},
    {.name = NULL},
};
