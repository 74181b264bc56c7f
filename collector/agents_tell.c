/* SPDX-License-Identifier: Apache-2.0 */
/* For agents_oracle.py: what agents.h tells of each line of stdin, by the file given. */
#include "collector/agents.h"

#include "common/base/err.h"

#include <stdio.h>
#include <stdlib.h>

static void put(const struct str parts[AGENT_PARTS], size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)printf("%.*s%c", STR_ARGS(parts[i]), '\x1f');
}

int main(int argc, char *argv[])
{
    struct err e = {0};
    struct agents *a = argc == 2 ? agents_new(argv[1], 1, &e) : NULL;
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    if (!a) {
        (void)fprintf(stderr, "%s\n", argc == 2 ? e.text : "usage: agents_tell REGEXES_YAML");
        return err_exit(&e);
    }
    (void)printf("%zu %zu\n", agents_counts(a)->n_expressions, agents_counts(a)->n_refused);
    while ((len = getline(&line, &cap, stdin)) > 0) {
        struct agent_told told;
        struct str text = str_over(line, (size_t)len - (line[len - 1] == '\n'));
        agents_tell(a, text, &told);
        put(told.parts[AGENT_BROWSERS], 4);
        put(told.parts[AGENT_SYSTEMS], 5);
        put(told.parts[AGENT_DEVICES], 1);
        (void)putchar('\n');
    }
    free(line);
    agents_free(a);
    return 0;
}
