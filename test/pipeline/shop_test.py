#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""shop_test - the simulated shop at the HTTP edge, while the collector behind it is killed three times: each event it
was told to be kept stands in raw, a visitor's in order, and nothing else does. Beside it interventions appear, as JSON
and twice: visitors who are still there react, each to each once."""
import json
import os
import socket

import harness
import schema
from harness import Failed, Pipeline, Program, binary, demand, say, until

EVENTS = 2000 if os.environ.get("AUSPEX_TEST_FAST") else 6000
RATE = 300
OFFERS = 40
INTERVENTION = next(number for number, (name, _) in schema.RECORDS.items() if name == "intervention")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lines_of(path):
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def start_shop(p, port, key):
    words = [binary("auspex-shop"), "live", "--edge", f"http://127.0.0.1:{port}", "--write-key", key, "--batch", "1",
             "--rate", RATE, "--events", EVENTS, "--start-now", "--seed", "5", "--sessions", "2000", "--ledger",
             p.dir / "shop.ledger", "--react", "--brokers", p.brokers, "--interventions",
             f"{p.prefix}.interventions.v1", "--effect", "0.5", "--offers", p.dir / "offers"]
    return Program("shop", p.dir / "shop.log", [str(word) for word in words])


def kill_thrice(p, collector):
    for share in (.2, .4, .6):
        until("the next kill is due", lambda s=share: len(lines_of(p.dir / "shop.ledger")) > s * EVENTS, 120)
        collector.kill()
        say(f"collector killed after {len(lines_of(p.dir / 'shop.ledger'))} answers")
        collector.restart()
    collector.wait_ready()


def intervene(p):
    """Interventions for those who did something last; each record stands twice."""
    visitors = list(dict.fromkeys(line.split(",")[1] for line in reversed(lines_of(p.dir / "shop.ledger"))))[:OFFERS]
    position = {"rec": INTERVENTION, "epoch": 1, "origin": 4, "partition": 0, "index": 0}
    records = [json.dumps(position | {"offset": i, "visitor": who, "site_id": 1, "intervention_id": f"1-0-{i}-0",
                                      "policy": "test", "holdout": i % 4 == 0, "action": "offer", "channel": "topic"})
               for i, who in enumerate(visitors)]
    p.send(records + records, "-p", "0", topic="interventions")
    until("the shop has heard of all", lambda: len(lines_of(p.dir / "offers")) > len(visitors))
    return visitors


def check_offers(p, visitors):
    rows = [line.split(",") for line in lines_of(p.dir / "offers")[1:]]
    demand([(row[0], row[1], row[2]) for row in rows] ==
           [(f"1-0-{i}-0", who, str(int(i % 4 == 0))) for i, who in enumerate(visitors)], f"offers: {rows}")
    reached = [row for row in rows if row[3] == "1"]
    demand(len(reached) > OFFERS / 4, f"only {len(reached)} of {len(rows)} were still there")
    demand(any(row[4] == "1" for row in reached), "nobody was moved")
    demand(not any(row[4] == "1" for row in rows if row[2] == "1" or row[3] == "0"), "moved, but held out or gone")
    for row in rows:
        without, given = map(float, row[5:])
        demand(abs(given - without - .5 * (1 - without) * (row[3] == "1")) < 1e-6, f"truth: {row}")


def events_in_raw(p):
    found = []
    for part in p.kafka.read(f"{p.prefix}.raw.v1", "raw", len(p.ends("raw"))):
        for record in part:
            if record.value:  # no heartbeat
                found += [(event, record.key.decode()) for event in json.loads(record.value)["batch"]]
    return found


def check_ledger(p):
    ledger = [line.split(",") for line in lines_of(p.dir / "shop.ledger")]
    demand(len(ledger) == EVENTS and all(row[3] == "ack" for row in ledger), f"{len(ledger)} lines, or failures")
    raw, first, last = events_in_raw(p), {}, {}
    for event, key in raw:
        who = event["anonymousId"]
        demand(key == who, f"{event['messageId']} under the key {key}")
        if event["messageId"] in first:
            demand(first[event["messageId"]] == event, f"{event['messageId']} with two bodies")
            continue
        first[event["messageId"]] = event
        demand(event["timestamp"] >= last.get(who, ""), f"{event['messageId']} out of order")
        last[who] = event["timestamp"]
    names = {row[0] for row in ledger}
    demand(names <= set(first), f"{len(names - set(first))} acknowledged events are missing")
    demand(names == set(first), f"{len(set(first) - names)} events that nobody sent")
    say(f"{len(ledger)} acknowledged events, all in raw; {len(raw) - len(first)} stand there again")


def main():
    port = free_port()
    p = Pipeline("shop", partitions=2, collector__edge=f"127.0.0.1:{port}").apply()
    key = p.put_site(1)
    collector = p.start(("collector",))["collector"]
    shop = start_shop(p, port, key)
    kill_thrice(p, collector)
    visitors = intervene(p)
    if shop.wait_end(120) != 0:
        raise Failed(f"the shop: {shop.text()[-500:]}")
    for line in shop.text().splitlines():
        say(f"shop: {line}")
    demand(f"sent {EVENTS}, acknowledged {EVENTS}, failed 0" in shop.text(), "the shop's own count")
    demand(f"offers {len(visitors)}, " in shop.text(), "the shop's count of offers")
    demand("resent 0" not in shop.text(), "no kill was felt")
    check_offers(p, visitors)
    check_ledger(p)
    collector.stop()


harness.run(main)
