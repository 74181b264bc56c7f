/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/told.h"

#include "common/wire/json_in.h"
#include "common/wire/record_any.h"

static bool is_json(const struct stage_message *m)
{
    return str_is(m->content_type, "application/json") ||
           (m->content_type.len == 0 && m->value.len > 0 && m->value.at[0] == '{');
}

static bool read_as(const struct record_def *def, void *to, const struct stage_message *m,
                    struct arena *a)
{
    if (is_json(m))
        return record_from_json(def, to, a, m->value.at, m->value.len) == WIRE_OK;
    return record_read(def, to, m->value.at, m->value.len) == WIRE_OK;
}

void told_read(struct told *t, const struct stage_message *m, struct arena *a)
{
    enum wire_status status = is_json(m)
                                  ? position_from_json(&t->position, m->value)
                                  : position_read(&t->position, m->value.at, m->value.len);
    t->rec = status == WIRE_OK ? t->position.rec : (uint64_t)REC_NONE;
    t->received_us = t->clock_us = 0;
    t->of_import = 0;
    if (t->rec == REC_prediction && read_as(&prediction_def, &t->prediction, m, a)) {
        t->received_us = t->prediction.received_us;
        t->clock_us = t->prediction.clock_us;
        t->of_import = t->prediction.of_import;
    } else if (t->rec == REC_tick && read_as(&tick_def, &t->tick, m, a)) {
        t->received_us = t->tick.received_us;
        t->clock_us = t->tick.clock_us;
    } else if (t->rec == REC_import_end && read_as(&import_end_def, &t->import_end, m, a)) {
        t->received_us = t->import_end.received_us;
        t->of_import = t->import_end.of_import;
    } else if (t->rec == REC_control && read_as(&control_def, &t->control, m, a)) {
        t->received_us = t->control.received_us;
    } else {
        t->rec = REC_NONE;
    }
}
