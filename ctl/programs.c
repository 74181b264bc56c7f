/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/programs.h"

const char *const program_names[PROGRAMS_N] = {"collector", "featurizer", "scorer", "actuator",
                                               "archiver"};

unsigned program_inputs(enum program p)
{
    static const unsigned inputs[PROGRAMS_N] = {
        [PROGRAM_collector] = 1u << TOPIC_raw | 1u << TOPIC_imports | 1u << TOPIC_control,
        [PROGRAM_featurizer] = 1u << TOPIC_events,
        [PROGRAM_scorer] = 1u << TOPIC_features,
        [PROGRAM_actuator] = 1u << TOPIC_predictions,
        [PROGRAM_archiver] = 1u << TOPIC_events | 1u << TOPIC_rejected | 1u << TOPIC_features |
                             1u << TOPIC_sessions | 1u << TOPIC_predictions |
                             1u << TOPIC_interventions | 1u << TOPIC_outcomes |
                             1u << TOPIC_deliveries,
    };
    return inputs[p];
}
