/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/mapping.h"

#include "common/base/arena.h"
#include "common/base/csv.h"
#include "common/wire/json_text.h"

#include <stdlib.h>

enum { TERMS = 8, ALTERNATIVES = 8, TYPES = 64 };

struct term {
    struct str text; /* of a constant, or the column's name */
    bool is_constant;
    int column; /* bound by mapping_header; below 0: the file has none */
};

/* One way to make a member. */
struct recipe {
    struct term terms[TERMS];
    size_t n;
};

struct member {
    struct str path;
    struct recipe alternatives[ALTERNATIVES];
    size_t n;
    unsigned line;
    const struct recipe *chosen;
    bool is_rest;   /* path is that of a place, without ".*" */
    bool has_comma; /* for the point of its numbers */
};

struct meaning {
    struct str value, name;
};

struct mapping {
    const char *name;
    struct arena arena; /* the text, the header */
    struct arena row;
    struct member members[MAPPING_MEMBERS];
    size_t n_members;
    struct meaning meanings[TYPES];
    size_t n_meanings;
    struct str commas; /* paths with blanks between */
    unsigned commas_line;
    char separator;
    struct str columns[MAPPING_COLUMNS];
    bool is_named[MAPPING_COLUMNS]; /* by a member */
    size_t n_columns;
};

/* A value on its way into the object. */
struct given {
    struct str path, value;
    size_t
        whole; /* where the name of a column begins in path, which is one part; 0 = nowhere */
};

static const char crm[] = "# a file of customers, one a line\n"
                          "type = \"profile_update\"\n"
                          "source = \"crm\"\n"
                          "userId = user_id | userid | customer_id | customerid | customer | "
                          "contact_id | id | email\n"
                          "timestamp = updated_at | updated | modified_at | last_modified | "
                          "created_at | created | timestamp | date\n"
                          "traits.* = *\n";

static const char ad_spend[] =
    "# what was spent on advertisements, one line a day, channel and campaign\n"
    "type = \"ad_spend\"\n"
    "source = \"ads\"\n"
    "anonymousId = \"ad_spend:\" channel | \"ad_spend:\" source | \"ad_spend:\" platform\n"
    "timestamp = day | date\n"
    "properties.day = day | date\n"
    "properties.channel = channel | source | platform\n"
    "properties.amount = amount | spend | cost\n"
    "properties.campaign = campaign | campaign_name | \"\"\n"
    "properties.currency = currency | \"\"\n"
    "properties.* = *\n";

struct str mapping_preset(const char *name)
{
    return strcmp(name, "crm") == 0 ? str_of(crm) : str_of(ad_spend);
}

static bool bad_line(const struct mapping *m, unsigned line, const char *why, struct err *e)
{
    return err_code(e, EXIT_CODE_CONFIG, "%s:%u: %s", m->name, line, why);
}

/* Takes the next term off the front; false when none can be read. */
static bool term_take(struct str *rest, struct term *term)
{
    struct str s = str_trim(*rest);
    char open = s.at[0], close = open == '[' ? ']' : open == '"' ? '"' : ' ';
    size_t first = close == ' ' ? 0 : 1, end = first;
    while (end < s.len && s.at[end] != close && !(close == ' ' && s.at[end] == '|'))
        end++;
    if (close != ' ' && end == s.len)
        return false;
    term->text = str_over(s.at + first, end - first);
    term->is_constant = open == '"';
    end += close != ' ';
    *rest = str_over(s.at + end, s.len - end);
    return true;
}

static bool terms_read(const struct mapping *m, struct member *to, struct str text,
                       struct err *e)
{
    struct recipe *r = &to->alternatives[to->n++];
    for (text = str_trim(text); text.len > 0; text = str_trim(text)) {
        if (text.at[0] == '|') {
            text = str_over(text.at + 1, text.len - 1);
            if (to->n == ALTERNATIVES || r->n == 0)
                return bad_line(m, to->line, "nothing before |, or more than 8 alternatives",
                                e);
            r = &to->alternatives[to->n++];
            continue;
        }
        if (r->n == TERMS)
            return bad_line(m, to->line, "more than 8 terms one behind the other", e);
        if (!term_take(&text, &r->terms[r->n++]))
            return bad_line(m, to->line, "a quote or bracket that is not closed", e);
    }
    return r->n > 0 || bad_line(m, to->line, "nothing behind = or |", e);
}

