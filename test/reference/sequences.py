# SPDX-License-Identifier: Apache-2.0
"""sequences - what a vector carries beside its features: the tail of the session as featurizer/tokens.h says it, and
the summaries of closed sessions."""
import base64
import math
import struct

from codes import CONVERSIONS, DAY, MOST_COUNT, SECOND, added, code, f32, fnv

MOST_SUMMARIES, TOLD_FOR = 64, 30 * DAY
ENDS = {"gap": 1, "silence": 2, "import_end": 3}


def price_bucket(price):
    if price is None:
        return 0
    if price <= 0:
        return 1
    mantissa, exponent = math.frexp(price)  # price = mantissa 2^exponent, mantissa from 1/2
    return min(255, max(2, 2 + 4 * (exponent - 1 + 7) + int(8 * mantissa - 4)))


def tokens(ordered, most):
    """Of the newest events of a session."""
    found = b""
    for i in range(max(0, len(ordered) - most), len(ordered)):
        x = ordered[i]
        gap = 1 + ((x.t - ordered[i - 1].t) // SECOND).bit_length() if i else 0
        what = x.get("product_id") or x.get("path")
        found += struct.pack("<BBBBI", code("EVENT_TYPE", x.type), gap, price_bucket(x.get("price")), 0,
                             fnv(what) if what else 0)
    return base64.b64encode(found).decode()


def summary(c):
    every, told = c.session.every, c.session.told
    counts = (len(every.all), c.pages, every.n("product_view"), every.n("add_to_cart"), every.n(*CONVERSIONS),
              every.n("error"))
    value = added(x.value or 0.0 for x in every.of("purchase", "subscription"))
    codes = code("CHANNEL", told("channel")), code("DEVICE", told("device")), ENDS[c.how], 0
    return struct.pack("<qqff6H4B", c.started, c.ended, f32(value), c.engagement,
                       *(min(n, MOST_COUNT) for n in counts), *codes)


def summaries(closed, t):
    """Of the sessions closed last, in order of closing, those that ended in the 30 days up to t."""
    told = [c for c in closed[-MOST_SUMMARIES:] if t - TOLD_FOR < c.ended <= t]
    return base64.b64encode(b"".join(summary(c) for c in told)).decode()
