#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare - the reference's outputs against the real ones: compare.py REFERENCE OUTPUTS

Both hold lines of JSON as reference.py and `auspexctl tap` print them (of features, sessions, rejected). Records of
one position must be equal in every field that either has, repeats of a position left out; control records and ends
of imports, which are passed on, are not looked at. Features must be the same float32, but for the sine and cosine,
which the reference takes from libm: these within 1e-6. Prints what differs, then a line of counts; exit 1 when
anything differed."""
import collections
import json
import pathlib
import re
import struct
import sys

TICK, VECTOR, SESSION, REJECTED = 2, 7, 8, 6
NEAR = {"hour_sin", "hour_cos"}
# what a reference cannot know, and the body of what was refused; names with _ are auspexctl's own
LEFT_OUT = {"rec", "epoch", "origin", "import_id", "features_n", "features_hash", "stage", "detail", "body"}
ONLY_REASON = {"reason", "partition", "offset", "index"}


def names():
    schemas = pathlib.Path(__file__).resolve().parents[2] / "schemas"
    return re.findall(r"^FEATURE\((\w+),", (schemas / "features.def").read_text(), re.M)


def load(path):
    """Records by (topic, partition, offset, index); of a repeat the first stands."""
    kinds = {TICK: "features", VECTOR: "features", SESSION: "sessions", REJECTED: "rejected"}
    found = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            r = json.loads(line)
            topic = r.get("_topic") if "rec" not in r else kinds.get(r["rec"])
            if topic is None or (topic == "rejected" and r.get("reason") != "id_conflict"):
                continue
            at = (topic, r.get("partition", 0), r.get("offset", 0), r.get("index", 0))
            fields = {k: v for k, v in r.items()
                      if k not in LEFT_OUT and k[0] != "_" and v not in (None, "", False) and v != 0}
            if topic == "rejected":
                fields = {k: v for k, v in fields.items() if k in ONLY_REASON}
            found.setdefault(at, fields)
    return found


def f32(x):
    """The float32 that a number stands for: the real outputs are printed as short as that allows."""
    return x if x is None else struct.unpack("<f", struct.pack("<f", x))[0]


def unlike(want, got, feature_names):
    """Names of the fields that differ."""
    for key in sorted(set(want) | set(got)):
        a, b = want.get(key), got.get(key)
        if key == "features" and isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
            for name, x, y in zip(feature_names, map(f32, a), map(f32, b)):
                if x != y and not (name in NEAR and abs(x - y) <= 1e-6):
                    yield f"{name}: {x} != {y}"
        elif a != b:
            yield f"{key}: {a} != {b}"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    want, got, feature_names = load(sys.argv[1]), load(sys.argv[2]), names()
    wrong, counts = 0, collections.Counter(at[0] for at, r in want.items() if "raw_partitions" not in r)
    for at in sorted(set(want) | set(got)):
        if at not in want or at not in got:
            differences = ["only in the reference" if at in want else "not in the reference"]
        else:
            differences = list(unlike(want[at], got[at], feature_names))
        if differences:
            wrong += 1
            if wrong <= 10:
                print(*at, "; ".join(differences), sep=" ")
    print(f"vectors {counts['features']}, sessions {counts['sessions']}, rejected {counts['rejected']}, "
          f"differing {wrong}")
    sys.exit(1 if wrong or not want else 0)


main()
