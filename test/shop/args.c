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
    OPT_EDGE,
    OPT_WRITE_KEY,
    OPT_BATCH,
    OPT_CONNECTIONS,
    OPT_REACT,
    OPT_INTERVENTIONS,
    OPT_EFFECT,
    OPT_OFFERS,
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
    {"edge", required_argument, NULL, OPT_EDGE},
    {"write-key", required_argument, NULL, OPT_WRITE_KEY},
    {"batch", required_argument, NULL, OPT_BATCH},
    {"connections", required_argument, NULL, OPT_CONNECTIONS},
    {"react", no_argument, NULL, OPT_REACT},
    {"interventions", required_argument, NULL, OPT_INTERVENTIONS},
    {"effect", required_argument, NULL, OPT_EFFECT},
    {"offers", required_argument, NULL, OPT_OFFERS},
    {NULL, 0, NULL, 0},
};

#define BIT(id)    (1u << ((id)-OPT_HELP))
#define HTTP_BITS  (BIT(OPT_EDGE) | BIT(OPT_WRITE_KEY) | BIT(OPT_BATCH) | BIT(OPT_CONNECTIONS))
#define REACT_BITS (BIT(OPT_REACT) | BIT(OPT_INTERVENTIONS) | BIT(OPT_EFFECT) | BIT(OPT_OFFERS))

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
         "  live      send events as they happen, to Kafka or over HTTP\n"
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
             BIT(OPT_START_NOW) | HTTP_BITS | REACT_BITS,
         "Usage: auspex-shop live --brokers HOST:PORT [OPTION]...\n"
         "       auspex-shop live --edge URL --write-key KEY [OPTION]...\n"
         "\n"
         "Sends events as they happen, and again until they are acknowledged; one visitor's "
         "in\n"
         "order. To Kafka: one per record, keyed by the visitor's anonymous id. SIGTERM and\n"
         "SIGINT end it within 5 s.\n"
         "\n"
         "  --brokers HOST:PORT  Kafka\n"
         "  --topic NAME         (auspex.raw.v1)\n"
         "  --edge URL           the collector's HTTP edge instead, as http://127.0.0.1:19400\n"
         "  --write-key KEY      of a site there, number 1\n"
         "  --batch N            up to N waiting events of a visitor in a request (1)\n"
         "  --connections N      so many requests at a time (16)\n"
         "  --rate N             mean events per second (20)\n"
         "  --start-now          the full rate from the first seconds; else it grows for some\n"
         "                       minutes, as the shop fills\n"
         "  --speed X            divide think times by X; the rate stays (1)\n"
         "  --events N           end after so many\n"
         "  --duration S         end after so many seconds\n"
         "  --react              visitors react to interventions with the action offer; needs\n"
         "                       --brokers\n"
         "  --interventions NAME the topic of these (auspex.interventions.v1)\n"
         "  --effect P           probability that an offer moves somebody still there, who\n"
         "                       would not convert in the session any more, to buy (0.1)\n"
         "  --offers FILE        add lines intervention_id,visitor,holdout,reached,moved,\n"
         "                       p_without,p_with: the probability of a conversion in the "
         "rest\n"
         "                       of the session, without the offer and with it\n"
         "  --ledger FILE        add lines id,visitor,body_hash,ack|fail,partition,offset;\n"
         "                       the hash is XXH3-64 of the bytes sent, in hex; over HTTP\n"
         "                       partition and offset are -1\n"
         "  --truth FILE         add lines message_id,p_hidden,converts_later at sessions' "
         "ends\n"
         "  --seed, --days, --sessions, --end   the past its returning visitors come from: as\n"
         "                       given to history, they are the same people\n"},
    [VERB_STREAM] =
        {"stream",
         BIT(OPT_HELP) | BIT(OPT_SEED) | BIT(OPT_END) | BIT(OPT_EVENTS) | BIT(OPT_OUT) |
             BIT(OPT_KIND) | BIT(OPT_PLAIN) | BIT(OPT_RATE) | BIT(OPT_LEDGER) | HTTP_BITS,
         "Usage: auspex-shop stream --kind hostile --out FILE|- [OPTION]...\n"
         "       auspex-shop stream --kind hostile --edge URL --write-key KEY [OPTION]...\n"
         "\n"
         "Writes events of 50 visitors in order of arrival: late, slightly late, future, from\n"
         "wrong clocks, offline, repeated and conflicting ones among normal ones; a line is\n"
         "{\"received_offset_ms\":N,\"received\":TIME,\"kind\":KIND,\"event\":{...}}. With "
         "--edge the\n"
         "events are sent, in that order.\n"
         "\n"
         "  --kind hostile  the only kind\n"
         "  --out FILE      where to; - is standard output\n"
         "  --events N      how many lines (5000)\n"
         "  --plain         only the events\n"
         "  --seed N        (1)\n"
         "  --end TIME      nothing happens later (now)\n"
         "  --edge, --write-key, --batch, --connections, --rate, --ledger   as of live\n"},
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

