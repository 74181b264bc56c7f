#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check - featurizer's core against the reference: check.py DRIVE seed NUMBER... | check.py DRIVE rees46 FILE

DRIVE is the program featurizer/drive. Leaves with 77 (skipped) when FILE is not there."""
import collections
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TAILS = 0, 5, 128
# what is known of the sample from counting it by other means
REES46 = {"visitors": 4504, "sessions": 4518, "converted": 193, "vectors": 17434}


def run(out, *command, given=None):
    with open(out, "w", encoding="utf-8") as to:
        source = open(given, encoding="utf-8") if given else subprocess.DEVNULL
        subprocess.run([str(c) for c in command], stdin=source, stdout=to, check=True)


def compared(drive, folder, tail, *generator):
    """The path of the core's outputs, after they were found equal to the reference's."""
    events, want, got = (pathlib.Path(folder) / name for name in ("events", "want", "got"))
    run(events, sys.executable, *generator)
    run(want, sys.executable, HERE / "reference.py", "--tail", tail, given=events)
    run(got, drive, tail, given=events)
    if subprocess.run([sys.executable, str(HERE / "compare.py"), str(want), str(got)]).returncode != 0:
        sys.exit(1)
    return got


def counted(path):
    found, visitors = collections.Counter(), set()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            r = json.loads(line)
            if r["_topic"] == "sessions":
                found["sessions"] += 1
                found["converted"] += r.get("converted", False)
                visitors.add(r["visitor"])
            elif r["rec"] == 7:
                found["vectors"] += 1
    return {**found, "visitors": len(visitors)}


def main():
    drive, what, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory() as folder:
        if what == "seed":
            for seed in rest:
                print(f"seed {seed}: ", end="", flush=True)
                compared(drive, folder, TAILS[int(seed) % len(TAILS)], HERE / "generate.py", seed)
            return
        if not pathlib.Path(rest[0]).exists():
            print(f"skipped: no {rest[0]}")
            sys.exit(77)
        counts = counted(compared(drive, folder, 16, HERE / "rees46.py", rest[0]))
        print(counts)
        if counts != REES46:
            sys.exit(f"expected {REES46}")


main()
