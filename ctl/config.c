/* SPDX-License-Identifier: Apache-2.0 */
/* config get - one value, for scripts. */
#include "ctl/ctl.h"

#include "common/bus/config.h"

#include <stdio.h>

static int config_get_run(struct ctl *c, struct err *e)
{
    const char *value = config_get(c->config, str_of(c->operands[0]));
    if (!value) {
        (void)err_set(e, 0, "%s is neither an option nor set in [kafka]", c->operands[0]);
        return EXIT_CODE_FAILED;
    }
    (void)printf("%s\n", value);
    return EXIT_CODE_OK;
}

const struct verb config_verbs[] = {
    {.name = "config get",
     .operands = "SECTION.KEY",
     .summary = "prints one value of the configuration",
     .manual = "As it holds, from the file, the environment or by default; passwords are not\n"
               "masked. For instance postgres.dsn, kafka.bootstrap.servers.\n",
     .min_operands = 1,
     .max_operands = 1,
     .run = config_get_run},
    {.name = NULL},
};
