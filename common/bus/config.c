/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/config.h"

#include "common/bus/config_mask.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024, VALUE_MAX = 4096, NEAR = 4, WEBHOOK_NAME = 50 };

enum option_type { OPTION_text, OPTION_u64, OPTION_flag };

static const struct option {
    const char *section, *key;
    enum option_type type;
    const char *fallback;
    uint64_t min, max;
} options[] = {
#define OPTION(section, key, type, fallback, min, max, meaning) \
    {#section, #key, OPTION_##type, fallback, min, max},
#include "schemas/options.def"
#undef OPTION
};

enum { OPTIONS_N = ARRAY_LEN(options) };

/* Options that take one of a few words. */
static const struct {
    const char *section, *key, *words[5];
} choices[] = {
    {"auspex", "log_format", {"logfmt", "json"}},
    {"auspex", "log_level", {"debug", "info", "warn", "error"}},
    {"scorer", "predictions", {"msgpack", "json"}},
};

/* Properties of librdkafka that the delivery rests on: not to be set in [kafka]. */
static const struct {
    const char *key, *reason;
} kept[] = {
    {"acks", "outputs count as stored only when all replicas have them"},
    {"request.required.acks", "outputs count as stored only when all replicas have them"},
    {"enable.idempotence", "without it a retry could store a record twice or out of order"},
    {"enable.gapless.guarantee", "without it a refused record would leave a gap"},
    {"max.in.flight", "more than one request in flight ended in sequence errors"},
    {"max.in.flight.requests.per.connection",
     "more than one request in flight ended in sequence errors"},
    {"message.timeout.ms", "a record that expires is a gap"},
    {"delivery.timeout.ms", "a record that expires is a gap"},
    {"retries", "a record that is given up is a gap"},
    {"message.send.max.retries", "a record that is given up is a gap"},
    {"enable.auto.commit", "offsets are committed after the outputs are stored"},
    {"auto.commit.enable", "offsets are committed after the outputs are stored"},
    {"enable.auto.offset.store", "offsets are committed after the outputs are stored"},
    {"auto.offset.reset", "a lost offset must stop a program, not skip or repeat records"},
    {"isolation.level", "records of aborted transactions must not be read"},
    {"check.crcs", "a damaged record must not be read"},
    {"transactional.id", "it is made of program, group_suffix and --instance"},
    {"group.id", "it is made of program and group_suffix"},
    {"group.instance.id", "it is set with --instance"},
    {"session.timeout.ms", "set session_timeout_ms in [auspex]"},
    {"partition.assignment.strategy",
     "programs that read several topics need the same partitions of each"},
    {"enable.partition.eof", "the ends of partitions are told where they are needed"},
    {"plugin.library.paths", "programs load no foreign code"},
};

/* What stands behind the name of a webhook. */
static const char *const webhook_keys[] = {"url", "secret", "allow_private"};

/* Sections whose keys are not in options.def. */
enum open_section { OPEN_KAFKA, OPEN_WEBHOOKS, OPENS_N };
static const char *const open_sections[OPENS_N] = {"kafka", "webhooks"};

struct open_entry {
    char *key, *value;
};

struct open_entries {
    struct open_entry *at;
    size_t n;
};

struct config {
    char *values[OPTIONS_N]; /* NULL = the default */
    uint64_t numbers[OPTIONS_N];
    struct open_entries open[OPENS_N];
};

/* Where a value stands, for errors: a file's line, or a variable of the environment. */
struct place {
    const char *name;
    unsigned line; /* 0: `name` says it all */
};

static bool refuse(const struct place *at, struct err *e, const char *format, ...)
    PRINTF_LIKE(3, 4);
static bool refuse(const struct place *at, struct err *e, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (at->line == 0)
        return err_code(e, EXIT_CODE_CONFIG, "%s: %s", at->name, text);
    return err_code(e, EXIT_CODE_CONFIG, "%s:%u: %s", at->name, at->line, text);
}

static int option_find(struct str section, struct str key)
{
    for (int i = 0; i < OPTIONS_N; i++)
        if (str_is(section, options[i].section) && str_is(key, options[i].key))
            return i;
    return -1;
}

/* OPENS_N for a section that is none of them. */
static enum open_section open_find(struct str section)
{
    enum open_section i = OPEN_KAFKA;
    while (i < OPENS_N && !str_is(section, open_sections[i]))
        i++;
    return i;
}

static bool section_is_known(struct str section)
{
    for (int i = 0; i < OPTIONS_N; i++)
        if (str_is(section, options[i].section))
            return true;
    return open_find(section) != OPENS_N;
}

static bool refuse_section(const struct place *at, struct str section, struct err *e)
{
    const char *nearest = NULL;
    unsigned least = UINT_MAX;
    for (int i = 0; i < OPENS_N + OPTIONS_N; i++) {
        const char *name = i < OPENS_N ? open_sections[i] : options[i - OPENS_N].section;
        unsigned d = str_distance(section, str_of(name));
        if (d < least) {
            least = d;
            nearest = name;
        }
    }
    if (least > NEAR)
        return refuse(at, e, "unknown section [%.*s]", STR_ARGS(str_head_utf8(section, 64)));
    return refuse(at, e, "unknown section [%.*s]; did you mean [%s]?",
                  STR_ARGS(str_head_utf8(section, 64)), nearest);
}

static bool refuse_key(const struct place *at, struct str section, struct str key,
                       struct err *e)
{
    const struct option *nearest = NULL;
    unsigned least = NEAR + 1;
    for (int i = 0; i < OPTIONS_N; i++) {
        unsigned d = str_distance(key, str_of(options[i].key));
        bool is_here = str_is(section, options[i].section);
        if ((is_here && d < least) || (d == 0 && least > NEAR)) {
            least = is_here ? d : NEAR;
            nearest = &options[i];
        }
    }
    struct str head = str_head_utf8(key, 64);
    if (!nearest)
        return refuse(at, e, "unknown key \"%.*s\" in [%.*s]", STR_ARGS(head),
                      STR_ARGS(section));
    if (!str_is(section, nearest->section))
        return refuse(at, e, "unknown key \"%.*s\" in [%.*s]; it belongs in [%s]",
                      STR_ARGS(head), STR_ARGS(section), nearest->section);
    return refuse(at, e, "unknown key \"%.*s\" in [%.*s]; did you mean \"%s\"?", STR_ARGS(head),
                  STR_ARGS(section), nearest->key);
}

static bool flag_read(struct str value, uint64_t *flag)
{
    bool is_on = str_is(value, "true") || str_is(value, "yes") || str_is(value, "1");
    bool is_off = str_is(value, "false") || str_is(value, "no") || str_is(value, "0");
    *flag = is_on;
    return is_on || is_off;
}

static bool choice_check(const struct place *at, const struct option *o, struct str value,
                         struct err *e)
{
    for (size_t c = 0; c < ARRAY_LEN(choices); c++) {
        if (strcmp(o->section, choices[c].section) != 0 || strcmp(o->key, choices[c].key) != 0)
            continue;
        char words[128] = "";
        for (const char *const *w = choices[c].words; *w; w++) {
            if (str_is(value, *w))
                return true;
            size_t len = strlen(words);
            (void)snprintf(words + len, sizeof words - len, "%s%s", len ? ", " : "", *w);
        }
        return refuse(at, e, "%s must be one of: %s", o->key, words);
    }
    return true;
}

static bool number_read(const struct place *at, const struct option *o, struct str value,
                        uint64_t *number, struct err *e)
{
    switch (o->type) {
    case OPTION_text:
        return choice_check(at, o, value, e);
    case OPTION_flag:
        return flag_read(value, number) || refuse(at, e, "%s must be true or false", o->key);
    case OPTION_u64:
        break;
    }
    if (str_u64(value, number) && *number >= o->min && *number <= o->max)
        return true;
    return refuse(at, e, "%s must be a whole number from %llu to %llu", o->key,
                  (unsigned long long)o->min, (unsigned long long)o->max);
}

static char *text_of(struct str s)
{
    char *text = mem_new(s.len + 1);
    if (s.len > 0)
        memcpy(text, s.at, s.len);
    text[s.len] = '\0';
    return text;
}

static struct open_entry *open_entry_find(const struct open_entries *in, struct str key)
{
    for (size_t i = 0; i < in->n; i++)
        if (str_is(key, in->at[i].key))
            return &in->at[i];
    return NULL;
}

static bool kafka_check(const struct place *at, struct str key, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (str_is(key, kept[i].key))
            return refuse(at, e, "%s may not be set in [kafka]: %s", kept[i].key,
                          kept[i].reason);
    return true;
}

/* As policies are named; in the environment case is lost. */
static bool is_webhook_name(struct str name)
{
    bool is_good = name.len > 0 && name.len <= WEBHOOK_NAME && name.at[0] >= 'a';
    for (size_t i = 0; i < name.len && is_good; i++) {
        char ch = name.at[i];
        is_good =
            (ch >= 'a' && ch <= 'z') || (i > 0 && ((ch >= '0' && ch <= '9') || ch == '_'));
    }
    return is_good;
}

static bool webhook_check(const struct place *at, struct str dotted, struct str value,
                          struct err *e)
{
    struct str key;
    struct str name = str_cut(dotted, '.', &key), head = str_head_utf8(dotted, 64);
    uint64_t flag;
    if (key.len == 0)
        return refuse(at, e,
                      "unknown key \"%.*s\" in [webhooks]: it is NAME.url, NAME.secret or "
                      "NAME.allow_private",
                      STR_ARGS(head));
    if (!is_webhook_name(name))
        return refuse(at, e, "\"%.*s\": the name of a webhook must be [a-z][a-z0-9_]{0,49}",
                      STR_ARGS(head));
    const char *nearest = webhook_keys[0];
    for (size_t i = 1; i < ARRAY_LEN(webhook_keys); i++)
        if (str_distance(key, str_of(webhook_keys[i])) < str_distance(key, str_of(nearest)))
            nearest = webhook_keys[i];
    if (!str_is(key, nearest))
        return refuse(at, e, "unknown key \"%.*s\" in [webhooks]; did you mean \"%.*s.%s\"?",
                      STR_ARGS(head), STR_ARGS(name), nearest);
    return !str_is(key, "allow_private") || flag_read(value, &flag) ||
           refuse(at, e, "%.*s must be true or false", STR_ARGS(dotted));
}

static bool open_set(struct config *c, const struct place *at, enum open_section section,
                     struct str key, struct str value, bool is_over, struct err *e)
{
    bool is_good =
        section == OPEN_KAFKA ? kafka_check(at, key, e) : webhook_check(at, key, value, e);
    if (!is_good)
        return false;
    struct open_entries *in = &c->open[section];
    struct open_entry *old = open_entry_find(in, key);
    if (old && !is_over)
        return refuse(at, e, "\"%s\" stands twice in [%s]", old->key, open_sections[section]);
    if (old) {
        free(old->value);
        old->value = text_of(value);
        return true;
    }
    in->at = mem_grow(in->at, (in->n + 1) * sizeof *in->at);
    in->at[in->n++] = (struct open_entry){text_of(key), text_of(value)};
    return true;
}

/* is_over: replaces what stood there before, as the environment does. */
static bool value_set(struct config *c, const struct place *at, struct str section,
                      struct str key, struct str value, bool is_over, struct err *e)
{
    if (value.len > VALUE_MAX)
        return refuse(at, e, "the value is longer than %d bytes", VALUE_MAX);
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] < 0x20 && value.at[i] != '\t')
            return refuse(at, e, "the value holds a control character");
    enum open_section open = open_find(section);
    if (open != OPENS_N)
        return open_set(c, at, open, key, value, is_over, e);
    int i = option_find(section, key);
    if (i < 0)
        return refuse_key(at, section, key, e);
    if (c->values[i] && !is_over)
        return refuse(at, e, "\"%s\" stands twice in [%s]", options[i].key, options[i].section);
    uint64_t number = 0;
    if (!number_read(at, &options[i], value, &number, e))
        return false;
    free(c->values[i]);
    c->values[i] = text_of(value);
    c->numbers[i] = number;
    return true;
}

