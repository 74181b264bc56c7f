/* SPDX-License-Identifier: Apache-2.0 */
/* args - the command line of auspex-shop. */
#ifndef AUSPEX_SHOP_ARGS_H
#define AUSPEX_SHOP_ARGS_H

#include "test/shop/history.h"
#include "test/shop/live.h"
#include "test/shop/stream_send.h"

enum verb { VERB_HELP, VERB_VERSION, VERB_HISTORY, VERB_LIVE, VERB_STREAM, N_VERBS };

struct args {
    enum verb verb;
    enum verb about; /* VERB_HELP: what the help is about; VERB_HELP = the whole */
    struct history_options history;
    struct live_options live;
    struct stream_options stream; /* out NULL: to where live.to says, at live.rate */
};

/* `now_us` is what --end now, the default, means. False with EXIT_CODE_USAGE and the reason.
 * Texts point into argv. */
MUST_USE bool args_parse(int argc, char *argv[], int64_t now_us, struct args *a, struct err *e);
const char *args_help(enum verb about);

#endif
