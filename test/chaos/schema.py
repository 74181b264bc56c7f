# SPDX-License-Identifier: Apache-2.0
"""schema - the records of schemas/*.def as Python dictionaries; shares nothing else with the product."""
import base64
import datetime
import json
import pathlib
import re

import msgpack

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"
RAW, IMPORTS, CONTROL, EVENTS = 1, 2, 3, 4  # origins
INDEX_TICK, INDEX_SIGNAL = 1000, 2000
DEFAULTS = {"u64": 0, "f64": None, "time": 0, "str": "", "json": "", "bin": b"", "flag": False}
CHECKS = {
    "u64": lambda v: type(v) is int and 0 <= v < 1 << 64,
    "time": lambda v: type(v) is int,
    "f64": lambda v: type(v) is float,
    "str": lambda v: type(v) is str,
    "json": lambda v: type(v) is str and (v == "" or json.loads(v) is not Bad),
    "bin": lambda v: type(v) is bytes,
    "flag": lambda v: type(v) is bool,
}
TOPIC_RECORDS = {  # besides the one that records.def names
    "imports": ("import_line", "import_end"), "events": ("event", "tick", "control", "import_end", "signal"),
    "features": ("vector", "tick", "control", "import_end"),
    "predictions": ("prediction", "tick", "control", "import_end"),
    "visitors": ("visitor", "checkpoint"), "models": ("manifest", "chunk"),
    "decisions": ("decision_state", "pending", "checkpoint")}
TRANSACTIONAL = ("visitors", "decisions", "deliveries")  # commit markers and compaction leave holes in them
FIELD = re.compile(r"^(FIELD|LIST)\((\d+), (\w+), (\w+),", re.M)
POSITION_NAMES = ("epoch", "origin", "partition", "offset", "index", "import_id")


class Bad(Exception):
    """A record that is not as its table says."""


def _fields(name):
    text = (SCHEMAS / f"{name}.def").read_text(encoding="utf-8")
    return {int(key): (kind if macro == "FIELD" else f"list:{kind}", field)
            for macro, key, kind, field in FIELD.findall(text)}


def _records():
    text = (SCHEMAS / "records.def").read_text(encoding="utf-8")
    found = re.findall(r'^RECORD\((\d+), (\w+), "(\w+)"', text, re.M)
    position = _fields("position")
    return {int(number): (name, position | _fields(name)) for number, name, _ in found}


def _parts():
    names = re.findall(r"^PART\((\w+),", (SCHEMAS / "parts.def").read_text(encoding="utf-8"), re.M)
    return {name: _fields(name) for name in names}


RECORDS, PARTS = _records(), _parts()
NUMBERS = {name: number for number, (name, _) in RECORDS.items()}
TYPES = {name: {field: kind for kind, field in fields.values()} for name, fields in RECORDS.values()}


def feature_names():
    return re.findall(r"^FEATURE\((\w+),", (SCHEMAS / "features.def").read_text(encoding="utf-8"), re.M)


def default(record, field):
    return DEFAULTS[TYPES[record][field]]


def time_us(text):
    """Microseconds since 1970 of an RFC 3339 time in UTC."""
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return int((at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) / datetime.timedelta(microseconds=1))


def _named(raw, fields):
    out = {name: DEFAULTS.get(kind, []) for kind, name in fields.values()}
    for key, value in raw.items():
        if key not in fields:
            continue  # a newer writer's
        kind, name = fields[key]
        if kind.startswith("list:"):
            part = PARTS[kind.removeprefix("list:")]
            value = [item if any(type(k) is str for k in item) else _named(item, part) for item in value]
        elif not CHECKS[kind](value):
            raise ValueError(f"{name} is {value!r}")
        out[name] = value
    return out


def _of_json(kind, value):
    if kind == "f64":
        return float(value)
    if kind == "time":
        return value if isinstance(value, int) else time_us(value)
    if kind == "bin":
        return base64.b64decode(value, validate=True)
    if kind.startswith("list:"):
        return [_from_json(item, PARTS[kind.removeprefix("list:")]) for item in value]
    return value


def _from_json(raw, fields):
    keys = {name.removesuffix("_us") if kind == "time" else name: key for key, (kind, name) in fields.items()}
    return _named({keys[name]: _of_json(fields[keys[name]][0], value) for name, value in raw.items()}, fields)


def decode(topic, value):
    """The fields of a record of a topic by name, absent ones at their default; `rec` is the record's name."""
    try:
        if value[:1] == b"{":
            raw = json.loads(value)
            name, fields = RECORDS[raw["rec"]]
            out = _from_json(raw, fields)
        else:
            raw = msgpack.unpackb(value, strict_map_key=False, raw=False)
            name, fields = RECORDS[raw[0]]
            out = _named(raw, fields)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, msgpack.UnpackException) as why:
        raise Bad(f"cannot be read: {type(why).__name__} {why}") from why
    if name not in TOPIC_RECORDS.get(topic, (name,)):
        raise Bad(f"is a {name}")
    out["rec"] = name
    return out


def murmur2(data):
    """Kafka's partitioner hash, from its definition."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at:at + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    if len(data) > whole:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def partition_of(key, n):
    return (murmur2(key) & 0x7FFFFFFF) % n
