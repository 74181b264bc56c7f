#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""reference - writes schemas/REFERENCE.md from the tables: topics, records, types of events and what
senders call things, channels, currencies, reasons, options, metrics, features, codes, SQL. With --check it
writes nothing and fails when the page is stale. In both cases it fails when tables contradict each other."""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
PAGE = HERE / "REFERENCE.md"
LINE = re.compile(r"^([A-Z_]+)\((.*)\)$")
ARGUMENT = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[^,"]*)\s*(?:,|$)')


def arguments(text):
    found, at = [], 0
    while at < len(text):
        match = ARGUMENT.match(text, at)
        if not match or match.end() == at:
            sys.exit(f"cannot read: {text}")
        found.append(match[1].strip().strip('"').replace('\\"', '"'))
        at = match.end()
    return found


def rows(name):
    """The lines of a table as (macro, arguments)."""
    for line in (HERE / f"{name}.def").read_text(encoding="utf-8").splitlines():
        match = LINE.match(line)
        if match:
            yield match[1], arguments(match[2])


def comment(name):
    """The text at the top of a table, as one paragraph per blank line."""
    text = (HERE / f"{name}.def").read_text(encoding="utf-8")
    match = re.match(r"/\*(.*?)\*/", text, re.DOTALL)
    lines = [line.strip().lstrip("*").strip() for line in match[1].splitlines()]
    return "\n".join(lines).strip()


def prose(name):
    """The same, its lines on macros as a list."""
    item = re.compile(r"^([A-Z_]+\(.*?\))\s\s+(.*)$", re.MULTILINE)
    return item.sub(r"- `\1`: \2", comment(name))


def table(head, body):
    def line(cells):
        return "| " + " | ".join(str(c).replace("|", "\\|") for c in cells) + " |"
    return "\n".join([line(head), line("---" for _ in head)] + [line(r) for r in body])


def fields(name):
    for macro, a in rows(name):
        if macro == "LIST":
            yield (a[0], f"`{a[2]}`", f"list of {a[1]}", a[3])
        else:
            yield (a[0], f"`{a[2]}`", a[1], a[3])


def records():
    yield ("Internal records are msgpack maps with these small integers as keys. Every record begins with its\n"
           "position; a field that is absent has its default: 0, false, empty, and NaN for f64. Readers skip keys\n"
           "they do not know. As JSON, and as columns, times lose the `_us` of their names.\n\n"
           "Types: u64; f64; time (microseconds since 1970, UTC); str (UTF-8); json (JSON text); bin; flag.")
    yield "### position\n\n" + comment("position") + "\n\n" + table(
        ("key", "field", "type", "meaning"), fields("position"))
    for number, name, *_ in (a for _, a in rows("records")):
        yield (f"### {name}\n\n" + comment(name) + f"\nrec = {number}.\n\n"
               + table(("key", "field", "type", "meaning"), fields(name)))
    for name, *_ in (a for _, a in rows("parts")):
        yield f"### {name}\n\n" + comment(name) + "\n\n" + table(
            ("key", "field", "type", "meaning"), fields(name))


def grouped(name, cells):
    """Rows by their first argument, in order of appearance."""
    groups = {}
    for _, a in rows(name):
        groups.setdefault(a[0], []).append(cells(a))
    return groups


def bounds(a):
    return f"{a[4]} to {a[5]}" if a[2] == "u64" else ""


def options():
    yield ("`[section]` and `key = value` in the configuration file; `AUSPEX_SECTION__KEY` in the environment\n"
           "stands above it. Section `[kafka]` goes to librdkafka as it is; `[webhooks]` has `NAME.url`,\n"
           "`NAME.secret` and `NAME.allow_private` of each webhook that policies name.")
    for section, body in grouped("options", lambda a: (
            f"`{a[1]}`", a[2], f"`{a[3]}`" if a[3] else "", bounds(a), a[6])).items():
        yield f"### [{section}]\n\n" + table(("key", "type", "default", "range", "meaning"), body)


def counters():
    yield "Names as on `/metrics`; program `all` stands in each."
    for program, body in grouped("counters", lambda a: (
            f"`auspex_{a[1]}`", a[2], a[3], a[4])).items():
        yield f"### {program}\n\n" + table(("name", "type", "labels", "meaning"), body)


def features():
    yield comment("features") + "\n\n" + table(
        ("entry", "name", "unit", "group", "absent", "meaning", "rule"),
        ((i, f"`{a[0]}`", a[2], a[3], a[4], a[5], a[6]) for i, (_, a) in enumerate(rows("features"))))
    if (HERE / "codes.def").exists():
        codes = {}
        for macro, a in rows("codes"):
            codes.setdefault(macro.lower(), []).append((int(a[0]), a[1]))
        for macro, body in codes.items():
            yield (f"### codes: {macro}\n\n"
                   + ", ".join(f"{n} `{name}`" for n, name in sorted(body)))


def channels():
    made = {"HOST": "{}", "LABEL": "{}.*", "APP": "app {}", "SOURCE": "utm_source {}", "MEDIUM": "{}", "CAMPAIGN": "{}"}
    kinds = {"SOURCES": ("HOST", "LABEL", "APP", "SOURCE"), "MEDIA": ("MEDIUM",), "CAMPAIGNS": ("CAMPAIGN",)}
    lines = list(rows("channels"))
    yield comment("channels") + "\n\n" + table(
        ("group", "channel", "sources", "media", "campaigns"), (a for macro, a in lines if macro == "RULE"))
    yield "### channels: lists\n\n" + table(("kind", "list", "meaning", "what stands on it"), (
        (macro.lower(), a[0], a[1], ", ".join(f"`{made[m].format(w)}`" for m, (to, w, *_) in lines
                                             if m in kinds[macro] and to == a[0]))
        for macro, a in lines if macro in kinds))
    yield "### channels: click ids\n\n" + table(
        ("parameter", "sources", "media"), ((f"`{a[0]}`", *a[1:]) for macro, a in lines if macro == "CLICK"))


def currencies():
    yield comment("currencies") + "\n\n" + ", ".join(
        f"`{code}` {name}" + ("" if digits == "2" else f" ({digits})") for _, (code, digits, name) in rows("currencies"))


def untimed(field):
    """Times are called without the _us of their names in C."""
    return re.sub(r"_us$", "", field)


def event_fields():
    return {untimed(a[2]): a for macro, a in rows("event") if macro == "FIELD"}


def event_types():
    """(class, name, required, optional, meaning), the fields as lists."""
    for _, a in rows("types"):
        yield a[0], a[1], a[2].split(), a[3].split(), a[4]


def names_of_fields():
    """Of each field of an event its names: (rank, place, name, is_own, factor), the best first."""
    found = {}
    for macro, a in rows("members"):
        place, name, _, to = a[:4]
        rank = a[5] if macro == "MEMBER" else a[4]
        factor = "1" if macro == "MEMBER" else a[5]
        if to.startswith("event."):
            field = untimed(to.removeprefix("event."))
            if not (field == "properties" and place == "envelope"):
                found.setdefault(field, []).append((int(rank), place, name, macro == "OWN", factor))
        elif to in ("ts", "sent_at"):
            found.setdefault(to, []).append((int(rank), place, name, False, "1"))
    return {field: sorted(names, key=lambda n: n[0]) for field, names in found.items()}


def faults():
    """What tables say that others do not."""
    fields, bounds_of = event_fields(), {untimed(a[0]) for _, a in rows("properties")}
    numbers = {a[1] for macro, a in rows("codes") if macro == "EVENT_TYPE"}
    types = {name: required + optional for _, name, required, optional, _ in event_types()}
    for name in sorted(numbers ^ set(types)):
        yield f"{name}: in one of types.def and codes.def only"
    for name in sorted(bounds_of - set(fields)):
        yield f"{name}: in properties.def, not in event.def"
    for field in sorted(set(names_of_fields()) - bounds_of):
        yield f"{field}: in members.def, not in properties.def"
    for name, listed in types.items():
        for field in listed:
            if field not in bounds_of:
                yield f"{field} of {name}: not in properties.def"
    for macro, a in rows("dialects"):
        for name in {"EVENT_NAME": a[1:2], "CALL": a[1:2], "WHEN": [a[0], a[-1]]}.get(macro, []):
            if name and name not in types:
                yield f"{name}: in dialects.def, not in types.def"


def types_of_events():
    codes = {a[1]: a[0] for macro, a in rows("codes") if macro == "EVENT_TYPE"}
    yield prose("types")
    groups = {}
    for group, name, required, optional, meaning in event_types():
        def ticked(names):
            return ", ".join(f"`{n}`" for n in names)
        groups.setdefault(group, []).append(
            (f"`{name}`", codes.get(name, ""), ticked(required), ticked(optional), meaning))
    for group, body in groups.items():
        yield f"### {group}\n\n" + table(("type", "number", "required", "optional", "meaning"), body)


def properties():
    yield prose("properties")
    fields = event_fields()
    for macro, title in (("COMMON", "of every event"), ("PROPERTY", "of types")):
        body = []
        for found, a in rows("properties"):
            if found != macro:
                continue
            field, kind, unit, least, most, size, rule = untimed(a[0]), *a[1:]
            limits = f"{size} bytes" if size != "0" else f"{least} to {most}"
            body.append((f"`{field}`", kind, unit, limits, fields[field][3], rule))
        yield f"### {title}\n\n" + table(("field", "type", "unit", "bounds", "meaning", "rule"), body)


def members():
    yield prose("members")

    def said(name):
        _, place, text, is_own, factor = name
        return f"{place} `{text}`" + (" × " + factor if factor != "1" else "") + (" °" if is_own else "")
    yield "Names of each field, the best first; ° only in types that list the field.\n\n" + table(
        ("field", "names"),
        ((f"`{field}`", ", ".join(said(n) for n in names)) for field, names in names_of_fields().items()))


def dialects():
    yield prose("dialects")
    of = {}
    for macro, a in rows("dialects"):
        of.setdefault(macro, []).append(a)
    yield "### calls\n\n" + table(("call", "type"), ((f"`{a[0]}`", f"`{a[1]}`" if a[1] else "by `event`")
                                                     for a in of["CALL"]))
    yield "### names of events\n\n" + table(("name", "type"), ((f"`{a[0]}`", f"`{a[1]}`")
                                                            for a in of["EVENT_NAME"]))
    yield "### by a flag\n\n" + table(("type", "flag", "becomes"),
                                      ((f"`{a[0]}`", f"`{a[1]}`", f"`{a[2]}`") for a in of["WHEN"]))
    yield "### purposes of consent\n\n" + table(
        ("word", "mask"), [(f"`{a[0]}`", a[1]) for a in of["PURPOSE"]]
        + [(f"`{a[0]}`", f"{a[1]}, refused") for a in of["OBJECTION"]])


def meanings():
    """Of the columns: what the fields that they are made from mean."""
    found = {}
    for _, (_, name, *_rest) in rows("records"):
        for _, a in rows(name):
            found.setdefault(name, {})[re.sub(r"_us$", "", a[2]) if a[1] == "time" else a[2]] = a[3]
    found["kind"] = {a[2]: a[3] for _, a in rows("kind")}
    return found


PLACE = {
    "epoch": "history that the offsets belong to",
    "partition": "partition of the topic",
    "offset": "offset in it",
    "index": "place among what that one record triggered",
    "origin": "1 raw, 2 imports, 3 control, 4 events",
    "source_partition": "partition that it comes from",
    "source_offset": "offset there; of an import the line",
    "source_index": "place within the record there",
    "import_id": "of an import: its id",
}
OWN = {  # columns that no record has
    "notices": {"received": "append time of the record", "rec": "which record it is",
                "record": "the record, as it stands in the topic",
                "clock": "of the partition then"},
    "backfills": {"name": "what trainer calls it by", "made": "when", "period_from": "event time that it begins at",
                  "period_to": "and ends before; NULL = open", "known_at": "what was received later is left out",
                  "site_id": "only this site's; NULL = all", "features_n": "lines of features.def",
                  "features_hash": "hash over them", "options": "section [featurizer] as it was",
                  "vectors": "rows, without conversions behind the period", "sessions": "rows"},
    "backfill_vectors": {"backfill": "name of the training set"},
    "backfill_sessions": {"backfill": "name of the training set"},
}
RECORDS = {"events_all": ["event"], "repeats": ["vector"], "features": ["vector"],
           "sessions": ["session"], "predictions": ["prediction", "kind"], "rejected": ["rejected"],
           "models": ["manifest"], "interventions": ["intervention"], "outcomes": ["outcome"],
           "deliveries": ["delivery"]}


def uncommented(text):
    lines = [l[2:].strip() for l in text.splitlines() if l.startswith("--") and "SPDX" not in l]
    return "\n".join(lines).strip()


def sql():
    known = meanings()
    for path in sorted((HERE / "sql").glob("[0-9]*.sql")):
        text = path.read_text(encoding="utf-8")
        head = [b for b in text.split("\n\n", 1)[0].split("\n--\n") if b]
        yield f"From `sql/{path.name}`.\n\n" + "\n\n".join(uncommented(b) for b in head)
        pattern = r"((?:^--.*\n)*)^(?:CREATE TABLE (\w+) \(\n((?:    .*\n)*)\)|CREATE VIEW (\w+))"
        for match in re.finditer(pattern, text, re.MULTILINE):
            comments, name, lines, view = match.groups()
            about = f"\n\n{uncommented(comments)}" if comments else ""
            if view:
                yield f"### view {view}{about}"
                continue
            of = OWN.get(name) or {k: v for r in RECORDS.get(name, []) for k, v in known[r].items()}
            yield f"### {name}{about}\n\n" + table(("column", "type", "meaning"), columns(lines, of))
        for match in re.finditer(r"^ALTER TABLE (\w+) ADD COLUMN (.*);$", text, re.MULTILINE):
            yield f"### {match[1]}: {match[2]}"


def columns(body, of):
    for line in body.splitlines():
        match = re.match(r'\s*"?(\w+)"? (.*?),?$', line)
        if match and match[1] not in ("PRIMARY", "LIKE"):
            yield (f"`{match[1]}`", match[2].replace(" NOT NULL", ""),
                   of.get(match[1]) or PLACE.get(match[1], ""))


def page():
    topics = table(("name", "prefix", "partitions", "cleanup", "meaning"),
                   ((f"`{a[0]}`", *a[1:]) for _, a in rows("topics")))
    reasons = table(("reason", "meaning"), ((f"`{a[0]}`", a[1]) for _, a in rows("reasons")))
    parts = [
        "# Reference", "Made by `schemas/reference.py` from the tables in this folder; a test keeps it true.",
        "## Topics", "A topic is called PREFIX.NAME.v1. Prefix `in` = option `topic_prefix`, `out` = `output_prefix`;\n"
        "partitions n = option `partitions`.", topics,
        "## Records", *records(),
        "## Types of events", *types_of_events(),
        "## Properties", *properties(),
        "## Names of members", *members(),
        "## Dialects", *dialects(),
        "## Channels", *channels(),
        "## Currencies", *currencies(),
        "## Reasons", "Why something stands in `rejected`.", reasons,
        "## Options", *options(),
        "## Metrics", *counters(),
        "## Features", *features(),
        "## SQL tables", *sql(),
    ]
    return "\n\n".join(parts) + "\n"


def main(argv):
    wrong = list(faults())
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    text = page()
    if "--check" not in argv:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print("schemas/REFERENCE.md is stale: run schemas/reference.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
