# SPDX-License-Identifier: Apache-2.0
"""rules - what must hold of a World when a run has come to rest: the invariants I1 to I7 of the reliability contract.

I1 what was acknowledged is in events or rejected; I2 tables hold each thing once; I3 derived records stand in the
order of events; I4 raw = events + rejected; I5 one position, one content; I6 offsets stand at the ends; I7 what reaches
the world is decided, and once (rules_loop). Each rule is a function (world, seen, report); report(rule, text) takes a
fault, and text names the record."""
import collections

import bodies
import schema
from schema import CONTROL, EVENTS, IMPORTS, INDEX_SIGNAL, INDEX_TICK, RAW

DERIVED = {"event": "vector", "tick": "tick", "control": "control", "import_end": "import_end"}
PASSED_ON = ("received_us", "visitor", "site_id", "event_id", "type", "product_id", "value", "currency", "order_id")
TO_PREDICTION = PASSED_ON + ("user_id", "ts_us", "session_id", "verdict", "late", "of_import", "control",
                             "features_hash", "channel", "clock_us")
HEARTBEAT = b"ce_type=auspex.heartbeat"


def is_heartbeat(record):
    return record.headers == HEARTBEAT and not record.value


def log_of(position):
    """(log, place in it) of a position."""
    epoch, origin, partition, offset, index, import_id = position
    return (origin, import_id if origin == IMPORTS else partition), (epoch, offset, index)


def is_same(a, b):
    if (a.key, a.value) == (b.key, b.value):
        return True
    fa, fb = a.fields, b.fields
    if fa["rec"] == fb["rec"] == "tick" and a.topic == "events":  # rule_ticks_and_control looks at each
        return fa | {"raw_partitions": 0} == fb | {"raw_partitions": 0}
    if fa["origin"] == fb["origin"] == IMPORTS:  # a file sent again; rule_imports_are_told looks at the times
        return a.key == b.key and fa | {"received_us": 0} == fb | {"received_us": 0}
    if fa["rec"] == fb["rec"] == "prediction":  # one was made while its model was lacking
        return any(k["lacked"] for f in (fa, fb) for k in f["kinds"])
    return False


def used(part, report):
    """The records of a partition that a reader with marks uses; the others must be repeats of these."""
    marks, first, kept = {}, {}, []
    for record in part:
        try:
            log, at = log_of(record.position)
        except schema.Bad as why:
            report("I5", str(why))
            continue
        if log not in marks or at > marks[log]:
            marks[log] = at
            first[log, at] = record
            kept.append(record)
        elif (log, at) not in first:
            if record.fields["rec"] != "tick" or record.topic != "events":  # a restart forgets which were written
                report("I3", f"{record.place}: position {record.position} comes after {marks[log]}")
        elif not is_same(record, first[log, at]):
            report("I5", f"{record.place}: {record.position} stands at offset {first[log, at].offset} otherwise")
    return kept


class Seen:
    """A world with its repeats left out, and indexes over it."""

    def __init__(self, w, report):
        self.parts = {word: [used(part, report) for part in w.topics.get(word, [])]
                      for word in ("imports", "events", "features", "sessions", "predictions", "rejected",
                                   "interventions", "outcomes")}
        self.topics = w.topics
        self.taken = collections.defaultdict(list)  # (origin, log, offset) -> events and rejected records
        for word in ("events", "rejected"):
            for part in self.parts[word]:
                for record in part:
                    (origin, log), (_, offset, index) = log_of(record.position)
                    if record.fields["rec"] in ("event", "rejected") and index < INDEX_TICK:
                        self.taken[origin, log, offset].append(record)


# --- logs ---

