/* SPDX-License-Identifier: Apache-2.0 */
/* modes - what auspex-featurizer does beside the stage, at PostgreSQL and without Kafka:
 * --backfill and --check-skew, and their command lines. */
#ifndef AUSPEX_MODES_H
#define AUSPEX_MODES_H

#include "common/base/err.h"

enum mode { MODE_STAGE, MODE_BACKFILL, MODE_CHECK_SKEW };

/* Texts point into argv. */
struct modes_arguments {
    enum mode mode;
    bool is_help, is_version;
    const char *config, *instance;    /* NULL = none given */
    const char *name;                 /* of the backfill */
    int64_t from_us, to_us, known_us; /* INT64_MIN, INT64_MAX = open; known 0 = now */
    bool has_site, is_replacing;
    uint64_t site_id;
    uint64_t every_s; /* 0 = one round */
    double percent, period_h;
};

/* The mode that the command line asks for, whatever else it says. */
enum mode mode_of(int argc, char *const argv[]);
/* Fails with EXIT_CODE_USAGE. */
MUST_USE bool modes_read(struct modes_arguments *a, int argc, char *argv[], struct err *e);
/* Runs what is no MODE_STAGE; the exit code. */
int modes_main(int argc, char *argv[]);

#endif
