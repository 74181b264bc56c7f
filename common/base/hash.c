/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/hash.h"

#include "common/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash64(const void *at, size_t len)
{
    return XXH3_64bits(len ? at : "", len);
}

struct hash128 hash128_str(struct str s, uint64_t seed)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(s.len ? s.at : "", s.len, seed);
    return (struct hash128){h.low64, h.high64};
}

static uint32_t load_le32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
           (uint32_t)at[3] << 24;
}

/* Austin Appleby's MurmurHash2, 32 bits, with the seed that Kafka's clients use. */
uint32_t hash_murmur2(const void *at, size_t len)
{
    const uint32_t m = 0x5bd1e995;
    const uint8_t *data = at;
    uint32_t h = 0x9747b28cu ^ (uint32_t)len;
    for (; len >= 4; data += 4, len -= 4) {
        uint32_t k = load_le32(data) * m;
        k ^= k >> 24;
        h = h * m ^ k * m;
    }
    if (len >= 3)
        h ^= (uint32_t)data[2] << 16;
    if (len >= 2)
        h ^= (uint32_t)data[1] << 8;
    if (len >= 1)
        h = (h ^ data[0]) * m;
    h = (h ^ h >> 13) * m;
    return h ^ h >> 15;
}

uint32_t hash_partition(struct str key, uint32_t n_partitions)
{
    CHECK(n_partitions > 0);
    return (hash_murmur2(key.at, key.len) & 0x7fffffff) % n_partitions;
}

void hash_sha256(const void *at, size_t len, struct sha256 *out)
{
    CHECK(EVP_Digest(at, len, out->bytes, NULL, EVP_sha256(), NULL) == 1);
}

void hash_hex(const struct sha256 *h, char out[SHA256_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_LEN; i++) {
        out[2 * i] = digits[h->bytes[i] >> 4];
        out[2 * i + 1] = digits[h->bytes[i] & 15];
    }
    out[SHA256_HEX - 1] = '\0';
}

bool hash_sha256_file(const char *path, struct sha256 *out, struct err *e)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, errno, "open %s", path);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    CHECK(ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1);
    auto_free char *piece = mem_new(1 << 16);
    ssize_t n;
    while ((n = read(fd, piece, 1 << 16)) > 0)
        CHECK(EVP_DigestUpdate(ctx, piece, (size_t)n) == 1);
    if (n == 0)
        CHECK(EVP_DigestFinal_ex(ctx, out->bytes, NULL) == 1);
    int reason = errno;
    EVP_MD_CTX_free(ctx);
    return n == 0 || err_set(e, reason, "read %s", path);
}
