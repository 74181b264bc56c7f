#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""spill_test - featurizer with memory for a few visitors: the others go to a file and come back; kill -9, and the file
deleted between two runs and under a running program, change no byte of what it writes; wrong settings are refused."""
import json
import pathlib
import subprocess

from harness import Pipeline, binary, demand, run, say, until

VISITORS, CONFIG = 6000, 78


def send(p, first, turn):
    """An event of each visitor, and of some the same one again."""
    lines = []
    for i in range(first, VISITORS):
        event = {"type": "product_view", "site_id": 1, "anonymous_id": f"v{i}", "event_id": f"e{turn}.{i}",
                 "product_id": f"p{i % 97}", "price": i % 50}
        lines += [json.dumps(event)] * (2 if i % 10 == 0 else 1)
    p.send(lines, "-p", "0")


def is_refused(p, word, **options):
    ini = p.write_ini("wrong.ini", **options)
    done = subprocess.run([binary("auspex-featurizer"), "-c", str(ini), "--instance", "wrong"], capture_output=True,
                          text=True, timeout=30, check=False)
    demand(done.returncode == CONFIG, f"left with {done.returncode}: {done.stderr[-500:]}")
    last = done.stderr.strip().splitlines()[-1]
    demand(word in last, f"no {word!r} in: {last}")
    say(f"refused: {last.split('reason=')[-1]}")


def main():
    p = Pipeline("spill", partitions=2, featurizer__memory_mib=1, featurizer__session_idle_s=1)
    file = pathlib.Path(p.dir) / "visitors.spill"
    p.options["featurizer__spill"] = file
    p.ini = p.write_ini("auspex.ini")
    p.apply()
    is_refused(p, "featurizer.spill", featurizer__spill="")
    notes = pathlib.Path(p.dir) / "notes"
    notes.write_text("not a file of ours\n" * 9, encoding="utf-8")
    is_refused(p, "not deleted", featurizer__spill=notes)
    demand(notes.exists(), "somebody's notes are gone")

    programs = p.start(("collector", "featurizer"))
    featurizer = programs["featurizer"]
    send(p, 0, 1)
    until("most visitors are in the file", lambda: featurizer.counter("spilled_visitors") > VISITORS / 2)
    say(f"{featurizer.counter('spilled_visitors'):.0f} of {featurizer.counter('visitors'):.0f} visitors are in "
        f"{file.name}")
    featurizer.kill()
    demand(file.exists(), "no file")
    file.unlink()
    featurizer.restart()
    featurizer.wait_ready()
    until("a restore keeps to its memory, too", lambda: featurizer.counter("spilled_visitors") > VISITORS / 2)
    file.unlink()
    send(p, 1000, 2)
    until("visitors came back", lambda: featurizer.counter("unspills_total") > VISITORS / 2)
    until("and left again", lambda: featurizer.counter("spills_total") > VISITORS)
    p.drain(programs)
    demand(not file.exists(), "the file is left behind")
    p.compare(p.prefix, p.replay("wide", featurizer__memory_mib=0))


if __name__ == "__main__":
    run(main)
