/* SPDX-License-Identifier: Apache-2.0 */
/* auspex-actuator: wiring only. */
#include "actuator/actuator.h"
#include "actuator/deliver.h"
#include "common/base/clock.h"
#include "common/bus/config.h"

#include <stdlib.h>

struct program {
    struct actuator *core;
    struct deliver *deliver;
};

static void fired(void *to, uint32_t partition, const struct intervention *i, uint64_t number)
{
    deliver_add(to, partition, i, number);
}

static void *open_core(const struct stage_env *env, struct err *e)
{
    const char *form = config_text(env->config, "actuator", "interventions");
    bool is_json = strcmp(form, "json") == 0;
    if (!is_json && strcmp(form, "msgpack") != 0) {
        err_code(e, EXIT_CODE_CONFIG, "[actuator] interventions = %s: msgpack or json", form);
        return NULL;
    }
    struct deliver *deliver = deliver_new(env, e);
    if (!deliver)
        return NULL;
    struct actuator_setup setup = {
        .is_json = is_json, .counters = env->counters, .fired = fired, .to = deliver};
    struct program *p = mem_zero(1, sizeof *p);
    p->deliver = deliver;
    p->core = actuator_new(&setup);
    return p;
}

static void close_core(void *core)
{
    struct program *p = core;
    actuator_free(p->core);
    deliver_free(p->deliver);
    free(p);
}

static void assign(void *core, enum topic t, uint32_t partition)
{
    struct program *p = core;
    actuator_assign(p->core, t, partition);
    deliver_assign(p->deliver, partition);
}

static void revoke(void *core, enum topic t, uint32_t partition)
{
    struct program *p = core;
    actuator_revoke(p->core, t, partition);
    deliver_revoke(p->deliver, partition);
}

static enum stage_step record(void *core, const struct stage_message *m, struct outbox *out)
{
    return actuator_record(((struct program *)core)->core, m, out);
}

static enum stage_step more(void *core, enum topic t, uint32_t partition, struct outbox *out)
{
    return actuator_more(((struct program *)core)->core, t, partition, out);
}

static void timer(void *core, int64_t mono_us, struct outbox *out)
{
    (void)out;
    actuator_timer(((struct program *)core)->core, mono_us);
}

static void lookup(void *core, const struct stage_message *m)
{
    actuator_lookup(((struct program *)core)->core, m);
}

static void turn(void *core, struct outbox *out)
{
    deliver_turn(((struct program *)core)->deliver, out, clock_wall_us());
}

static bool retire(void *core)
{
    return deliver_retire(((struct program *)core)->deliver);
}

static bool is_changed(void *core)
{
    return deliver_is_changed(((struct program *)core)->deliver);
}

static bool restore(void *core, uint32_t partition, struct str key, struct str value,
                    struct err *e)
{
    struct program *p = core;
    if (deliver_owns(key))
        return deliver_restore(p->deliver, partition, key, value, e);
    return actuator_restore(p->core, partition, key, value, e);
}

static bool restored(void *core, uint32_t partition, struct str own, struct err *e)
{
    return actuator_restored(((struct program *)core)->core, partition, own, e);
}

static void cut(void *core, uint32_t partition, struct buf *own)
{
    struct program *p = core;
    actuator_cut(p->core, partition, own);
    deliver_cut(p->deliver, partition);
}

static bool pack(void *core, uint32_t partition, struct outbox *state, int64_t until_mono_us)
{
    struct program *p = core;
    return actuator_pack(p->core, partition, state, until_mono_us) &&
           deliver_pack(p->deliver, partition, state, until_mono_us);
}

static void uncut(void *core, uint32_t partition)
{
    struct program *p = core;
    actuator_uncut(p->core, partition);
    deliver_uncut(p->deliver, partition);
}

static const struct stage actuator = {
    .name = "actuator",
    .summary = "decides what to do for a visitor, and tells what came of it",
    .manual =
        "Reads predictions; writes interventions, when a policy's condition becomes true;\n"
        "outcomes, one for each of them: converted or ignored; and deliveries, the attempts\n"
        "to reach a webhook. Policies come from the topic control (auspexctl policies put);\n"
        "one is used from its control record on, the same in every replay. Visitors that a\n"
        "policy holds out get records too, but nothing is delivered to them.\n"
        "Webhooks and their secrets stand in the section [webhooks]: NAME.url, NAME.secret,\n"
        "NAME.allow_private. With an output_prefix of its own (a replay) nothing is\n"
        "delivered. Keeps open interventions, caps and what is still to be delivered,\n"
        "checkpointed to the topic decisions. Times of decisions are those of the records;\n"
        "only deliveries ask this machine's clock. Run more copies to scale; Kafka moves the\n"
        "partitions.\n",
    .kind = STAGE_STATEFUL,
    .inputs = {{.topic = TOPIC_predictions, .role = INPUT_GROUP, .is_marked = true},
               {.topic = TOPIC_control, .role = INPUT_LOOKUP}},
    .n_inputs = 2,
    .outputs = 1u << TOPIC_interventions | 1u << TOPIC_outcomes | 1u << TOPIC_deliveries,
    .state = TOPIC_decisions,
    .open = open_core,
    .close = close_core,
    .assign = assign,
    .revoke = revoke,
    .record = record,
    .more = more,
    .timer = timer,
    .lookup = lookup,
    .turn = turn,
    .retire = retire,
    .is_changed = is_changed,
    .restore = restore,
    .restored = restored,
    .cut = cut,
    .pack = pack,
    .uncut = uncut,
};

int main(int argc, char *argv[])
{
    return stage_main(argc, argv, &actuator);
}
