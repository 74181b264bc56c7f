#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mutants_test - the checker is checked: on what a small run has left behind it finds nothing, and it finds a fault in
each of 200 worlds of a kind for each stream, in which one record was dropped, doubled, swapped or flipped.

The run is small but has something of everything: repeats, conflicts, refused records, an import, a control record,
kinds of predictions, interventions with their outcomes and deliveries, and programs that were killed."""
import concurrent.futures
import importlib.machinery
import importlib.util
import json
import os
import random
import sys
import uuid

import harness
from harness import PROGRAMS, ROOT, Pipeline, Receiver, demand, say, until
import bodies
import logs
import mutants

EACH = int(os.environ.get("AUSPEX_MUTANTS", "200"))
SEED = int(os.environ.get("AUSPEX_SEED", "1"))
world = None  # of the run; inherited by the processes that judge


def checker():
    path = str(ROOT / "test/chaos/check")
    spec = importlib.util.spec_from_loader("check", importlib.machinery.SourceFileLoader("check", path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check = checker()


def track(rng, visitor, name, number, **more):
    return json.dumps({"type": "track", "event": name, "messageId": str(uuid.UUID(int=rng.getrandbits(128))),
                       "anonymousId": visitor,
                       "properties": {"product_id": f"p{number}", "price": 9.5, "extra": [1]}} | more)


def odd_records(rng):
    """Repeats, a conflict, a batch and records that are refused: (key, value) of each."""
    one = track(rng, "a", "product_view", 1)
    conflict = json.dumps(json.loads(one) | {"event": "add_to_cart"})
    batch = json.dumps({"batch": [json.loads(track(rng, *words)) for words in
                                  (("b", "page_view", 2), ("c", "Bad-Name!", 3), ("c", "purchase", 4))]})
    return [("a", one), ("b", track(rng, "b", "add_to_cart", 5)), ("a", one), ("a", conflict), ("b", batch), ("h", "{"),
            ("h", '{"type":"track"}'), ("h", "[]"), ("h", "\x01")]


def write_ledger(p, odd):
    """A ledger of the odd records, as the shop writes one of its own."""
    keys = {value.encode(): key for key, value in odd}
    with open(p.dir / "odd.ledger", "w", encoding="utf-8") as file:
        for r in (r for part in p.kafka.read(f"{p.prefix}.raw.v1", "raw", p.partitions) for r in part):
            if r.value in keys:
                texts = bodies.events(r.value) or ["{}"]
                name = json.loads(texts[0]).get("messageId", "none")
                words = (name, keys[r.value], f"{bodies.xxh3(r.value):x}", "ack", r.partition, r.offset)
                print(*words, sep=",", file=file)


def captured(rng):
    p = Pipeline("mutants", partitions=2, collector__heartbeat_ms=1000, **Receiver().options).apply()
    past = p.dir / "past.ndjson"
    past.write_text("".join(track(rng, f"i{k % 4}", "product_view", k, timestamp=f"2024-01-01T00:0{k % 10}:00Z") + "\n"
                            for k in range(12)) + "no event\n")
    harness.borrow_model(p)
    programs = p.start(PROGRAMS)
    viewed = {"fact": "type", "op": "=", "value": "product_view"}
    p.put_policy("seen", viewed, imports=True, window_s=1)
    p.put_policy("told", viewed, channel="webhook", webhook="receiver", holdout=0.5, window_s=3600)
    shop = p.shop(rate=200, events=40, speed=100)
    p.ctl("replay", past, "--format", "ndjson", "--site", 3, "--speed", "max")
    odd = odd_records(rng)
    p.send([f"{key}\t{value}" for key, value in odd], "-K", "\t")
    for name in ("collector", "scorer", "actuator", "featurizer"):
        programs[name].kill()
        programs[name].restart()
        programs[name].wait_ready()
    demand(shop.wait_end(60) == 0, "the shop has failed")
    until("the odd ones are refused", lambda: sum(p.ends("rejected")) >= 6)
    for word in ("outcomes", "deliveries"):
        until(f"there are {word}", lambda w=word: sum(p.ends(w)) > 0)
    p.drain(programs)
    write_ledger(p, odd)
    found = logs.load(p.brokers, p.prefix, p.dsn, sorted(p.dir.glob("*.ledger")), p.suffix)
    found.has_stopped = True
    return found


def survivors(stream, kind, seed):
    """(how many were judged, what was done to those in which no fault was found)"""
    rng, n, missed = random.Random(f"{seed} {stream} {kind}"), 0, []
    for _ in range(EACH):
        made = mutants.mutant(world, stream, kind, rng)
        if made:
            n += 1
            if not check.judge(made[0], most=1):
                missed.append(made[1])
    return n, missed


def main():
    global world
    say(f"seed {SEED}")
    world = captured(random.Random(SEED))
    found = check.judge(world)
    demand(not found, "the run itself: " + "\n".join(found))
    say(f"sound: {check.summary(world)}")
    total, missed = 0, []
    with concurrent.futures.ProcessPoolExecutor(max_workers=2) as pool:
        asked = [pool.submit(survivors, s, k, SEED) for s in mutants.streams(world) for k in mutants.KINDS]
        for answer in asked:
            n, some = answer.result()
            total += n
            missed += some
    for text in missed[:20]:
        say(f"not found: {text[:600]}")
    demand(not missed, f"{len(missed)} of {total} mutants were not found")
    say(f"{total} mutants, all found")


if __name__ == "__main__":
    sys.exit(harness.run(main))
