/* SPDX-License-Identifier: Apache-2.0 */
/* sign - the symmetric signature v1 of the Standard Webhooks specification: HMAC-SHA256 over
 * "id.timestamp.body". */
#ifndef AUSPEX_ACTUATOR_SIGN_H
#define AUSPEX_ACTUATOR_SIGN_H

#include "common/base/buf.h"

enum { SIGN_LEAST = 24, SIGN_MOST = 64 }; /* bytes of a key, by the specification */

struct sign_key {
    uint8_t bytes[SIGN_MOST];
    size_t len;
};

/* "whsec_" and the key in base64; false on anything else and on other lengths. */
MUST_USE bool sign_key_read(struct str secret, struct sign_key *key);
/* Appends "v1,BASE64". The id has no dot in it. */
void sign_v1(const struct sign_key *key, struct str id, int64_t timestamp_s, struct str body,
             struct buf *out);

#endif
