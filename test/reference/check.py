#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check - featurizer's core against the reference: check.py DRIVE seed NUMBER... | check.py DRIVE rees46 FILE

DRIVE is the program featurizer/drive. With seeds, each feature must also leave its absent value, and lists and
sketches must be filled beyond their bounds: or the comparison would say little. Leaves with 77 (skipped) when FILE is
not there."""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

from codes import DEFINITIONS, FEATURES

HERE = pathlib.Path(__file__).resolve().parent
TAILS, HALF_LIVES = (0, 5, 128), (30, 1, 400)
KEEP_DAYS = 400
# what is known of the sample from counting it by other means
REES46 = {"visitors": 4504, "sessions": 4518, "converted": 193, "vectors": 17434}
# the greatest that some features must come to, so that no bound goes untouched
FILLED = {"products_explored": 350, "categories_explored": 350, "crawl_breadth": 90, "session_products": 350,
          "unique_pages": 64, "distinct_products": 64, "distinct_categories": 64, "feature_diversity": 64,
          "total_sessions": 100, "total_events": 300, "click_frustration": 3, "signals_active": 5,
          "price_comparisons": 5, "consecutive_errors": 5}


def run(out, *command, given=None):
    with open(out, "w", encoding="utf-8") as to:
        source = open(given, encoding="utf-8") if given else subprocess.DEVNULL
        subprocess.run([str(c) for c in command], stdin=source, stdout=to, check=True)


def compared(drive, folder, tail, half_life, *generator):
    """The path of the reference's outputs, after the core's were found equal to them."""
    events, want, got = (pathlib.Path(folder) / name for name in ("events", "want", "got"))
    run(events, sys.executable, *generator)
    run(want, sys.executable, HERE / "reference.py", "--tail", tail, "--half-life", half_life, "--keep-days",
        KEEP_DAYS, "--ratings", "--summaries", given=events)
    run(got, drive, tail, half_life, KEEP_DAYS, given=events)
    if subprocess.run([sys.executable, str(HERE / "compare.py"), str(want), str(got)]).returncode != 0:
        sys.exit(1)
    return want


def records(path):
    with open(path, encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def counted(path):
    found, visitors = collections.Counter(), set()
    for r in records(path):
        if r["_topic"] == "sessions":
            found["sessions"] += 1
            found["converted"] += r.get("converted", False)
            visitors.add(r["visitor"])
        elif "features" in r:
            found["vectors"] += 1
    return {**found, "visitors": len(visitors)}


class Coverage:
    """In how many rows each feature was not as when nothing is known, and how great it came to be."""

    def __init__(self):
        self.absent = {name: None if absent == "NaN" else float(absent)
                       for name, (_, absent, _, _) in DEFINITIONS.items()}
        self.rows, self.told, self.most = 0, collections.Counter(), collections.Counter()

    def add(self, path):
        for r in records(path):
            if "features" not in r:
                continue
            self.rows += 1
            for name, x in zip(FEATURES, r["features"]):
                self.told[name] += x != self.absent[name]
                self.most[name] = max(self.most[name], x or 0)

    def demand(self):
        rarest = sorted(FEATURES, key=lambda name: self.told[name])
        print(f"{len(FEATURES)} features in {self.rows} rows; told least often: "
              + ", ".join(f"{name} {self.told[name]}" for name in rarest[:8]))
        for name in rarest:
            if self.told[name] == 0:
                sys.exit(f"{name} is never told")
        for name, least in FILLED.items():
            if self.most[name] < least:
                sys.exit(f"{name} only comes to {self.most[name]}")


def main():
    drive, what, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory() as folder:
        if what == "seed":
            coverage = Coverage()
            for seed in rest:
                print(f"seed {seed}: ", end="", flush=True)
                tail, half_life = (of[int(seed) % len(of)] for of in (TAILS, HALF_LIVES))
                coverage.add(compared(drive, folder, tail, half_life, HERE / "generate.py", seed))
            coverage.demand()
            return
        if not pathlib.Path(rest[0]).exists():
            print(f"skipped: no {rest[0]}")
            sys.exit(77)
        counts = counted(compared(drive, folder, 16, 30, HERE / "rees46.py", rest[0]))
        print(counts)
        if counts != REES46:
            sys.exit(f"expected {REES46}")


main()
