/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/sink.h"

#include <errno.h>

static bool failed(const struct sink *k, const char *what, struct err *e)
{
    (void)err_set(e, errno, "%s %s", what, k->path);
    e->code = EXIT_CODE_IO;
    return false;
}

bool sink_open(struct sink *k, const char *path, bool append, struct err *e)
{
    *k = (struct sink){.path = path};
    if (!path)
        return true;
    k->file = str_is(str_of(path), "-") ? stdout : fopen(path, append ? "ae" : "we");
    if (!k->file)
        return failed(k, "open", e);
    if (append)
        (void)setvbuf(k->file, NULL, _IOLBF, BUFSIZ);
    return true;
}

bool sink_is_empty(const struct sink *k)
{
    /* a pipe has no position; nothing can have been there before */
    return !k->file || fseek(k->file, 0, SEEK_END) != 0 || ftell(k->file) == 0;
}

bool sink_put(struct sink *k, struct buf *b, struct err *e)
{
    size_t len = b->len;
    buf_reset(b);
    if (!k->file || len == 0)
        return true;
    return fwrite(b->at, 1, len, k->file) == len || failed(k, "write", e);
}

bool sink_close(struct sink *k, struct err *e)
{
    FILE *file = steal_ptr(k->file);
    if (!file)
        return true;
    int bad = ferror(file) | (file == stdout ? fflush(file) : fclose(file));
    return bad == 0 || failed(k, "write", e);
}
