/* SPDX-License-Identifier: Apache-2.0 */
/* url - the parts of an address, as slices of it, and the parameters of its query. */
#ifndef AUSPEX_URL_H
#define AUSPEX_URL_H

#include "common/base/arena.h"

enum { URL_HOST_MAX = 253 /* as DNS has it */ };

/* "Shop.example" of "https://user@www.Shop.example:8080/x?y", "com.app" of
 * "android-app://com.app"; without a dot behind. Empty when there is none, or what stands there
 * is no host. */
struct str url_host(struct str address);
/* "/x" of it; empty when the address has no host or no path. */
struct str url_path(struct str address);
/* "y" of it: what stands behind ? and before #, also of an address without a host. */
struct str url_query(struct str address);
/* Whether it is an app's, as "android-app://com.app" is. */
bool url_is_app(struct str address);
/* Whether the hosts are one, or one is below the other; in any case of letters. */
bool url_is_near(struct str host, struct str other);

/* The next parameter of a query, as it stands there; false at the end. */
bool url_next(struct str *query, struct str *name, struct str *value);
/* What a name or value means: + is a blank, %20 too; a % that no two hexadecimal digits follow
 * stays. False when it is empty then, not UTF-8, or holds U+0000. Slice of `raw`, or taken from
 * the arena. */
bool url_text(struct str raw, struct arena *a, struct str *text);

#endif