static bool line_take(struct config *c, const struct place *at, struct str line,
                      struct str *section, struct err *e)
{
    line = str_trim(line);
    if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';')
        return true;
    if (line.at[0] == '[') {
        if (line.at[line.len - 1] != ']')
            return refuse(at, e, "a section must end in ]");
        *section = str_trim(str_over(line.at + 1, line.len - 2));
        return section_is_known(*section) || refuse_section(at, *section, e);
    }
    if (!memchr(line.at, '=', line.len))
        return refuse(at, e, "neither [section] nor key = value");
    struct str value;
    struct str key = str_trim(str_cut(line, '=', &value));
    if (key.len == 0)
        return refuse(at, e, "a key is missing before =");
    if (section->len == 0)
        return refuse(at, e, "a [section] must come before the first key");
    return value_set(c, at, *section, key, str_trim(value), false, e);
}

static bool text_take(struct config *c, const char *name, struct str text, struct err *e)
{
    struct place at = {name, 0};
    struct str section = {NULL, 0};
    if (text.len > FILE_MAX)
        return refuse(&at, e, "longer than 1 MiB");
    while (text.len > 0) {
        struct str rest;
        struct str line = str_cut(text, '\n', &rest);
        at.line++;
        if (line.len > 0 && memchr(line.at, '\0', line.len))
            return refuse(&at, e, "the line holds a zero byte");
        if (!str_is_utf8(line))
            return refuse(&at, e, "the line is not UTF-8");
        if (!line_take(c, &at, line, &section, e))
            return false;
        text = rest;
    }
    return true;
}

