#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pipeline_bench - what the pipeline does on this machine: events per second of collector and featurizer alone, and of
all programs when they are behind, CPU microseconds per event and program, and the time from an event's append to its
prediction's when they are not.

For a release build: AUSPEX_TEST_BUILD=build/release test/servers test/pipeline/pipeline_bench.py"""
import os
import sys
import time

import harness
from harness import PROGRAMS, Pipeline, demand, say, until

BEHIND = int(os.environ.get("AUSPEX_BENCH_EVENTS", "100000"))
RATE, PACED_S = 1000, 10
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        words = file.read().rsplit(") ", 1)[1].split()
    return (int(words[11]) + int(words[12])) * TICK_S


def predicted(program):
    return program.counter("records_out_total", topic="predictions")


def behind(p):
    """All programs meet a full log."""
    shop = p.shop(rate=100000, events=BEHIND, instance="full", speed=1000)
    demand(shop.wait_end(120) == 0, "the shop has failed")
    began = time.monotonic()
    programs = {name: p.program(name) for name in PROGRAMS}
    until("the first prediction", lambda: predicted(programs["scorer"]) > 0)
    first, n_first = time.monotonic(), predicted(programs["scorer"])
    until("all is predicted", lambda: predicted(programs["scorer"]) >= BEHIND, 600)
    took = time.monotonic() - first
    say(f"behind: {(BEHIND - n_first) / took:.0f} events/s to predictions, first ones after {first - began:.1f} s")
    until("all is decided", lambda: programs["actuator"].counter("records_in_total") >= BEHIND, 600)
    until("all is archived", lambda: programs["archiver"].counter("rows_total", table="features") >= BEHIND, 600)
    for name, x in programs.items():
        say(f"{name}: {cpu_s(x.process) / BEHIND * 1e6:.1f} us of CPU an event, start included")
    return programs


def alone(p):
    """Collector, then featurizer, each with the machine to itself and the broker: Kafka in and Kafka out."""
    shop = p.shop(rate=100000, events=BEHIND, instance="full", speed=1000)
    demand(shop.wait_end(120) == 0, "the shop has failed")
    for name, topic in (("collector", "events"), ("featurizer", "features")):
        program = p.program(name)

        def out():
            return program.counter("records_out_total", topic=topic)
        until(f"{name} begins", lambda: out() > 0, 120)
        first, n_first = time.monotonic(), out()
        until(f"{name} is through", lambda: out() >= BEHIND, 600)
        took = time.monotonic() - first
        say(f"{name} alone: {(out() - n_first) / took:.0f} events/s with Kafka in and out, "
            f"{cpu_s(program.process) / BEHIND * 1e6:.1f} us of CPU an event, start included")
        program.stop()


def paced(p, programs):
    """A steady thousand a second: append of raw to append of the prediction, by the broker's clock, in ms."""
    after = p.ends("raw"), p.ends("predictions")
    used = {name: cpu_s(x.process) for name, x in programs.items()}
    shop = p.shop(rate=RATE, events=RATE * PACED_S, instance="paced", speed=60)
    demand(shop.wait_end(60) == 0, "the shop has failed")
    until("all is predicted", lambda: predicted(programs["scorer"]) >= BEHIND + RATE * PACED_S)
    parts = {w: p.kafka.read(f"{p.prefix}.{w}.v1", w, p.partitions) for w in ("events", "predictions")}
    delays = []
    for events, predictions in zip(parts["events"], parts["predictions"]):
        sent = {r.offset: r.fields["received_us"] // 1000 for r in events if r.fields["rec"] == "event"}
        for r in predictions:
            if r.offset >= after[1][r.partition] and r.fields["rec"] == "prediction":
                delays.append(r.ts_ms - sent[r.fields["offset"]])
    delays.sort()
    at = [delays[min(len(delays) - 1, int(len(delays) * q))] for q in (0.5, 0.9, 0.99, 1)]
    say(f"paced at {RATE}/s: raw to prediction p50 {at[0]} p90 {at[1]} p99 {at[2]} max {at[3]} ms")
    for name, x in programs.items():
        say(f"{name}: {(cpu_s(x.process) - used[name]) / (RATE * PACED_S) * 1e6:.0f} us of CPU an event at this rate")


def main():
    alone(Pipeline("alone", partitions=8, auspex__session_timeout_ms=15000).apply())
    p = Pipeline("bench", partitions=4, auspex__session_timeout_ms=15000).apply()
    p.put_policy("checkout", {"fact": "type", "op": "=", "value": "checkout_start"}, holdout=0.1)
    programs = behind(p)
    paced(p, programs)
    for name in PROGRAMS:
        programs[name].stop()


if __name__ == "__main__":
    sys.exit(harness.run(main))
