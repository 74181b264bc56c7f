#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""outage_test - Kafka stopped for ten seconds, PostgreSQL stopped for ten seconds, a collector stuck for ten seconds
beside another one, each under load. No program leaves; with the database down predictions flow; afterwards the checker
finds nothing, and the topics equal a run without faults over the same events."""
import os
import re
import signal
import subprocess
import sys
import time

import harness
from harness import PROGRAMS, ROOT, Pipeline, demand, say, until

OUTAGE_S = 10


def server(name, verb, *more):
    folder = f"{harness.environment('AUSPEX_TEST_DIR')}/{name}"
    done = subprocess.run([ROOT / f"deploy/{name}/{name}", verb, folder, *more], capture_output=True, text=True,
                          timeout=90, env={**os.environ, "AUSPEX_PG_FAST": "1"}, check=False)
    demand(done.returncode == 0, f"{name} {verb}: {done.stdout}{done.stderr}")


class Down:
    """A server that is stopped in the body of a `with`, and is there again behind it."""

    def __init__(self, name, port):
        self.name, self.port = name, port

    def __enter__(self):
        server(self.name, "stop")
        self.until_s = time.monotonic() + OUTAGE_S
        say(f"{self.name} stopped")
        return self

    def is_over(self):
        return time.monotonic() >= self.until_s

    def __exit__(self, *_):
        server(self.name, "start", self.port)
        say(f"{self.name} started")


def flows(programs, what):
    """Waits until predictions have grown by some hundreds from now."""
    before = programs["scorer"].counter("records_out_total", topic="predictions")
    until(what, lambda: programs["scorer"].counter("records_out_total", topic="predictions") >= before + 300, 60)


def database_down(p, programs):
    until("archiver is well", lambda: programs["archiver"].counter("database_up") == 1)
    with Down("postgres", re.search(r":(\d+)/", p.dsn)[1]) as down:
        until("archiver says that it is not well", lambda: programs["archiver"].counter("database_up") == 0)
        flows(programs, "predictions flow while PostgreSQL is down")
        until("the outage is over", down.is_over)
    until("archiver stores again", lambda: programs["archiver"].counter("database_up") == 1)


def kafka_down(p, programs):
    with Down("kafka", p.brokers.split(":")[1]) as down:
        until("the outage is over", down.is_over)
    flows(programs, "predictions flow again after Kafka's outage")


def collector_stuck(programs, second):
    until("both collectors have partitions", lambda: all("partitions=0" not in c.page("/readyz")[1]
                                                         for c in (programs["collector"], second)))
    second.signal(signal.SIGSTOP)
    say("a collector is stuck")
    end_s = time.monotonic() + OUTAGE_S
    flows(programs, "the other collector has taken over")
    until("ten seconds are over", lambda: time.monotonic() >= end_s)
    second.signal(signal.SIGCONT)
    flows(programs, "events flow after the stuck one woke")


def main():
    p = Pipeline("outage", partitions=2, auspex__session_timeout_ms=3500, featurizer__session_idle_s=3).apply()
    harness.put_policies(p, "cart", "curious")
    programs = p.start(PROGRAMS)
    second = p.program("collector", "b").wait_ready()
    shop = p.shop(rate=500, events=1000000, speed=60)
    flows(programs, "the shop is open")
    database_down(p, programs)
    collector_stuck(programs, second)
    kafka_down(p, programs)
    shop.stop()
    second.stop()
    p.drain(programs)
    p.check()
    p.compare(p.prefix, p.replay("again"))


if __name__ == "__main__":
    sys.exit(harness.run(main))
