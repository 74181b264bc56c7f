/* SPDX-License-Identifier: Apache-2.0 */
#include "trainer/arguments.h"

#include "common/base/err.h"
#include "common/base/str.h"
#include "common/kern/trees.h"
#include "trainer/release.h"

#include <getopt.h>

/* A number that an option sets: whole where min and max are, else any. */
struct number {
    const char *option;
    double min, max;
    size_t offset; /* in struct arguments */
    enum { AS_U64, AS_U32, AS_DOUBLE } as;
    const char *help;
};

#define AT(field) offsetof(struct arguments, field)
static const struct number numbers[] = {
    {"site", 0, 9e15, AT(site), AS_U64, "only this site's sessions (all)"},
    {"seed", 0, 2147483647, AT(boost.seed), AS_U64, "seed of the draws (1)"},
    {"rounds", 1, TREES_MAX, AT(boost.rounds), AS_U32, "trees at most (600)"},
    {"patience", 1, TREES_MAX, AT(boost.patience), AS_U32,
     "rounds without gain on the validation part, then stop (30)"},
    {"depth", 1, TREES_DEPTH_MAX, AT(boost.depth), AS_U32, "depth of a tree at most (6)"},
    {"min-child", 0, 1e6, AT(boost.min_child), AS_U32, "least sum of p (1 - p) in a leaf (5)"},
    {"eta", 1e-4, 1, AT(boost.eta), AS_DOUBLE, "learning rate (0.1)"},
    {"row-share", 0.01, 1, AT(boost.row_share), AS_DOUBLE, "rows drawn for a tree (0.8)"},
    {"feature-share", 0.01, 1, AT(boost.feature_share), AS_DOUBLE,
     "features drawn for a tree (0.8)"},
};

