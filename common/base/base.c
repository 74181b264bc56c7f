/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Thread_local const char *context;

void check_context(const char *text)
{
    context = text;
}

void check_failed(const char *file, int line, const char *claim)
{
    (void)fprintf(stderr, "CHECK failed at %s:%d: %s%s%s\n", file, line, claim,
                  context ? "; at " : "", context ? context : "");
    abort();
}

void *mem_new(size_t len)
{
    void *p = malloc(len ? len : 1);
    CHECK(p != NULL);
    return p;
}

void *mem_zero(size_t n, size_t len)
{
    void *p = calloc(n ? n : 1, len ? len : 1);
    CHECK(p != NULL);
    return p;
}

void *mem_grow(void *old, size_t len)
{
    void *p = realloc(old, len ? len : 1);
    CHECK(p != NULL);
    return p;
}

char *mem_text(const char *text)
{
    char *p = strdup(text);
    CHECK(p != NULL);
    return p;
}

void auto_free_run(void *pointer)
{
    free(*(void **)pointer);
}

void auto_close_run(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}
