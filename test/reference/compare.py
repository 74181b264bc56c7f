#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare - the reference's outputs against the real ones: compare.py REFERENCE OUTPUTS

Both hold lines of JSON as reference.py and `auspexctl tap` print them (of features, sessions, rejected). Records of
one position must be equal in every field that either has, repeats of a position left out; control records and ends
of imports, which are passed on, are not looked at. Features and ratings: what the reference has as a whole number,
which is a count or a code, must be equal; others may be 1e-5 apart, relative, or 1e-6 near 0; NaN equals NaN.
Prints what differs, each feature's definition with it, then a line of counts; exit 1 when anything differed."""
import base64
import collections
import json
import struct
import sys

from codes import DEFINITIONS, FEATURES

TICK, VECTOR, SESSION, REJECTED = 2, 7, 8, 6
RELATIVE, NEAR_0, MOST_SHOWN = 1e-5, 1e-6, 20
SUMMARY = struct.Struct("<qqff6H4B")
# what a reference cannot know, and the body of what was refused; names with _ are auspexctl's own
LEFT_OUT = {"rec", "epoch", "origin", "import_id", "features_n", "features_hash", "stage", "detail", "body"}
ONLY_REASON = {"reason", "partition", "offset", "index"}


def is_told(key, value):
    return value is not None and value != "" and value != [] and (key == "rating" or value != 0)


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
            fields = {k: v for k, v in r.items() if k not in LEFT_OUT and k[0] != "_" and is_told(k, v)}
            if topic == "rejected":
                fields = {k: v for k, v in fields.items() if k in ONLY_REASON}
            found.setdefault(at, fields)
    return found


def f32(x):
    """The float32 that a number stands for: the real outputs are printed as short as that allows."""
    return struct.unpack("<f", struct.pack("<f", x))[0]


def alike(want, got):
    if want is None or got is None or isinstance(want, int):
        return want == got
    want, got = f32(want), f32(got)
    return abs(want - got) <= max(RELATIVE * abs(want), NEAR_0)


def unlike_features(want, got):
    if len(want) != len(got):
        yield f"{len(want)} features != {len(got)}"
    for name, a, b in zip(FEATURES, want, got):
        if not alike(a, b):
            _, absent, meaning, rule = DEFINITIONS[name]
            yield f"{name}: {a} != {b}\n    {name}: {meaning} ({rule}; absent {absent})"


def unlike_ratings(want, got):
    """Those that are as good as equal may have changed places, also with one that found none."""
    if len(want) != len(got):
        yield f"ratings: {len(want)} != {len(got)}"
    for i, (a, b) in enumerate(zip(want, got)):
        same = [c["rating"] for c in want if c["product_id"] == b["product_id"]] + [want[-1]["rating"]]
        if not alike(float(a["rating"]), b["rating"]) or not any(alike(float(x), b["rating"]) for x in same):
            yield f"ratings: of {i}, {a} != {b}"
            return


def unlike_summaries(want, got):
    want, got = (list(SUMMARY.iter_unpack(base64.b64decode(text))) for text in (want, got))
    if len(want) != len(got):
        yield f"{len(want)} summaries != {len(got)}"
    for i, (a, b) in enumerate(zip(want, got)):
        if not all(map(alike, a, b)):
            yield f"summary {i}: {a} != {b}"


SPECIAL = {"features": unlike_features, "ratings": unlike_ratings, "summaries": unlike_summaries,
           "rating": lambda want, got: [] if alike(want, got) else [f"rating: {want} != {got}"]}


def unlike(want, got):
    """What differs, as texts."""
    for key in sorted(set(want) | set(got)):
        a, b = want.get(key), got.get(key)
        if key in SPECIAL and a is not None and b is not None:
            yield from SPECIAL[key](a, b)
        elif a != b:
            yield f"{key}: {a} != {b}"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    want, got = load(sys.argv[1]), load(sys.argv[2])
    wrong, shown = collections.Counter(), 0
    counts = collections.Counter(at[0] for at, r in want.items() if "raw_partitions" not in r)
    for at in sorted(set(want) | set(got)):
        if at not in want or at not in got:
            differences = ["only in the reference" if at in want else "not in the reference"]
        else:
            differences = list(unlike(want[at], got[at]))
        wrong.update(text.split(":")[0] for text in differences)
        wrong["records"] += differences != []
        if differences and shown < MOST_SHOWN:
            shown += 1
            print(*at, want.get(at, {}).get("event_id", ""), "; ".join(differences))
    print(f"vectors {counts['features']}, sessions {counts['sessions']}, rejected {counts['rejected']}, "
          f"differing {wrong.pop('records', 0)}{''.join(f', {what} {n}' for what, n in wrong.most_common())}")
    sys.exit(1 if wrong or not want else 0)


if __name__ == "__main__":
    main()
