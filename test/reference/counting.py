# SPDX-License-Identifier: Apache-2.0
"""counting - the bounds of features.def: lists of the first 64, sketches, rings of buckets, days."""
import collections
import math

import xxhash

from codes import DAY, MOST_COUNT

MOST_SET, REGISTERS, MOST_DAYS = 64, 128, 90


class FirstSome:
    """Only the first 64 distinct ones are told apart, and later ones change nothing: how often each came."""

    def __init__(self):
        self.times = collections.Counter()

    def add(self, value):
        if value in self.times or len(self.times) < MOST_SET:
            self.times[value] += 1

    def n(self):
        return len(self.times)

    def again(self):
        """How many came that were there before."""
        return sum(self.times.values()) - len(self.times)

    def entropy(self):
        return entropy(self.times.values())

    def top_share(self):
        return max(self.times.values()) / sum(self.times.values()) if self.times else None


def entropy(times):
    n = sum(times)
    bits = math.log2(n) - sum(c * math.log2(c) for c in times) / n if n else 0.0
    return bits if bits >= 1e-9 else 0


class Distinct:
    """How many distinct ones: exact up to 64, beyond it an estimate."""

    def __init__(self):
        self.few, self.registers = set(), [0] * REGISTERS

    def add(self, value):
        h = xxhash.xxh3_64_intdigest(value.encode())
        rest = h << 7 & 2**64 - 1
        rank = min(58, 1 + 64 - rest.bit_length())
        self.registers[h >> 57] = max(self.registers[h >> 57], rank)
        if len(self.few) <= MOST_SET:
            self.few.add(value)

    def n(self):
        return len(self.few) if len(self.few) <= MOST_SET else estimate(self.registers)


def estimate(registers):
    """HyperLogLog of 128 registers."""
    about = 0.7213 / (1 + 1.079 / 128) * 128**2 / sum(2.0**-rank for rank in registers)
    empty = registers.count(0)
    if about <= 320 and empty:
        about = 128 * math.log(128 / empty)
    return max(65, math.floor(about + .5))


class Buckets:
    """Sums by bucket of time. A window is the bucket of t and those before it, as far as they are among the `kept`
    newest, counted from the newest that any event of the visitor had."""

    def __init__(self, width, kept, most=math.inf):
        self.width, self.kept, self.most, self.sums = width, kept, most, collections.Counter()

    def add(self, at, amount=1):
        self.sums[at // self.width] += amount

    def within(self, n, t, newest):
        """The sums of the n buckets up to that of t, as far as something is in them."""
        last, oldest = t // self.width, newest // self.width - self.kept + 1
        return [min(self.sums[b], self.most) for b in range(max(last - n + 1, oldest), last + 1) if b in self.sums]

    def total(self, n, t, newest):
        return sum(self.within(n, t, newest))


def ring(width, kept):
    return Buckets(width, kept, MOST_COUNT)


def days():
    return Buckets(DAY, MOST_DAYS)


def most_frequent(times):
    """The value that came most often, the lowest of equals; None when nothing came."""
    return min(times, key=lambda value: (-min(times[value], MOST_COUNT), value), default=None)
