/* SPDX-License-Identifier: Apache-2.0 */
/* auspex-archiver - keeps everything in PostgreSQL, each row once.
 *
 * Reads events, rejected, features, sessions, predictions, interventions, outcomes and
 * deliveries; writes tables, and to `rejected` what PostgreSQL refuses. Keeps its offsets and
 * marks in table archive_offsets, which moves in the same transaction as the rows; the consumer
 * group serves only to share out partitions. */
#include "archiver/archiver.h"

static const struct stage archiver = {
    .name = "archiver",
    .summary = "puts events, rejects and all that is made of events into PostgreSQL",
    .manual =
        "Needs postgres.dsn and tables made by `auspexctl db apply`. Rows go in batches of\n"
        "archiver.batch_rows, or after archiver.batch_ms. While PostgreSQL is down it waits\n"
        "and reads no further; nothing is lost, and other programs go on.\n",
    .kind = STAGE_SINK,
    /* Marks are the core's: they are stored with the rows. */
    .inputs = {{TOPIC_events, INPUT_GROUP, false, false},
               {TOPIC_rejected, INPUT_GROUP, false, false},
               {TOPIC_features, INPUT_GROUP, false, false},
               {TOPIC_sessions, INPUT_GROUP, false, false},
               {TOPIC_predictions, INPUT_GROUP, false, false},
               {TOPIC_interventions, INPUT_GROUP, false, false},
               {TOPIC_outcomes, INPUT_GROUP, false, false},
               {TOPIC_deliveries, INPUT_GROUP, false, true}},
    .n_inputs = 8,
    .outputs = 1u << TOPIC_rejected,
    .open = archiver_open,
    .close = archiver_close,
    .record = archiver_record,
    .timer = archiver_timer,
    .is_ready = archiver_is_ready,
    .sink_seek = archiver_seek,
    .sink_seal = archiver_seal,
    .sink_flush = archiver_flush,
    .sink_forget = archiver_forget,
};

int main(int argc, char *argv[])
{
    return stage_main(argc, argv, &archiver);
}
