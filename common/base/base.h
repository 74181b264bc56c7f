/* SPDX-License-Identifier: Apache-2.0 */
/* base - what every file may use: checks that stay on, cleanup attributes, small helpers. */
#ifndef AUSPEX_BASE_H
#define AUSPEX_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MUST_USE                      __attribute__((warn_unused_result))
#define NORETURN                      __attribute__((noreturn))
#define PRINTF_LIKE(f, a)             __attribute__((format(printf, f, a)))
#define LIKELY(x)                     __builtin_expect(!!(x), 1)
#define UNLIKELY(x)                   __builtin_expect(!!(x), 0)
#define ARRAY_LEN(a)                  (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

/* We are wrong: prints place and text on stderr, aborts. On in every build. */
#define CHECK(claim)                                  \
    do {                                              \
        if (UNLIKELY(!(claim)))                       \
            check_failed(__FILE__, __LINE__, #claim); \
    } while (0)

NORETURN void check_failed(const char *file, int line, const char *claim);

/* Text that a failed CHECK prints besides its own, for instance the record at hand; kept by
 * pointer, per thread; NULL = none. */
void check_context(const char *text);

/* malloc, calloc, realloc, strdup that abort when memory is out; never NULL for n > 0. */
MUST_USE void *mem_new(size_t len);
MUST_USE void *mem_zero(size_t n, size_t len);
MUST_USE void *mem_grow(void *old, size_t len);
MUST_USE char *mem_text(const char *text);

#ifndef __cplusplus
void auto_free_run(void *pointer);
void auto_close_run(const int *fd);
/* `auto_free char *p = ...` is freed, `auto_close int fd = ...` closed, at the block's end. */
#define auto_free  __attribute__((cleanup(auto_free_run)))
#define auto_close __attribute__((cleanup(auto_close_run)))
/* Yields the pointer and forgets it, so that auto_free leaves it alone. */
#define steal_ptr(p)                 \
    ({                               \
        __typeof__(p) stolen_ = (p); \
        (p) = NULL;                  \
        stolen_;                     \
    })
#define MIN(a, b)                          \
    ({                                     \
        __typeof__(a) min_a_ = (a);        \
        __typeof__(b) min_b_ = (b);        \
        min_a_ < min_b_ ? min_a_ : min_b_; \
    })
#define MAX(a, b)                          \
    ({                                     \
        __typeof__(a) max_a_ = (a);        \
        __typeof__(b) max_b_ = (b);        \
        max_a_ > max_b_ ? max_a_ : max_b_; \
    })
#endif

#ifdef __cplusplus
}
#endif
#endif
