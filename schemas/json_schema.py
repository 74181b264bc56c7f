#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""json_schema - writes schemas/events.schema.json from the tables: a JSON Schema (draft 2020-12) of events
in the catalogue's own form, a definition for each type. With --check it writes nothing and fails when the
file is stale."""
import json
import pathlib
import sys

import reference

FILE = pathlib.Path(__file__).resolve().parent / "events.schema.json"
NAME = "^[a-z][a-z0-9_]{0,49}$"
ABOUT = """Events of Auspex in the catalogue's own form, made by schemas/json_schema.py. The collector takes \
more than this: other names for the same things (members.def), other dialects (dialects.def), numbers in \
quotes. A maxLength stands here for as many bytes of UTF-8. Properties that are not named are kept, 8 KiB at \
most."""
TIME = {"anyOf": [{"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ].*)?$|^[0-9]+$|^$"},
                  {"type": "number", "minimum": 0, "exclusiveMaximum": 253402300800000}, {"type": "null"}]}
MICROS = {"anyOf": [{"type": "string", "pattern": "^[0-9]+$"},
                    {"type": "integer", "minimum": 0, "exclusiveMaximum": 253402300800000000}, {"type": "null"}]}
PURPOSES = {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 65535}, {"type": "array"}, {"type": "object"},
                      {"type": "null"}, {"type": "string"}, {"type": "boolean"}]}
# Where fields are objects, or words, as well.
LOOSE = {"device", "os", "screen", "source", "ip"}


def number(text):
    value = float(text)
    return int(value) if value.is_integer() else value


def value_of(row, is_required):
    """The schema of a field's value, by its row of properties.def."""
    field, kind, unit, least, most, size, rule = row
    none = [] if is_required else ["null"]
    about = {"description": described(reference.untimed(field), unit, rule)}
    if reference.untimed(field) in LOOSE:
        return about
    if kind == "time":
        return TIME | about
    if kind == "mask":
        return PURPOSES | about
    if kind in ("number", "integer"):
        return {"type": [kind] + none, "minimum": number(least), "maximum": number(most)} | about
    if kind == "array":
        return {"type": [kind] + none} | about
    if kind == "day":
        return {"type": ["string"] + none, "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2})?$"} | about
    if field == "title":
        return {"type": ["string"] + none} | about
    return {"type": ["string", "integer"] + none, "maxLength": int(size)} | about


def ref(row, is_required=False):
    return {"$ref": f"#/$defs/{'needs' if is_required else 'field'}.{reference.untimed(row[0])}"}


def values():
    """A definition for each field; of a required one, which null does not fill, a second."""
    needed = {field for _, _, required, _, _ in reference.event_types() for field in required}
    made = {}
    for _, row in reference.rows("properties"):
        field = reference.untimed(row[0])
        made[f"field.{field}"] = value_of(row, False)
        if field in needed:
            made[f"needs.{field}"] = value_of(row, True)
    return made


def described(field, unit, rule):
    meaning = reference.event_fields()[field][3]
    return "; ".join(t for t in (meaning, unit, rule) if t)


def own_names(field, places=("root", "properties")):
    """What the field is called in the event itself and in properties, the best first."""
    found = []
    for _, place, name, _, factor in reference.names_of_fields().get(field, []):
        if place in places and name not in found and factor == "1":
            found.append(name)
    return found


def refusing_names(field):
    """The names of a property under which a value that does not fit is refused."""
    return [name for rank, place, name, _, _ in reference.names_of_fields().get(field, [])
            if place == "properties" and rank == 0]


def members_of(place):
    """What collector takes in this object, and refuses when it does not fit."""
    fields = {reference.untimed(row[0]): row for _, row in reference.rows("properties")}
    members = {}
    for macro, a in reference.rows("members"):
        if macro != "MEMBER" or a[0] != place:
            continue
        to = reference.untimed(a[3].removeprefix("event.")) if a[3] not in ("kind", "name") else None
        if a[2] == "object":
            is_open = a[4] in ("properties", "params", "traits")  # theirs are the type's to judge
            members[a[1]] = {"type": ["object", "null"]} | ({} if is_open else {"properties": members_of(a[4])})
        elif a[2] == "micros":
            members[a[1]] = MICROS
        elif to in fields:
            members[a[1]] = ref(fields[to])
    return dict(sorted(members.items()))


def common():
    """Members of every event."""
    return {"type": "object", "properties": members_of("root"),
            "anyOf": [{"required": [name]} for field in ("anonymous_id", "user_id")
                      for name in own_names(field, ("root",))]}


def event_type(name, required, optional, meaning):
    bounds = {reference.untimed(a[0]): a for _, a in reference.rows("properties")}
    members, needed = {}, []
    for field in required + optional:
        for called in refusing_names(field):
            members[called] = ref(bounds[field], field in required)
    for field in required:
        names = own_names(field)
        needed.append({"anyOf": [{"required": [n]} for n in names]
                       + [{"required": ["properties"], "properties": {"properties": {"required": [n]}}}
                          for n in names]})
    made = {"description": meaning, "required": ["type"],
            "properties": {"type": {"const": name}} | members
            | {"properties": {"properties": members} if members else True}}
    return made | ({"allOf": needed} if needed else {})


def used(definitions):
    """Without the definitions that no other refers to; the types are all referred to."""
    text = json.dumps(definitions)
    return {name: made for name, made in definitions.items()
            if "." not in name or json.dumps(f"#/$defs/{name}") in text}


def schema():
    types = list(reference.event_types())
    calls = [a[0] for macro, a in reference.rows("dialects") if macro == "CALL"]
    known = {t[1] for t in types}
    made = {name: event_type(name, required, optional, meaning)
            for _, name, required, optional, meaning in types}
    made["call"] = {
        "description": "one of Segment's calls; of track, `event` names the type",
        "required": ["type"], "properties": {"type": {"enum": [c for c in calls if c not in known]}},
        "anyOf": [{"required": ["event"]}, {"properties": {"type": {"not": {"const": "track"}}}}]}
    made["custom"] = {
        "description": "any other name: a type of the sender's own, or of another dialect", "required": ["type"],
        "properties": {"type": {"type": "string", "pattern": NAME,
                                "not": {"enum": sorted(known | set(calls))}}}}
    refs = [{"$ref": f"#/$defs/{name}"} for name in made]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "event", "description": ABOUT,
            "allOf": [{"$ref": "#/$defs/common"}], "oneOf": refs, "$defs": used({"common": common()} | made | values())}


def main(argv):
    text = json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"
    if "--check" not in argv:
        FILE.write_text(text, encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == text:
        return 0
    print("schemas/events.schema.json is stale: run schemas/json_schema.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
