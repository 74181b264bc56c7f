/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/malloc_count.h"

#include <stddef.h>

static uint64_t n_calls;

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *old, size_t len);
void *__real__Znwm(size_t len);
void *__real__Znam(size_t len);
void *__real__ZnwmRKSt9nothrow_t(size_t len, const void *nothrow);
void *__real__ZnamRKSt9nothrow_t(size_t len, const void *nothrow);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *old, size_t len);
void *__wrap__Znwm(size_t len);
void *__wrap__Znam(size_t len);
void *__wrap__ZnwmRKSt9nothrow_t(size_t len, const void *nothrow);
void *__wrap__ZnamRKSt9nothrow_t(size_t len, const void *nothrow);

void *__wrap_malloc(size_t len)
{
    n_calls++;
    return __real_malloc(len);
}

void *__wrap_calloc(size_t n, size_t len)
{
    n_calls++;
    return __real_calloc(n, len);
}

void *__wrap_realloc(void *old, size_t len)
{
    n_calls++;
    return __real_realloc(old, len);
}

void *__wrap__Znwm(size_t len)
{
    n_calls++;
    return __real__Znwm(len);
}

void *__wrap__Znam(size_t len)
{
    n_calls++;
    return __real__Znam(len);
}

void *__wrap__ZnwmRKSt9nothrow_t(size_t len, const void *nothrow)
{
    n_calls++;
    return __real__ZnwmRKSt9nothrow_t(len, nothrow);
}

void *__wrap__ZnamRKSt9nothrow_t(size_t len, const void *nothrow)
{
    n_calls++;
    return __real__ZnamRKSt9nothrow_t(len, nothrow);
}

uint64_t malloc_count(void)
{
    return n_calls;
}
