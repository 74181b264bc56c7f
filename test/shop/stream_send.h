/* SPDX-License-Identifier: Apache-2.0 */
/* stream_send - sends the events of a generated stream in their order, at a given rate instead
 * of when they would arrive. */
#ifndef AUSPEX_SHOP_STREAM_SEND_H
#define AUSPEX_SHOP_STREAM_SEND_H

#include "test/shop/sender.h"
#include "test/shop/stream.h"

/* Event i, from 0, is due i / `rate` seconds after the start. SIGTERM and SIGINT end it early.
 */
MUST_USE bool stream_send(const struct stream_options *o, const struct sender_options *to,
                          double rate, struct err *e);

#endif
