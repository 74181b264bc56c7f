#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""replay_test - the same events give the same bytes: a second set of groups over the same `events`, with one and with
four instances of each program, writes features, sessions, predictions, interventions and outcomes byte for byte like
the first; imports, a promotion and policies that come and go in mid-log included. It delivers nothing. And two runs
over the same `raw` give the same events in the same order within each (raw partition, events partition), ticks left
out."""
import collections
import subprocess
import sys

import harness
from harness import PROGRAMS, Pipeline, Receiver, demand, say

FREE = ("received_us", "ts_us", "ts_raw_us")  # follow from the append time, which a copy of raw cannot keep


def copy_raw(p, q):
    """The records of one pipeline's raw, in order, appended to the same partitions of another's."""
    for part in p.kafka.read(f"{p.prefix}.raw.v1", "raw", p.partitions):
        lines = [r for r in part if not (r.headers and not r.value)]
        demand(all(b"\n" not in r.value and b"\t" not in r.key for r in lines), "raw cannot be sent as lines")
        subprocess.run(["kcat", "-P", "-b", p.brokers, "-t", f"{q.prefix}.raw.v1", "-p", str(part[0].partition), "-K",
                        "\t", "-l", "/dev/stdin"], input=b"".join(r.key + b"\t" + r.value + b"\n" for r in lines),
                       check=True, timeout=60)


def orders(p):
    """For each (raw partition, events partition) the events that came that way, in order."""
    found = collections.defaultdict(list)
    for part in p.kafka.read(f"{p.prefix}.events.v1", "events", p.partitions):
        done = set()
        for r in part:
            f = r.fields
            at = (f["partition"], f["offset"], f["index"])
            if f["rec"] == "event" and f["origin"] == 1 and at not in done:
                done.add(at)
                body = {k: v for k, v in f.items() if k not in FREE + ("offset", "event_id")}
                found[f["partition"], r.partition].append((f["event_id"], body))
    return found


def two_runs_over_raw(p):
    q = Pipeline("replayraw", partitions=p.partitions).apply()
    copy_raw(p, q)
    programs = q.start(("collector",))
    second = q.program("collector", "b").wait_ready()
    second.stop()
    q.drain(programs)
    a, b = orders(p), orders(q)
    demand(a.keys() == b.keys() and a, f"pairs of partitions: {sorted(a)}, {sorted(b)}")
    for pair, events in a.items():
        for x, y in zip(events, b[pair]):
            demand(x == y, f"raw partition {pair[0]}, events partition {pair[1]}: {x} and {y}")
        demand(len(events) == len(b[pair]), f"{pair}: {len(events)} and {len(b[pair])} events")
    say(f"two runs over raw: {sum(len(e) for e in a.values())} events alike in {len(a)} pairs of partitions")


def something_of_each(p):
    """What is compared below is all there: interventions of each policy, of imports, held out; outcomes of both
    kinds; and for replays to leave out, deliveries."""
    asked = [f"interventions where policy = '{name}'" for name in ("cart", "told", "likely", "curious")]
    asked += ["interventions where of_import <> 0", "interventions where holdout", "deliveries"]
    asked += [f"outcomes where result = '{result}'" for result in ("converted", "ignored")]
    found = {what: int(p.db.value(f"select count(*) from {what}")) for what in asked}
    say(", ".join(f"{n} {what}" for what, n in found.items()))
    demand(all(found.values()), "not all of these are there")


def main():
    receiver = Receiver()
    p = Pipeline("replay", partitions=4, **receiver.options).apply()
    programs = p.start(PROGRAMS)
    harness.put_policies(p, "cart", "told")
    shop = p.shop(rate=400, events=6000, speed=60)
    p.train()
    harness.put_policies(p, "likely", "curious")
    p.ctl("policies", "off", "cart")
    demand(shop.wait_end(120) == 0, "the shop has failed")
    p.drain(programs)
    p.check()
    something_of_each(p)
    told = len(receiver.ids)
    p.compare(p.prefix, p.replay("one", scorer__model_wait_s=60))
    p.compare(p.prefix, p.replay("four", instances=4, scorer__model_wait_s=60))
    demand(len(receiver.ids) == told, f"a replay has delivered {receiver.ids[told:]}")
    two_runs_over_raw(p)


if __name__ == "__main__":
    sys.exit(harness.run(main))
