#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""edge_test - events over HTTP, while the collector and the broker are killed in turn, twenty rounds, and a last
SIGTERM under load. Senders send again what was not acknowledged, under the same messageId.

Afterwards every acknowledged event is in the topic events and, when the programs behind it have read that, in the
archive, none twice, and the checker finds nothing.
While the broker is down senders are told 503 with Retry-After within about two seconds."""
import http.client
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import harness
from harness import ROOT, Pipeline, demand, say, until

SEED = int(os.environ.get("AUSPEX_SEED", "1"))
ROUNDS = 20  # every third of the broker, which takes its time to start, the others of the collector
SENDERS = 4
PACE_S = 0.004  # between two requests of a sender
BEHIND = ("featurizer", "scorer", "archiver")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Sender(threading.Thread):
    """Sends singly and in batches, on a connection that it keeps; again and again until it is told 200."""

    def __init__(self, number, port, key, is_over):
        super().__init__(daemon=True)
        self.number, self.port, self.key, self.is_over = number, port, key, is_over
        self.random = random.Random(SEED * 100 + number)
        self.connection = None
        self.acked, self.n, self.bad = set(), 0, []
        self.answers = {}  # status -> how often; 0 = none
        self.waits = []  # (seconds, Retry-After) of each 503

    def event(self):
        self.n += 1
        visitor = self.random.randrange(200)
        return {"type": "track", "event": "Product Viewed", "anonymousId": f"s{self.number}-v{visitor}",
                "messageId": f"s{self.number}-{self.n}", "properties": {"product_id": f"p{self.n % 50}", "price": 9.5}}

    def ask(self, path, body):
        """(status, Retry-After, answer); status 0 when there was none."""
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            self.connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {self.key}"})
            answer = self.connection.getresponse()
            text = answer.read()
            return answer.status, answer.getheader("Retry-After"), text
        except (OSError, http.client.HTTPException):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return 0, None, b""

    def deliver(self, path, body, ids):
        while not self.is_over.is_set():
            began = time.monotonic()
            status, retry, text = self.ask(path, body)
            self.answers[status] = self.answers.get(status, 0) + 1
            if status == 200:
                self.acked.update(ids)
                return
            if status == 503:
                self.waits.append((time.monotonic() - began, retry))
            elif status != 0:
                self.bad.append((status, text[:300]))
                return
            self.is_over.wait(0.05)

    def run(self):
        while not self.is_over.is_set():
            if self.random.random() < 0.5:
                event = self.event()
                self.deliver("/v1/track", event, [event["messageId"]])
            else:
                events = [self.event() for _ in range(self.random.randrange(1, 8))]
                self.deliver("/v1/batch", {"batch": events}, [e["messageId"] for e in events])
            self.is_over.wait(PACE_S)


def kafka(verb, *more):
    """Asks again while the port of the one that was killed is not free yet."""
    folder = f"{harness.environment('AUSPEX_TEST_DIR')}/kafka"
    def has_done():
        done = subprocess.run([ROOT / "deploy/kafka/kafka", verb, folder, *more], capture_output=True, text=True,
                              timeout=90, check=False)
        demand(done.returncode == 0 or "is taken" in done.stderr, f"kafka {verb}: {done.stdout}{done.stderr}")
        return done.returncode == 0
    until(f"kafka {verb}", has_done, 30)


def total(senders):
    return sum(len(s.acked) for s in senders)


def more_acked(senders, what):
    before = total(senders)
    until(what, lambda: total(senders) >= before + random.randint(100, 400), 60)


def n_503(senders):
    return sum(s.answers.get(503, 0) for s in senders)


def kill_round(p, collector, senders, number):
    more_acked(senders, "events are acknowledged")
    if number % 3 == 1:
        before = n_503(senders)
        kafka("kill")
        if number == 1:
            until("senders are told that Kafka does not answer", lambda: n_503(senders) > before, 10)
        kafka("start", p.brokers.split(":")[1])
        say(f"round {number + 1} of {ROUNDS}: broker killed")
    else:
        collector.kill()
        collector.restart()
        say(f"round {number + 1} of {ROUNDS}: collector killed")


def sigterm(collector, senders):
    """Under load: leaves in good order, and what it acknowledged is kept."""
    more_acked(senders, "events are acknowledged before SIGTERM")
    began = time.monotonic()
    collector.signal(signal.SIGTERM)
    demand(collector.wait_end(10) == 0, "collector does not leave with 0 at SIGTERM")
    say(f"collector left {time.monotonic() - began:.2f} s after SIGTERM under load")
    collector.restart()


def judge_senders(senders):
    for s in senders:
        demand(not s.bad, f"sender {s.number} was refused: {s.bad[:3]}")
    waits = [w for s in senders for w in s.waits]
    demand(waits and all(retry for _, retry in waits), "a 503 without Retry-After, or none at all")
    slowest = max(w for w, _ in waits)
    demand(slowest < 3.5, f"a 503 came after {slowest:.1f} s")
    answers = {}
    for s in senders:
        for status, n in s.answers.items():
            answers[status] = answers.get(status, 0) + n
    say(f"answers {dict(sorted(answers.items()))}; the slowest 503 of {len(waits)} after {slowest:.2f} s")


def judge_ids(p, acked):
    name = f"{p.prefix}.events.v1"
    found = set()
    for part in p.kafka.read(name, "events", p.partitions):
        for record in part:
            found.update(re.findall(rb"s\d+-\d+(?![\d-])", record.value or b""))
    missing = {name for name in acked if name.encode() not in found}
    demand(not missing, f"{len(missing)} acknowledged, not in events: {sorted(missing)[:5]}")
    rows = p.db.ask("select event_id, count(*) from events group by 1").splitlines()
    counts = {line.split("|")[0]: int(line.split("|")[1]) for line in rows}
    twice = [name for name, n in counts.items() if n > 1]
    demand(not twice, f"{len(twice)} twice in the archive: {twice[:5]}")
    missing = acked - counts.keys()
    demand(not missing, f"{len(missing)} acknowledged, not in the archive: {sorted(missing)[:5]}")
    repeats = p.db.value("select count(*) from repeats")
    say(f"{len(acked)} acknowledged, {len(counts)} in the archive, {repeats} repeats told apart, none missing or twice")


def main():
    random.seed(SEED)
    port = free_port()
    p = Pipeline("edge", partitions=2, auspex__session_timeout_ms=3500, collector__edge=f"127.0.0.1:{port}",
                 auspex__static_members="true").apply()
    made = p.ctl("sites", "put", "1", "--name", "shop", "--new-key")
    key = re.search(r"new key\s+(\S+)", made)[1]
    programs = p.start(["collector"])
    # without names of their own: a static member that a dying broker fences leaves with 75, for a supervisor to restart
    programs |= p.start(BEHIND, ini=p.write_ini("behind.ini", auspex__static_members="false"))
    until("the edge is open", lambda: f"port={port}" in programs["collector"].text())
    second = p.program("collector", "b")
    demand(second.wait_end() == 78 and "in use" in second.text(), "a port that is taken is not told")
    is_over = threading.Event()
    senders = [Sender(i, port, key, is_over) for i in range(SENDERS)]
    for s in senders:
        s.start()
    for number in range(ROUNDS):
        kill_round(p, programs["collector"], senders, number)
    sigterm(programs["collector"], senders)
    more_acked(senders, "events are acknowledged after all")
    is_over.set()
    for s in senders:
        s.join(20)
    judge_senders(senders)
    for program in programs.values():
        program.wait_ready()
    p.drain(programs)
    judge_ids(p, set().union(*(s.acked for s in senders)))
    p.check("--without", "actuator")


if __name__ == "__main__":
    sys.exit(harness.run(main))
