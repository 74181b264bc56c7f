/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/args.h"

#include "common/base/str.h"

#include <getopt.h>
#include <stdlib.h>

enum option_id {
    OPT_HELP = 256,
    OPT_VERSION,
    OPT_DAYS,
    OPT_SESSIONS,
    OPT_SEED,
    OPT_END,
    OPT_OUT,
    OPT_TRUTH,
    OPT_RATE,
    OPT_BROKERS,
    OPT_TOPIC,
    OPT_EVENTS,
    OPT_DURATION,
    OPT_LEDGER,
    OPT_SPEED,
    OPT_START_NOW,
    OPT_KIND,
    OPT_PLAIN,
};

static const struct option long_options[] = {
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {"days", required_argument, NULL, OPT_DAYS},
    {"sessions", required_argument, NULL, OPT_SESSIONS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"end", required_argument, NULL, OPT_END},
    {"out", required_argument, NULL, OPT_OUT},
    {"truth", required_argument, NULL, OPT_TRUTH},
    {"rate", required_argument, NULL, OPT_RATE},
    {"brokers", required_argument, NULL, OPT_BROKERS},
    {"topic", required_argument, NULL, OPT_TOPIC},
    {"events", required_argument, NULL, OPT_EVENTS},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"ledger", required_argument, NULL, OPT_LEDGER},
    {"speed", required_argument, NULL, OPT_SPEED},
    {"start-now", no_argument, NULL, OPT_START_NOW},
    {"kind", required_argument, NULL, OPT_KIND},
    {"plain", no_argument, NULL, OPT_PLAIN},
    {NULL, 0, NULL, 0},
};

#define BIT(id) (1u << ((id)-OPT_HELP))

static const struct {
    const char *name;
    unsigned takes; /* BIT()s of the options it knows */
    const char *help;
} verbs[N_VERBS] = {
    [VERB_HELP] =
        {"", BIT(OPT_HELP) | BIT(OPT_VERSION),
         "auspex-shop - a simulated shop: visitors with hidden types and known probabilities.\n"
         "\n"
         "Usage: auspex-shop VERB [OPTION]...\n"
         "\n"
         "  history   write days of the past as NDJSON, in order of event time\n"
         "  live      send events to Kafka as they happen\n"
         "  stream    write a stream of late, future, repeated ... events, for tests\n"
         "\n"
         "auspex-shop VERB --help tells the options; --version prints the version.\n"
         "Exit codes: 0 done, 1 failed, 2 wrong usage, 69 Kafka is gone, 74 a file could not "
         "be\n"
         "written, 78 Kafka is not set up as told.\n"},
    [VERB_VERSION] = {"--version", 0, "auspex-shop " AUSPEX_VERSION "\n"},
    [VERB_HISTORY] = {"history",
                      BIT(OPT_HELP) | BIT(OPT_DAYS) | BIT(OPT_SESSIONS) | BIT(OPT_SEED) |
                          BIT(OPT_END) | BIT(OPT_OUT) | BIT(OPT_TRUTH),
                      "Usage: auspex-shop history --out FILE|- [OPTION]...\n"
                      "\n"
                      "Writes events as NDJSON in Segment's shape, in order of time; the same "
                      "bytes for the\n"
                      "same seed, days, sessions and end.\n"
                      "\n"
                      "  --out FILE      where to; - is standard output\n"
                      "  --days N        length of the past (14)\n"
                      "  --sessions N    how many visits, of about 9 events each (20000)\n"
                      "  --seed N        (1)\n"
                      "  --end TIME      no event is later; RFC 3339, or now (now)\n"
                      "  --truth FILE    CSV message_id,p_hidden,converts_later: the "
                      "probability of a purchase,\n"
                      "                  signup or subscription later in the session, as the "
                      "shop knows it,\n"
                      "                  and whether one followed\n"},
    [VERB_LIVE] =
        {"live",
         BIT(OPT_HELP) | BIT(OPT_DAYS) | BIT(OPT_SESSIONS) | BIT(OPT_SEED) | BIT(OPT_END) |
             BIT(OPT_TRUTH) | BIT(OPT_RATE) | BIT(OPT_BROKERS) | BIT(OPT_TOPIC) |
             BIT(OPT_EVENTS) | BIT(OPT_DURATION) | BIT(OPT_LEDGER) | BIT(OPT_SPEED) |
             BIT(OPT_START_NOW),
         "Usage: auspex-shop live --brokers HOST:PORT [OPTION]...\n"
         "\n"
         "Sends events as they happen, one per record, keyed by the visitor's anonymous id, "
         "and\n"
         "again until the broker has them. SIGTERM and SIGINT end it within 5 s.\n"
         "\n"
         "  --brokers HOST:PORT  Kafka\n"
         "  --topic NAME         (auspex.raw.v1)\n"
         "  --rate N             mean events per second (20)\n"
         "  --start-now          the full rate from the first seconds; else it grows for some\n"
         "                       minutes, as the shop fills\n"
         "  --speed X            divide think times by X; the rate stays (1)\n"
         "  --events N           end after so many\n"
         "  --duration S         end after so many seconds\n"
         "  --ledger FILE        add lines id,visitor,body_hash,ack|fail,partition,offset;\n"
         "                       the hash is XXH3-64 of the bytes sent, in hex\n"
         "  --truth FILE         add lines message_id,p_hidden,converts_later at sessions' "
         "ends\n"
         "  --seed, --days, --sessions, --end   the past its returning visitors come from: as\n"
         "                       given to history, they are the same people\n"},
    [VERB_STREAM] =
        {"stream",
         BIT(OPT_HELP) | BIT(OPT_SEED) | BIT(OPT_END) | BIT(OPT_EVENTS) | BIT(OPT_OUT) |
             BIT(OPT_KIND) | BIT(OPT_PLAIN),
         "Usage: auspex-shop stream --kind hostile --out FILE|- [OPTION]...\n"
         "\n"
         "Writes events of 50 visitors in order of arrival: late, slightly late, future, from\n"
         "wrong clocks, offline, repeated and conflicting ones among normal ones; a line is\n"
         "{\"received_offset_ms\":N,\"received\":TIME,\"kind\":KIND,\"event\":{...}}.\n"
         "\n"
         "  --kind hostile  the only kind\n"
         "  --out FILE      where to; - is standard output\n"
         "  --events N      how many lines (5000)\n"
         "  --plain         only the events\n"
         "  --seed N        (1)\n"
         "  --end TIME      nothing happens later (now)\n"},
};

