/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/agent_rules.h"

#include "common/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

static const char *const list_names[AGENT_LISTS_N] = {
    [AGENT_BROWSERS] = "user_agent_parsers",
    [AGENT_SYSTEMS] = "os_parsers",
    [AGENT_DEVICES] = "device_parsers",
};

static const char *const part_names[AGENT_LISTS_N][AGENT_PARTS] = {
    [AGENT_BROWSERS] = {"family_replacement", "v1_replacement", "v2_replacement",
                        "v3_replacement"},
    [AGENT_SYSTEMS] = {"os_replacement", "os_v1_replacement", "os_v2_replacement",
                       "os_v3_replacement", "os_v4_replacement"},
    [AGENT_DEVICES] = {"device_replacement"},
};

/* The file being read. */
struct reading {
    yaml_parser_t parser;
    yaml_event_t event; /* the last one */
    struct agent_rules *rules;
    struct err *e;
};

/* Moves to the next event; false, and the reason is there, at what is no YAML. */
static bool next(struct reading *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->parser, &r->event))
        return true;
    const char *problem = r->parser.problem ? r->parser.problem : "it cannot be read";
    return err_code(r->e, EXIT_CODE_CONFIG, "line %zu: %s", r->parser.problem_mark.line + 1,
                    problem);
}

static bool wrong(struct reading *r, const char *what)
{
    return err_code(r->e, EXIT_CODE_CONFIG, "line %zu: %s", r->event.start_mark.line + 1, what);
}

static struct str scalar(const struct reading *r)
{
    return str_over(r->event.data.scalar.value, r->event.data.scalar.length);
}

static int opens(const yaml_event_t *event)
{
    switch ((int)event->type) {
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        return 1;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        return -1;
    default:
        return 0;
    }
}

/* Passes over the value that the last event began. */
static bool skip(struct reading *r)
{
    for (int depth = opens(&r->event); depth > 0; depth += opens(&r->event))
        if (!next(r))
            return false;
    return true;
}

/* Keeps a member of a rule; what nobody asks for is passed over. */
static void take(struct reading *r, enum agent_list list, struct str name,
                 struct agent_rule *rule)
{
    struct str value = arena_str(&r->rules->arena, scalar(r));
    if (str_is(name, "regex"))
        rule->expression = value;
    else if (str_is(name, "regex_flag"))
        rule->is_nocase = str_is(value, "i");
    for (size_t i = 0; i < AGENT_PARTS && part_names[list][i]; i++)
        if (str_is(name, part_names[list][i]))
            rule->parts[i] = value;
}

/* A rule's members; the last event began it. */
static bool read_rule(struct reading *r, enum agent_list list, struct agent_rule *rule)
{
    unsigned long line = r->event.start_mark.line + 1;
    *rule = (struct agent_rule){0};
    while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
        if (r->event.type != YAML_SCALAR_EVENT)
            return wrong(r, "a rule's member has no name");
        struct str name = arena_str(&r->rules->arena, scalar(r));
        if (!next(r))
            return false;
        if (r->event.type != YAML_SCALAR_EVENT)
            return wrong(r, "a rule's member is no text");
        take(r, list, name, rule);
    }
    if (r->event.type != YAML_MAPPING_END_EVENT)
        return false;
    return rule->expression.len > 0 ||
           err_code(r->e, EXIT_CODE_CONFIG, "line %lu: a rule without regex", line);
}

static bool read_list(struct reading *r, enum agent_list list)
{
    struct agent_rules *rules = r->rules;
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return wrong(r, "no list of rules");
    while (next(r) && r->event.type != YAML_SEQUENCE_END_EVENT) {
        if (r->event.type != YAML_MAPPING_START_EVENT)
            return wrong(r, "no rule");
        if (rules->n[list] == rules->cap[list]) {
            rules->cap[list] = MAX(2 * rules->cap[list], (size_t)64);
            rules->lists[list] =
                mem_grow(rules->lists[list], rules->cap[list] * sizeof **rules->lists);
        }
        if (!read_rule(r, list, &rules->lists[list][rules->n[list]]))
            return false;
        rules->n[list]++;
    }
    return r->event.type == YAML_SEQUENCE_END_EVENT;
}

static bool read_member(struct reading *r)
{
    if (r->event.type != YAML_SCALAR_EVENT)
        return wrong(r, "a member has no name");
    for (enum agent_list list = 0; list < AGENT_LISTS_N; list++)
        if (str_is(scalar(r), list_names[list]))
            return next(r) && read_list(r, list);
    return next(r) && skip(r);
}

static bool read_file(struct reading *r)
{
    while (next(r) && r->event.type != YAML_MAPPING_START_EVENT)
        if (r->event.type != YAML_STREAM_START_EVENT &&
            r->event.type != YAML_DOCUMENT_START_EVENT)
            return wrong(r, "no map of lists");
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return false;
    while (next(r) && r->event.type != YAML_MAPPING_END_EVENT)
        if (!read_member(r))
            return false;
    if (r->event.type != YAML_MAPPING_END_EVENT)
        return false;
    for (enum agent_list list = 0; list < AGENT_LISTS_N; list++)
        if (r->rules->n[list] == 0)
            return err_code(r->e, EXIT_CODE_CONFIG, "it has no %s", list_names[list]);
    return true;
}

bool agent_rules_read(struct agent_rules *r, const char *path, struct err *e)
{
    struct reading reading = {.rules = r, .e = e};
    FILE *file = fopen(path, "re");
    *r = (struct agent_rules){0};
    if (!file) {
        (void)err_set(e, errno, "it cannot be opened");
        e->code = EXIT_CODE_CONFIG;
        return false;
    }
    CHECK(yaml_parser_initialize(&reading.parser));
    yaml_parser_set_input_file(&reading.parser, file);
    bool is_read = read_file(&reading);
    yaml_event_delete(&reading.event);
    yaml_parser_delete(&reading.parser);
    (void)fclose(file);
    if (!is_read)
        agent_rules_fini(r);
    return is_read;
}

void agent_rules_fini(struct agent_rules *r)
{
    for (enum agent_list list = 0; list < AGENT_LISTS_N; list++)
        free(r->lists[list]);
    arena_fini(&r->arena);
    *r = (struct agent_rules){0};
}
