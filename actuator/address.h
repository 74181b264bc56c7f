/* SPDX-License-Identifier: Apache-2.0 */
/* address - whether an IP address belongs to the public internet, so that what an outside hand
 * has put into a name or a URL cannot lead into our own networks. By the registries of special
 * addresses of IANA (RFC 6890 and what has come since). Pure. */
#ifndef AUSPEX_ACTUATOR_ADDRESS_H
#define AUSPEX_ACTUATOR_ADDRESS_H

#include "common/base/base.h"

struct sockaddr;

/* In network order. Of IPv6 addresses that carry an IPv4 one (mapped, NAT64, 6to4) that one is
 * judged. */
bool address_is_public4(const uint8_t ip[4]);
bool address_is_public6(const uint8_t ip[16]);
/* False for every family but these. */
bool address_is_public(const struct sockaddr *at);

#endif