/* Names of variables have no dots: in `key` of an open section they are put where they belong.
 */
static void dots_set(enum open_section section, char *key, size_t len)
{
    for (size_t i = 0; i < len && section == OPEN_KAFKA; i++)
        if (key[i] == '_')
            key[i] = '.';
    for (size_t i = 0; i < ARRAY_LEN(webhook_keys) && section == OPEN_WEBHOOKS; i++) {
        struct str end = str_of(webhook_keys[i]);
        if (str_ends(str_over(key, len), end) && len > end.len && key[len - end.len - 1] == '_')
            key[len - end.len - 1] = '.';
    }
}

/* AUSPEX_SECTION__KEY=value; other variables are not ours. */
static bool variable_take(struct config *c, const char *variable, struct err *e)
{
    struct str value, rest = str_of(variable);
    struct str name = str_cut(rest, '=', &value);
    const char *gap = memmem(name.at, name.len, "__", 2);
    if (!str_starts(name, STR("AUSPEX_")) || !gap || name.len > 128)
        return true;
    char lower[130], place_name[160];
    (void)snprintf(place_name, sizeof place_name, "environment %.*s", STR_ARGS(name));
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.at[i];
        lower[i] = ch >= 'A' && ch <= 'Z' ? (char)(ch + ('a' - 'A')) : ch;
    }
    const size_t head = sizeof "AUSPEX_" - 1, split = (size_t)(gap - name.at);
    if (split < head)
        return true;
    struct place at = {place_name, 0};
    struct str section = str_over(lower + head, split - head);
    struct str key = str_over(lower + split + 2, name.len - split - 2);
    if (!section_is_known(section))
        return refuse_section(&at, section, e);
    dots_set(open_find(section), lower + split + 2, key.len);
    return value_set(c, &at, section, key, str_trim(value), true, e);
}