static bool is_path(struct str path)
{
    size_t depth = 0;
    while (path.at) {
        if (str_cut(path, '.', &path).len == 0 || ++depth > 4)
            return false;
    }
    return true;
}

/* The first of this path; NULL when there is none. */
static struct member *member_of(struct mapping *m, struct str path)
{
    for (size_t i = 0; i < m->n_members; i++)
        if (!m->members[i].is_rest && str_eq(m->members[i].path, path))
            return &m->members[i];
    return NULL;
}

static bool member_read(struct mapping *m, struct str path, struct str terms, unsigned line,
                        struct err *e)
{
    if (m->n_members == MAPPING_MEMBERS)
        return bad_line(m, line, "more than 128 members", e);
    struct member *to = &m->members[m->n_members++];
    *to = (struct member){.path = path, .line = line};
    to->is_rest = str_ends(path, STR(".*"));
    if (to->is_rest)
        to->path.len -= 2;
    if (!is_path(to->path))
        return bad_line(m, line, "a member is named as userId or properties.price", e);
    if (to->is_rest)
        return str_is(terms, "*") || bad_line(m, line, "behind PLACE.* = stands *", e);
    if (member_of(m, path) != to)
        return bad_line(m, line, "this member stands above already", e);
    return terms_read(m, to, terms, e);
}

static bool meaning_read(struct mapping *m, struct str key, struct str name, unsigned line,
                         struct err *e)
{
    struct str value = str_over(key.at + strlen("type["), key.len - strlen("type[]"));
    if (m->n_meanings == TYPES)
        return bad_line(m, line, "more than 64 values of type", e);
    m->meanings[m->n_meanings++] = (struct meaning){value, name};
    return name.len > 0 || bad_line(m, line, "nothing behind =", e);
}

static bool separator_read(struct mapping *m, struct str word, unsigned line, struct err *e)
{
    m->separator = str_is(word, "tab") ? '\t' : word.len == 1 ? word.at[0] : '\0';
    return (m->separator != '\0' && m->separator != '"') ||
           bad_line(m, line, "separator is one character, no quote, or the word tab", e);
}

static bool line_read(struct mapping *m, struct str line, unsigned number, struct err *e)
{
    struct str value, key = str_trim(str_cut(str_trim(line), '=', &value));
    if (key.len == 0 && !value.at)
        return true;
    if (key.len > 0 && key.at[0] == '#')
        return true;
    if (key.len == 0 || !value.at)
        return bad_line(m, number, "a line is MEMBER = COLUMN", e);
    value = str_trim(value);
    if (str_is(key, "separator"))
        return separator_read(m, value, number, e);
    if (str_is(key, "comma")) {
        m->commas = value;
        m->commas_line = number;
        return true;
    }
    if (str_starts(key, STR("type[")) && str_ends(key, STR("]")))
        return meaning_read(m, key, value, number, e);
    return member_read(m, key, value, number, e);
}

static bool commas_settle(struct mapping *m, struct err *e)
{
    for (struct str rest = m->commas; (rest = str_trim(rest)).len > 0;) {
        struct member *x = member_of(m, str_cut(rest, ' ', &rest));
        if (!x)
            return bad_line(m, m->commas_line, "comma names a member that no line makes", e);
        x->has_comma = true;
    }
    return true;
}

static bool names_type(const struct mapping *m)
{
    for (size_t i = 0; i < m->n_members; i++)
        if (str_is(m->members[i].path, "type") || str_is(m->members[i].path, "event"))
            return true;
    return false;
}

struct mapping *mapping_new(struct str text, const char *name, struct err *e)
{
    struct mapping *m = mem_zero(1, sizeof *m);
    m->name = name;
    m->separator = ',';
    struct str rest = arena_str(&m->arena, text);
    bool is_good = str_is_utf8(rest) || bad_line(m, 1, "not UTF-8", e);
    for (unsigned line = 1; is_good && rest.at; line++)
        is_good = line_read(m, str_cut(rest, '\n', &rest), line, e);
    if (is_good && !names_type(m))
        is_good = bad_line(m, 1, "no line says what `type` (or `event`) of an event is", e);
    if (is_good && commas_settle(m, e))
        return m;
    mapping_free(m);
    return NULL;
}

