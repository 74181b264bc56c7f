/* SPDX-License-Identifier: Apache-2.0 */
/* programs - those that run for good, in the order in which an event passes them. */
#ifndef AUSPEX_CTL_PROGRAMS_H
#define AUSPEX_CTL_PROGRAMS_H

#include "common/bus/topic.h"

enum program {
    PROGRAM_collector,
    PROGRAM_featurizer,
    PROGRAM_scorer,
    PROGRAM_actuator,
    PROGRAM_archiver,
    PROGRAMS_N
};
extern const char *const program_names[PROGRAMS_N];
/* Topics that a program reads as a member of its group, as bits 1 << enum topic. */
unsigned program_inputs(enum program p);

#endif