enum { OPTION_OUT = 1000, OPTION_NAME, OPTION_NO_PUBLISH, OPTION_BACKFILL, OPTION_VERSION };
static const struct option words[] = {
    {"config", required_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {"out", required_argument, NULL, OPTION_OUT},
    {"name", required_argument, NULL, OPTION_NAME},
    {"no-publish", no_argument, NULL, OPTION_NO_PUBLISH},
    {"from-backfill", required_argument, NULL, OPTION_BACKFILL},
    {"version", no_argument, NULL, OPTION_VERSION},
};

void arguments_help(FILE *to)
{
    (void)fputs(
        "auspex-trainer - trains models on what the archive holds\n\n"
        "usage: auspex-trainer [-c FILE] conversion [options]\n"
        "       auspex-trainer [-c FILE] export [--out FILE] [--site N]\n\n"
        "conversion  P(purchase, signup or subscription later in the session). Reads vectors "
        "of\n"
        "            ended sessions, trains on the first 70 % by time, calibrates on the next\n"
        "            15 %, measures on the last 15 %; prints the report, writes a row into "
        "table\n"
        "            models and publishes the model on the topic models. It becomes active by\n"
        "            \"auspexctl models promote\". The same rows and options give the same "
        "file,\n"
        "            byte for byte.\n"
        "export      writes the training set as CSV: the features (empty = missing), label, "
        "ids.\n\n"
        "  -c, --config FILE      configuration (INI); the environment stands above it:\n"
        "                         AUSPEX_SECTION__KEY=value\n"
        "      --out FILE         conversion: write the model file there as well;\n"
        "                         export: write there instead of to stdout\n"
        "      --from-backfill NAME  reads what featurizer --backfill computed anew, instead "
        "of\n"
        "                         the vectors as they were logged\n"
        "      --no-publish       conversion: neither table nor topic, only report and --out\n"
        "      --name NAME        conversion: name of the model (conversion)\n",
        to);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        (void)fprintf(to, "      --%-16s %s\n", numbers[i].option, numbers[i].help);
    (void)fputs("      --version, --help\n\n"
                "Exit codes: 0 done, 1 cannot be trained (says why), 2 usage, 69 Kafka or\n"
                "PostgreSQL is gone, 70 a bug of ours, 74 a file could not be written, 78\n"
                "configuration or tables to be mended by hand.\n",
                to);
}

static bool number_set(struct arguments *a, const struct number *n, const char *text,
                       struct err *e)
{
    double value = 0;
    uint64_t whole = 0;
    uint8_t *at = (uint8_t *)a + n->offset;
    bool is_number =
        n->as == AS_DOUBLE ? str_f64(str_of(text), &value) : str_u64(str_of(text), &whole);
    if (is_number && n->as != AS_DOUBLE)
        value = (double)whole;
    if (!is_number || value < n->min || value > n->max)
        return err_code(e, EXIT_CODE_USAGE,
                        "--%s takes a number from %.15g to %.15g, not \"%s\"", n->option,
                        n->min, n->max, text);
    uint32_t narrow = (uint32_t)whole;
    if (n->as == AS_DOUBLE)
        memcpy(at, &value, sizeof value);
    else if (n->as == AS_U64)
        memcpy(at, &whole, sizeof whole);
    else
        memcpy(at, &narrow, sizeof narrow);
    a->has_site = a->has_site || n->offset == AT(site);
    return true;
}

static bool name_check(const char *option, struct str name, struct err *e)
{
    return release_is_name(name) ||
           err_code(e, EXIT_CODE_USAGE,
                    "--%s takes 1 to %d of a-z, 0-9, dot, _ and -, not \"%.*s\"", option,
                    CONTAINER_NAME - 1, STR_ARGS(name));
}

static bool option_set(struct arguments *a, int option, char **argv, struct err *e)
{
    switch (option) {
    case 'c':
        a->config = optarg;
        return true;
    case 'h':
        a->verb = VERB_HELP;
        return true;
    case OPTION_VERSION:
        a->verb = VERB_VERSION;
        return true;
    case OPTION_OUT:
        a->out = optarg;
        return true;
    case OPTION_NAME:
        a->name = optarg;
        return name_check("name", str_of(optarg), e);
    case OPTION_BACKFILL:
        a->backfill = optarg;
        return name_check("from-backfill", str_of(optarg), e);
    case OPTION_NO_PUBLISH:
        a->no_publish = true;
        return true;
    case ':':
        return err_code(e, EXIT_CODE_USAGE, "%s needs a value", argv[optind - 1]);
    case '?':
        return err_code(e, EXIT_CODE_USAGE, "what is \"%s\"? See --help.", argv[optind - 1]);
    default:
        return number_set(a, &numbers[option], optarg, e);
    }
}

static bool verb_set(struct arguments *a, int argc, char **argv, struct err *e)
{
    if (a->verb == VERB_HELP || a->verb == VERB_VERSION)
        return true;
    if (optind + 1 != argc)
        return err_code(e, EXIT_CODE_USAGE, "one of conversion, export is needed. See --help.");
    struct str verb = str_of(argv[optind]);
    if (str_is(verb, "conversion"))
        a->verb = VERB_CONVERSION;
    else if (str_is(verb, "export"))
        a->verb = VERB_EXPORT;
    else
        return err_code(e, EXIT_CODE_USAGE, "what is \"%.*s\"? See --help.", STR_ARGS(verb));
    return true;
}

bool arguments_read(struct arguments *a, int argc, char **argv, struct err *e)
{
    struct option options[ARRAY_LEN(numbers) + ARRAY_LEN(words) + 1] = {0};
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        options[n++] = (struct option){numbers[i].option, required_argument, NULL, (int)i};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        options[n++] = words[i];
    *a = (struct arguments){.name = "conversion", .boost = boost_defaults};
    optind = 0; /* GNU: start anew */
    for (int option; (option = getopt_long(argc, argv, ":c:h", options, NULL)) != -1;)
        if (!option_set(a, option, argv, e))
            return false;
    return verb_set(a, argc, argv, e);
}