static void defaults_set(struct config *c)
{
    for (int i = 0; i < OPTIONS_N; i++) {
        struct place at = {options[i].key, 0};
        struct err e = {0};
        CHECK(number_read(&at, &options[i], str_of(options[i].fallback), &c->numbers[i], &e));
    }
}

struct config *config_parse(const char *name, struct str text, struct err *e)
{
    struct config *c = mem_zero(1, sizeof *c);
    defaults_set(c);
    bool is_good = text_take(c, name, text, e);
    for (char **v = environ; is_good && *v; v++)
        is_good = variable_take(c, *v, e);
    if (is_good)
        return c;
    config_free(c);
    return NULL;
}

static bool file_read(const char *path, struct buf *text, struct err *e)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        goto fail;
    if (S_ISDIR(st.st_mode)) {
        errno = EISDIR;
        goto fail;
    }
    while (text->len <= FILE_MAX) {
        ssize_t n = read(fd, buf_take(text, 4096), 4096);
        text->len -= n < 0 ? 4096 : 4096 - (size_t)n;
        if (n == 0)
            return true;
        if (n < 0 && errno != EINTR)
            goto fail;
    }
    return true;
fail:
    (void)err_set(e, errno, "configuration %s", path);
    e->code = EXIT_CODE_CONFIG;
    return false;
}