void mapping_free(struct mapping *m)
{
    if (!m)
        return;
    arena_fini(&m->arena);
    arena_fini(&m->row);
    free(m);
}

/* -1 when the file has no such column. */
static int column_of(const struct mapping *m, struct str name)
{
    for (size_t i = 0; i < m->n_columns; i++)
        if (str_eq_nocase(m->columns[i], name))
            return (int)i;
    return -1;
}

static bool recipe_bind(struct mapping *m, struct recipe *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (!r->terms[i].is_constant &&
            (r->terms[i].column = column_of(m, r->terms[i].text)) < 0)
            return false;
    for (size_t i = 0; i < r->n; i++)
        if (!r->terms[i].is_constant)
            m->is_named[r->terms[i].column] = true;
    return true;
}

static bool lacks(const struct mapping *m, const struct member *lacking, struct err *e)
{
    struct buf has = {0}, wants = {0};
    for (size_t i = 0; i < m->n_columns; i++)
        buf_printf(&has, "%s%.*s", i ? ", " : "", STR_ARGS(m->columns[i]));
    for (size_t i = 0; i < lacking->n; i++)
        for (size_t k = 0; k < lacking->alternatives[i].n; k++)
            if (!lacking->alternatives[i].terms[k].is_constant)
                buf_printf(&wants, "%s%.*s", wants.len ? ", " : "",
                           STR_ARGS(lacking->alternatives[i].terms[k].text));
    (void)err_set(e, 0, "no column for %.*s (%s:%u: one of %s); the file has %s",
                  STR_ARGS(lacking->path), m->name, lacking->line, buf_cstr(&wants),
                  buf_cstr(&has));
    buf_fini(&has);
    buf_fini(&wants);
    return false;
}

bool mapping_header(struct mapping *m, struct str line, struct err *e)
{
    struct str bom = STR("\xef\xbb\xbf");
    line = arena_str(&m->arena, line);
    if (str_starts(line, bom))
        line = str_over(line.at + bom.len, line.len - bom.len);
    if (str_ends(line, STR("\r")))
        line.len--;
    m->n_columns = csv_split_at(line, m->separator, m->columns, MAPPING_COLUMNS);
    if (m->n_columns == 0)
        return err_set(e, 0,
                       "the first line is no header: quotes are amiss, or it has more "
                       "than 256 columns");
    for (size_t i = 0; i < m->n_columns; i++)
        m->columns[i] = str_trim(csv_text(m->columns[i], &m->arena));
    for (size_t i = 0; i < m->n_members; i++) {
        struct member *x = &m->members[i];
        for (size_t k = 0; k < x->n && !x->chosen; k++)
            if (recipe_bind(m, &x->alternatives[k]))
                x->chosen = &x->alternatives[k];
        if (!x->is_rest && !x->chosen)
            return lacks(m, x, e);
    }
    return true;
}

/* The terms one behind the other; empty when a column among them is. */
static struct str value_of(struct mapping *m, const struct recipe *r, const struct str *fields)
{
    struct str none = {NULL, 0};
    struct buf text = {0};
    for (size_t i = 0; i < r->n; i++) {
        const struct term *t = &r->terms[i];
        struct str s = t->is_constant ? t->text : str_trim(fields[t->column]);
        if (!t->is_constant && s.len == 0) {
            buf_reset(&text);
            break;
        }
        buf_str(&text, s);
    }
    struct str whole = text.len > 0 ? arena_str(&m->row, buf_as_str(&text)) : none;
    buf_fini(&text);
    return whole;
}

