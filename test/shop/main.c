/* SPDX-License-Identifier: Apache-2.0 */
/* auspex-shop - a simulated shop whose visitors have hidden types and known probabilities.
 *
 * In: a seed, and for `live` the clock. Out: events as JSON, to a file, Kafka or HTTP, and the
 * truth about them. Keeps nothing. */
#include "test/shop/args.h"

#include <stdio.h>

static bool run(const struct args *a, struct err *e)
{
    switch (a->verb) {
    case VERB_HISTORY:
        return history_write(&a->history, e);
    case VERB_LIVE:
        return live_run(&a->live, e);
    case VERB_STREAM:
        return a->stream.out ? stream_write(&a->stream, e)
                             : stream_send(&a->stream, &a->live.to, a->live.rate, e);
    case VERB_HELP:
    case VERB_VERSION:
    case N_VERBS:
        break;
    }
    (void)fputs(args_help(a->verb == VERB_HELP ? a->about : a->verb), stdout);
    return true;
}

int main(int argc, char *argv[])
{
    struct args a;
    struct err e = {0};
    if (args_parse(argc, argv, clock_wall_us(), &a, &e) && run(&a, &e))
        return EXIT_CODE_OK;
    (void)fprintf(stderr, "auspex-shop: %s\n", e.text);
    if (e.code == EXIT_CODE_USAGE)
        (void)fputs("auspex-shop --help tells how to use it.\n", stderr);
    return err_exit(&e);
}
