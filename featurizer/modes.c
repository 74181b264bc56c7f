/* SPDX-License-Identifier: Apache-2.0 */
#include "featurizer/modes.h"

#include "common/base/clock.h"

#include <getopt.h>

static const char *const mode_words[] = {
    [MODE_BACKFILL] = "--backfill", [MODE_CHECK_SKEW] = "--check-skew"};

enum mode mode_of(int argc, char *const argv[])
{
    for (int i = 1; i < argc; i++)
        for (enum mode m = MODE_BACKFILL; m <= MODE_CHECK_SKEW; m++)
            if (strcmp(argv[i], mode_words[m]) == 0)
                return m;
    return MODE_STAGE;
}

/* The options that only one of them has stand behind the others. */
enum {
    OPTION_MODE = 1000,
    OPTION_VERSION,
    OPTION_FROM,
    OPTION_TO,
    OPTION_KNOWN,
    OPTION_SITE,
    OPTION_NAME,
    OPTION_REPLACE,
    OPTION_EVERY,
    OPTION_SAMPLE,
    OPTION_PERIOD,
    OPTION_INSTANCE
};
#define COMMON                                                                  \
    {"config", required_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, \
    {                                                                           \
        "version", no_argument, NULL, OPTION_VERSION                            \
    }
static const struct option backfill_words[] = {
    {"backfill", no_argument, NULL, OPTION_MODE},
    COMMON,
    {"from", required_argument, NULL, OPTION_FROM},
    {"to", required_argument, NULL, OPTION_TO},
    {"known-at", required_argument, NULL, OPTION_KNOWN},
    {"site", required_argument, NULL, OPTION_SITE},
    {"name", required_argument, NULL, OPTION_NAME},
    {"replace", no_argument, NULL, OPTION_REPLACE},
    {0}};
static const struct option check_words[] = {
    {"check-skew", no_argument, NULL, OPTION_MODE},
    COMMON,
    {"every", required_argument, NULL, OPTION_EVERY},
    {"sample", required_argument, NULL, OPTION_SAMPLE},
    {"period", required_argument, NULL, OPTION_PERIOD},
    {"instance", required_argument, NULL, OPTION_INSTANCE},
    {0}};

static bool time_set(int64_t *us, const char *option, struct err *e)
{
    return clock_parse(str_of(optarg), us) ||
           err_code(e, EXIT_CODE_USAGE,
                    "--%s takes a time as 2026-01-31 or 2026-01-31T12:00:00Z, not \"%s\"",
                    option, optarg);
}

static bool whole_set(uint64_t *n, const char *option, uint64_t most, struct err *e)
{
    uint64_t value = 0;
    if (!str_u64(str_of(optarg), &value) || value == 0 || value > most)
        return err_code(e, EXIT_CODE_USAGE,
                        "--%s takes a whole number from 1 to %llu, not \"%s\"", option,
                        (unsigned long long)most, optarg);
    *n = value;
    return true;
}

static bool number_set(double *x, const char *option, double most, struct err *e)
{
    double value = 0;
    if (!str_f64(str_of(optarg), &value) || value <= 0 || value > most)
        return err_code(e, EXIT_CODE_USAGE,
                        "--%s takes a number above 0 and up to %.15g, not \"%s\"", option, most,
                        optarg);
    *x = value;
    return true;
}

static bool name_set(struct modes_arguments *a, struct err *e)
{
    size_t len = strlen(optarg);
    a->name = optarg;
    return (len > 0 && len < 64 &&
            strspn(optarg, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len) ||
           err_code(e, EXIT_CODE_USAGE,
                    "--name takes 1 to 63 of a-z, 0-9, dot, _ and -, not \"%s\"", optarg);
}

static bool option_set(struct modes_arguments *a, int option, char *const argv[], struct err *e)
{
    switch (option) {
    case 'c':
        a->config = optarg;
        return true;
    case 'h':
        a->is_help = true;
        return true;
    case OPTION_VERSION:
        a->is_version = true;
        return true;
    case OPTION_FROM:
        return time_set(&a->from_us, "from", e);
    case OPTION_TO:
        return time_set(&a->to_us, "to", e);
    case OPTION_KNOWN:
        return time_set(&a->known_us, "known-at", e);
    case OPTION_SITE:
        a->has_site = true;
        return whole_set(&a->site_id, "site", INT32_MAX, e);
    case OPTION_NAME:
        return name_set(a, e);
    case OPTION_REPLACE:
        a->is_replacing = true;
        return true;
    case OPTION_EVERY:
        return whole_set(&a->every_s, "every", 86400, e);
    case OPTION_SAMPLE:
        return number_set(&a->percent, "sample", 100, e);
    case OPTION_PERIOD:
        return number_set(&a->period_h, "period", 876000, e);
    case OPTION_INSTANCE:
        a->instance = optarg;
        return true;
    case OPTION_MODE:
        return true;
    case ':':
        return err_code(e, EXIT_CODE_USAGE, "%s needs a value", argv[optind - 1]);
    default:
        return err_code(e, EXIT_CODE_USAGE, "what is \"%s\"? See %s --help.", argv[optind - 1],
                        mode_words[a->mode]);
    }
}

bool modes_read(struct modes_arguments *a, int argc, char *argv[], struct err *e)
{
    *a = (struct modes_arguments){.mode = mode_of(argc, argv),
                                  .name = "backfill",
                                  .from_us = INT64_MIN,
                                  .to_us = INT64_MAX,
                                  .percent = 1,
                                  .period_h = 1};
    CHECK(a->mode != MODE_STAGE);
    const struct option *words = a->mode == MODE_BACKFILL ? backfill_words : check_words;
    optind = 0; /* GNU: start anew */
    for (int option; (option = getopt_long(argc, argv, ":c:h", words, NULL)) != -1;)
        if (!option_set(a, option, argv, e))
            return false;
    if (optind < argc)
        return err_code(e, EXIT_CODE_USAGE, "what is \"%s\"? See %s --help.", argv[optind],
                        mode_words[a->mode]);
    return a->from_us < a->to_us || err_code(e, EXIT_CODE_USAGE, "--from must be before --to");
}