def rule_offsets_follow(w, seen, report):
    for word, parts in w.topics.items():
        if word in schema.TRANSACTIONAL:
            continue
        for p, part in enumerate(parts):
            last_ms = 0
            for before, record in zip([None] + part, part):
                if before and record.offset != before.offset + 1:
                    report("I4", f"{record.place} follows offset {before.offset}")
                if record.ts_ms < last_ms:
                    report("I4", f"{record.place}: append time runs back")
                last_ms = record.ts_ms
            end = part[-1].offset + 1 if part else 0
            if end != w.ends[word][p]:
                report("I4", f"{word} partition {p} ends at {w.ends[word][p]}, read up to {end}")


def rule_keys(w, seen, report):
    n = len(w.topics["events"])
    for word in ("events", "features", "sessions", "predictions", "interventions", "outcomes"):
        for part in seen.parts[word]:
            for record in part:
                f, wanted = record.fields, b""
                if "visitor" in f:
                    wanted = f"{f['site_id']}:{f['visitor']}".encode()
                    if schema.partition_of(wanted, n) != record.partition:
                        report("I3", f"{record.place}: {wanted} belongs to partition {schema.partition_of(wanted, n)}")
                if record.key != wanted:
                    report("I3", f"{record.place}: key {record.key} for {wanted}")


# --- in = events + rejected ---

def events_in(value):
    """(how many events a raw record holds, their texts when it is JSON); None where it cannot be told apart."""
    texts = bodies.events(value)
    if texts is not None:
        return len(texts), texts
    try:
        body = schema.msgpack.unpackb(value, strict_map_key=False, raw=True)
    except (ValueError, schema.msgpack.UnpackException):
        return None, None
    batch = body.get(b"batch") if isinstance(body, dict) else None
    return len(batch) if isinstance(batch, list) else 1, None


def _raw_record(record, taken, report):
    found = sorted(taken, key=lambda r: r.fields["index"])
    indexes = [r.fields["index"] for r in found]
    if is_heartbeat(record):
        if found:
            report("I4", f"{record.place} is a heartbeat, yet {found[0].place} stems from it")
        return
    is_whole = len(found) == 1 and found[0].topic == "rejected" and indexes == [0]
    n, texts = events_in(record.value)
    if not is_whole and indexes != list(range(n if n is not None else 1)):
        report("I4", f"{record.place} holds {n} events, but {indexes} are in events and rejected")
    for r in found:
        if r.fields["received_us"] != record.ts_ms * 1000:
            report("I4", f"{r.place}: received is not the append time of {record.place}")
        if r.topic == "rejected" and (not r.fields["reason"] or r.fields["body"] not in record.value):
            report("I4", f"{r.place}: no reason, or not the bytes of {record.place}")
        if r.topic == "events" and texts and r.fields["body_hash"] != bodies.body_hash(texts[r.fields["index"]]):
            report("I2", f"{r.place}: body_hash is not that of {record.place}")


def rule_raw_is_told(w, seen, report):
    taken = {at: records for at, records in seen.taken.items() if at[0] == RAW}
    for part in w.topics["raw"]:
        for record in part:
            _raw_record(record, taken.pop((RAW, record.partition, record.offset), []), report)
    for records in taken.values():
        report("I4", f"{records[0].place}: nothing in raw stands at {records[0].position}")


def _import_end(r):
    return (*r.position, r.fields["of_import"], r.fields["site_id"], r.fields["lines"])


WHOLE_LINES = ("rees46", "onlineretail")  # formats whose body_hash is over all that stands in the line


def _import_line(record, made, report):
    f = record.fields
    if made.topic == "rejected":
        is_known = f["format"] in ("ndjson", "unfit", *WHOLE_LINES) or made.fields["reason"] == "unknown_format"
        is_right = is_known and made.fields["body"] == f["body"]
    elif f["format"] in WHOLE_LINES:
        is_right = made.fields["body_hash"] == bodies.xxh3(f["body"])
    else:
        texts = bodies.events(f["body"])
        is_right = f["format"] == "ndjson" and texts and made.fields["body_hash"] == bodies.body_hash(texts[0])
    if not is_right or made.fields["site_id"] != f["site_id"]:
        report("I4", f"{made.place}: not the bytes, form or site of {record.place}")