const char *args_help(enum verb about)
{
    return verbs[about].help;
}

static bool wrong_value(const char *option, const char *text, const char *want, struct err *e)
{
    return err_code(e, EXIT_CODE_USAGE, "--%s %s: want %s", option, text, want);
}

static bool take_count(const char *option, const char *text, uint64_t max, uint64_t *value,
                       struct err *e)
{
    uint64_t v = 0;
    if (!str_u64(str_of(text), &v) || v < 1 || v > max)
        return wrong_value(option, text, "a whole number above 0, and not that large", e);
    *value = v;
    return true;
}

static bool take_amount(const char *option, const char *text, double *value, struct err *e)
{
    double v = 0;
    if (!str_f64(str_of(text), &v) || v <= 0 || v > 1e6)
        return wrong_value(option, text, "a number above 0, at most a million", e);
    *value = v;
    return true;
}

static bool take_end(struct args *a, const char *text, struct err *e)
{
    int64_t us = a->history.past.end_us;
    if (!str_is(str_of(text), "now") && !clock_parse(str_of(text), &us))
        return wrong_value("end", text, "a time such as 2024-06-01T00:00:00Z, or now", e);
    a->history.past.end_us = us;
    return true;
}

/* The options that all of history, live and stream draw from; args_parse copies them over. */
static bool take_common(struct args *a, int id, struct err *e)
{
    uint64_t n = 0;
    switch (id) {
    case OPT_DAYS:
        if (!take_count("days", optarg, 3650, &n, e))
            return false;
        a->history.past.days = (uint32_t)n;
        return true;
    case OPT_SESSIONS:
        if (!take_count("sessions", optarg, 10000000, &n, e))
            return false;
        a->history.past.sessions = (uint32_t)n;
        return true;
    case OPT_SEED:
        return str_u64(str_of(optarg), &a->history.past.seed) ||
               wrong_value("seed", optarg, "a whole number", e);
    case OPT_END:
        return take_end(a, optarg, e);
    case OPT_OUT:
        a->history.out = a->stream.out = optarg;
        return true;
    case OPT_TRUTH:
        a->history.truth = a->live.truth = optarg;
        return true;
    default:
        return take_count("events", optarg, 10000000, &a->live.n_events, e);
    }
}

