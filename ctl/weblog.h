/* SPDX-License-Identifier: Apache-2.0 */
/* weblog - lines of a web server's log in the combined format (Apache's %h %l %u %t "%r" %>s %b
 * "%{Referer}i" "%{User-agent}i"; nginx's `combined`) as events in JSON:
 *
 *   page_view     a GET answered with less than 400, of what looks like a page
 *   error         anything answered with 400 or more; its code is the status
 *   form_submit   a POST answered with less than 400
 *   request       all else: other methods, pictures, scripts, styles, fonts
 *
 * The visitor is a pseudonym made of address and user agent (XXH3), as logs know no better; the
 * address itself is cut to its network before it goes anywhere. */
#ifndef AUSPEX_CTL_WEBLOG_H
#define AUSPEX_CTL_WEBLOG_H

#include "common/base/buf.h"

/* Appends the event as one line of JSON. False for a line of another form; nothing is appended
 * then. */
MUST_USE bool weblog_row(struct str line, struct buf *json);
/* Appends such a line as it stands, but for an address as its first or second word, which is
 * cut, too. */
void weblog_mask(struct str line, struct buf *masked);

#endif
