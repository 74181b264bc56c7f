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


def refusing_names(field, place):
    """The names under which a value that does not fit is refused."""
    names = reference.names_of_fields().get(field, [])
    return [n[2] for n in names if n[1] == place and (n[0] == 0 or place == "root")]


def common():
    """Members of every event."""
    members = {}
    for macro, row in reference.rows("properties"):
        field = reference.untimed(row[0])
        if macro == "COMMON":
            for name in refusing_names(field, "root"):
                members[name] = ref(row)
    objects = {a[1] for macro, a in reference.rows("members")
               if macro == "MEMBER" and a[0] == "root" and a[2] == "object"}
    members |= {name: {"type": ["object", "null"]} for name in objects}
    members.pop("type", None)
    return {"type": "object", "properties": dict(sorted(members.items())),
            "anyOf": [{"required": [name]} for field in ("anonymous_id", "user_id")
                      for name in own_names(field, ("root",))]}


def properties():
    """Those that an event of any type may have: members.def takes them in all."""
    members = {}
    own = {n for names in reference.names_of_fields().values() for n in
           ((name[1], name[2]) for name in names if name[3])}
    for _, row in reference.rows("properties"):
        for name in refusing_names(reference.untimed(row[0]), "properties"):
            if ("properties", name) not in own:
                members[name] = ref(row)
    return {"type": "object", "properties": dict(sorted(members.items()))}


def event_type(name, required, optional, meaning):
    bounds = {reference.untimed(a[0]): a for _, a in reference.rows("properties")}
    members, needed = {}, []
    for field in required + optional:
        for called in refusing_names(field, "properties"):
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
            "allOf": [{"$ref": "#/$defs/common"}, {"$ref": "#/$defs/properties"},
                      {"properties": {"properties": {"anyOf": [{"$ref": "#/$defs/properties"},
                                                               {"type": "null"}]}}}],
            "oneOf": refs, "$defs": {"common": common(), "properties": properties()} | made | values()}


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
