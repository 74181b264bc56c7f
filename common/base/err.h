/* SPDX-License-Identifier: Apache-2.0 */
/* err - why something in the outside world failed: one text, grown on the way up. */
#ifndef AUSPEX_ERR_H
#define AUSPEX_ERR_H

#include "common/base/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Exit codes of every program (sysexits.h where it has one). */
enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_GONE = 69,   /* a dependency is gone */
    EXIT_CODE_BUG = 70,    /* ours */
    EXIT_CODE_IO = 74,     /* a file could not be read or written */
    EXIT_CODE_AGAIN = 75,  /* try again later */
    EXIT_CODE_CONFIG = 78, /* configuration, or a state that only an operator may mend */
};

/* On the caller's stack; zero it with {0} before use. */
struct err {
    enum exit_code code; /* how a program that gives up leaves; 0 counts as 1 */
    bool retry;          /* trying again may help */
    char text[768];
};

/* Each returns false, so that `return err_set(...)` reads well. The text replaces what stood
 * there; with errnum != 0 ": " and strerror(errnum) follow. */
bool err_set(struct err *e, int errnum, const char *format, ...) PRINTF_LIKE(3, 4);
bool err_code(struct err *e, enum exit_code code, const char *format, ...) PRINTF_LIKE(3, 4);
bool err_retry(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
/* Puts "format: " before the text there is. */
bool err_prefix(struct err *e, const char *format, ...) PRINTF_LIKE(2, 3);
/* The exit code to leave with: e->code, or EXIT_CODE_FAILED when none was set. */
int err_exit(const struct err *e);

#ifdef __cplusplus
}
#endif
#endif