static struct str meaning_of(const struct mapping *m, struct str value)
{
    for (size_t i = 0; i < m->n_meanings; i++)
        if (str_eq(m->meanings[i].value, value))
            return m->meanings[i].name;
    return value;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Whether a point, blank or apostrophe stands here between groups of three digits. */
static bool is_gap(struct str s, size_t i)
{
    char c = s.at[i];
    return (c == '.' || c == ' ' || c == '\'') && i > 0 && is_digit(s.at[i - 1]) &&
           (s.len - i) % 4 == 0;
}

/* "1.299,50" as "1299.50"; what is no such number stays as it is, for collector to refuse. */
static struct str pointed(struct mapping *m, struct str value)
{
    struct str cents, whole = str_cut(value, ',', &cents);
    char *at = arena_take(&m->row, value.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < whole.len; i++) {
        bool is_sign = i == 0 && (whole.at[i] == '-' || whole.at[i] == '+');
        if (is_gap(whole, i))
            continue;
        if (!is_sign && !is_digit(whole.at[i]))
            return value;
        at[len++] = whole.at[i];
    }
    if (cents.len > 0)
        at[len++] = '.';
    for (size_t i = 0; i < cents.len; i++) {
        if (!is_digit(cents.at[i]))
            return value;
        at[len++] = cents.at[i];
    }
    return str_over(at, len);
}

static size_t give(struct given *to, size_t n, struct str path, struct str value, size_t whole)
{
    if (value.len == 0)
        return n;
    to[n] = (struct given){path, value, whole};
    return n + 1;
}

/* A path of the place and the column's own name. */
static struct str path_in(struct mapping *m, struct str place, struct str column)
{
    char *at = arena_take(&m->row, place.len + 1 + column.len);
    memcpy(at, place.at, place.len);
    at[place.len] = '.';
    memcpy(at + place.len + 1, column.at, column.len);
    return str_over(at, place.len + 1 + column.len);
}

static size_t gather(struct mapping *m, const struct str *fields, struct given *to)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_members; i++) {
        const struct member *x = &m->members[i];
        if (!x->is_rest) {
            struct str value = value_of(m, x->chosen, fields);
            if (str_is(x->path, "type"))
                value = meaning_of(m, value);
            n = give(to, n, x->path, x->has_comma ? pointed(m, value) : value, 0);
            continue;
        }
        for (size_t k = 0; k < m->n_columns; k++)
            if (!m->is_named[k] && m->columns[k].len > 0)
                n = give(to, n, path_in(m, x->path, m->columns[k]), str_trim(fields[k]),
                         x->path.len + 1);
    }
    return n;
}

/* The first part of what a path has behind `depth` bytes; *is_last: there is no further one. */
static struct str part_of(const struct given *x, size_t depth, bool *is_last)
{
    struct str tail = str_over(x->path.at + depth, x->path.len - depth), rest = {NULL, 0};
    struct str part = depth == x->whole && depth > 0 ? tail : str_cut(tail, '.', &rest);
    *is_last = rest.at == NULL;
    return part;
}

/* Those from `from` on whose paths begin with the same `depth` bytes, as one object. */
static void put_object(struct buf *b, const struct given *given, size_t n, size_t from,
                       size_t depth)
{
    struct str prefix = str_over(given[from].path.at, depth);
    bool is_first = true, is_last, is_also_last;
    buf_byte(b, '{');
    for (size_t i = from; i < n; i++) {
        if (!str_starts(given[i].path, prefix))
            continue;
        struct str part = part_of(&given[i], depth, &is_last);
        bool is_done = false;
        for (size_t k = from; k < i && !is_done; k++)
            is_done = str_starts(given[k].path, prefix) &&
                      str_eq(part_of(&given[k], depth, &is_also_last), part);
        if (is_done)
            continue;
        if (!is_first)
            buf_byte(b, ',');
        is_first = false;
        json_put_str(b, part);
        buf_byte(b, ':');
        if (is_last)
            json_put_str(b, given[i].value);
        else
            put_object(b, given, n, i, depth + part.len + 1);
    }
    buf_byte(b, '}');
}

bool mapping_row(struct mapping *m, struct str line, struct buf *json)
{
    struct str fields[MAPPING_COLUMNS];
    struct given given[MAPPING_MEMBERS + MAPPING_COLUMNS];
    arena_reset(&m->row);
    size_t n = csv_split_at(line, m->separator, fields, MAPPING_COLUMNS);
    if (n == 0 || n != m->n_columns || !str_is_utf8(line))
        return false;
    for (size_t i = 0; i < n; i++)
        fields[i] = csv_text(fields[i], &m->row);
    size_t n_given = gather(m, fields, given);
    if (n_given == 0)
        return false;
    put_object(json, given, n_given, 0, 0);
    return true;
}