static bool take_small(const char *option, const char *text, unsigned max, unsigned *value,
                       struct err *e)
{
    uint64_t n = 0;
    if (!take_count(option, text, max, &n, e))
        return false;
    *value = (unsigned)n;
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

/* Where to and what is taken from there. */
static bool take_peer(struct args *a, int id, struct err *e)
{
    struct sender_options *to = &a->live.to;
    switch (id) {
    case OPT_BROKERS:
        to->brokers = optarg;
        return true;
    case OPT_TOPIC:
        to->topic = optarg;
        return true;
    case OPT_EDGE:
        to->edge.url = optarg;
        return str_starts(str_of(optarg), STR("http://")) ||
               wrong_value("edge", optarg, "http://HOST:PORT", e);
    case OPT_WRITE_KEY:
        to->edge.write_key = optarg;
        return true;
    case OPT_BATCH:
        return take_small("batch", optarg, EDGE_BATCH_MAX, &to->edge.batch, e);
    case OPT_CONNECTIONS:
        return take_small("connections", optarg, EDGE_CONNECTIONS_MAX, &to->edge.connections,
                          e);
    case OPT_REACT:
        return a->live.reacts = true;
    case OPT_INTERVENTIONS:
        a->live.interventions = optarg;
        return true;
    case OPT_EFFECT:
        return (str_f64(str_of(optarg), &a->live.effect) && a->live.effect >= 0 &&
                a->live.effect <= 1) ||
               wrong_value("effect", optarg, "a number from 0 to 1", e);
    case OPT_OFFERS:
        a->live.offers = optarg;
        return true;
    default:
        return take_common(a, id, e);
    }
}

static bool take_option(struct args *a, int id, struct err *e)
{
    switch (id) {
    case OPT_RATE:
        return take_amount("rate", optarg, &a->live.rate, e);
    case OPT_DURATION:
        return take_amount("duration", optarg, &a->live.duration_s, e);
    case OPT_LEDGER:
        a->live.to.ledger = optarg;
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
        return take_peer(a, id, e);
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

/* What needs what: where all of `given` is there (of `verb`), one of `needs` must be. */
static const struct need {
    enum verb verb;
    unsigned given, needs;
    const char *text;
} needs[] = {
    {VERB_HISTORY, 0, BIT(OPT_OUT), "history needs --out"},
    {VERB_LIVE, 0, BIT(OPT_BROKERS) | BIT(OPT_EDGE), "live needs --brokers or --edge"},
    {VERB_LIVE, BIT(OPT_EDGE), BIT(OPT_WRITE_KEY), "--edge needs --write-key"},
    {VERB_LIVE, BIT(OPT_WRITE_KEY), BIT(OPT_EDGE), "--write-key needs --edge"},
    {VERB_LIVE, BIT(OPT_BATCH), BIT(OPT_EDGE), "--batch needs --edge"},
    {VERB_LIVE, BIT(OPT_CONNECTIONS), BIT(OPT_EDGE), "--connections needs --edge"},
    {VERB_LIVE, BIT(OPT_REACT), BIT(OPT_BROKERS), "--react needs --brokers"},
    {VERB_LIVE, BIT(OPT_INTERVENTIONS), BIT(OPT_REACT), "--interventions needs --react"},
    {VERB_LIVE, BIT(OPT_EFFECT), BIT(OPT_REACT), "--effect needs --react"},
    {VERB_LIVE, BIT(OPT_OFFERS), BIT(OPT_REACT), "--offers needs --react"},
    {VERB_STREAM, 0, BIT(OPT_KIND), "stream needs --kind"},
    {VERB_STREAM, 0, BIT(OPT_OUT) | BIT(OPT_EDGE), "stream needs --out or --edge"},
    {VERB_STREAM, BIT(OPT_EDGE), BIT(OPT_WRITE_KEY), "--edge needs --write-key"},
};

static bool check_needed(const struct args *a, unsigned given, struct err *e)
{
    for (const struct need *n = needs; n < needs + ARRAY_LEN(needs); n++) {
        if (n->verb == a->verb && (given & n->given) == n->given && !(given & n->needs))
            return err_code(e, EXIT_CODE_USAGE, "%s", n->text);
    }
    unsigned both = BIT(OPT_OUT) | BIT(OPT_EDGE);
    return (given & both) != both ||
           err_code(e, EXIT_CODE_USAGE, "--out and --edge: want one of them");
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
        .live = {.rate = 20,
                 .speed = 1,
                 .to = {.topic = "auspex.raw.v1", .edge = {.connections = 16, .batch = 1}},
                 .interventions = "auspex.interventions.v1",
                 .effect = .1},
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
