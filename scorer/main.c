/* SPDX-License-Identifier: Apache-2.0 */
/* auspex-scorer: wiring only. */
#include "scorer/scorer.h"

static const struct stage scorer = {
    .name = "scorer",
    .summary = "says after each event what its visitor will do next",
    .manual = "Reads features, writes predictions: one record for each features record, with "
              "every kind\n"
              "that a model is active for. Models come from the topic models, their activation "
              "from the\n"
              "topic control; a version is used from the control record on that activates it. "
              "A version\n"
              "that is lacking is waited for (scorer.model_wait_s); then the one before it "
              "serves, each\n"
              "prediction says so, and an error is logged.\n"
              "Keeps nothing but loaded models. Run more copies to scale; Kafka moves the "
              "partitions.\n",
    .kind = STAGE_STATELESS,
    .inputs = {{.topic = TOPIC_features, .role = INPUT_GROUP, .is_marked = true},
               {.topic = TOPIC_models, .role = INPUT_LOOKUP, .has_holes = true},
               {.topic = TOPIC_control, .role = INPUT_LOOKUP}},
    .n_inputs = 3,
    .outputs = 1u << TOPIC_predictions,
    .open = scorer_open,
    .close = scorer_close,
    .record = scorer_record,
    .timer = scorer_timer,
    .lookup = scorer_lookup,
    .is_ready = scorer_is_ready,
};

int main(int argc, char *argv[])
{
    return stage_main(argc, argv, &scorer);
}
