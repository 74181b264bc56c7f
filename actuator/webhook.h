/* SPDX-License-Identifier: Apache-2.0 */
/* webhook - attempts over HTTP, by libcurl within the loop: a POST of JSON with the headers of
 * the Standard Webhooks specification.
 *
 * An answer counts once its headers are whole or longer than WEBHOOK_READ; what comes behind is
 * read up to that bound and forgotten. No redirect is followed, no proxy of the environment is
 * used, certificates are verified, and each attempt has a connection of its own, to an address
 * that was looked at after its name was resolved: private ones are for webhooks that allow
 * them. */
#ifndef AUSPEX_ACTUATOR_WEBHOOK_H
#define AUSPEX_ACTUATOR_WEBHOOK_H

#include "actuator/transport.h"

enum { WEBHOOK_READ = 64 * 1024 }; /* bytes of an answer, headers and body */

struct uv_loop_s;

/* The loop must run on, until it is empty, after the transport was freed. */
struct transport webhook_open(struct uv_loop_s *loop, uint64_t timeout_ms);

#endif
