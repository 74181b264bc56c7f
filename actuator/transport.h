/* SPDX-License-Identifier: Apache-2.0 */
/* transport - what deliver sends by: HTTP in the program (webhook.h), a made-up world in tests.
 */
#ifndef AUSPEX_ACTUATOR_TRANSPORT_H
#define AUSPEX_ACTUATOR_TRANSPORT_H

#include "actuator/hooks.h"

enum { RETRY_AFTER_MOST = 64 };

struct answer {
    unsigned status;                    /* 0 = none came */
    const char *detail;                 /* why there is none, or empty; a text that stays */
    char retry_after[RETRY_AFTER_MOST]; /* the header, or empty */
};

struct request {
    const struct hook *hook;
    struct str id;   /* webhook-id */
    struct str body; /* valid until it is done or cancelled, as the hook is */
    int64_t timestamp_s;
    /* Called once, on the loop's thread, but from neither begin nor cancel; what begin returned
     * is gone then. */
    void (*done)(void *tag, const struct answer *a);
    void *tag;
};

struct transport {
    void *self;
    MUST_USE void *(*begin)(void *self, const struct request *r);
    /* `done` will not be called any more. */
    void (*cancel)(void *self, void *sending);
    /* Nothing is under way any more. */
    void (*free)(void *self);
};

#endif
