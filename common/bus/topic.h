/* SPDX-License-Identifier: Apache-2.0 */
/* topic - the topics of schemas/topics.def and how they are called. */
#ifndef AUSPEX_TOPIC_H
#define AUSPEX_TOPIC_H

#include "common/base/str.h"

struct config;

enum topic {
#define TOPIC(name, prefix, partitions, cleanup, meaning) TOPIC_##name,
#include "schemas/topics.def"
#undef TOPIC
    TOPICS_N
};

enum { TOPIC_NAME = 256 };

/* "events" for TOPIC_events. */
const char *topic_word(enum topic t);
/* "PREFIX.events.v1", by the options topic_prefix and output_prefix; always terminated. */
void topic_name(const struct config *c, enum topic t, char out[TOPIC_NAME]);
/* TOPICS_N for a word that is none. */
enum topic topic_of(struct str word);

#endif