def rule_imports_are_told(w, seen, report):
    sent = collections.defaultdict(set)  # position -> append times; a file may be sent again
    for r in w.topics["imports"][0] if w.topics["imports"] else []:
        sent[r.position].add(r.ts_ms * 1000)
    for part in w.topics["events"] + w.topics["rejected"]:
        for r in part:
            if r.fields["origin"] == IMPORTS and r.fields["received_us"] not in sent[r.position]:
                report("I4", f"{r.place}: received is no append time of line {r.fields['offset']}")
    taken = {at: records for at, records in seen.taken.items() if at[0] == IMPORTS}
    ends = set()
    for part in seen.parts["imports"]:
        for record in part:
            f = record.fields
            if (f["partition"], f["index"]) != (0, 0) or record.key:
                report("I4", f"{record.place}: position {record.position}, key {record.key}")
            if f["rec"] == "import_end":
                ends.add(_import_end(record))
                continue
            found = taken.pop((IMPORTS, f["import_id"], f["offset"]), [])
            if len(found) != 1:
                report("I4", f"{record.place}: {len(found)} records in events and rejected")
            for r in found:
                _import_line(record, r, report)
    for records in taken.values():
        report("I4", f"{records[0].place}: nothing in imports stands at {records[0].position}")
    for p, part in enumerate(seen.parts["events"]):
        copied = {_import_end(r) for r in part if r.fields["rec"] == "import_end"}
        if copied != ends:
            report("I4", f"events partition {p}: ends of imports {sorted(copied ^ ends)}")


def rule_ticks_and_control(w, seen, report):
    raw, control = w.topics["raw"], [r for part in w.topics["control"] for r in part]
    for p, part in enumerate(seen.parts["events"]):
        for record in w.topics["events"][p]:  # repeats as well
            f = record.fields
            if f["rec"] != "tick":
                continue
            log = raw[f["partition"]] if f["partition"] < len(raw) else []
            at = f["offset"] - log[0].offset if log else -1
            if not 0 <= at < len(log) or f["received_us"] != log[at].ts_ms * 1000 or \
                    record.position != (1, RAW, f["raw_partition"], f["offset"], INDEX_TICK, 0) or \
                    f["raw_partitions"] != len(raw):
                report("I4", f"{record.place}: a tick that raw does not bear out")
        copied = [r for r in part if r.fields["rec"] == "control"]
        if [r.fields["control_offset"] for r in copied] != [r.offset for r in control]:
            report("I4", f"events partition {p}: control records {[r.fields['control_offset'] for r in copied]}")
        for copy, record in zip(copied, control):
            f = copy.fields
            if f["received_us"] != record.ts_ms * 1000 or record.key or record.position != (1, CONTROL, 0, 0, 0, 0) or \
                    copy.position != (1, CONTROL, 0, record.offset, 0, 0):
                report("I4", f"{copy.place}: position or received is not that of {record.place}")
            for name in ("what", "name", "version", "sha256", "kind", "body", "wants_features"):
                if f[name] != record.fields[name]:
                    report("I4", f"{copy.place}: {name} is not that of {record.place}")


SIGNALLED = {"received_us": "received_us", "site_id": "site_id", "kind": "kind", "region": "region", "value": "value",
             "from_us": "valid_from_us", "to_us": "valid_to_us"}


def _signal_of(event):
    """(position, what it tells) of the signal that an event leads to."""
    f = event.fields
    told = {name: f[of] for name, of in SIGNALLED.items()}
    told["region"] = f["region"] or f["country"]
    *log, index, import_id = event.position
    return (*log, index + INDEX_SIGNAL, import_id), told


