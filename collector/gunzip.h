/* SPDX-License-Identifier: Apache-2.0 */
/* gunzip - unpacks a gzip body into bounded memory. */
#ifndef AUSPEX_GUNZIP_H
#define AUSPEX_GUNZIP_H

#include "common/base/buf.h"

enum gunzip_result {
    GUNZIP_OK,
    GUNZIP_BAD,       /* no gzip, cut, damaged, with bytes behind, or gzip once more inside */
    GUNZIP_TOO_LARGE, /* more than `most` bytes */
};

struct gunzip; /* window and tables, about 40 KiB, used again and again */
MUST_USE struct gunzip *gunzip_new(void);
void gunzip_free(struct gunzip *g);

/* Puts what `bytes` hold, one member (RFC 1952), into `out` in place of what it held. No more
 * than `most` bytes are taken for it, however much there would be. */
enum gunzip_result gunzip_read(struct gunzip *g, struct str bytes, size_t most,
                               struct buf *out);

#endif
