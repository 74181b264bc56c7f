#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill_test - each program in turn is killed in mid-stream, at seeded moments, under a thousand events a second and an
import, with a model that scores and policies that fire.

Afterwards the checker finds nothing, and the topics equal a run without faults over the same events."""
import os
import random
import sys

import harness
from harness import PROGRAMS, Pipeline, Receiver, say, until

SEED = int(os.environ.get("AUSPEX_SEED", "1"))
KILLS = 3  # of each program
INPUT = harness.FEEDS | {"collector": "raw", "archiver": "predictions"}


def progress(program, shop):
    """Waits until it uses input again, and then for a seeded number of records more."""
    word = INPUT[program.name.split("-")[0]]
    def used():
        return program.counter("records_in_total", topic=word)
    until(f"{program} uses {word}", lambda: used() > 0)
    goal = used() + random.randint(1, 700)
    until(f"{program} has used {goal:.0f} of {word}", lambda: used() >= goal or shop.process.poll() is not None)
    if shop.process.poll() is not None:
        say("the shop has closed already")


def main():
    random.seed(SEED)
    say(f"seed {SEED}")
    p = Pipeline("kill", partitions=2, auspex__session_timeout_ms=2000, featurizer__session_idle_s=3,
                 **Receiver().options).apply()
    harness.borrow_model(p)
    harness.put_policies(p, "likely", "cart", "curious", "told")
    programs = p.start(PROGRAMS)
    shop = p.shop(rate=1000, events=1000 * 8 * len(programs), seed=SEED, speed=60)
    imported = harness.Program("replay", p.dir / "replay.log", [harness.binary("auspexctl"), "-c", str(p.ini), "replay",
                               str(p.past(500)), "--format", "ndjson", "--site", "5", "--speed", "max"])
    for name, program in programs.items():
        for k in range(KILLS):
            progress(program, shop)
            program.kill()
            program.restart()
            say(f"{name} killed, {k + 1} of {KILLS}")
        program.wait_ready()
    harness.demand(shop.wait_end(180) == 0, "the shop has failed")
    harness.demand(imported.wait_end(180) == 0, "the import has failed")
    p.drain(programs)
    p.check()
    p.compare(p.prefix, p.replay("again"))


if __name__ == "__main__":
    sys.exit(harness.run(main))
