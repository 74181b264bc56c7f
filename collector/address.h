/* SPDX-License-Identifier: Apache-2.0 */
/* address - IP addresses, cut down to their network before anything keeps them: of IPv4 the
 * first 24 bits stay, of IPv6 the first 48, the others are 0. */
#ifndef AUSPEX_ADDRESS_H
#define AUSPEX_ADDRESS_H

#include "common/base/str.h"

struct sockaddr;

/* "2001:db8:ffff::" with its terminator fits. */
enum { ADDRESS_TEXT = 24 };

/* Reads "192.0.2.7", "192.0.2.7:443", "2001:db8::7", "[2001:db8::7]" or "[2001:db8::7]:443"
 * with blanks around it, and writes the network as text, that of an IPv4 address within IPv6
 * (::ffff:192.0.2.7) as IPv4's. False on anything else; `out` is untouched then. What it has
 * written it reads again and gives unchanged. */
MUST_USE bool address_truncate(struct str text, char out[ADDRESS_TEXT]);
/* The same of a peer's address; false for other families than these two. */
MUST_USE bool address_truncate_peer(const struct sockaddr *peer, char out[ADDRESS_TEXT]);
/* Whether it says that there is none: "0.0.0.0", as Segment does, or "::". */
bool address_is_none(struct str network);

#endif
