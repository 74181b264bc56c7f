/* SPDX-License-Identifier: Apache-2.0 */
/* progress - one line on stderr that changes in place on a terminal, else a line every 5 s. */
#ifndef AUSPEX_CTL_PROGRESS_H
#define AUSPEX_CTL_PROGRESS_H

#include "common/base/base.h"

struct progress {
    bool is_terminal, is_open; /* is_open: a line stands on the terminal without its end */
    int64_t shown_us;
};

void progress_init(struct progress *p);
/* Shows the text when it is time to. */
void progress_show(struct progress *p, const char *format, ...) PRINTF_LIKE(2, 3);
/* Ends the line, so that other output can follow. */
void progress_end(struct progress *p);

#endif
