#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""json_schema_test - events.schema.json says of the events of event_cases.txt what the collector says of them
(collector/event_types_test.c reads the same file)."""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
TYPES = {"object": dict, "array": list, "string": str, "null": type(None), "boolean": bool}
WORDS = {"description", "title", "$schema", "$defs", "type", "const", "enum", "pattern", "maxLength", "minimum",
         "maximum", "exclusiveMaximum", "required", "properties", "anyOf", "oneOf", "allOf", "not", "$ref"}


def is_of(value, kind):
    if kind in ("number", "integer"):
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_number and (kind == "number" or float(value).is_integer())
    return isinstance(value, TYPES[kind])


def holds(root, schema, value):
    """The words of JSON Schema that the generator uses; any other is an error of this check."""
    if isinstance(schema, bool):
        return schema
    if set(schema) - WORDS:
        sys.exit(f"not known here: {set(schema) - WORDS}")

    def each(name):
        return [holds(root, s, value) for s in schema[name]]
    kinds = schema.get("type", [])
    checks = [
        not kinds or any(is_of(value, k) for k in ([kinds] if isinstance(kinds, str) else kinds)),
        "const" not in schema or value == schema["const"],
        "enum" not in schema or value in schema["enum"],
        "anyOf" not in schema or any(each("anyOf")),
        "oneOf" not in schema or sum(each("oneOf")) == 1,
        "allOf" not in schema or all(each("allOf")),
        "not" not in schema or not holds(root, schema["not"], value),
        "$ref" not in schema or holds(root, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], value)]
    if isinstance(value, str):
        checks += [re.search(schema.get("pattern", ""), value) is not None,
                   len(value) <= schema.get("maxLength", len(value))]
    if is_of(value, "number"):
        checks += [schema.get("minimum", value) <= value <= schema.get("maximum", value),
                   value < schema.get("exclusiveMaximum", value + 1 + abs(value))]
    if isinstance(value, dict):
        checks += [name in value for name in schema.get("required", [])]
        checks += [holds(root, s, value[name]) for name, s in schema.get("properties", {}).items() if name in value]
    return all(checks)


def main():
    schema = json.loads((HERE / "events.schema.json").read_text(encoding="utf-8"))
    wrong, n = [], 0
    for line in (HERE / "event_cases.txt").read_text(encoding="utf-8").splitlines():
        verdict, _, text = line.partition(" ")
        if verdict.startswith(("#", "*")):
            continue
        n += 1
        if holds(schema, schema, json.loads(text)) != (verdict == "accepted"):
            wrong.append(line)
    print("\n".join(wrong + [f"{n} cases, {len(wrong)} wrong"]))
    return 1 if wrong or n < 50 else 0


if __name__ == "__main__":
    sys.exit(main())
