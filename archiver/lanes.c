/* SPDX-License-Identifier: Apache-2.0 */
#include "archiver/lanes.h"

#include <stdio.h>

void lanes_fini(struct lanes *l)
{
    for (unsigned i = 0; i < LANES_N; i++)
        marks_fini(&l->at[i]);
}

unsigned lane_of(enum topic t, bool is_readable)
{
    return 1 + 2 * (unsigned)t + (is_readable ? 0 : 1);
}

const char *lane_word(unsigned lane, char out[32])
{
    CHECK(lane > LANE_MAIN && lane < LANES_N);
    snprintf(out, 32, "%s%s", topic_word((enum topic)((lane - 1) / 2)),
             (lane - 1) % 2 ? "!" : "");
    return out;
}

/* LANE_MAIN for a word that is none. */
static unsigned lane_of_word(struct str word)
{
    bool is_readable = !str_ends(word, STR("!"));
    if (!is_readable)
        word.len--;
    enum topic t = topic_of(word);
    return t == TOPICS_N ? LANE_MAIN : lane_of(t, is_readable);
}

unsigned lane_of_rejected(struct str stage, struct str detail)
{
    struct str rest;
    return str_is(stage, "archiver") ? lane_of_word(str_cut(detail, ' ', &rest)) : LANE_MAIN;
}

void lanes_print(const struct lanes *l, struct buf *out)
{
    char word[32];
    marks_print(&l->at[LANE_MAIN], out);
    for (unsigned i = 1; i < LANES_N; i++) {
        if (l->at[i].n == 0)
            continue;
        buf_printf(out, " | %s ", lane_word(i, word));
        marks_print(&l->at[i], out);
    }
}

bool lanes_parse(struct lanes *l, struct str text)
{
    struct lanes found = {0};
    struct str rest, part = str_trim(str_cut(text, '|', &rest));
    bool is_good = marks_parse(&found.at[LANE_MAIN], part);
    while (is_good && rest.len > 0) {
        struct str marks, word;
        part = str_trim(str_cut(rest, '|', &rest));
        word = str_cut(part, ' ', &marks);
        unsigned lane = lane_of_word(word);
        is_good =
            lane != LANE_MAIN && found.at[lane].n == 0 && marks_parse(&found.at[lane], marks);
    }
    if (!is_good) {
        lanes_fini(&found);
        return false;
    }
    lanes_fini(l);
    *l = found;
    return true;
}
