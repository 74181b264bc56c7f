/* SPDX-License-Identifier: Apache-2.0 */
/* hooks - the webhooks of the section [webhooks]: where interventions may be sent, and the
 * secret they are signed with. */
#ifndef AUSPEX_ACTUATOR_HOOKS_H
#define AUSPEX_ACTUATOR_HOOKS_H

#include "actuator/sign.h"
#include "common/base/err.h"

struct config;

struct hook {
    char *name, *url;
    struct sign_key key;
    bool has_key;
    bool allow_private;
    bool is_refused; /* its URL names a private address, which is not allowed */
};

struct hooks {
    struct hook *at;
    size_t n;
};

/* EXIT_CODE_CONFIG and which key is wrong: a webhook needs a URL of http or https and a secret.
 * `h` must be {0}; hooks_fini is due in either case. */
MUST_USE bool hooks_read(struct hooks *h, const struct config *c, struct err *e);
void hooks_fini(struct hooks *h);

#endif