struct config *config_open(const char *path, struct err *e)
{
    struct buf text = {0};
    struct config *c = NULL;
    if (!path)
        return config_parse("(no file)", (struct str){NULL, 0}, e);
    if (file_read(path, &text, e))
        c = config_parse(path, buf_as_str(&text), e);
    buf_fini(&text);
    return c;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (int i = 0; i < OPTIONS_N; i++)
        free(c->values[i]);
    for (enum open_section s = OPEN_KAFKA; s < OPENS_N; s++) {
        for (size_t i = 0; i < c->open[s].n; i++) {
            free(c->open[s].at[i].key);
            free(c->open[s].at[i].value);
        }
        free(c->open[s].at);
    }
    free(c);
}

static const char *value_at(const struct config *c, int i)
{
    return c->values[i] ? c->values[i] : options[i].fallback;
}

static int option_known(const char *section, const char *key, enum option_type type)
{
    int i = option_find(str_of(section), str_of(key));
    CHECK(i >= 0 && options[i].type == type);
    return i;
}

const char *config_text(const struct config *c, const char *section, const char *key)
{
    return value_at(c, option_known(section, key, OPTION_text));
}

uint64_t config_u64(const struct config *c, const char *section, const char *key)
{
    return c->numbers[option_known(section, key, OPTION_u64)];
}

bool config_flag(const struct config *c, const char *section, const char *key)
{
    return c->numbers[option_known(section, key, OPTION_flag)] != 0;
}

const char *config_get(const struct config *c, struct str dotted)
{
    struct str key;
    struct str section = str_cut(dotted, '.', &key);
    enum open_section open = open_find(section);
    if (open != OPENS_N) {
        const struct open_entry *x = open_entry_find(&c->open[open], key);
        return x ? x->value : NULL;
    }
    int i = option_find(section, key);
    return i < 0 ? NULL : value_at(c, i);
}

void config_section(const struct config *c, const char *section,
                    void (*use)(void *to, const char *key, const char *value), void *to)
{
    enum open_section open = open_find(str_of(section));
    CHECK(open != OPENS_N);
    for (size_t i = 0; i < c->open[open].n; i++)
        use(to, c->open[open].at[i].key, c->open[open].at[i].value);
}

void config_print(const struct config *c, struct buf *out)
{
    for (int i = 0; i < OPTIONS_N; i++) {
        if (i == 0 || strcmp(options[i].section, options[i - 1].section) != 0)
            buf_printf(out, "%s[%s]\n", i ? "\n" : "", options[i].section);
        config_print_value(options[i].key, value_at(c, i), out);
    }
    for (enum open_section s = OPEN_KAFKA; s < OPENS_N; s++) {
        buf_printf(out, "\n[%s]\n", open_sections[s]);
        for (size_t i = 0; i < c->open[s].n; i++)
            config_print_value(c->open[s].at[i].key, c->open[s].at[i].value, out);
    }
}
