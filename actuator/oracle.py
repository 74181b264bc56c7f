#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""oracle - decisions a second time, from the definitions alone (actuator/decide.h, condition.h, template.h), and
the comparison with actuator's core: oracle.py DRIVE SEED... It shares no code with it, is slow, and keeps everything.

DRIVE is the program actuator/decide_drive. For each seed a log of control and predictions is invented."""
import bisect
import collections
import datetime
import json
import math
import pathlib
import random
import re
import struct
import subprocess
import sys

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent / "schemas"
FEATURES = re.findall(r"^FEATURE\((\w+),", (SCHEMAS / "features.def").read_text(), re.M)
SECOND, DAY = 10**6, 86400 * 10**6
T0 = 1767571200 * SECOND
PREDICTION, TICK, IMPORT_END, CONTROL = 9, 2, 4, 5
MOST_OPEN, MOST_MESSAGE, RECORDS = 64, 4096, 8000
M64 = 2**64 - 1
CONVERSIONS = "purchase", "signup", "subscription"

# ---- XXH3, 64 bits, seed 0, for 1 to 128 bytes: from its specification ----
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248e"
    "e03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d"
    "8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc"
    "8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3, P64_4, P64_5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
                                     0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def le64(b, at):
    return int.from_bytes(b[at:at + 8], "little")


def le32(b, at):
    return int.from_bytes(b[at:at + 4], "little")


def fold(a, b):
    product = a * b
    return (product & M64) ^ (product >> 64)


def avalanche(h):
    h ^= h >> 37
    h = h * 0x165667919E3779F9 & M64
    return h ^ (h >> 32)


def old_avalanche(h):
    h = (h ^ (h >> 33)) * P64_2 & M64
    h = (h ^ (h >> 29)) * P64_3 & M64
    return h ^ (h >> 32)


def swap64(x):
    return int.from_bytes(x.to_bytes(8, "little"), "big")


def rotl(x, n):
    return (x << n | x >> (64 - n)) & M64


def mix16(b, at, secret_at):
    return fold(le64(b, at) ^ le64(SECRET, secret_at), le64(b, at + 8) ^ le64(SECRET, secret_at + 8))


def xxh3(b):
    n = len(b)
    if n <= 3:
        combined = b[0] << 16 | b[n >> 1] << 24 | b[n - 1] | n << 8
        return old_avalanche(combined ^ le32(SECRET, 0) ^ le32(SECRET, 4))
    if n <= 8:
        h = le32(b, n - 4) + (le32(b, 0) << 32) & M64 ^ le64(SECRET, 8) ^ le64(SECRET, 16)
        h ^= rotl(h, 49) ^ rotl(h, 24)
        h = h * 0x9FB21C651E98DF25 & M64
        h ^= (h >> 35) + n
        h = h * 0x9FB21C651E98DF25 & M64
        return h ^ (h >> 28)
    if n <= 16:
        low = le64(SECRET, 24) ^ le64(SECRET, 32) ^ le64(b, 0)
        high = le64(SECRET, 40) ^ le64(SECRET, 48) ^ le64(b, n - 8)
        return avalanche(n + swap64(low) + high + fold(low, high) & M64)
    assert n <= 128
    total = n * P64_1 & M64
    for i in reversed(range((n - 1) // 32 + 1)):
        total += mix16(b, 16 * i, 32 * i) + mix16(b, n - 16 * (i + 1), 32 * i + 16)
    return avalanche(total & M64)


def share(policy, key):
    return (xxh3(policy.encode() + b"\0" + key.encode()) >> 11) * 2.0**-53


# ---- the meaning of a policy ----
def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def is_absent(x):
    return x is None or x == "" or (isinstance(x, float) and math.isnan(x))


def fact(p, name):
    if name == "identified":
        return bool(p.get("user_id"))
    if name == "late":
        return p.get("late", False)
    if name == "is_import":
        return p.get("of_import", 0) != 0
    return p.get(name)


def prediction(p, name):
    found = [k["probability"] for k in p.get("kinds", []) if k["kind"] == name]
    return found[-1] if found else None


def feature(p, name):
    at = FEATURES.index(name)
    return p["features"][at] if at < p.get("features_n", 0) else None


OPS = {"=": lambda x, y: x == y, "!=": lambda x, y: x != y, "<": lambda x, y: x < y, "<=": lambda x, y: x <= y,
       ">": lambda x, y: x > y, ">=": lambda x, y: x >= y, "in": lambda x, y: x in y}
SIGNS = {"≠": "!=", "≤": "<=", "≥": ">="}


def holds(c, p):
    if "all" in c:
        return all(holds(x, p) for x in c["all"])
    if "any" in c:
        return any(holds(x, p) for x in c["any"])
    if "not" in c:
        return not holds(c["not"], p)
    value = c["value"]
    if "feature" in c:
        x = feature(p, c["feature"])
        value = [f32(v) for v in value] if isinstance(value, list) else f32(value)
    else:
        x = fact(p, c["fact"]) if "fact" in c else prediction(p, c["prediction"])
    return not is_absent(x) and OPS[SIGNS.get(c["op"], c["op"])](x, value)


def shortest(x, least, most, read):
    for digits in range(least, most + 1):
        text = f"{x:.{digits}g}"
        if read(float(text)) == x:
            return text
    raise AssertionError(x)


def written(name, p):
    facts = ("type", "channel", "value", "currency", "product_id", "order_id", "site_id", "session_id", "user_id",
             "identified", "late", "is_import", "visitor")
    if name in facts:
        x = fact(p, name)
        if isinstance(x, bool):
            return "true" if x else "false"
        return "" if is_absent(x) else x if isinstance(x, str) else shortest(float(x), 15, 17, float)
    if name == "conversion":
        x = prediction(p, name)
        return "" if is_absent(x) else f"{math.floor(x * 100 + 0.5) / 100:.2f}"
    x = feature(p, name)
    return "" if is_absent(x) else shortest(x, 6, 9, f32)


def message(template, p):
    text = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: written(m[1], p), template)
    return text.encode()[:MOST_MESSAGE].decode(errors="ignore")


# ---- the rules of decide.h ----
class Lane:
    def __init__(self):
        self.session, self.truths, self.received, self.used, self.open = None, set(), 0, {}, []


class Oracle:
    def __init__(self):
        self.settings = [(0, {})]  # version, policies that hold from it on
        self.lanes = {}            # (partition, key, import)
        self.clock, self.imports = {}, {}
        self.out = []

    def control(self, offset, r):
        held = dict(self.settings[-1][1])
        if r["what"] != "policy":
            return
        held.pop(r["name"], None)
        if r.get("version"):
            held[r["name"]] = (offset + 1, r["body"])
            if r["body"]["name"] == "broken":  # the one that the generator makes unreadable
                del held["broken"]
        self.settings.append((offset + 1, held))

    def give(self, topic, r, counts, key, fields):
        position = {"epoch": r["epoch"], "origin": 4, "partition": r["partition"], "offset": r["offset"],
                    "index": counts.setdefault(topic, 0), "import_id": 0}
        counts[topic] += 1
        kept = {k: v for k, v in fields.items() if not is_absent(v) and (k == "value" or v not in (0, False))}
        self.out.append({"_topic": topic, "_partition": r["partition"], "_key": key, **position, **kept})

    def settle(self, r, counts, key, of_import, o, by):
        site, visitor = key.split(":", 1)
        fields = {"received": r["received"], "visitor": visitor, "site_id": int(site), "user_id": o["user_id"],
                  "of_import": of_import, "intervention_id": o["id"], "policy": o["policy"],
                  "policy_version": o["version"], "holdout": o["holdout"], "fired": o["fired"],
                  "result": "converted" if by else "ignored"}
        if by:
            fields.update({k: by.get(k) for k in ("value", "currency", "order_id", "event_id", "type", "ts")})
        self.give("outcomes", r, counts, key, fields)

    def event(self, r, counts):
        key, of_import = f"{r['site_id']}:{r['visitor']}", r.get("of_import", 0)
        where = (r["partition"], key, of_import)
        lane = self.lanes.get(where)
        if r.get("verdict"):
            return
        late = r.get("late", False)
        if lane:
            at, left = r["ts"] if of_import else r["received"], []
            for o in lane.open:
                if at > o["due"]:
                    self.settle(r, counts, key, of_import, o, None)
                elif r["type"] in CONVERSIONS and (not late or r["ts"] >= o["ts"]):
                    self.settle(r, counts, key, of_import, o, r)
                else:
                    left.append(o)
            lane.open = left
            clock = self.clock.get(r["partition"], 0)
            if not of_import and not lane.open and clock and lane.received + DAY <= clock:
                lane = self.lanes[where] = Lane()
            lane.received = max(lane.received, r["received"])
        if late:
            return
        lane = lane or Lane()
        self.lanes[where] = lane
        self.ask(r, counts, key, lane)

    def ask(self, r, counts, key, lane):
        of_import = r.get("of_import", 0)
        at = bisect.bisect_right([v for v, _ in self.settings], r.get("control", 0)) - 1
        before = lane.truths if lane.session == r["session_id"] else set()
        lane.session, lane.truths = r["session_id"], set()
        lane.received = max(lane.received, r["received"])
        for name, (version, body) in sorted(self.settings[at][1].items()):
            if body.get("site", 0) not in (0, r["site_id"]) or (of_import and not body.get("imports")):
                continue
            if not holds(body["when"], r):
                continue
            lane.truths.add(version)
            used = (name, r["ts"] // DAY)
            if version in before or (body.get("cap_per_day") and lane.used.get(used, 0) >= body["cap_per_day"]):
                continue
            if len(lane.open) == MOST_OPEN:
                continue
            lane.used[used] = lane.used.get(used, 0) + 1
            self.fire(r, counts, key, lane, version, body)

    def fire(self, r, counts, key, lane, version, body):
        of_import, window = r.get("of_import", 0), body.get("window_s", 86400)
        held = share(body["name"], key) < body.get("holdout", 0)
        part = body.get("holdout", 0)
        fields = {k: r.get(k) for k in ("received", "visitor", "site_id", "event_id", "user_id", "type", "ts",
                                        "session_id", "of_import", "control", "kinds")}
        number = f"{r['epoch']}-{r['partition']}-{r['offset']}-{counts.get('interventions', 0)}"
        fields.update({
            "intervention_id": number, "policy": body["name"], "policy_version": version, "holdout": held,
            "propensity": part if held else 1 - part, "action": body["action"],
            "priority": body.get("priority", "normal"), "channel": body.get("channel", "topic"),
            "webhook": body.get("webhook"), "message": message(body.get("message", ""), r),
            "expires": r["received"] + body.get("max_age_s", 3600) * SECOND, "window_s": window})
        self.give("interventions", r, counts, key, fields)
        lane.open.append({"id": number, "policy": body["name"], "version": version, "holdout": held,
                          "fired": r["received"], "ts": r["ts"], "user_id": r.get("user_id"),
                          "due": (r["ts"] if of_import else r["received"]) + window * SECOND,
                          "order": (r["offset"], counts["interventions"] - 1)})

    def end_import(self, r, counts, of_import):
        del self.imports[(r["partition"], of_import)]
        for where in sorted((w for w in self.lanes if (w[0], w[2]) == (r["partition"], of_import)),
                            key=lambda w: w[1].encode()):
            for o in self.lanes.pop(where).open:
                self.settle(r, counts, where[1], of_import, o, None)

    def close(self, r, counts):
        part, clock = r["partition"], self.clock.get(r["partition"], 0)
        due = [(o["due"], where[1].encode(), o["order"], where, o) for where, lane in self.lanes.items()
               if where[0] == part and where[2] == 0 for o in lane.open if o["due"] <= clock]
        for _, _, _, where, o in sorted(due, key=lambda d: d[:3]):
            self.lanes[where].open.remove(o)
            self.settle(r, counts, where[1], 0, o, None)
        for (p, i), received in sorted(self.imports.items()):
            told = r["rec"] == IMPORT_END and r["of_import"] == i
            if p == part and (told or (clock and received + DAY <= clock)):
                self.end_import(r, counts, i)

    def record(self, r):
        part, counts = r["partition"], {}
        self.clock[part] = max(self.clock.get(part, 0), r.get("clock", 0))
        if r["rec"] == PREDICTION and r.get("of_import"):
            where = (part, r["of_import"])
            self.imports[where] = max(self.imports.get(where, 0), r["received"])
        if r["rec"] == PREDICTION:
            self.event(r, counts)
        self.close(r, counts)


# ---- an invented log ----
def leaf(rng):
    way = rng.randrange(4)
    order = rng.choice(["=", "!=", "<", "<=", ">", ">=", "≤", "≥", "≠"])
    if way == 0:
        return {"prediction": "conversion", "op": order, "value": rng.randrange(11) / 10}
    if way == 1:
        name = rng.choice(FEATURES)
        if rng.random() < 0.2:
            return {"feature": name, "op": "in", "value": [0.1, 2, rng.randrange(5)]}
        return {"feature": name, "op": order, "value": rng.choice([0.1, 1, 2, 3])}
    if way == 2:
        return {"fact": rng.choice(["late", "identified", "is_import"]), "op": rng.choice(["=", "!=", "≠"]),
                "value": rng.random() < 0.5}
    name, words = rng.choice([("type", ["page_view", "purchase", "click"]), ("channel", ["email", "direct"]),
                              ("currency", ["EUR"]), ("user_id", ["u1", "ü2"])])
    if rng.random() < 0.3:
        return {"fact": "value", "op": order, "value": rng.randrange(100)}
    if rng.random() < 0.3:
        return {"fact": name, "op": "in", "value": rng.sample(words, rng.randint(1, len(words)))}
    return {"fact": name, "op": rng.choice(["=", "!="]), "value": rng.choice(words)}


def tree(rng, depth):
    way = rng.randrange(5) if depth else 3
    if way == 0:
        return {"not": tree(rng, depth - 1)}
    if way < 3:
        return {("all", "any")[way - 1]: [tree(rng, depth - 1) for _ in range(rng.randint(1, 3))]}
    return leaf(rng)


def policy(rng):
    p = {"name": rng.choice(["a", "discount_mid", "low", "zz", "mail_after_a_long_while", "broken"]),
         "when": tree(rng, 3), "action": rng.choice(["offer", "live_chat", "notification"])}
    if p["name"] == "broken":
        p["action"] = "nothing of the kind"
    for key, values in (("site", [0, 1, 2]), ("cap_per_day", [1, 2, 5]), ("holdout", [0.1, 0.5, 0.9]),
                        ("max_age_s", [5, 60]), ("window_s", [1, 60, 600, 7200, 100000]), ("imports", [True, False]),
                        ("priority", ["low", "critical"]), ("message", [
                            "plain", "{{visitor}} {{ conversion }}% {{pages}}|{{price_min}} {{value}} {{user_id}}",
                            "{{type}}{{late}}{{is_import}}{{identified}}{{site_id}} ü {{channel}}{{session_id}}"])):
        if rng.random() < 0.5:
            p[key] = rng.choice(values)
    if rng.random() < 0.4:
        p.update(channel="webhook", webhook="crm")
    return p


def prediction_of(rng, at, state):
    partition = at["partition"]
    file_at, newest = state["file"], state["newest"]
    visitor, site = f"v{rng.randrange(25)}{rng.choice(['', ':x', 'é'])}", rng.choice([1, 1, 2])
    r = {"rec": PREDICTION, **at, "received": state["now"], "visitor": visitor, "site_id": site,
         "event_id": f"e{at['offset']}", "type": rng.choice(["page_view", "page_view", "click", "purchase", "signup",
                                                             "subscription", "refund"])}
    grain = state["grain"]
    ts = state["now"] - rng.randrange(0, 20 * SECOND, grain)
    if rng.random() < 0.2:
        r["of_import"] = rng.choice([5, 2**64 - 3])
        file_at[r["of_import"]] = file_at.get(r["of_import"], T0 - 800 * DAY) + rng.randrange(0, 2000 * SECOND, grain)
        ts = file_at[r["of_import"]]
    lane = (partition, site, visitor, r.get("of_import", 0))
    newest[lane] = ts = max(ts, newest.get(lane, 0))
    r["ts"], r["session_id"] = ts, f"{r.get('of_import', 0)}-{ts // state['session']}"
    if rng.random() < 0.08:
        r["late"], r["ts"] = True, ts - rng.randrange(0, 40000 * SECOND, grain)
        del r["session_id"]
    if rng.random() < 0.05:
        r["verdict"] = rng.choice([1, 2])
    for key, values in (("user_id", ["u1", "ü2"]), ("channel", ["email", "direct", "organic"]), ("order_id", ["o-1"]),
                        ("currency", ["EUR", "USD"]), ("value", [0.0, 9.99, 50, 1234.5, 1e21])):
        if rng.random() < 0.6:
            r[key] = rng.choice(values)
    if rng.random() < 0.7:
        r["features_n"] = len(FEATURES) + 1  # a newer writer's, of which ours are the first
        r["features"] = [None if rng.random() < 0.2 else f32(rng.choice([0, 0.1, 1, 2, 3, 17.25, 1e-5]))
                         for _ in range(r["features_n"])]
    if rng.random() < 0.85:
        r["kinds"] = [{"kind": "conversion", "probability": rng.randrange(1001) / 1000 + 0.0003,
                       "model": "conversion", "version": 1}]
    if rng.random() < 0.97:
        r["clock"] = state["now"] - rng.randrange(0, 3 * SECOND, state["grain"])
    return r


def invent(seed, n):
    """Lines (topic, offset, record) in an order that they may have come in."""
    rng = random.Random(seed)
    # even seeds: times fall together on the grain, and sessions are long
    grain, session = (1, 1800 * SECOND) if seed % 2 else (10 * SECOND, 20 * DAY)
    state = {"now": T0, "file": {}, "newest": {}, "grain": grain, "session": session}
    n_control, offsets = 0, [0, 0]
    for _ in range(n):
        state["now"] += rng.randrange(0, 30 * SECOND, grain)
        if rng.random() < 0.004:
            state["now"] += rng.choice([3600, 7200, 90000, 100000]) * SECOND
        if rng.random() < 0.02 or n_control == 0:
            what = "policy" if rng.random() < 0.9 else "model"
            body = policy(rng)
            r = {"rec": CONTROL, "what": what, "name": body["name"], "version": int(rng.random() < 0.8)}
            if r["version"]:
                r["body"] = body
            yield "control", n_control, 0, r
            n_control += 1
            continue
        partition = rng.randrange(2)
        at = {"epoch": 1, "origin": 4, "partition": partition, "offset": offsets[partition]}
        offsets[partition] += 1
        way = rng.random()
        if way < 0.04:
            clock = state["now"] - rng.randrange(0, 3 * SECOND, grain)
            r = {"rec": TICK, **at, "received": state["now"], "clock": clock}
        elif way < 0.05:
            r = {"rec": IMPORT_END, **at, "received": state["now"], "of_import": rng.choice([5, 2**64 - 3])}
        else:
            r = prediction_of(rng, at, state)
            r["control"] = n_control - (rng.random() < 0.1)
        yield "predictions", at["offset"], partition, r


def micros(text):
    if isinstance(text, int):
        return text
    since = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ") - datetime.datetime(1970, 1, 1)
    return (since.days * 86400 + since.seconds) * SECOND + since.microseconds


def read_output(line):
    r = json.loads(line)
    for key in ("received", "fired", "ts", "expires"):
        if key in r:
            r[key] = micros(r[key])
    return {k: v for k, v in r.items() if k not in ("_offset", "rec")}


def compare(want, got):
    """What the first difference is, or None."""
    for i, (w, g) in enumerate(zip(want, got)):
        for key in sorted({*w, *g}):
            if w.get(key) != g.get(key):
                return f"output {i}, {key}: oracle {w.get(key)!r}, core {g.get(key)!r}\n{w}\n{g}"
    return None if len(want) == len(got) else f"{len(want)} outputs by the oracle, {len(got)} by the core"


def run(drive, seed):
    oracle, lines = Oracle(), []
    for topic, offset, partition, r in invent(seed, RECORDS):
        line = {"_topic": topic, "_partition": partition, "_offset": offset, **r}
        lines.append(json.dumps(line, separators=(",", ":")))
        if topic == "control":
            oracle.control(offset, r)
        else:
            oracle.record(r)
    done = subprocess.run([drive], input="\n".join(lines) + "\n", stdout=subprocess.PIPE, text=True, check=True)
    fault = compare(oracle.out, [read_output(line) for line in done.stdout.splitlines()])
    if fault:
        sys.exit(f"seed {seed}: {fault}")
    found = collections.Counter(o.get("result", "interventions") for o in oracle.out)
    held = sum(o["_topic"] == "interventions" and o.get("holdout", False) for o in oracle.out)
    if min(found["interventions"], found["converted"], found["ignored"], held) < 20:
        sys.exit(f"seed {seed}: too little came of it: {found}")
    print(f"seed {seed}: {len(lines)} records, {dict(found)}, {held} held out: equal")


def main():
    # known from other implementations of XXH3
    assert xxh3(b"a") == 0xE6C632B61E964E1F and xxh3(b"abc") == 0x78AF5F94892F3950
    for seed in sys.argv[2:]:
        run(sys.argv[1], int(seed))


main()
