/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/topic.h"

#include "common/bus/config.h"

#include <stdio.h>

enum prefix { PREFIX_in, PREFIX_out };

static const struct {
    const char *word;
    enum prefix prefix;
} topics[TOPICS_N] = {
#define TOPIC(name, prefix, partitions, cleanup, meaning) {#name, PREFIX_##prefix},
#include "schemas/topics.def"
#undef TOPIC
};

const char *topic_word(enum topic t)
{
    CHECK(t < TOPICS_N);
    return topics[t].word;
}

void topic_name(const struct config *c, enum topic t, char out[TOPIC_NAME])
{
    CHECK(t < TOPICS_N);
    const char *in = config_text(c, "auspex", "topic_prefix");
    const char *own = config_text(c, "auspex", "output_prefix");
    const char *prefix = topics[t].prefix == PREFIX_out && own[0] ? own : in;
    (void)snprintf(out, TOPIC_NAME, "%s.%s.v1", prefix, topics[t].word);
}

enum topic topic_of(struct str word)
{
    for (enum topic t = 0; t < TOPICS_N; t++)
        if (str_is(word, topics[t].word))
            return t;
    return TOPICS_N;
}
