/* SPDX-License-Identifier: Apache-2.0 */
/* hash - the hashes in use, each for one purpose. */
#ifndef AUSPEX_HASH_H
#define AUSPEX_HASH_H

#include "common/base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

/* XXH3, 64 bits, seed 0: tables, ids, body hashes. Stable over versions and machines. */
uint64_t hash64(const void *at, size_t len);
static inline uint64_t hash64_str(struct str s)
{
    return hash64(s.at, s.len);
}

/* XXH3, 128 bits: keys of what is kept of bytes that anybody may send. With a seed that they do
 * not know nobody can send two of one hash. */
struct hash128 {
    uint64_t low, high;
};
struct hash128 hash128_str(struct str s, uint64_t seed);

/* Kafka's default partitioner: (murmur2(key) & 0x7fffffff) % n, as in its Java client. */
uint32_t hash_murmur2(const void *at, size_t len);
uint32_t hash_partition(struct str key, uint32_t n_partitions);

enum { SHA256_LEN = 32, SHA256_HEX = 2 * SHA256_LEN + 1 };
struct sha256 {
    uint8_t bytes[SHA256_LEN];
};
void hash_sha256(const void *at, size_t len, struct sha256 *out);
/* Lower-case hex with a terminator. */
void hash_hex(const struct sha256 *h, char out[SHA256_HEX]);
/* The same over a file's whole content, read in pieces; e.g. for import ids. */
struct err;
MUST_USE bool hash_sha256_file(const char *path, struct sha256 *out, struct err *e);

#ifdef __cplusplus
}
#endif
#endif
