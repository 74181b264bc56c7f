# SPDX-License-Identifier: Apache-2.0
"""rules_loop - the invariants of what actuator makes: which interventions there must be, by an evaluation of the
policies of its own (I2, I3), what must have come of each (I2), and I7: each delivery has its intervention, with one
final result at most, and who is held out gets none. How policies are read is told in schemas/policy.def."""
import bisect
import collections
import json
import struct

import bodies
import schema
from schema import EVENTS

CONVERSIONS = ("purchase", "signup", "subscription")
DAY_US = 86400 * 1000000
FACTS = ("received_us", "visitor", "site_id", "event_id", "user_id", "type", "ts_us", "session_id", "of_import",
         "control")
TO_OUTCOME = ("visitor", "site_id", "user_id", "of_import", "intervention_id", "policy", "policy_version", "holdout")
TO_DELIVERY = ("visitor", "site_id", "intervention_id", "policy", "webhook")
COMPARE = {"=": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
           ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "in": lambda a, b: a in b}
FEATURES = {name: i for i, name in enumerate(schema.feature_names())}


def float32(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def policy_of(body):
    given = json.loads(body)
    return {"site": 0, "priority": "normal", "webhook": "", "cap_per_day": 0, "holdout": 0, "max_age_s": 3600,
            "window_s": 86400, "imports": False} | given


def policies(w):
    """[(offset in control, name, the policy or None where it is taken back)], in order."""
    return [(r.offset, r.fields["name"], policy_of(r.fields["body"]) if r.fields["version"] else None)
            for part in w.topics["control"] for r in part if r.fields["what"] == "policy"]


def in_force(told, control):
    """{name: (version, policy)} for a record with this field control."""
    found = {}
    for offset, name, policy in told:
        if offset < control:
            found[name] = (offset + 1, policy)
    return {name: pair for name, pair in found.items() if pair[1]}


def _operand(leaf, f):
    """(value, None when it is absent; what it is to be compared with)"""
    value = leaf["value"]
    if "prediction" in leaf:
        return next((k["probability"] for k in f["kinds"] if k["kind"] == leaf["prediction"]), None), value
    if "feature" in leaf:
        at = FEATURES[leaf["feature"]]
        x = struct.unpack_from("<f", f["features"], 4 * at)[0] if at < f["features_n"] else None
        value = [float32(v) for v in value] if isinstance(value, list) else float32(value)
        return None if x is None or x != x else x, value
    name = leaf["fact"]
    x = {"identified": f["user_id"] != "", "is_import": f["of_import"] != 0}.get(name, f.get(name))
    return (None if x == "" else x), value


def holds(node, f):
    """Whether a condition holds for the fields of a prediction."""
    if "all" in node:
        return all(holds(n, f) for n in node["all"])
    if "any" in node:
        return any(holds(n, f) for n in node["any"])
    if "not" in node:
        return not holds(node["not"], f)
    x, value = _operand(node, f)
    return x is not None and COMPARE[node["op"]](x, value)


class Model:
    """What one partition's predictions must lead to."""

    def __init__(self, told):
        self.told, self.known = told, {}
        self.before = {}  # (site, visitor, session) -> {policy: (version, held)}
        self.counts = collections.Counter()  # (policy, site, visitor, import, day)

    def crossings(self, f):
        """[(name, version, policy)] of the interventions that a prediction triggers, by name."""
        if f["verdict"] != 0 or f["late"]:
            return []
        if f["control"] not in self.known:
            self.known[f["control"]] = in_force(self.told, f["control"])
        at = (f["site_id"], f["visitor"], f["session_id"])
        held, now, fired = self.before.get(at, {}), {}, []
        for name, (version, policy) in sorted(self.known[f["control"]].items()):
            if policy["site"] not in (0, f["site_id"]):
                continue
            now[name] = (version, holds(policy["when"], f))
            if now[name][1] and held.get(name) != now[name] and (policy["imports"] or not f["of_import"]):
                day = (name, *at[:2], f["of_import"], f["ts_us"] // DAY_US)
                if not policy["cap_per_day"] or self.counts[day] < policy["cap_per_day"]:
                    self.counts[day] += 1
                    fired.append((name, version, policy))
        self.before[at] = now
        return fired


def is_held_out(name, f, policy):
    """By the place between 0 and 1 that a hash gives the visitor."""
    return (bodies.xxh3(f"{name}\0{f['site_id']}:{f['visitor']}".encode()) >> 11) * 2.0 ** -53 < policy["holdout"]


def _intervention(record, source, name, version, policy, report):
    f, s = record.fields, source.fields
    for field in FACTS:
        if f[field] != s[field]:
            report("I2", f"{record.place}: {field} is not that of {source.place}")
    wanted = {"intervention_id": "-".join(str(f[n]) for n in ("epoch", "partition", "offset", "index")),
              "policy": name, "policy_version": version, "expires_us": s["received_us"] + policy["max_age_s"] * 1000000,
              "holdout": is_held_out(name, s, policy), "kinds": s["kinds"],
              "propensity": policy["holdout"] if f["holdout"] else 1 - policy["holdout"]}
    wanted |= {field: policy[field] for field in ("action", "priority", "channel", "webhook", "window_s")}
    if "{{" not in policy["message"]:
        wanted["message"] = policy["message"]
    for field, value in wanted.items():
        if f[field] != value:
            report("I2", f"{record.place}: {field} is {f[field]!r}, not {value!r}")


def rule_interventions(w, seen, report):
    told = policies(w) if "actuator" not in w.without else []
    for p, part in enumerate(seen.parts["interventions"]):
        at = collections.defaultdict(list)
        for record in part:
            at[record.position[:4]].append(record)
        model = Model(told)
        for source in seen.parts["predictions"][p]:
            if source.fields["rec"] != "prediction":
                continue
            wanted = model.crossings(source.fields)
            found = at.pop(source.position[:4], [])
            if [(r.fields["index"], r.fields["policy"]) for r in found] != list(enumerate(n for n, *_ in wanted)):
                report("I3", f"{source.place}: {[n for n, *_ in wanted]} become true, "
                       f"{[r.fields['policy'] for r in found]} are in interventions")
            else:
                for record, crossing in zip(found, wanted):
                    _intervention(record, source, *crossing, report)
        for records in at.values():
            report("I3", f"{records[0].place}: nothing in predictions leads to it")


# --- outcomes ---

class Course:
    """What happened in one partition, in order, as outcomes look at it."""

    def __init__(self, part):
        self.records = [r for r in part if r.fields["origin"] == EVENTS]
        self.at = {r.fields["offset"]: i for i, r in enumerate(self.records)}
        self.own, self.lane = collections.defaultdict(list), collections.defaultdict(list)
        self.clocks = []  # the furthest so far
        for i, r in enumerate(self.records):
            f = r.fields
            clock = f.get("clock_us", 0)
            self.clocks.append(max(clock, self.clocks[-1] if i else 0))
            if f["rec"] == "prediction":
                self.own[f["site_id"], f["visitor"], f["of_import"]].append(i)
            if f["rec"] == "import_end":
                self.lane[f["of_import"]].append(i)

    def due(self, i, end_us):
        """Index of the first record that shows that a window has passed; None when none does."""
        n = len(self.records)
        if i["of_import"]:
            found = [at for at in self.lane[i["of_import"]] if at > self.at[i["offset"]]]
        else:
            found = [bisect.bisect_left(self.clocks, end_us)]
        time = "ts_us" if i["of_import"] else "received_us"
        found += [at for at in self._after(i) if self.records[at].fields[time] > end_us]
        return min((at for at in found if at < n), default=None)

    def _after(self, i):
        own = self.own[i["site_id"], i["visitor"], i["of_import"]]
        return [at for at in own[bisect.bisect_right(own, self.at[i["offset"]]):]
                if self.records[at].fields["verdict"] == 0]

    def conversion(self, i, end_us):
        """Index of the first conversion within the window; a late one counts when it was not before."""
        time = "ts_us" if i["of_import"] else "received_us"
        for at in self._after(i):
            f = self.records[at].fields
            if f["type"] in CONVERSIONS and f[time] <= end_us and not (f["late"] and f["ts_us"] < i["ts_us"]):
                return at
        return None


def _came_of(course, i):
    """(result, index of the record that shows it) of an intervention; None while it is open."""
    end_us = (i["ts_us"] if i["of_import"] else i["received_us"]) + i["window_s"] * 1000000
    converted, due = course.conversion(i, end_us), course.due(i, end_us)
    if converted is not None and (due is None or converted <= due):
        return "converted", converted
    return ("ignored", due) if due is not None else None


def _outcome(record, i, source, result, report):
    f = record.fields
    wanted = {name: i.fields[name] for name in TO_OUTCOME} | {
        "result": result, "fired_us": i.fields["received_us"], "received_us": source.fields["received_us"]}
    for name in ("value", "currency", "order_id", "event_id", "type", "ts_us"):
        wanted[name] = source.fields[name] if result == "converted" else schema.default("outcome", name)
    for name, value in wanted.items():
        if f[name] != value:
            report("I2", f"{record.place}: {name} is {f[name]!r}, not {value!r} ({i.place}, {source.place})")


def rule_outcomes(w, seen, report):
    for p, part in enumerate(seen.parts["outcomes"]):
        course, found, before = Course(seen.parts["predictions"][p]), {}, None
        for record in part:
            f = record.fields
            index = before.fields["index"] + 1 if before and before.fields["offset"] == f["offset"] else 0
            if f["index"] != index or f["origin"] != EVENTS or f["partition"] != p or f["offset"] not in course.at:
                report("I3", f"{record.place}: position {record.position} where index {index} of an event is due")
            before = record
            if f["intervention_id"] in found:
                report("I2", f"{record.place}: {f['intervention_id']} has an outcome already")
            found[f["intervention_id"]] = record
        for i in seen.parts["interventions"][p]:
            if i.fields["offset"] not in course.at:
                continue  # told by rule_interventions
            record, wanted = found.pop(i.fields["intervention_id"], None), _came_of(course, i.fields)
            if record is None or wanted is None:
                if record is not wanted:
                    report("I2", f"{(record or i).place}: outcome {record and record.fields['result']} of "
                           f"{i.fields['intervention_id']}, wanted {wanted}")
                continue
            source = course.records[wanted[1]]
            if record.fields["offset"] != source.fields["offset"]:
                report("I3", f"{record.place}: {i.fields['intervention_id']} is decided at {source.place}")
            else:
                _outcome(record, i, source, wanted[0], report)
        for record in found.values():
            report("I2", f"{record.place}: {record.fields['intervention_id']} is no intervention")


# --- deliveries ---

def rule_deliveries(w, seen, report):
    for p, part in enumerate(w.topics.get("deliveries", [])):
        fired = {r.fields["intervention_id"]: r for r in seen.parts["interventions"][p]}
        last = {}
        for record in part:
            f = record.fields
            if f["rec"] != "delivery":
                report("I7", f"{record.place}: a record of {f['rec']}")
                continue
            i = fired.get(f["intervention_id"])
            if i is None or record.position != i.position:
                report("I7", f"{record.place}: no intervention {f['intervention_id']} at {record.position}")
                continue
            if record.key != f["intervention_id"].encode():
                report("I7", f"{record.place}: key {record.key} for {f['intervention_id']}")
            for name in TO_DELIVERY:
                if f[name] != i.fields[name]:
                    report("I7", f"{record.place}: {name} is not that of {i.place}")
            if i.fields["holdout"] or i.fields["channel"] != "webhook":
                report("I7", f"{record.place}: {f['intervention_id']} was not to be delivered")
            if f["result"] not in ("delivered", "retry", "expired", "gone", "refused"):
                report("I7", f"{record.place}: result {f['result']!r}")
            before = last.get(f["intervention_id"])
            if before and (before.fields["result"] != "retry" or before.fields["attempt"] >= f["attempt"]):
                report("I7", f"{record.place}: attempt {f['attempt']} after {before.place}, "
                       f"attempt {before.fields['attempt']}, {before.fields['result']}")
            last[f["intervention_id"]] = record


def rule_nothing_without_actuator(w, seen, report):
    if "actuator" in w.without:
        for word in ("interventions", "outcomes", "deliveries", "decisions"):
            for part in w.topics.get(word, []):
                for record in part:
                    report("I2", f"{record.place}: yet actuator never ran")


RULES = [rule_interventions, rule_outcomes, rule_deliveries, rule_nothing_without_actuator]
