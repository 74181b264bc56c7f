# SPDX-License-Identifier: Apache-2.0
"""rules_rest - the invariants that need everything at rest: tables (I2) and offsets (I6)."""
import json
import struct

from logs import READS
from rules import is_heartbeat
from schema import EVENTS, NUMBERS, POSITION_NAMES, TRANSACTIONAL, TYPES

SOURCE = {"source_partition": "partition", "source_offset": "offset", "source_index": "index"}
INDEXED = ("sessions", "interventions", "outcomes", "deliveries")
NOTICE, CLOCK = {}, {"kind": "clock"}  # in place of a kind: the row of what is no event, and that of its clock
OF_KIND = ("kind", "probability", "lower", "upper", "margin", "model", "version", "lacked")


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def sql_value(kind, value):
    """A field as its column has it."""
    if kind == "u64":
        return signed(value)
    if kind == "json":
        return json.loads(value) if value else None
    if kind == "f64":
        return None if value is None or value != value else float(value)
    if kind == "flag":
        return bool(value)
    return value or None


def wanted_row(columns, record, place, kind=None):
    """The row that a record should have: `place` = partition and offset for the key."""
    f, row = record.fields, {}
    for name in columns:
        if name == "partition":
            row[name] = place[0]
        elif name == "offset":
            row[name] = place[1]
        elif name == "rec":
            row[name] = NUMBERS[f["rec"]]
        elif kind == NOTICE and name in ("record", "clock"):
            row[name] = record.value if name == "record" else None
        elif kind is CLOCK and name == "record":
            row[name] = None
        elif name in SOURCE:
            row[name] = f[SOURCE[name]]
        elif name in POSITION_NAMES:
            row[name] = signed(f[name])
        elif kind and name in OF_KIND:
            row[name] = signed(kind[name]) if name == "version" else kind[name]
        else:
            field = name if name in f else name + "_us"
            row[name] = sql_value(TYPES[f["rec"]][field], f[field])
    return row


def _key(row):
    kind = ""
    if "probability" in row:  # of a prediction; a signal's kind is no part of its place
        kind = row["kind"] or ""
    elif "rec" in row and row["record"] is None:
        kind = CLOCK["kind"]
    return (row["partition"], row["offset"], row.get("index", 0), kind, row.get("attempt", 0))


def _records(seen):
    """(table, record, place, kind) of every row there should be."""
    for word, table in (("events", "events_all"), ("rejected", "rejected")):
        for part in seen.parts[word]:
            for r in part:
                if r.fields["rec"] in ("event", "rejected"):
                    yield table, r, (r.partition, r.offset), None
                elif r.fields["rec"] in ("control", "signal", "import_end"):
                    yield "notices", r, (r.partition, r.offset), NOTICE
    for part in seen.parts["features"]:
        for r in part:
            if r.fields["rec"] == "import_end" and r.fields["clock_us"]:
                yield "notices", r, (r.fields["partition"], r.fields["offset"]), CLOCK
            if r.fields["rec"] == "vector" and r.fields["verdict"] < 2:
                place = (r.fields["partition"], r.fields["offset"])
                yield ("repeats" if r.fields["verdict"] else "features"), r, place, None
    for table in INDEXED:
        for part in seen.parts.get(table) or seen.topics.get(table, []):
            for r in part:
                yield table, r, (r.fields["partition"], r.fields["offset"]), None
    for part in seen.parts["predictions"]:
        for r in part:
            for kind in r.fields.get("kinds", []):
                yield "predictions", r, (r.fields["partition"], r.fields["offset"]), kind


def _is_equal(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("d", a) == struct.pack("d", b)
    return a == b


def rule_tables(w, seen, report):
    if w.tables is None:
        return
    have = {}
    for table, rows in w.tables.items():
        have[table] = {}
        for row in rows:
            if _key(row) in have[table]:
                report("I2", f"table {table}: {_key(row)} stands twice")
            have[table][_key(row)] = row
    n_counted = 0
    for table, record, place, kind in _records(seen):
        n_counted += table == "features"
        index = record.fields["index"] if table in INDEXED else 0
        key = (*place, index, kind["kind"] if kind else "", record.fields.get("attempt", 0))
        row = have[table].pop(key, None)
        if row is None:
            report("I2", f"table {table}: no row for {record.place}")
            continue
        for name, value in wanted_row(row, record, place, kind).items():
            if not _is_equal(value, row[name]):
                report("I2", f"table {table} {key}: {name} is {row[name]!r}, {record.place} has {value!r}")
    for table, rows in have.items():
        for key in rows:
            report("I2", f"table {table}: nothing leads to row {key}")
    if w.view_n is not None and w.view_n != n_counted:
        report("I2", f"view events has {w.view_n} rows, {n_counted} events count")


ARCHIVED = ("events", "rejected", "features", "sessions", "predictions", "interventions", "outcomes", "deliveries")


def _at_end(w, who, word, partition, offset, report):
    end = w.ends[word][partition]
    rest = [r for r in w.topics[word][partition] if r.offset >= offset]
    # heartbeats go on until the last moment, and behind the last record of a transaction stands its mark
    is_idle = word in TRANSACTIONAL and not rest or word == "raw" and all(is_heartbeat(r) for r in rest)
    if offset > end or (offset < end and not is_idle):
        report("I6", f"{who} stands at {word} partition {partition} offset {offset}, the end is {end}")


def rule_offsets_at_the_end(w, seen, report):
    if not w.has_stopped:
        return
    for program, words in READS.items():
        for word in words if program not in w.without else ():
            for p, end in enumerate(w.ends[word]):
                if end > 0:
                    _at_end(w, f"auspex.{program}", word, p, w.groups.get((program, word, p), 0), report)
    if w.tables is not None:
        rows = {(word, p): offset for word, p, offset in w.archive_offsets}
        for word in ARCHIVED:
            for p, end in enumerate(w.ends[word]):
                _at_end(w, "archive_offsets", word, p, rows.get((word, p), 0), report)


CHECKPOINTS = {"visitors": ("featurizer", "events"), "decisions": ("actuator", "predictions")}


def rule_checkpoints_agree(w, seen, report):
    for word, reads in CHECKPOINTS.items():
        for part in w.topics.get(word, []):
            _checkpoints(w, reads, part, report)


def _checkpoints(w, reads, part, report):
    last = None
    for r in part:
        if r.key == b"\0checkpoint" and r.value:
            if last and r.fields["next_offset"] < last.fields["next_offset"]:
                report("I6", f"{r.place}: the checkpoint goes back")
            last = r
    group = w.groups.get((*reads, part[0].partition if part else -1))
    if last and last.fields["next_offset"] != group:
        report("I6", f"{last.place}: checkpoint at {last.fields['next_offset']}, group at {group}")
    if last and last.fields["origin"] not in (0, EVENTS):
        report("I6", f"{last.place}: origin {last.fields['origin']}")


RULES = [rule_tables, rule_offsets_at_the_end, rule_checkpoints_agree]
