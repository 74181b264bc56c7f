/* SPDX-License-Identifier: Apache-2.0 */
/* rees46 - rows of the REES46 shop files: event_time,event_type,product_id,category_id,
 * category_code,brand,price,user_id,user_session. */
#ifndef AUSPEX_REES46_H
#define AUSPEX_REES46_H

#include "collector/draft.h"

/* Whether it is the line that names the columns. */
bool rees46_is_header(struct str line);
/* Fills the event; REASON_bad_row for a row of another number of columns, an unknown type or a
 * bad value, of which *detail tells (static). Slices point into the line and the arena. */
enum reason rees46_read(struct event *e, struct str line, const struct arrival *a,
                        struct arena *arena, const char **detail);

#endif
