/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

PRINTF_LIKE(2, 0) static void text_set(struct err *e, const char *format, va_list args)
{
    (void)vsnprintf(e->text, sizeof e->text, format, args);
}

bool err_set(struct err *e, int errnum, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    e->code = EXIT_CODE_FAILED;
    e->retry = false;
    text_set(e, format, args);
    va_end(args);
    if (errnum != 0) {
        size_t len = strlen(e->text);
        char reason[128];
        (void)snprintf(e->text + len, sizeof e->text - len, ": %s",
                       strerror_r(errnum, reason, sizeof reason));
    }
    return false;
}

bool err_code(struct err *e, enum exit_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    e->code = code;
    e->retry = false;
    text_set(e, format, args);
    va_end(args);
    return false;
}

bool err_retry(struct err *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    e->code = EXIT_CODE_AGAIN;
    e->retry = true;
    text_set(e, format, args);
    va_end(args);
    return false;
}

bool err_prefix(struct err *e, const char *format, ...)
{
    char old[sizeof e->text];
    memcpy(old, e->text, sizeof old);
    va_list args;
    va_start(args, format);
    text_set(e, format, args);
    va_end(args);
    size_t len = strlen(e->text);
    (void)snprintf(e->text + len, sizeof e->text - len, ": %s", old);
    return false;
}

int err_exit(const struct err *e)
{
    return e->code == EXIT_CODE_OK ? EXIT_CODE_FAILED : (int)e->code;
}