def rule_signals_go_everywhere(w, seen, report):
    events = [r for part in seen.parts["events"] for r in part if r.fields["rec"] == "event"]
    wanted = dict(_signal_of(r) for r in events if r.fields["type"] == "external_signal")
    for p, part in enumerate(seen.parts["events"]):
        have = {r.position: r for r in part if r.fields["rec"] == "signal"}
        for at in wanted.keys() ^ have.keys():
            report("I4", f"events partition {p}: the signal at {at} is {'missing' if at in wanted else 'of no event'}")
        for at in wanted.keys() & have.keys():
            if {name: have[at].fields[name] for name in SIGNALLED} != wanted[at] or have[at].key:
                report("I4", f"{have[at].place}: not what its event tells: {wanted[at]}")


# --- the sender's ledger ---

def rule_ledger(w, seen, report):
    if w.ledger is None:
        return
    raw = {(r.partition, r.offset): r for part in w.topics["raw"] for r in part}
    vectors = (r.fields for part in seen.parts["features"] for r in part if r.fields["rec"] == "vector")
    counted = collections.Counter(f["event_id"] for f in vectors if f["verdict"] == 0)
    last = {}
    for name, visitor, digest, is_acked, partition, offset, file in w.ledger:
        if not is_acked or offset < 0:
            continue
        if offset <= last.get((file, partition), -1):
            report("I1", f"ledger: {name} at raw partition {partition} offset {offset} out of order or twice")
        last[file, partition] = offset
        record = raw.pop((partition, offset), None)
        if not record or bodies.xxh3(record.value) != digest or record.key.decode(errors="replace") != visitor:
            report("I1", f"ledger: {name} is not what stands at raw partition {partition} offset {offset}")
        found = seen.taken.get((RAW, partition, offset), [])
        if not found:
            report("I1", f"ledger: {name}, acknowledged, is neither in events nor in rejected")
        first = next((r for r in found if r.topic == "events" and r.fields["index"] == 0), None)  # a batch's, too
        if first:
            if (first.fields["event_id"], first.fields["anonymous_id"]) != (name, visitor):
                report("I1", f"{first.place}: not the ledger's {name} of {visitor}")
            if counted[name] != 1:
                report("I2", f"ledger: {name} counts {counted[name]} times")
    unsure = {line[2] for line in w.ledger if not line[3]}
    by_edge = {line[2]: line for line in w.ledger if line[5] < 0}
    found = collections.defaultdict(list)  # of them, by the digest: events and rejected records
    for record in raw.values():
        if is_heartbeat(record) or bodies.xxh3(record.value) in unsure:
            continue
        digests = [bodies.xxh3(text.encode()) for text in bodies.events(record.value) or []]
        if not digests or not by_edge.keys() >= set(digests):
            report("I1", f"{record.place}: nobody says to have sent it")
        for r in seen.taken.get((RAW, record.partition, record.offset), []):
            if r.fields["index"] < len(digests):
                found[digests[r.fields["index"]]].append(r)
    for name, visitor, digest, is_acked, *_ in by_edge.values():
        if is_acked and counted[name] != 1:
            report("I2", f"ledger: {name}, sent to the edge, counts {counted[name]} times")
        for r in found[digest]:
            if r.topic != "events" or (r.fields["event_id"], r.fields["anonymous_id"]) != (name, visitor):
                report("I1", f"{r.place}: not the ledger's {name} of {visitor}")
        if is_acked and not found[digest]:
            report("I1", f"ledger: {name}, acknowledged, is neither in events nor in rejected")


# --- derived topics ---

def _follows(word, source, part, report):
    """The records of `part` are those that `source` leads to, one for one, in order. Pairs of them."""
    source = [s for s in source if s.fields["rec"] != "signal"]  # which leads to nothing of its own
    wanted = [(1, EVENTS, s.partition, s.offset, 0, 0) for s in source]
    have = [r.position for r in part]
    if wanted == have:
        return list(zip(source, part))
    for at, want in enumerate(wanted):
        if at >= len(have) or have[at] != want:
            here = part[at].place if at < len(part) else f"{word} ends"
            report("I3", f"{here} where the record of events partition {want[2]} offset {want[3]} should stand")
            break
    else:
        report("I3", f"{part[len(wanted)].place}: nothing in events leads to it")
    return []


