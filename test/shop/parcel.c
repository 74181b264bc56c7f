/* SPDX-License-Identifier: Apache-2.0 */
#include "test/shop/parcel.h"

#include "common/base/hash.h"

struct parcel *parcel_new(const char *id, const char *visitor, struct str body, int64_t due_us)
{
    struct parcel *p = mem_new(sizeof(*p) + body.len);
    *p = (struct parcel){.body_hash = hash64_str(body), .due_us = due_us, .len = body.len};
    memcpy(p->id, id, EVENT_ID_SIZE);
    memcpy(p->visitor, visitor, EVENT_ID_SIZE);
    memcpy(p->body, body.at, body.len);
    return p;
}
