/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/arguments.h"

#include "common/base/clock.h"

#include <stdio.h>

static const struct verb *const tables[] = {
    topics_verbs,   db_verbs,     replay_verbs,       tap_verbs,   status_verbs,
    models_verbs,   config_verbs, wait_verbs,         sites_verbs, policies_verbs,
    rejected_verbs, watch_verbs,  models_import_verbs};

/* What the words of a command line are, before it is known which verb they belong to. */
struct words {
    const char *operands[CTL_OPERANDS + 2];
    size_t n_operands;
    struct {
        struct str name;
        const char *value; /* NULL: none was given */
    } options[CTL_GIVEN];
    size_t n_options;
    bool wants_help, wants_version;
};

static bool is_end(const struct verb *v)
{
    return v->name == NULL;
}

/* An option of this name takes the same form in all verbs, so it need not be known which. */
static const struct ctl_option *option_of_any(struct str name)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct verb *v = tables[t]; !is_end(v); v++)
            for (const struct ctl_option *o = v->options; o->name; o++)
                if (str_is(name, o->name))
                    return o;
    return NULL;
}

static int usage_fault(const char *before, struct str word, const char *behind)
{
    (void)fprintf(stderr, "auspexctl: %s%.*s%s; see auspexctl --help\n", before, STR_ARGS(word),
                  behind);
    return EXIT_CODE_USAGE;
}

/* The value of option `name`: what stands behind its =, or the next word. */
static int value_take(struct str inside, bool has_inside, struct str name, int argc,
                      char *argv[], int *i, const char **value)
{
    if (has_inside) {
        *value = inside.at ? inside.at : "";
        return -1;
    }
    if (*i + 1 >= argc)
        return usage_fault("--", name, " needs a value");
    *value = argv[++*i];
    return -1;
}

static int option_take(struct arguments *a, struct words *w, int argc, char *argv[], int *i)
{
    struct str inside;
    struct str name = str_cut(str_of(argv[*i] + 2), '=', &inside);
    bool has_inside = strchr(argv[*i], '=') != NULL;
    const struct ctl_option *o = option_of_any(name);
    const char *value = NULL;
    if (str_is(name, "help")) {
        w->wants_help = true;
        return -1;
    }
    if (str_is(name, "version")) {
        w->wants_version = true;
        return -1;
    }
    if (str_is(name, "verbose")) {
        a->is_verbose = true;
        return -1;
    }
    if (str_is(name, "config"))
        return value_take(inside, has_inside, name, argc, argv, i, &a->config);
    if (!o)
        return usage_fault("there is no option --", name, "");
    if (!o->value && has_inside)
        return usage_fault("--", name, " takes no value");
    int code = o->value ? value_take(inside, has_inside, name, argc, argv, i, &value) : -1;
    if (code >= 0)
        return code;
    if (w->n_options == ARRAY_LEN(w->options))
        return usage_fault("too many options: --", name, "");
    w->options[w->n_options].name = name;
    w->options[w->n_options++].value = value;
    return -1;
}

static int word_take(struct arguments *a, struct words *w, int argc, char *argv[], int *i)
{
    const char *word = argv[*i];
    if (word[0] == '-' && word[1] == '-')
        return option_take(a, w, argc, argv, i);
    if (strcmp(word, "-h") == 0) {
        w->wants_help = true;
        return -1;
    }
    if (strcmp(word, "-v") == 0) {
        a->is_verbose = true;
        return -1;
    }
    if (word[0] == '-' && word[1] == 'c')
        return value_take(str_of(word + 2), word[2] != '\0', STR("config"), argc, argv, i,
                          &a->config);
    if (word[0] == '-' && word[1] != '\0')
        return usage_fault("there is no option ", str_of(word), "");
    if (w->n_operands == ARRAY_LEN(w->operands))
        return usage_fault("too many words: ", str_of(word), "");
    w->operands[w->n_operands++] = word;
    return -1;
}

static int words_read(struct arguments *a, struct words *w, int argc, char *argv[])
{
    bool is_literal = false; /* behind -- */
    for (int i = 1; i < argc; i++) {
        int code = -1;
        if (is_literal && w->n_operands < ARRAY_LEN(w->operands))
            w->operands[w->n_operands++] = argv[i];
        else if (is_literal)
            code = usage_fault("too many words: ", str_of(argv[i]), "");
        else if (strcmp(argv[i], "--") == 0)
            is_literal = true;
        else
            code = word_take(a, w, argc, argv, &i);
        if (code >= 0)
            return code;
    }
    return -1;
}

/* How many of the first words are the name of `v`; 0 = another verb. */
static size_t name_match(const struct verb *v, const struct words *w)
{
    struct str second;
    struct str first = str_cut(str_of(v->name), ' ', &second);
    if (w->n_operands == 0 || !str_is(first, w->operands[0]))
        return 0;
    if (second.len == 0)
        return 1;
    return w->n_operands > 1 && str_is(second, w->operands[1]) ? 2 : 0;
}

static const struct verb *verb_find(const struct words *w, size_t *n_words)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct verb *v = tables[t]; !is_end(v); v++)
            if ((*n_words = name_match(v, w)) > 0)
                return v;
    return NULL;
}