def _passes_on(source, record, names, report):
    for name in names:
        if source.fields[name] != record.fields[name]:
            report("I2", f"{record.place}: {name} is not that of {source.place}")


def _forwarded(source, record, report, *but):
    body = [n for n in schema.TYPES[source.fields["rec"]] if n not in schema.POSITION_NAMES + ("rec", *but)]
    _passes_on(source, record, body, report)


class Clock:
    """The clock of a partition of events: the least, over all raw partitions, of what each has told last."""

    def __init__(self):
        self.heard, self.n = {}, 0

    def at(self, f):
        """The time behind an events record; 0 until each raw partition has spoken."""
        if f["rec"] == "tick":
            self.heard[f["raw_partition"]] = f["received_us"]
            self.n = max(self.n, f["raw_partitions"])
        elif f["rec"] == "event" and f["origin"] == RAW:
            self.heard[f["partition"]] = f["received_us"]
        self.n = max([self.n, *(r + 1 for r in self.heard)])
        return min(self.heard.values()) if 0 < len(self.heard) == self.n else 0


def _vector(source, record, conflicts, report):
    f = record.fields
    if f["rec"] != "vector":
        report("I2", f"{record.place}: a {f['rec']} for an event")
        return
    _passes_on(source, record, PASSED_ON, report)
    if len(f["features"]) != 4 * f["features_n"] or (f["verdict"] == 0) != (f["features_n"] > 0):
        report("I2", f"{record.place}: verdict {f['verdict']} with {len(f['features'])} bytes of features")
    at = (EVENTS, source.partition, source.offset)
    if (f["verdict"] == 2) != (at in conflicts):
        report("I2", f"{record.place}: verdict {f['verdict']}, but rejected says otherwise")


def rule_one_vector_an_event(w, seen, report):
    conflicts = {at for at in seen.taken if at[0] == EVENTS}
    for source, part in zip(seen.parts["events"], seen.parts["features"]):
        clock = Clock()
        for event, record in _follows("features", source, part, report):
            now_us = clock.at(event.fields)
            if record.fields.get("clock_us", now_us) != now_us:
                report("I2", f"{record.place}: clock {record.fields['clock_us']}, it is {now_us}")
            if event.fields["rec"] == "event":
                _vector(event, record, conflicts, report)
            elif record.fields["rec"] != event.fields["rec"]:
                report("I2", f"{record.place}: a {record.fields['rec']} for a {event.fields['rec']}")
            else:
                _forwarded(event, record, report, "clock_us")
    for at in conflicts:
        record = seen.taken[at][0]
        source = seen.parts["events"][at[1]] if at[1] < len(seen.parts["events"]) else []
        event = next((r for r in source if r.offset == at[2]), None)
        wanted = event and (event.key, "id_conflict", event.fields["received_us"])
        if wanted != (record.key, record.fields["reason"], record.fields["received_us"]):
            report("I2", f"{record.place}: no conflict of an event at {at}")


def _activations(w):
    """[(offset in control + 1, {kind: version} from there on)], the newest first."""
    found, now = [], {}
    for r in (r for part in w.topics["control"] for r in part):
        if r.fields["what"] == "model":
            now = now | {r.fields["kind"]: r.fields["version"]}
            found.insert(0, (r.offset + 1, now))
    return found


