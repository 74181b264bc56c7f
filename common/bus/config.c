/* SPDX-License-Identifier: Apache-2.0 */
#include "common/bus/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1024 * 1024, VALUE_MAX = 4096, NEAR = 4 };

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

struct kafka_entry {
    char *key, *value;
};

struct config {
    char *values[OPTIONS_N]; /* NULL = the default */
    uint64_t numbers[OPTIONS_N];
    struct kafka_entry *kafka;
    size_t n_kafka;
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

static bool section_is_known(struct str section)
{
    for (int i = 0; i < OPTIONS_N; i++)
        if (str_is(section, options[i].section))
            return true;
    return str_is(section, "kafka");
}

static bool refuse_section(const struct place *at, struct str section, struct err *e)
{
    const char *nearest = "kafka";
    unsigned least = str_distance(section, STR("kafka"));
    for (int i = 0; i < OPTIONS_N; i++) {
        unsigned d = str_distance(section, str_of(options[i].section));
        if (d < least) {
            least = d;
            nearest = options[i].section;
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

static struct kafka_entry *kafka_find(const struct config *c, struct str key)
{
    for (size_t i = 0; i < c->n_kafka; i++)
        if (str_is(key, c->kafka[i].key))
            return &c->kafka[i];
    return NULL;
}

static bool kafka_set(struct config *c, const struct place *at, struct str key,
                      struct str value, bool is_over, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (str_is(key, kept[i].key))
            return refuse(at, e, "%s may not be set in [kafka]: %s", kept[i].key,
                          kept[i].reason);
    struct kafka_entry *old = kafka_find(c, key);
    if (old && !is_over)
        return refuse(at, e, "\"%s\" stands twice in [kafka]", old->key);
    if (old) {
        free(old->value);
        old->value = text_of(value);
        return true;
    }
    c->kafka = mem_grow(c->kafka, (c->n_kafka + 1) * sizeof *c->kafka);
    c->kafka[c->n_kafka++] = (struct kafka_entry){text_of(key), text_of(value)};
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
    if (str_is(section, "kafka"))
        return kafka_set(c, at, key, value, is_over, e);
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
    bool is_kafka = str_starts(name, STR("AUSPEX_KAFKA__"));
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.at[i];
        lower[i] = ch >= 'A' && ch <= 'Z' ? (char)(ch + ('a' - 'A')) : ch;
        if (is_kafka && ch == '_' && name.at + i >= gap + 2)
            lower[i] = '.';
    }
    const size_t head = sizeof "AUSPEX_" - 1, split = (size_t)(gap - name.at);
    if (split < head)
        return true;
    struct place at = {place_name, 0};
    struct str section = str_over(lower + head, split - head);
    struct str key = str_over(lower + split + 2, name.len - split - 2);
    if (!section_is_known(section))
        return refuse_section(&at, section, e);
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
    for (size_t i = 0; i < c->n_kafka; i++) {
        free(c->kafka[i].key);
        free(c->kafka[i].value);
    }
    free(c->kafka);
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
    if (str_is(section, "kafka")) {
        const struct kafka_entry *k = kafka_find(c, key);
        return k ? k->value : NULL;
    }
    int i = option_find(section, key);
    return i < 0 ? NULL : value_at(c, i);
}

void config_kafka(const struct config *c,
                  void (*use)(void *to, const char *key, const char *value), void *to)
{
    for (size_t i = 0; i < c->n_kafka; i++)
        use(to, c->kafka[i].key, c->kafka[i].value);
}

/* Length of what follows `password` up to its end: "...", '...' with backslashes, or a word. */
static size_t secret_len(struct str s)
{
    size_t i = 0;
    if (s.len > 0 && s.at[0] == '\'') {
        for (i = 1; i < s.len && s.at[i] != '\''; i++)
            i += s.at[i] == '\\';
        return MIN(i + 1, s.len);
    }
    while (i < s.len && s.at[i] != ' ' && s.at[i] != '&')
        i += s.at[i] == '\\' ? 2 : 1;
    return MIN(i, s.len);
}

/* Appends `s` with the value behind each password= replaced. */
static void print_words(struct str s, struct buf *out)
{
    const struct str word = STR("password");
    while (s.len > 0) {
        size_t taken = 1;
        if (s.len >= word.len && str_eq_nocase(str_over(s.at, word.len), word)) {
            taken = word.len;
            while (taken < s.len && s.at[taken] == ' ')
                taken++;
            if (taken < s.len && s.at[taken] == '=') {
                do
                    taken++;
                while (taken < s.len && s.at[taken] == ' ');
                buf_text(out, "password=***");
                taken += secret_len(str_over(s.at + taken, s.len - taken));
                s = str_over(s.at + taken, s.len - taken);
                continue;
            }
        }
        buf_str(out, str_over(s.at, taken));
        s = str_over(s.at + taken, s.len - taken);
    }
}

/* scheme://user:PASSWORD@host: up to the last @, so rather too much is hidden than too little.
 */
static void print_masked(struct str value, struct buf *out)
{
    const char *scheme = memmem(value.at, value.len, "://", 3);
    const char *end = value.at + value.len;
    const char *at = scheme ? memrchr(scheme, '@', (size_t)(end - scheme)) : NULL;
    const char *colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
    if (!colon) {
        print_words(value, out);
        return;
    }
    print_words(str_over(value.at, (size_t)(colon - value.at)), out);
    buf_text(out, ":***");
    print_words(str_over(at, (size_t)(end - at)), out);
}

static void print_value(const char *key, const char *value, struct buf *out)
{
    struct str k = str_of(key);
    buf_printf(out, "%s = ", key);
    if (value[0] && (str_has_nocase(k, STR("password")) || str_has_nocase(k, STR("secret")) ||
                     str_has_nocase(k, STR("key.pem"))))
        buf_text(out, "***");
    else
        print_masked(str_of(value), out);
    buf_byte(out, '\n');
}

void config_print(const struct config *c, struct buf *out)
{
    for (int i = 0; i < OPTIONS_N; i++) {
        if (i == 0 || strcmp(options[i].section, options[i - 1].section) != 0)
            buf_printf(out, "%s[%s]\n", i ? "\n" : "", options[i].section);
        print_value(options[i].key, value_at(c, i), out);
    }
    buf_text(out, "\n[kafka]\n");
    for (size_t i = 0; i < c->n_kafka; i++)
        print_value(c->kafka[i].key, c->kafka[i].value, out);
}
