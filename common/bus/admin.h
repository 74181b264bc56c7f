/* SPDX-License-Identifier: Apache-2.0 */
/* admin - /metrics, /livez and /readyz on a loopback port, within the program's libuv loop.
 * Answers GET and HEAD only, one request a connection, at most 64 connections, each cut after 5
 * s; requests over 4 KiB get 431. */
#ifndef AUSPEX_ADMIN_H
#define AUSPEX_ADMIN_H

#include "common/base/buf.h"
#include "common/base/err.h"

#include <uv.h>

struct admin;

/* Fills the body; returns the HTTP status: 200, or 503 for not alive or not ready. */
struct admin_pages {
    void *opaque;
    int (*metrics)(void *opaque, struct buf *body);
    int (*livez)(void *opaque, struct buf *body);
    int (*readyz)(void *opaque, struct buf *body);
};

/* port 0 = any free; NULL on failure (EXIT_CODE_CONFIG when the port is taken). */
MUST_USE struct admin *admin_open(uv_loop_t *loop, unsigned port,
                                  const struct admin_pages *pages, struct err *e);
unsigned admin_port(const struct admin *a);
void admin_close(struct admin *a); /* frees itself once the loop has closed its handles */

#endif
