#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""generate - an invented topic `events` as `auspexctl tap events` would print it: generate.py SEED [RECORDS]

Two partitions; three raw partitions, of which the third is told of late; two imports beside them. Events in time,
late, offline and sent at once, clamped from the future, repeated, in conflict, in ties; silences by clock and by the
next event; broker's clocks that differ; visitors that come back after more than 400 days."""
import datetime
import json
import random
import sys

EPOCH = datetime.datetime(1970, 1, 1)
TYPES = ["page_view"] * 8 + ["product_view"] * 6 + """screen_view click click scroll scroll add_to_cart add_to_cart
remove_from_cart search_performed filter_applied sort_changed form_submit video_play video_complete wishlist_add
checkout_start payment_failed payment_success purchase refund signup subscription support_ticket group_view
group_join_click error rage_click help_request identify plan_upgraded""".split()
CHANNELS = "direct organic paid_search email referral newsletter".split()


def text_of(us):
    return (EPOCH + datetime.timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.now = 1767571200 * 10**6
        self.offsets, self.raw, self.lines = [0, 0], [0, 0, 0], {101: 0, 2**63 + 5: 0}
        self.numbers, self.given = 0, []

    def put(self, partition, record):
        record.update(_topic="events", _partition=partition, _offset=self.offsets[partition])
        self.offsets[partition] += self.r.choice((1, 1, 1, 2))
        print(json.dumps(record))

    def maybe(self, chance, e, **fields):
        if self.r.random() < chance:
            e.update(fields)

    def event(self, visitor, ts, import_id=0):
        r, self.numbers = self.r, self.numbers + 1
        e = {"rec": 1, "epoch": 1, "event_id": f"e{self.numbers}", "body_hash": r.getrandbits(64), "visitor": visitor,
             "site_id": 1 + visitor.count("a"), "type": r.choice(TYPES), "ts": text_of(min(ts, self.now)),
             "_raw": sum(visitor.encode()) % 3, "_import": import_id}
        self.maybe(.7, e, path=r.choice(["/", "/cart", "cart/x", "/p/ü" + "ä" * r.choice((1, 200))]
                                        + [f"/p/{r.randrange(200)}" for _ in range(9)]))
        self.maybe(.8, e, product_id=f"p{r.randrange(100)}")
        self.maybe(.6, e, category=f"c{r.randrange(80)}")
        self.maybe(.8, e, price=r.choice([0.0, .1, 19.99, 1e300, r.random() * 500]))
        self.maybe(.3, e, quantity=float(r.randrange(4)))
        self.maybe(.7, e, value=r.choice([1e39, -5.0, 249.9, r.random() * 500]))
        self.maybe(.8, e, depth_pct=r.random() * 100)
        self.maybe(.2, e, channel=r.choice(CHANNELS))
        self.maybe(.3, e, device=r.choice("desktop mobile tablet bot fridge".split()))
        self.maybe(.3, e, os=r.choice(["iOS", "Android", "Windows"]))
        self.maybe(.3, e, country=r.choice(["DE", "GB", "de", "DEU"]))
        self.maybe(.2, e, utm_campaign=r.choice(["spring_sale", "brand"]))
        self.maybe(.1, e, user_id=f"u{r.randrange(3)}")
        self.maybe(.1, e, currency="EUR", order_id=f"o{self.numbers}")
        return e

    def give(self, e):
        """Appends an event; what was given may be given again."""
        e = dict(e)
        raw, import_id = e.pop("_raw"), e.pop("_import")
        if import_id:
            self.lines[import_id] += 1
            e.update(origin=2, partition=0, offset=self.lines[import_id], index=0, import_id=import_id)
        else:
            self.raw[raw] += 1
            e.update(origin=1, partition=raw, offset=self.raw[raw], index=0, import_id=0)
        e["received"] = text_of(self.now + (raw * 700000 if not import_id else 0))
        self.put(sum(e["visitor"].encode()) // 3 % 2, e)

    def tick(self, n_raw):
        raw = self.r.randrange(n_raw)
        self.raw[raw] += 1
        for partition in (0, 1):
            self.put(partition, {"rec": 2, "epoch": 1, "origin": 1, "partition": raw, "offset": self.raw[raw],
                                 "index": 1000, "import_id": 0, "received": text_of(self.now), "raw_partition": raw,
                                 "raw_partitions": n_raw})

    def rest(self, i):
        r, import_id = self.r, self.r.choice(list(self.lines))
        if r.random() < .5:
            self.lines[import_id] += 1
            for partition in (0, 1):
                self.put(partition, {"rec": 4, "epoch": 1, "origin": 2, "partition": 0, "import_id": import_id,
                                     "offset": self.lines[import_id], "index": 0, "received": text_of(self.now),
                                     "of_import": import_id, "site_id": 1})
        else:
            for partition in (0, 1):
                self.put(partition, {"rec": 5, "epoch": 1, "origin": 3, "partition": 0, "offset": i, "index": 0,
                                     "import_id": 0, "received": text_of(self.now), "control_offset": i,
                                     "what": "model", "name": "conversion", "version": 1})

    def some(self):
        """A new event, or one that was there, or a burst that was kept offline."""
        r, now = self.r, self.now
        visitor = "".join(r.choice("abc") for _ in range(r.choice((1, 2, 2, 3, 3, 3))))
        way = r.random()
        if way < .06 and self.given:
            old = dict(r.choice(self.given[-60:]))
            if r.random() < .3:
                old["body_hash"] ^= 1
            return [old]
        if way < .10:
            start = now - r.randrange(3 * 3600) * 10**6
            return [self.event(visitor, start + k * r.randrange(900) * 10**6) for k in range(r.randrange(2, 9))]
        if way < .30:
            return [self.event(visitor, now - 900 * 86400 * 10**6 - r.randrange(5000) * 10**6,
                               r.choice(list(self.lines)))]
        back = r.choice([0, 0, 0, 1, 59, 60, 61, 120, 7000, -100]) * 10**6
        return [self.event(visitor, now - back - r.randrange(2) * r.randrange(10**6))]

    def run(self, records):
        for i in range(records):
            self.now += self.r.choice([0, 1, 1000, 10**6, 7 * 10**6, self.r.randrange(60 * 10**6)])
            if self.r.random() < .004:
                self.now += self.r.choice([1800, 1801, 7200, 86400, 86400 * 8, 86400 * 401]) * 10**6
            kind = self.r.random()
            if i == 0 or kind < .10:
                self.tick(2 if i < records // 5 else 3)
            elif kind < .107:
                self.rest(i)
            else:
                events = self.some()
                self.given += events
                for e in events:
                    self.give(e)


Generator(int(sys.argv[1])).run(int(sys.argv[2]) if len(sys.argv) > 2 else 4000)