static void help_all(FILE *to)
{
    (void)fprintf(to,
                  "auspexctl - makes topics and tables, replays files, looks into topics, "
                  "chooses models, sets sites\nand policies, and shows what goes on\n\n"
                  "usage: auspexctl [-c FILE] VERB ... (auspexctl VERB --help tells more)\n\n");
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct verb *v = tables[t]; !is_end(v); v++)
            (void)fprintf(to, "  %-18s%s\n", v->name, v->summary);
    (void)fprintf(
        to, "\n  -c, --config FILE   configuration (INI); the environment stands above it:\n"
            "                      AUSPEX_SECTION__KEY=value\n"
            "  -v, --verbose       what the Kafka client says, too\n"
            "      --version, --help\n\n"
            "Exit codes: 0 done, 1 not so (status, check, or an operation that failed), 2 "
            "usage,\n69 Kafka or PostgreSQL is gone, 74 a file, 75 try again, 78 "
            "configuration.\n");
}

static void help_verb(const struct verb *v)
{
    (void)printf("auspexctl %s - %s\n\nusage: auspexctl [-c FILE] %s%s%s%s\n\n", v->name,
                 v->summary, v->name, v->operands[0] ? " " : "", v->operands,
                 v->options[0].name ? " [options]" : "");
    for (const struct ctl_option *o = v->options; o->name; o++) {
        char head[64];
        (void)snprintf(head, sizeof head, "--%s%s%s", o->name, o->value ? " " : "",
                       o->value ? o->value : "");
        (void)printf("  %-22s%s\n", head, o->meaning);
    }
    (void)printf("%s%s", v->options[0].name ? "\n" : "", v->manual);
}

static int options_place(struct ctl *c, const struct words *w)
{
    for (size_t i = 0; i < w->n_options; i++) {
        size_t o = 0;
        while (c->verb->options[o].name &&
               !str_is(w->options[i].name, c->verb->options[o].name))
            o++;
        if (!c->verb->options[o].name) {
            (void)fprintf(stderr,
                          "auspexctl: %s has no option --%.*s; see auspexctl %s --help\n",
                          c->verb->name, STR_ARGS(w->options[i].name), c->verb->name);
            return EXIT_CODE_USAGE;
        }
        c->values[o] = w->options[i].value ? w->options[i].value : "";
        c->given[c->n_given].option = o;
        c->given[c->n_given++].value = c->values[o];
    }
    return -1;
}

static int operands_place(struct ctl *c, const struct words *w, size_t n_words)
{
    size_t n = w->n_operands - n_words;
    if (n < c->verb->min_operands || n > c->verb->max_operands) {
        (void)fprintf(stderr, "usage: auspexctl [-c FILE] %s %s; see auspexctl %s --help\n",
                      c->verb->name, c->verb->operands, c->verb->name);
        return EXIT_CODE_USAGE;
    }
    for (size_t i = 0; i < n; i++)
        c->operands[i] = w->operands[n_words + i];
    return -1;
}

int arguments_read(struct arguments *a, struct ctl *c, int argc, char *argv[])
{
    struct words w = {0};
    size_t n_words = 0;
    int code = words_read(a, &w, argc, argv);
    if (code >= 0)
        return code;
    if (w.wants_version) {
        (void)printf("auspexctl %s\n", AUSPEX_VERSION);
        return EXIT_CODE_OK;
    }
    c->verb = verb_find(&w, &n_words);
    if (c->verb && w.wants_help) {
        help_verb(c->verb);
        return EXIT_CODE_OK;
    }
    if (!c->verb && w.n_operands > 0 && !w.wants_help)
        return usage_fault("there is no verb \"", str_of(w.operands[0]), "\"");
    if (!c->verb) {
        help_all(w.wants_help ? stdout : stderr);
        return w.wants_help ? EXIT_CODE_OK : EXIT_CODE_USAGE;
    }
    code = options_place(c, &w);
    return code >= 0 ? code : operands_place(c, &w, n_words);
}

const char *ctl_value(const struct ctl *c, const char *name)
{
    for (size_t i = 0; i < CTL_OPTIONS && c->verb->options[i].name; i++)
        if (strcmp(c->verb->options[i].name, name) == 0)
            return c->values[i];
    return NULL;
}

const char *ctl_value_next(const struct ctl *c, const char *name, size_t *at)
{
    while (*at < c->n_given) {
        size_t i = (*at)++;
        if (strcmp(c->verb->options[c->given[i].option].name, name) == 0)
            return c->given[i].value;
    }
    return NULL;
}

bool ctl_number(const struct ctl *c, const char *name, uint64_t fallback, uint64_t min,
                uint64_t max, uint64_t *value, struct err *e)
{
    const char *text = ctl_value(c, name);
    uint64_t number = fallback;
    if (text && (!str_u64(str_of(text), &number) || number < min || number > max))
        return err_code(e, EXIT_CODE_USAGE, "--%s must be a whole number from %llu to %llu",
                        name, (unsigned long long)min, (unsigned long long)max);
    *value = number;
    return true;
}

bool ctl_span(const struct ctl *c, const char *name, int64_t *us, struct err *e)
{
    static const struct {
        char letter;
        int64_t us;
    } units[] = {{'s', SECOND_US}, {'m', MINUTE_US}, {'h', HOUR_US}, {'d', DAY_US}};
    const char *text = ctl_value(c, name);
    uint64_t n;
    *us = 0;
    if (!text)
        return true;
    struct str number = str_of(text);
    number.len -= number.len > 0;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (text[number.len] == units[i].letter && str_u64(number, &n) && n > 0 &&
            n <= (uint64_t)(36500 * DAY_US / units[i].us)) {
            *us = (int64_t)n * units[i].us;
            return true;
        }
    return err_code(e, EXIT_CODE_USAGE,
                    "--%s must be a span like 90s, 15m, 12h or 7d, not \"%s\"", name, text);
}
