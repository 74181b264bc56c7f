/* SPDX-License-Identifier: Apache-2.0 */
/* log - lines on stderr, logfmt or JSON, rate-limited per place; never payloads or identities.
 *
 *   log_info("partition assigned", "topic=%s partition=%u", word, p);
 * prints  ts=... level=info program=scorer instance=... msg="partition assigned" topic=features
 * ... The second text is logfmt itself: values that may hold blanks are written as key=\"%s\".
 * Never blocks: what stderr does not take is dropped and counted. */
#ifndef AUSPEX_LOG_H
#define AUSPEX_LOG_H

#include "common/base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_open(const char *program, const char *instance, bool is_json, enum log_level least);
void log_line(enum log_level level, const char *msg, const char *format, ...) PRINTF_LIKE(3, 4);
uint64_t log_dropped(void); /* lines dropped so far */

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)

#endif