def rule_one_prediction_a_vector(w, seen, report):
    active, asked = _activations(w), _askings(w)
    for events, vectors, part in zip(seen.parts["events"], seen.parts["features"], seen.parts["predictions"]):
        by_place = {v.fields["offset"]: v for v in vectors}
        for event, record in _follows("predictions", events, part, report):
            vector = by_place.get(event.offset)
            if not vector:
                continue  # told by rule_one_vector_an_event
            if record.fields["rec"] != ("prediction" if vector.fields["rec"] == "vector" else vector.fields["rec"]):
                report("I2", f"{record.place}: a {record.fields['rec']} for a {vector.fields['rec']}")
            elif record.fields["rec"] != "prediction":
                _forwarded(vector, record, report)
            else:
                _passes_on(vector, record, TO_PREDICTION, report)
                is_asked = next((is_asked for at, is_asked in asked if at <= record.fields["control"]), False)
                _features(vector, record, is_asked, report)
                _kinds(record, next((now for at, now in active if at <= record.fields["control"]), {}), report)


def _askings(w):
    """[(offset in control + 1, whether a policy that asks for features holds from there on)], the newest first."""
    found, asking = [], {}
    for r in (r for part in w.topics["control"] for r in part if r.fields["what"] == "policy"):
        asking[r.fields["name"]] = r.fields["version"] > 0 and r.fields["wants_features"]
        found.insert(0, (r.offset + 1, any(asking.values())))
    return found


def _features(vector, record, is_asked, report):
    f, wanted = record.fields, vector.fields["features"] if is_asked else b""
    if (f["features"], f["features_n"]) != (wanted, len(wanted) // 4):
        report("I2", f"{record.place}: {len(f['features'])} bytes of features, {len(wanted)} of {vector.place} are due")


def _kinds(record, active, report):
    kinds = record.fields["kinds"]
    for k in kinds:
        if k["version"] != active.get(k["kind"]) and not k["lacked"]:
            report("I5", f"{record.place}: version {k['version']} of {k['kind']}, active is {active.get(k['kind'])}")
    if record.fields["verdict"] != 0 and kinds:
        report("I2", f"{record.place}: kinds for an event that does not count")
    if len({k["kind"] for k in kinds}) != len(kinds):
        report("I2", f"{record.place}: a kind stands twice")
    for k in kinds:
        if any(k[name] is None for name in ("lower", "probability", "upper", "margin")):
            report("I2", f"{record.place}: a prediction without its numbers")
        elif not 0 <= k["lower"] <= k["probability"] <= k["upper"] <= 1 or not k["model"] or k["version"] == 0:
            report("I2", f"{record.place}: {k}")


def rule_sessions(w, seen, report):
    for p, part in enumerate(seen.parts["sessions"]):
        events = {r.offset: r for r in seen.parts["events"][p]}
        counted, last, order = collections.Counter(), {}, {}
        for v in seen.parts["features"][p]:
            f = v.fields
            if f["rec"] == "vector" and f["session_id"]:
                counted[f["session_id"]] += 1
                lane = (f["site_id"], f["visitor"], f["of_import"])
                if not f["late"]:
                    last[lane] = f["session_id"]
                order[f["session_id"]] = lane
        told, before = {}, None
        for r in part:
            f = r.fields
            index = before.fields["index"] + 1 if before and before.fields["offset"] == f["offset"] else 0
            if f["index"] != index or f["origin"] != EVENTS or f["partition"] != p or f["offset"] not in events:
                report("I2", f"{r.place}: position {r.position} where index {index} of an event is due")
            before = r
            if f["session_id"] in told:
                report("I2", f"{r.place}: {f['session_id']} ended at offset {told[f['session_id']].offset}")
            told[f["session_id"]] = r
            if order.get(f["session_id"]) != (f["site_id"], f["visitor"], f["of_import"]) or \
                    counted[f["session_id"]] != f["events"]:
                report("I2", f"{r.place}: {f['events']} events, features has {counted[f['session_id']]}")
        for name, lane in order.items():
            if name not in told and last.get(lane) != name:
                report("I2", f"sessions partition {p}: {name} has a successor but has not ended")


RULES = [rule_offsets_follow, rule_keys, rule_raw_is_told, rule_imports_are_told, rule_ticks_and_control,
         rule_signals_go_everywhere, rule_ledger, rule_one_vector_an_event, rule_one_prediction_a_vector, rule_sessions]