static bool take_option(struct args *a, int id, struct err *e)
{
    switch (id) {
    case OPT_RATE:
        return take_amount("rate", optarg, &a->live.rate, e);
    case OPT_BROKERS:
        a->live.brokers = optarg;
        return true;
    case OPT_TOPIC:
        a->live.topic = optarg;
        return true;
    case OPT_DURATION:
        return take_amount("duration", optarg, &a->live.duration_s, e);
    case OPT_LEDGER:
        a->live.ledger = optarg;
        return true;
    case OPT_SPEED:
        return take_amount("speed", optarg, &a->live.speed, e);
    case OPT_START_NOW:
        a->live.start_now = true;
        return true;
    case OPT_KIND:
        return str_is(str_of(optarg), "hostile") || wrong_value("kind", optarg, "hostile", e);
    case OPT_PLAIN:
        a->stream.is_plain = true;
        return true;
    default:
        return take_common(a, id, e);
    }
}

static bool find_verb(const char *text, struct args *a, struct err *e)
{
    if (!text)
        return err_code(e, EXIT_CODE_USAGE, "a verb is missing: history, live or stream");
    if (str_is(str_of(text), "--help")) {
        a->verb = VERB_HELP;
        return true;
    }
    for (unsigned v = VERB_VERSION; v < N_VERBS; v++) {
        if (str_is(str_of(text), verbs[v].name)) {
            a->verb = (enum verb)v;
            return true;
        }
    }
    return err_code(e, EXIT_CODE_USAGE, "no verb %s: want history, live or stream", text);
}

static bool check_needed(const struct args *a, unsigned given, struct err *e)
{
    static const unsigned needed[N_VERBS] = {[VERB_HISTORY] = BIT(OPT_OUT),
                                             [VERB_LIVE] = BIT(OPT_BROKERS),
                                             [VERB_STREAM] = BIT(OPT_OUT) | BIT(OPT_KIND)};
    for (const struct option *o = long_options; o->name; o++) {
        if (needed[a->verb] & ~given & BIT(o->val))
            return err_code(e, EXIT_CODE_USAGE, "%s needs --%s", verbs[a->verb].name, o->name);
    }
    return true;
}

static bool parse_options(int argc, char *argv[], struct args *a, struct err *e)
{
    unsigned given = 0;
    int id;
    optind = 0; /* start over, also in a second call */
    opterr = 0;
    while ((id = getopt_long(argc, argv, "+", long_options, NULL)) != -1) {
        if (id == '?')
            return err_code(e, EXIT_CODE_USAGE, "%s: unknown option, or its value is missing",
                            argv[optind - 1]);
        if (!(verbs[a->verb].takes & BIT(id)))
            return err_code(e, EXIT_CODE_USAGE, "%s knows no option %s", verbs[a->verb].name,
                            argv[optind - 1]);
        if (id == OPT_HELP) {
            a->about = a->verb;
            a->verb = VERB_HELP;
            return true;
        }
        if (!take_option(a, id, e))
            return false;
        given |= BIT(id);
    }
    if (optind < argc)
        return err_code(e, EXIT_CODE_USAGE, "%s: not expected here", argv[optind]);
    return check_needed(a, given, e);
}

bool args_parse(int argc, char *argv[], int64_t now_us, struct args *a, struct err *e)
{
    *a = (struct args){
        .history.past = {.seed = 1, .days = 14, .sessions = 20000, .end_us = now_us},
        .live = {.rate = 20, .speed = 1, .topic = "auspex.raw.v1"},
    };
    if (!find_verb(argc > 1 ? argv[1] : NULL, a, e))
        return false;
    if (a->verb >= VERB_HISTORY && !parse_options(argc - 1, argv + 1, a, e))
        return false;
    a->live.past = a->history.past;
    a->stream.seed = a->history.past.seed;
    a->stream.end_us = a->history.past.end_us;
    a->stream.n_events = a->live.n_events > 0 ? (uint32_t)a->live.n_events : 5000;
    return true;
}
