#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""generate - an invented topic `events` as `auspexctl tap events` would print it: generate.py SEED [RECORDS]

Two partitions; three raw partitions, of which the third is told of late; imports of old years and of the last months
beside them. Events in time, late, offline and sent at once, clamped from the future, repeated (to the second of the
seventh day), in conflict, in ties; silences by clock and by the next event, and as long as visitors are kept; broker's
clocks that differ; sites with zones, currencies, gaps and consent that change and are taken back; signals."""
import datetime
import json
import random
import sys

import invent
from codes import DAY, SECOND, micros, text_of

# Hours before clocks change in Europe and America, forth and back, and New Year.
STARTS = "2026-03-28T20:00 2026-10-24T22:00 2026-03-08T01:00 2026-11-01T00:00 2025-12-31T18:00".split()
OLD, RECENT = 101, 2**63 + 5  # imports
STORM = MOST_IDS = 256  # signals at once, as many as are kept; ids that are


def seconds(text):
    return int(datetime.datetime.fromisoformat(text + "+00:00").timestamp())


def sunday(year, month, at_least, hour):
    """The first Sunday of a month on or after a day, at an hour of UTC."""
    day = datetime.date(year, month, at_least)
    day += datetime.timedelta((6 - day.weekday()) % 7)
    return seconds(f"{day}T{hour:02}:00")


BERLIN, NEW_YORK = ["0=60"], ["0=-300"]
for YEAR in range(2020, 2032):
    BERLIN += [f"{sunday(YEAR, 3, 25, 1)}=120", f"{sunday(YEAR, 10, 25, 1)}=60"]
    NEW_YORK += [f"{sunday(YEAR, 3, 8, 7)}=-240", f"{sunday(YEAR, 11, 1, 6)}=-300"]
SETTINGS = [
    {"timezone": "Europe/Berlin", "zone_rules": " ".join(BERLIN), "currency": "EUR",
     "rates": "USD=0.9 GBP=1.17 JPY=0.006"},
    {"timezone": "America/New_York", "zone_rules": " ".join(NEW_YORK), "currency": "USD", "rates": "EUR=1.11",
     "session_gap_s": 900, "consent": 3},
    {"timezone": "Asia/Kathmandu", "zone_rules": "0=345", "keep_days": 30, "session_gap_s": 3600, "consent": 15},
    {"currency": "GBP", "keep_days": 1, "consent": 1},
    {"timezone": "Pacific/Chatham", "zone_rules": "0=765", "rates": "USD=2"}]
UNREADABLE = [
    "no settings", {"zone_rules": "0=60 10"}, {"zone_rules": "10=60 10=90"}, {"zone_rules": "0=1081"},
    {"rates": "USD"}, {"rates": "USD=0"}, {"rates": "USD=1 USD=2"}, {"rates": "usd=1"}, {"currency": "EURO"},
    {"session_gap_s": 86401}, {"keep_days": 36501}]


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.now = seconds(STARTS[seed % len(STARTS)]) * SECOND
        self.offsets, self.raw, self.lines = [0, 0], [0, 0, 0], {OLD: 0, RECENT: 0}
        self.at = {OLD: self.now - 900 * DAY, RECENT: self.now - 120 * DAY}  # how far imports are
        self.numbers, self.given, self.n_raw = 0, [], 2
        changes = [int(rule.split("=")[0]) * SECOND for rule in BERLIN[1:] + NEW_YORK[1:]]
        self.instants = [change for change in changes if change < self.now]  # when something begins or ends to hold

    def put(self, partition, record):
        record = {**record, "_topic": "events", "_partition": partition, "_offset": self.offsets[partition]}
        self.offsets[partition] += self.r.choice((1, 1, 1, 2))
        print(json.dumps(record))

    def put_all(self, record):
        for partition in (0, 1):
            self.put(partition, record)

    def event(self, visitor, ts, import_id=0, said=None):
        self.numbers += 1
        return {"rec": 1, "epoch": 1, "event_id": f"e{self.numbers}", "body_hash": self.r.getrandbits(64),
                "visitor": visitor, "site_id": 1 + visitor.count("a"), "ts": text_of(min(ts, self.now)),
                "_raw": sum(visitor.encode()) % 3, "_import": import_id, **(said or invent.event(self.r))}

    def give(self, e):
        """Appends an event; what was given may be given again."""
        self.given.append(e)
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

    def from_raw(self, raw, **record):
        """The head of a record that stands at a position of raw."""
        self.raw[raw] += 1
        return {"epoch": 1, "origin": 1, "partition": raw, "offset": self.raw[raw], "import_id": 0,
                "received": text_of(self.now), **record}

    def tick(self):
        raw = self.r.randrange(self.n_raw)
        self.put_all(self.from_raw(raw, rec=2, index=1000, raw_partition=raw, raw_partitions=self.n_raw))

    def signal(self):
        r = self.r
        record = self.from_raw(r.randrange(self.n_raw), rec=19, index=2000 + r.randrange(250),
                               site_id=r.randrange(1, 4), kind=r.choice(["weather", "holiday", "trend", "strike"]))
        may = {"region": (.7, r.choice(["DE", "BY", "DE-BY", "GB", "US-CA", "DE-ÖST", "by"])),
               "value": (.8, r.choice([0.0, -3.5, r.random() * 100])),
               "from": (.9, text_of(self.now + r.randrange(-20, 3) * DAY // 4)),
               "to": (.8, text_of(self.now + r.randrange(-4, 40) * DAY // 4))}
        told = {field: value for field, (chance, value) in may.items() if r.random() < chance}
        self.instants += [micros(told[field]) for field in ("from", "to") if field in told] * 4
        self.put_all({**record, **told})

    def control(self, number, **setting):
        self.put_all({"rec": 5, "epoch": 1, "origin": 3, "partition": 0, "offset": number, "index": 0, "import_id": 0,
                      "received": text_of(self.now), "control_offset": number, "version": 1, **setting})

    def site(self, number):
        site, way = str(self.r.randrange(1, 4)), self.r.random()
        body = self.r.choice(UNREADABLE if way < .1 else SETTINGS)
        if isinstance(body, dict):
            body = {"site": int(site), **body}
        self.control(number, what="site", name=site, **({"version": 0} if way > .85 else {"body": body}))

    def import_end(self):
        import_id = self.r.choice(list(self.lines))
        self.lines[import_id] += 1
        self.put_all({"rec": 4, "epoch": 1, "origin": 2, "partition": 0, "import_id": import_id,
                      "offset": self.lines[import_id], "index": 0, "received": text_of(self.now),
                      "of_import": import_id, "site_id": 1})

    def visitor(self):
        return "".join(self.r.choice("abc") for _ in range(self.r.choice((1, 2, 2, 3, 3, 3))))

    def some(self):
        """A new event, or one that was there, or a burst that was kept offline."""
        r, now = self.r, self.now
        visitor, way = self.visitor(), r.random()
        if way < .06 and self.given:
            old = dict(r.choice(self.given[-r.choice((60, 60, 5000)):]))
            if r.random() < .3:
                old["body_hash"] ^= 1
            return [old]
        if way < .10:
            start = now - r.randrange(3 * 3600) * SECOND
            return [self.event(visitor, start + k * r.randrange(900) * SECOND) for k in range(r.randrange(2, 9))]
        if way < .25:
            import_id = r.choice(list(self.at))
            self.at[import_id] += r.choice([1, 60, 3600, 86400]) * SECOND // 8
            back = r.choice([0, 0, 0, 5000, 100000, 100 * 86400]) * r.random()
            return [self.event(visitor, self.at[import_id] - int(back * SECOND), import_id)]
        back = r.choice([0, 0, 0, 1, 59, 60, 61, 120, 7000, -100, r.randrange(7 * 86400)]) * SECOND
        return [self.event(visitor, now - back - r.randrange(2) * r.randrange(10**6))]

    def story(self):
        """A story as it goes on, or as an import tells it, or how somebody came for months."""
        r, visitor = self.r, self.visitor()
        way = r.random()
        if way < .15:
            at = self.now - 100 * DAY
            for wait, kind, said in invent.visits(r):
                at += round(wait * SECOND)
                self.give(self.event(visitor, at, RECENT, {**said, "type": kind}))
            return
        import_id = OLD if way < .25 else 0
        for wait, kind, said in r.choice(invent.STORIES)(r):
            us = round(wait * SECOND)
            self.now += 0 if import_id else us
            self.at[OLD] += us if import_id else 0
            self.give(self.event(visitor, self.at[OLD] if import_id else self.now, import_id, {**said, "type": kind}))

    def instant(self):
        """An event at the very moment, of somebody who was never seen, so that it is not late."""
        r = self.r
        at = r.choice([one for one in self.instants[-80:] + self.instants[:40] if one < self.now])
        visitor = f"{r.randrange(3) * 'a'}z{self.numbers}"
        self.give(self.event(visitor, at + r.choice([-1, 0, 0, 1]), RECENT))

    def crowd(self):
        """One event more than ids are kept, and the oldest again: it is new, but the one behind the next is not."""
        told = [self.event("crowd", self.now, said={"type": "click"}) for _ in range(MOST_IDS + 1)]
        for e in told + [told[0], told[2], told[1]]:
            self.give(e)

    def edge(self):
        """An event, and one of the same visitor when its id is just about to be forgotten, or the visitor is."""
        r, visitor = self.r, self.visitor()
        first, days = self.event(visitor, self.now), r.choice([1, 1, 7, 7, 30])
        if days != 7:
            self.control(self.numbers, what="site", name=str(first["site_id"]),
                         body={"site": first["site_id"], "keep_days": days})
        self.give(first)
        self.now += days * DAY + r.choice([-SECOND, -800000, -1, 0, 1, 800000])
        self.give(first if days == 7 else self.event(visitor, self.now))

    def run(self, records):
        r = self.r
        for i in range(records):
            self.now += r.choice([0, 1, 1000, SECOND, 7 * SECOND, r.randrange(60 * SECOND)])
            if r.random() < .02:
                self.now += r.choice([600, 1800, 1801, 3599, 7200, 20000, 86400]) * SECOND
            if r.random() < .001:
                self.now += r.choice([8, 8, 30, 31, 95, 401]) * DAY
            self.n_raw = 2 if i < records // 5 else 3
            kind = r.random()
            if i == records // 4:
                self.crowd()
            elif i == records // 2:
                for _ in range(STORM):
                    self.signal()
            elif i == 0 or kind < .10:
                self.tick()
            elif kind < .104:
                self.import_end()
            elif kind < .107:
                self.control(i, what="model", name="conversion")
            elif kind < .120:
                self.site(i)
            elif kind < .150:
                self.signal()
            elif kind < .153:
                self.edge()
            elif kind < .177:
                self.story()
            elif kind < .197:
                self.instant()
            else:
                for e in self.some():
                    self.give(e)


Generator(int(sys.argv[1])).run(int(sys.argv[2]) if len(sys.argv) > 2 else 4000)
