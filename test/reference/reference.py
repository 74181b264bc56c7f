#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""reference - sessions and features a second time, from the definitions alone: DESIGN's section on time and
sessions, the meanings in schemas/features.def, the codes in schemas/codes.def. It shares no code with featurizer,
is slow, and keeps everything.

Reads events as `auspexctl tap events` prints them, one JSON object a line, in log order; prints what the topics
sessions and features (and rejected) then hold, likewise:
reference.py [--idle SECONDS] [--tail EVENTS] [--keep-days DAYS] [--half-life DAYS] [--ratings] [--summaries]
< events > outputs"""
import argparse
import json
import sys

import features_first
import features_history
import features_session
from codes import CONVERSIONS, DAY, FEATURES, SECOND, VIEWS, added, cut, micros, name, number, text_of
from sequences import summaries, tokens
from settings import Signals, Site, site_of
from state import Closed, Lane, Seen, Visitor

LATE, MOST_IDS, KNOWN_S = 60 * SECOND, 256, 7 * 86400
EVENT, TICK, IMPORT_END, CONTROL, SIGNAL = 1, 2, 4, 5, 19
RAW, IMPORTS = 1, 2
UNTOLD = Site()


class Partition:
    """A partition of events with its clock."""

    def __init__(self, number_, options, write):
        self.number, self.options, self.write = number_, options, write
        self.visitors, self.raw, self.n_raw = {}, {}, 0
        self.imports, self.control = {}, 0  # imports: id -> received time of its last record
        self.sites, self.signals = {}, Signals()
        self.open = {}  # lanes with an open session, by (key of the visitor, import)

    def clock(self):
        spoken = len(self.raw) == self.n_raw > 0 and all(r in self.raw for r in range(self.n_raw))
        return min(self.raw.values()) if spoken else 0

    def time(self):
        """What a record tells of the clock after it was heard."""
        return {"clock": text_of(self.clock())} if self.clock() else {}

    def hear(self, r, n, received):
        self.n_raw = max(self.n_raw, r + 1, n)
        self.raw[r] = received

    def site(self, site_id):
        return self.sites.get(site_id, UNTOLD)

    def gap(self, site_id):
        return self.site(site_id).gap or self.options.idle * SECOND

    def close(self, key, lane_id, how):
        v, (site, visitor) = self.visitors[key], key.split(":", 1)
        lane, s = v.lanes[lane_id], v.lanes[lane_id].session
        worth, pages = s.every.of("purchase", "subscription"), s.pages()
        self.out("sessions", self.closings, {
            "visitor": visitor, "site_id": int(site), "user_id": v.user, "session_id": s.id,
            "received": text_of(self.received), "started": text_of(s.started), "ended": text_of(lane.newest),
            "ended_by": how, "of_import": lane_id, "session_number": s.number, "events": len(s.every.all),
            "late_events": len(s.every.all) - len(s.ordered.all), "pages": s.every.n(*VIEWS),
            "product_views": s.every.n("product_view"), "cart_adds": s.every.n("add_to_cart"),
            "purchases": s.every.n("purchase"), "value": added(x.get("value", 0) for x in worth),
            "converted": s.every.n(*CONVERSIONS) > 0,
            "entry_page": cut(pages[0]) if pages else "", "exit_page": cut(pages[-1]) if pages else "",
            "channel": name("CHANNEL", s.told("channel")), "device": name("DEVICE", s.told("device"))})
        self.closings += 1
        v.closed.append(Closed(s, lane.newest, how))
        lane.session = None
        del self.open[key, lane_id]

    def out(self, topic, index, body):
        self.write({"_topic": topic, "_partition": self.number, "partition": self.number, "offset": self.offset,
                    "index": index, **body})

    def close_due(self):
        now, due = self.clock(), []
        if not now:
            return
        for (key, lane_id), lane in self.open.items():
            end = self.imports[lane_id] + DAY if lane_id else lane.received + lane.session.gap
            if end <= now:
                due.append((end, key.encode(), lane_id))
        for _, key, lane_id in sorted(due):
            self.end(key.decode(), lane_id)
        self.imports = {i: at for i, at in self.imports.items() if at + DAY > now}

    def end(self, key, lane_id):
        self.close(key, lane_id, "import_end" if lane_id else "silence")
        if lane_id:
            del self.visitors[key].lanes[lane_id]

    def use(self, r):
        self.offset, self.closings = r["_offset"], 0
        self.received = micros(r.get("received", ""))
        lane_id = r["import_id"] if r["origin"] == IMPORTS else 0
        if r["rec"] == TICK:
            self.hear(r.get("raw_partition", 0), r["raw_partitions"], self.received)
        elif r["rec"] == EVENT and r["origin"] == RAW:
            self.hear(r["partition"], 0, self.received)
        elif r["rec"] == EVENT:
            self.imports[lane_id] = max(self.imports.get(lane_id, 0), self.received)
        elif r["rec"] == CONTROL:
            self.control = 1 + r.get("control_offset", 0)
            if r["what"] == "site":
                self.sites[int(r["name"])] = site_of(r, self.site(int(r["name"])))
        elif r["rec"] == SIGNAL:
            self.signals.add(r)
        if r["rec"] == TICK or (r["rec"] == EVENT and not lane_id):
            self.close_due()
        if r["rec"] == IMPORT_END:
            ended = r["of_import"]
            for key in sorted((key for key, i in self.open if i == ended), key=str.encode):
                self.end(key, ended)
            self.imports.pop(ended, None)
        if r["rec"] == EVENT:
            self.event(r, lane_id)
        elif r["rec"] == TICK:
            self.out("features", 0, {"received": r["received"], "raw_partition": r.get("raw_partition", 0),
                                     "raw_partitions": r["raw_partitions"], **self.time()})

    def visitor(self, key, site):
        """Whoever was silent for too long is new, unless an import is still telling of it."""
        v = self.visitors.get(key)
        keep = site.keep or self.options.keep_days * DAY
        if v and v.events.all and self.received >= v.received + keep and not any(i for k, i in self.open if k == key):
            if v.lanes[0].session:
                self.close(key, 0, "silence")
            v = None
        if not v:
            v = self.visitors[key] = Visitor(self.options.half_life)
        return v

    def repeats(self, v, e):
        """The bodies that came with an event's id before."""
        return [body for i, body, at in v.ids
                if i == e["event_id"] and self.received // SECOND - at // SECOND < KNOWN_S]

    def remember(self, v, e):
        """First the oldest go that are no longer known, up to the first that is."""
        while v.ids and self.received // SECOND - v.ids[0][2] // SECOND >= KNOWN_S:
            v.ids.pop(0)
        v.ids = (v.ids + [(e["event_id"], e.get("body_hash", 0), self.received)])[-MOST_IDS:]

    def event(self, e, lane_id):
        key, site = f"{e['site_id']}:{e['visitor']}", self.site(e["site_id"])
        v = self.visitor(key, site)
        body = {k: e[k] for k in ("visitor", "site_id", "event_id", "type", "product_id", "value", "currency",
                                  "order_id") if k in e}
        body.update(received=e["received"], of_import=lane_id, control=self.control,
                    consent=e.get("consent", 0) or site.consent, **self.time())
        same = self.repeats(v, e)
        if same:
            conflict = same[-1] != e.get("body_hash", 0)
            self.out("features", 0, {**body, "ts": e["ts"], "user_id": e.get("user_id", ""),
                                     "verdict": 2 if conflict else 1})
            if conflict:
                self.out("rejected", 0, {"reason": "id_conflict"})
            return
        self.remember(v, e)
        s, now = self.place(v, lane_id, key, e)
        vector = self.vector(v, s, now)
        self.out("features", 0, {
            **body, "ts": e["ts"] if now.late else text_of(now.t), "user_id": v.user, "late": now.late,
            "session_id": s.id if s else "", "session_started": text_of(s.started) if s else "",
            "event_index": len(s.every.all) if s else 0,
            "channel": name("CHANNEL", s.told("channel")) if s else "",
            "tail": tokens(s.ordered.all, self.options.tail) if s else "",
            "rating": vector["implicit_rating"],
            "ratings": v.ratings.told(now.t) if self.options.ratings else [],
            "summaries": summaries(v.closed, now.t) if self.options.summaries else "",
            "features": [number(vector[feature]) for feature in FEATURES]})

    def vector(self, v, s, now):
        """All features by name."""
        holding = self.signals.holding(now.get("site_id"), s, now.t)
        return {**features_first.features(v, s, now), **features_session.features(s, now, holding),
                **features_history.features(v, s, now),
                "implicit_rating": v.ratings.rating(now.get("product_id"), now.t),
                "implicit_rating_max": v.ratings.highest(now.t)}

    def place(self, v, lane_id, key, e):
        """Counts an event; its session or None, and the event as it counts."""
        lane = v.lanes.setdefault(lane_id, Lane())
        ts = micros(e["ts"])
        late, t = ts < lane.newest - LATE, max(ts, lane.newest)
        if lane.session and not lane_id and self.received >= lane.received + lane.session.gap:
            self.close(key, lane_id, "silence")
        elif lane.session and t - lane.newest >= lane.session.gap:
            self.close(key, lane_id, "gap")
        now = Seen(e, self.site(e["site_id"]), t, late, ts if late else t)
        if not lane.session and not late:
            lane.session = v.open(now, self.gap(e["site_id"]))
            self.open[key, lane_id] = lane
        if not v.events.all:
            v.first = t
        v.add(now)
        if lane.session:
            lane.session.add(now)
        if not late:
            v.follow(lane.session, now)
            lane.newest = t
        lane.received = max(lane.received, self.received)
        v.received = max(v.received, self.received)
        return lane.session, now


def options_of(words=None):
    options = argparse.ArgumentParser()
    for option, default in (("idle", 1800), ("tail", 0), ("keep-days", 400), ("half-life", 30)):
        options.add_argument(f"--{option}", type=int, default=default)
    options.add_argument("--ratings", action="store_true")
    options.add_argument("--summaries", action="store_true")
    return options.parse_args(words)


def main():
    o, partitions = options_of(), {}
    for line in sys.stdin:
        record = json.loads(line)
        p = record["_partition"]
        if p not in partitions:
            partitions[p] = Partition(p, o, lambda body: print(json.dumps(body)))
        partitions[p].use(record)


if __name__ == "__main__":
    main()
