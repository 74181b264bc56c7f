/* SPDX-License-Identifier: Apache-2.0 */
/* auspex-trainer - trains models on what the archive holds.
 *
 * Reads PostgreSQL (features, sessions), writes table models and the topic models; keeps
 * nothing between runs. Which version is active is not its business. */
#include "common/base/err.h"
#include "common/bus/config.h"
#include "common/bus/log.h"
#include "trainer/commands.h"

#include <stdio.h>

static bool run(const struct arguments *a, struct err *e)
{
    struct config *c = config_open(a->config, e);
    if (c == NULL)
        return false;
    log_open("trainer", "", str_is(str_of(config_text(c, "auspex", "log_format")), "json"),
             LOG_WARN);
    bool is_done =
        a->verb == VERB_EXPORT ? command_export(a, c, e) : command_conversion(a, c, e);
    config_free(c);
    return is_done;
}

int main(int argc, char **argv)
{
    struct arguments a;
    struct err e = {0};
    if (!arguments_read(&a, argc, argv, &e)) {
        (void)fprintf(stderr, "auspex-trainer: %s\n", e.text);
        return err_exit(&e);
    }
    if (a.verb == VERB_HELP) {
        arguments_help(stdout);
        return EXIT_CODE_OK;
    }
    if (a.verb == VERB_VERSION) {
        printf("auspex-trainer %s\n", AUSPEX_VERSION);
        return EXIT_CODE_OK;
    }
    if (run(&a, &e))
        return EXIT_CODE_OK;
    (void)fprintf(stderr, "auspex-trainer: %s\n", e.text);
    return err_exit(&e);
}
