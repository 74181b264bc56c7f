#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""reference - sessions and features a second time, from the definitions alone: DESIGN's section on time and
sessions, the meanings in schemas/features.def, the codes in schemas/codes.def. It shares no code with featurizer,
is slow, and keeps everything.

Reads events as `auspexctl tap events` prints them, one JSON object a line, in log order; prints what the topics
sessions and features (and rejected) then hold, likewise:
reference.py [--idle SECONDS] [--tail EVENTS] < events > outputs"""
import argparse
import base64
import datetime
import json
import math
import pathlib
import re
import struct
import sys

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"
SECOND, HOUR, DAY = 10**6, 3600 * 10**6, 86400 * 10**6
LATE, KNOWN, KEPT, MOST_IDS, MOST_SET, MOST_TEXT = 60 * SECOND, 7 * DAY, 400 * DAY, 256, 64, 256
EVENT, TICK, IMPORT_END, CONTROL = 1, 2, 4, 5
RAW, IMPORTS = 1, 2
FEATURES = re.findall(r"^FEATURE\((\w+),", (SCHEMAS / "features.def").read_text(), re.M)
CODES = {table: {name: int(number) for number, name in
                 re.findall(rf"^{table}\((\d+), (\w+)\)", (SCHEMAS / "codes.def").read_text(), re.M)}
         for table in ("EVENT_TYPE", "DEVICE", "CHANNEL")}
EPOCH = datetime.datetime(1970, 1, 1)


def micros(text):
    if not text:
        return 0
    whole = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S") - EPOCH
    fraction = text[19:].rstrip("Z").lstrip(".")
    return (whole.days * 86400 + whole.seconds) * SECOND + int((fraction + "000000")[:6] or 0)


def text_of(us):
    """As the C programs write it."""
    return (EPOCH + datetime.timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def code(table, word):
    return CODES[table].get(word, 1) if word else 0


def fnv(word):
    h = 2166136261
    for byte in word.encode():
        h = (h ^ byte) * 16777619 % 2**32
    return h


def free_code(word):
    return 1 + fnv(word) % 255 if word else 0


def cut(text):
    return text.encode()[:MOST_TEXT].decode(errors="ignore")


def f32(x):
    if x is None or math.isnan(x):
        return None
    most = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
    return struct.unpack("<f", struct.pack("<f", max(-most, min(most, x))))[0]


class Session:
    def __init__(self, visitor, event, t):
        visitor.sessions += 1
        self.id = f"{event['epoch']}-{event['_partition']}-{event['_offset']}"
        self.number, self.started, self.before = visitor.sessions, t, visitor.last
        self.all, self.ordered = [], []  # events counted: every one, and those in order as (t, event)
        self.gaps, self.items, self.worth = [], 0.0, 0.0

    def of(self, *types):
        return [e for e in self.all if e["type"] in types]

    def told(self, field):
        return next((e[field] for _, e in self.ordered if e.get(field)), "")

    def pages(self):
        return [e["path"] for _, e in self.ordered if e["type"] in ("page_view", "screen_view") and e.get("path")]


class Lane:
    def __init__(self):
        self.newest, self.received, self.session = 0, 0, None


class Visitor:
    def __init__(self):
        self.lanes = {0: Lane()}
        self.ids, self.events, self.sessions = [], [], 0  # ids: (id, body, received), newest last
        self.closed, self.channels, self.touches = [], set(), 0
        self.first, self.last, self.converted, self.received, self.user = 0, 0, 0, 0, ""
        self.revenue, self.lifetime = 0.0, 0.0


def distinct(values):
    """Distinct ones among the first 64 different, and how many came again."""
    seen, again = set(), 0
    for value in values:
        if value in seen:
            again += 1
        elif len(seen) < MOST_SET:
            seen.add(value)
    return len(seen), again


def since(t, when, unit):
    return max(t - when, 0) / unit if when else None


def mean(total, n):
    return total / n if n else None


def added(values):
    total = 0.0
    for value in values:
        total += value
    return total


def features(v, s, e, t, late):
    """The vector by name; None = NaN."""
    ordered = s.ordered if s else []
    every = s.all if s else []

    def n(*types):
        return sum(x["type"] in types for x in every)

    def first(field):
        return s.told(field) if s else ""

    views = [x for x in every if x["type"] == "product_view"]
    paths = [x.get("path", "") for x in every if x["type"] in ("page_view", "screen_view") and x.get("path")]
    prices = [x["price"] for x in views if "price" in x]
    depths = [x["depth_pct"] for x in every if x["type"] == "scroll" and "depth_pct" in x]
    gaps = s.gaps if s else []
    gap_mean = mean(added(gaps), len(gaps))
    squares = mean(added(g * g for g in gaps), len(gaps))
    duration = (t - s.started) / 1e6 if s else 0.0
    hour, weekday = t % DAY // HOUR, (t // DAY + 3) % 7
    types = [code("EVENT_TYPE", x["type"]) for _, x in ordered]
    before = types[:-1] if not late else types
    adds = [when for when, x in ordered if x["type"] == "add_to_cart"]
    country = first("country")
    country = next((x["country"] for _, x in ordered if re.fullmatch("[A-Z]{2}", x.get("country", ""))), "")
    unique_pages, returns = distinct(paths)
    products, revisits = distinct(x["product_id"] for x in views if x.get("product_id"))
    segment = e.get("path", "")[1:] if e.get("path", "").startswith("/") else e.get("path", "")
    orders = sum(x["type"] == "purchase" for x in v.events)
    conversions = ("purchase", "signup", "subscription")
    return {
        "session_duration_s": duration,
        "session_number": s.number if s else 0,
        "event_index": len(every),
        "secs_since_prev_event": gaps[-1] if len(ordered) > 1 and not late else None,
        "gap_mean_s": gap_mean,
        "gap_sd_s": math.sqrt(max(0.0, squares - gap_mean * gap_mean)) if gaps else None,
        "gap_max_s": max(gaps) if gaps else None,
        "hour_of_day": hour,
        "hour_sin": math.sin(2 * math.pi * hour / 24),
        "hour_cos": math.cos(2 * math.pi * hour / 24),
        "day_of_week": weekday,
        "is_weekend": weekday >= 5,
        "pages": n("page_view", "screen_view"),
        "unique_pages": unique_pages,
        "returns_to_page": returns,
        "current_page": 1 + fnv(segment.split("/")[0]) % 255 if e.get("path") else 0,
        "clicks": n("click"),
        "scroll_depth_mean": mean(added(depths), len(depths)) or 0,
        "scroll_depth_max": max(depths + [0]),
        "searches": n("search_performed"),
        "filters": n("filter_applied", "sort_changed"),
        "engagement_score": min(100, 2 * n("click") + n("scroll") + 5 * n("video_play") + 10 * n("form_submit")),
        "product_views": len(views),
        "distinct_products": products,
        "distinct_categories": distinct(x["category"] for x in views if x.get("category"))[0],
        "product_revisits": revisits,
        "price_min": min(prices, default=None),
        "price_mean": mean(added(prices), len(prices)),
        "price_max": max(prices, default=None),
        "price_current": e.get("price"),
        "cart_adds": n("add_to_cart"),
        "cart_removes": n("remove_from_cart"),
        "cart_items": s.items if s else 0,
        "cart_value": s.worth if s else 0,
        "wishlist_adds": n("wishlist_add"),
        "checkouts_started": n("checkout_start"),
        "secs_since_cart_add": since(t, adds[-1], 1e6) if adds else None,
        "session_conversions": n(*conversions),
        "conversions": sum(x["type"] in conversions for x in v.events),
        "avg_order_value": mean(v.revenue, orders),
        "days_since_conversion": since(t, v.converted, DAY),
        "event_type": code("EVENT_TYPE", e["type"]),
        "prev_event_type": before[-1] if before else 0,
        "device_type": code("DEVICE", first("device")),
        "os": free_code(first("os")),
        "country": 1 + 26 * (ord(country[0]) - 65) + ord(country[1]) - 65 if country else 0,
        "channel": code("CHANNEL", first("channel")),
        "campaign": free_code(first("utm_campaign")),
        "touchpoints": v.touches,
        "distinct_channels": len(v.channels),
        "recency_days": max(s.started - s.before, 0) / DAY if s and s.before else None,
        "total_sessions": v.sessions,
        "total_events": len(v.events),
        "days_since_first_visit": since(t, v.first, DAY),
        "avg_session_duration_s": mean(added(v.closed), len(v.closed)),
        "lifetime_value": v.lifetime,
        "is_identified": v.user != "",
        "support_tickets": sum(x["type"] == "support_ticket" for x in v.events),
        "payment_failures": sum(x["type"] == "payment_failed" for x in v.events),
        "group_views": n("group_view"),
        "group_join_clicks": n("group_join_click"),
        "error_count": n("error"),
        "rage_clicks": n("rage_click"),
        "help_requests": n("help_request"),
        "video_plays": n("video_play"),
        "video_completion_rate": mean(n("video_complete"), n("video_play")),
        "events_per_minute": 60.0 * len(every) / max(60.0, duration),
    }


def price_bucket(price):
    if price is None:
        return 0
    if price <= 0:
        return 1
    mantissa, exponent = math.frexp(price)  # price = mantissa 2^exponent, mantissa from 1/2
    return min(255, max(2, 2 + 4 * (exponent - 1 + 7) + int(8 * mantissa - 4)))


def tokens(ordered, most):
    """The tail of a session as featurizer/tokens.h says it, of its newest events."""
    found = b""
    for i in range(max(0, len(ordered) - most), len(ordered)):
        t, e = ordered[i]
        gap = 1 + ((t - ordered[i - 1][0]) // SECOND).bit_length() if i else 0
        what = e.get("product_id") or e.get("path")
        found += struct.pack("<BBBBI", code("EVENT_TYPE", e["type"]), gap, price_bucket(e.get("price")), 0,
                             fnv(what) if what else 0)
    return base64.b64encode(found).decode()


class Partition:
    """A partition of events with its clock."""

    def __init__(self, number, idle, tail):
        self.number, self.idle, self.tail = number, idle, tail
        self.visitors, self.raw, self.n_raw, self.furthest = {}, {}, 0, 0
        self.imports, self.control = {}, 0  # imports: id -> received time of its last record

    def clock(self):
        spoken = len(self.raw) == self.n_raw > 0 and all(r in self.raw for r in range(self.n_raw))
        return min(self.raw.values()) if spoken else 0

    def time(self):
        """What a record tells of the clock after it was heard."""
        return {"clock": text_of(self.clock())} if self.clock() else {}

    def hear(self, r, n, received):
        self.n_raw = max(self.n_raw, r + 1, n)
        self.raw[r] = received
        self.furthest = max(self.furthest, self.clock())

    def close(self, key, lane_id, how):
        v, (site, visitor) = self.visitors[key], key.split(":", 1)
        lane, s = v.lanes[lane_id], v.lanes[lane_id].session
        purchases, worth = len(s.of("purchase")), s.of("purchase", "subscription")
        self.out("sessions", self.closings, {
            "visitor": visitor, "site_id": int(site), "user_id": v.user, "session_id": s.id,
            "received": text_of(self.received), "started": text_of(s.started), "ended": text_of(lane.newest),
            "ended_by": how, "of_import": lane_id, "session_number": s.number, "events": len(s.all),
            "late_events": len(s.all) - len(s.ordered), "pages": len(s.of("page_view", "screen_view")),
            "product_views": len(s.of("product_view")), "cart_adds": len(s.of("add_to_cart")),
            "purchases": purchases, "value": added(e.get("value", 0) for e in worth),
            "converted": bool(s.of("purchase", "signup", "subscription")),
            "entry_page": cut(s.pages()[0]) if s.pages() else "", "exit_page": cut(s.pages()[-1]) if s.pages() else "",
            "channel": self.name("CHANNEL", s.told("channel")), "device": self.name("DEVICE", s.told("device"))})
        self.closings += 1
        v.closed.append((lane.newest - s.started) / 1e6)
        lane.session = None

    @staticmethod
    def name(table, word):
        return word if not word or word in CODES[table] else "other"

    def out(self, topic, index, body):
        print(json.dumps({"_topic": topic, "_partition": self.number, "partition": self.number,
                          "offset": self.offset, "index": index, **body}))

    def close_due(self):
        now, due = self.clock(), []
        if not now:
            return
        for key, v in self.visitors.items():
            for lane_id, lane in v.lanes.items():
                end = self.imports[lane_id] + DAY if lane_id else lane.received + self.idle
                if lane.session and end <= now:
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
        if r["rec"] == TICK or (r["rec"] == EVENT and not lane_id):
            self.close_due()
        if r["rec"] == IMPORT_END:
            ended = r["of_import"]
            for key in sorted((k for k, v in self.visitors.items() if ended in v.lanes), key=str.encode):
                self.end(key, ended)
            self.imports.pop(ended, None)
        if r["rec"] == EVENT:
            self.event(r, lane_id)
        elif r["rec"] == TICK:
            self.out("features", 0, {"received": r["received"], "raw_partition": r.get("raw_partition", 0),
                                     "raw_partitions": r["raw_partitions"], **self.time()})

    def event(self, e, lane_id):
        key = f"{e['site_id']}:{e['visitor']}"
        v = self.visitors.setdefault(key, Visitor())
        if self.furthest and v.received <= self.furthest - KEPT and not any(x.session for x in v.lanes.values()):
            v = self.visitors[key] = Visitor()
        body = {k: e[k] for k in ("visitor", "site_id", "event_id", "type", "product_id", "value", "currency",
                                  "order_id") if k in e}
        body.update(received=e["received"], of_import=lane_id, control=self.control, **self.time())
        same = [b for i, b, at in v.ids if i == e["event_id"] and self.received - at < KNOWN]
        if same:
            conflict = same[-1] != e.get("body_hash", 0)
            self.out("features", 0, {**body, "ts": e["ts"], "user_id": e.get("user_id", ""),
                                     "verdict": 2 if conflict else 1})
            if conflict:
                self.out("rejected", 0, {"reason": "id_conflict"})
            return
        v.ids = (v.ids + [(e["event_id"], e.get("body_hash", 0), self.received)])[-MOST_IDS:]
        lane = v.lanes.setdefault(lane_id, Lane())
        s, t, late = self.place(v, lane, lane_id, key, e)
        vector = features(v, s, e, t, late)
        self.out("features", 0, {
            **body, "ts": e["ts"] if late else text_of(t), "user_id": v.user, "late": late,
            "session_id": s.id if s else "", "session_started": text_of(s.started) if s else "",
            "event_index": len(s.all) if s else 0, "channel": self.name("CHANNEL", s.told("channel")) if s else "",
            "tail": tokens(s.ordered, self.tail) if s else "",
            "features": [f32(vector[name]) for name in FEATURES]})

    def place(self, v, lane, lane_id, key, e):
        """Counts an event; its session or None, its t, whether it is late."""
        ts = micros(e["ts"])
        late, t = ts < lane.newest - LATE, max(ts, lane.newest)
        if lane.session and not lane_id and self.received >= lane.received + self.idle:
            self.close(key, lane_id, "silence")
        elif lane.session and t - lane.newest >= self.idle:
            self.close(key, lane_id, "gap")
        if not lane.session and not late:
            lane.session = Session(v, e, t)
        if not v.events:
            v.first = t
        self.history(v, e, ts if late else t)
        s = lane.session
        if s:
            s.all.append(e)
        if not late:
            self.follow(v, lane, s, e, t)
        lane.received = max(lane.received, self.received)
        return s, t, late

    def history(self, v, e, at):
        value = e.get("value", 0.0)
        v.events.append(e)
        v.received, v.user = max(v.received, self.received), cut(e.get("user_id", "")) or v.user
        v.revenue += value if e["type"] == "purchase" else 0
        v.lifetime += value if e["type"] in ("purchase", "subscription") else 0
        v.lifetime -= abs(value) if e["type"] == "refund" else 0
        if e["type"] in ("purchase", "signup", "subscription"):
            v.converted = max(v.converted, at)

    @staticmethod
    def follow(v, lane, s, e, t):
        """What only events in order change."""
        if s.ordered:
            s.gaps.append((t - lane.newest) / 1e6)
        had_channel = s.told("channel")
        s.ordered.append((t, e))
        if e.get("channel") and not had_channel:
            v.touches += 1
            v.channels.add(code("CHANNEL", e["channel"]))
        quantity, price = e.get("quantity", 1.0), e.get("price", 0.0)
        sign = {"add_to_cart": 1, "remove_from_cart": -1}.get(e["type"], 0)
        s.items += sign * quantity
        s.worth += sign * (quantity * price)
        if e["type"] == "purchase" or s.items <= 0:
            s.items = s.worth = 0.0
        s.worth = max(s.worth, 0.0)
        lane.newest, v.last = t, max(v.last, t)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--idle", type=int, default=1800)
    options.add_argument("--tail", type=int, default=0)
    o = options.parse_args()
    partitions = {}
    for line in sys.stdin:
        record = json.loads(line)
        p = record["_partition"]
        partitions.setdefault(p, Partition(p, o.idle * SECOND, o.tail)).use(record)


main()
