/* SPDX-License-Identifier: Apache-2.0 */
#include "actuator/sign.h"

#include "common/base/hash.h"
#include "common/wire/json_text.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

bool sign_key_read(struct str secret, struct sign_key *key)
{
    const struct str prefix = STR("whsec_");
    struct arena arena = {0};
    struct str bytes;
    bool is_good = str_starts(secret, prefix) &&
                   json_base64(str_over(secret.at + prefix.len, secret.len - prefix.len),
                               &arena, &bytes) &&
                   bytes.len >= SIGN_LEAST && bytes.len <= SIGN_MOST;
    if (is_good) {
        memcpy(key->bytes, bytes.at, bytes.len);
        key->len = bytes.len;
    }
    arena_fini(&arena);
    return is_good;
}

void sign_v1(const struct sign_key *key, struct str id, int64_t timestamp_s, struct str body,
             struct buf *out)
{
    struct buf text = {0};
    uint8_t mac[SHA256_LEN];
    unsigned len = sizeof mac;
    CHECK(!memchr(id.at, '.', id.len));
    buf_printf(&text, "%.*s.%" PRId64 ".", STR_ARGS(id), timestamp_s);
    buf_str(&text, body);
    CHECK(HMAC(EVP_sha256(), key->bytes, (int)key->len, text.at, text.len, mac, &len) != NULL);
    buf_fini(&text);
    char base64[4 * (SHA256_LEN + 2) / 3 + 1];
    (void)EVP_EncodeBlock((unsigned char *)base64, mac, (int)len);
    buf_printf(out, "v1,%s", base64);
}
