/* SPDX-License-Identifier: Apache-2.0 */
/* lost_answer - for tests: stands between a client and PostgreSQL on loopback, and when it is
 * armed lets the next COMMIT through, waits for its answer, and cuts both sides. */
#ifndef AUSPEX_ARCHIVER_LOST_ANSWER_H
#define AUSPEX_ARCHIVER_LOST_ANSWER_H

#include <stddef.h>

struct lost_answer;

/* `through` becomes `dsn` with host and port of the go-between; both in key=value form, and the
 * server must listen on TCP. Serves one connection at a time. */
struct lost_answer *lost_answer_new(const char *dsn, char *through, size_t size);
void lost_answer_arm(struct lost_answer *l);
void lost_answer_free(struct lost_answer *l);

#endif
