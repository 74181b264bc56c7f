/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/read_file.h"

#include <errno.h>
#include <stdio.h>

enum { PIECE = 4096 };

static bool stream_read(FILE *f, const char *path, size_t max, struct buf *out, struct err *e)
{
    size_t start = out->len, n;
    do {
        n = fread(buf_take(out, PIECE), 1, PIECE, f);
        out->len -= PIECE - n;
        if (out->len - start > max)
            return err_code(e, EXIT_CODE_CONFIG, "%s has more than %zu bytes", path, max);
    } while (n > 0);
    if (!ferror(f))
        return true;
    (void)err_set(e, errno, "%s", path);
    e->code = EXIT_CODE_IO;
    return false;
}

bool file_read_whole(const char *path, size_t max, struct buf *out, struct err *e)
{
    if (strcmp(path, "-") == 0)
        return stream_read(stdin, "standard input", max, out, e);
    FILE *f = fopen(path, "re");
    if (!f) {
        (void)err_set(e, errno, "%s", path);
        e->code = EXIT_CODE_IO;
        return false;
    }
    bool is_good = stream_read(f, path, max, out, e);
    (void)fclose(f);
    return is_good;
}
