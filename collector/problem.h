/* SPDX-License-Identifier: Apache-2.0 */
/* problem - what is wrong with an HTTP request, as application/problem+json (RFC 9457). */
#ifndef AUSPEX_PROBLEM_H
#define AUSPEX_PROBLEM_H

#include "common/base/buf.h"

/* "Bad Request" for 400; "" for a status that the edge never gives. */
const char *problem_title(unsigned status);
/* Appends {"type":"about:blank","title":...,"status":...,"reason":...,"detail":... without the
 * closing brace, so that further members can follow. Empty texts are left out. */
void problem_begin(struct buf *b, unsigned status, const char *reason, const char *detail);
/* The whole of it. */
void problem_json(struct buf *b, unsigned status, const char *reason, const char *detail);

#endif
