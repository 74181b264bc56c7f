/* SPDX-License-Identifier: Apache-2.0 */
/* read_file - a small file, or standard input, whole. */
#ifndef AUSPEX_CTL_READ_FILE_H
#define AUSPEX_CTL_READ_FILE_H

#include "common/base/buf.h"
#include "common/base/err.h"

/* Appends the file's bytes; path "-" is standard input. EXIT_CODE_IO when it cannot be read,
 * EXIT_CODE_CONFIG when it has more than max bytes. */
MUST_USE bool file_read_whole(const char *path, size_t max, struct buf *out, struct err *e);

#endif
