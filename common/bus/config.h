/* SPDX-License-Identifier: Apache-2.0 */
/* config - one INI file for all programs, overridden by AUSPEX_SECTION__KEY in the environment,
 * checked against schemas/options.def. */
#ifndef AUSPEX_CONFIG_H
#define AUSPEX_CONFIG_H

#include "common/base/buf.h"
#include "common/base/err.h"

struct config;

/* Reads `path` (NULL: no file, defaults and environment only). An unknown section or key, a
 * value out of its range or a line that is none fails with EXIT_CODE_CONFIG, naming file, line
 * and the nearest name there is. */
MUST_USE struct config *config_open(const char *path, struct err *e);
/* The same over text, for tests and fuzzing; `name` stands for the path in errors. */
MUST_USE struct config *config_parse(const char *name, struct str text, struct err *e);
void config_free(struct config *c);

/* The value of an option of options.def; asking for another is our bug. Valid as long as c. */
const char *config_text(const struct config *c, const char *section, const char *key);
uint64_t config_u64(const struct config *c, const char *section, const char *key);
bool config_flag(const struct config *c, const char *section, const char *key);
/* "section.key", also of the open sections; NULL when there is none. What `config get` prints.
 */
const char *config_get(const struct config *c, struct str dotted);
/* Entries of an open section, whose keys are not in options.def: "kafka" or "webhooks". Calls
 * `use` for each, the file's in order, then those that only the environment has. */
void config_section(const struct config *c, const char *section,
                    void (*use)(void *to, const char *key, const char *value), void *to);
/* Appends the whole configuration as INI, secrets (passwords, also within a dsn) masked. */
void config_print(const struct config *c, struct buf *out);

#endif
