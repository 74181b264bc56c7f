/* SPDX-License-Identifier: Apache-2.0 */
/* screen - a terminal taken for a page and given back as it was: on the alternate screen,
 * without echo. It is given back at screen_leave, at Ctrl-Z until the program goes on, and when
 * the program dies of a signal. What is written to standard error meanwhile comes out
 * afterwards. There is one in a process. */
#ifndef AUSPEX_CTL_SCREEN_H
#define AUSPEX_CTL_SCREEN_H

#include "common/base/err.h"
#include "common/base/str.h"

/* Whether there is a terminal to show a page on. */
bool screen_is_there(void);
/* Columns and rows of the terminal, else by COLUMNS and LINES, else 80 and 24. */
void screen_size(size_t *width, size_t *height);
/* Whether the locale is one of UTF-8. */
bool screen_is_utf8(void);

/* SIGINT, SIGTERM, SIGHUP and SIGQUIT then set ctl_is_interrupted. */
MUST_USE bool screen_enter(struct err *e);
void screen_leave(void);
/* Shows the lines of a page; writes only those that are not there yet. */
void screen_show(struct str page);
/* Waits for a key, at most so long; false when none came. Ctrl-Z and changes of the size of the
 * window are dealt with here; has_changed tells that all has to be shown anew. */
bool screen_key(int timeout_ms, char *key, bool *has_changed);

#endif
