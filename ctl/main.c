/* SPDX-License-Identifier: Apache-2.0 */
/* auspexctl - the operator's tool: a verb, its operands, its options.
 *
 * Reads the configuration that the programs read. Keeps nothing. */
#include "ctl/arguments.h"
#include "ctl/ctl.h"

#include "common/bus/config.h"
#include "common/bus/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t is_interrupted;

static void on_signal(int number)
{
    (void)number;
    is_interrupted = 1;
}

void ctl_catch_signal(int number)
{
    const struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(number, &action, NULL);
}

void ctl_catch_signals(void)
{
    ctl_catch_signal(SIGINT);
    ctl_catch_signal(SIGTERM);
}

bool ctl_is_interrupted(void)
{
    return is_interrupted != 0;
}

static int run(const struct arguments *a, struct ctl *c, struct err *e)
{
    /* what one option of `topics apply` says must hold for the whole configuration */
    const char *partitions = ctl_value(c, "partitions");
    if (partitions)
        CHECK(setenv("AUSPEX_AUSPEX__PARTITIONS", partitions, 1) == 0);
    c->config = config_open(a->config, e);
    if (!c->config)
        return err_exit(e);
    int code = c->verb->run(c, e);
    config_free(c->config);
    return code;
}

int main(int argc, char *argv[])
{
    struct arguments a = {0};
    struct ctl c = {0};
    struct err e = {0};
    int code = arguments_read(&a, &c, argc, argv);
    if (code >= 0)
        return code;
    log_open("auspexctl", NULL, false, a.is_verbose ? LOG_DEBUG : LOG_ERROR);
    (void)signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of write */
    code = run(&a, &c, &e);
    if (e.text[0])
        (void)fprintf(stderr, "auspexctl: %s\n", e.text);
    if (fflush(stdout) != 0 && code == EXIT_CODE_OK)
        code = EXIT_CODE_IO;
    return code;
}
