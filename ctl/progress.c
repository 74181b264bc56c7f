/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/progress.h"

#include "common/base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

enum { TERMINAL_US = 200000, LINE_US = 5000000 };

void progress_init(struct progress *p)
{
    const int64_t now_us = clock_mono_us();
    p->is_terminal = isatty(STDERR_FILENO) == 1;
    p->is_open = false;
    p->shown_us = p->is_terminal ? now_us - TERMINAL_US : now_us;
}

void progress_show(struct progress *p, const char *format, ...)
{
    int64_t now_us = clock_mono_us();
    if (now_us - p->shown_us < (p->is_terminal ? TERMINAL_US : LINE_US))
        return;
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (p->is_terminal)
        (void)fprintf(stderr, "\r%s\x1b[K", text);
    else
        (void)fprintf(stderr, "%s\n", text);
    p->is_open = p->is_terminal;
    p->shown_us = now_us;
}

void progress_end(struct progress *p)
{
    if (p->is_open)
        (void)fputc('\n', stderr);
    p->is_open = false;
}
