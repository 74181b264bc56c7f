#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""webhook_test - interventions reach webhooks: each receiver has a fault of its own, and none holds another; a
kill after the send and before its record, and Kafka's outage, bring the same key again, and a receiver that honours it
has each effect once. Predictions are made here, so that each fires what a scenario needs."""
import base64
import collections
import contextlib
import hashlib
import hmac
import http.server
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

import harness
from harness import Pipeline, demand, say, until

SECRET = "whsec_" + base64.b64encode(bytes(range(100, 132))).decode()
TIMEOUT_MS, RETRY_MS, EACH = 1500, 300, 4
BURST = 2000  # interventions for a receiver that is down
FINAL = {"delivered", "expired", "gone", "refused"}


def verify(secret, headers, body):
    """By the specification of Standard Webhooks alone."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [s.removeprefix("v1,") for s in headers["webhook-signature"].split() if s.startswith("v1,")]
    return abs(time.time() - int(headers["webhook-timestamp"])) < 300 and \
        any(hmac.compare_digest(expected, s) for s in given)


class Request:
    def __init__(self, path, key, body):
        self.path, self.key, self.body, self.at_s = path, key, body, time.monotonic()


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_):
        """Clients may hang up when they like."""


class Receiver:
    """Behaves by the path; keeps a ledger of requests, and of effects, one for each key."""

    def __init__(self):
        receiver = self
        self.lock = threading.Lock()
        self.requests, self.effects, self.bad = [], {}, []
        self.now, self.most = collections.Counter(), collections.Counter()  # requests at a time, by path
        self.open = {"hold": threading.Event(), "never": threading.Event()}

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with contextlib.suppress(OSError):
                    receiver.take(self, Request(self.path.strip("/"), self.headers["webhook-id"], body))

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, handler, request):
        if not verify(SECRET, handler.headers, request.body) or \
                handler.headers["Content-Type"] != "application/json" or \
                json.loads(request.body)["intervention_id"] not in request.key:
            self.bad.append(request)
        with self.lock:
            self.requests.append(request)
            n = sum(r.key == request.key for r in self.requests)
            self.now[request.path] += 1
            self.most[request.path] = max(self.most[request.path], self.now[request.path])
        try:
            getattr(self, "do_" + request.path)(handler, request, n)
        finally:
            with self.lock:
                self.now[request.path] -= 1

    def effect(self, request):
        with self.lock:
            self.effects.setdefault(request.key, request.path)

    @staticmethod
    def answer(handler, status, **headers):
        handler.send_response(status)
        for name, value in ({"content-length": "0"} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    def do_ok(self, handler, request, _n):
        self.effect(request)
        self.answer(handler, 200)

    def do_slow(self, handler, _request, _n):
        handler.connection.settimeout(30)
        handler.connection.recv(1)  # until it hangs up
        handler.close_connection = True

    def do_error(self, handler, request, n):
        if n == 1:
            self.answer(handler, 500)
        else:
            self.do_ok(handler, request, n)

    def do_busy(self, handler, request, n):
        if n == 1:
            self.answer(handler, 429, retry_after="2")
        else:
            self.do_ok(handler, request, n)

    def do_cut(self, handler, request, n):
        if n == 1:
            handler.close_connection = True
        else:
            self.do_ok(handler, request, n)

    def do_headers(self, handler, request, _n):
        self.effect(request)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            handler.wfile.write(b"X-Y: " + b"z" * 1000 + b"\r\n")

    def do_body(self, handler, request, _n):
        self.effect(request)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            handler.wfile.write(b"z" * 4096)

    def do_moved(self, handler, _request, _n):
        self.answer(handler, 307, location=f"http://127.0.0.1:{self.port}/ok")

    def do_gone(self, handler, _request, _n):
        self.answer(handler, 410)

    def do_hold(self, handler, request, n):
        """Takes effect, and answers when it is let."""
        self.effect(request)
        self.open["hold"].wait(60)
        self.do_ok(handler, request, n)

    def do_lazy(self, handler, request, n):
        self.open["never"].wait(0.1)
        self.do_ok(handler, request, n)

    def of(self, path):
        with self.lock:
            return [r for r in self.requests if r.path == path]

    def done(self, path):
        with self.lock:
            return sum(p == path for p in self.effects.values())


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def private_name():
    """A name that leads to a private address, but does not look it."""
    name = socket.gethostname()
    with contextlib.suppress(OSError):
        if name != "localhost" and socket.gethostbyname(name).split(".")[0] in ("10", "127", "172", "192"):
            return name
    return None


class Untrusted:
    """TLS with a certificate that nobody has signed."""

    def __init__(self, folder):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem",
                        "-out", folder / "cert.pem"], check=True, capture_output=True, timeout=30)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        self.socket = context.wrap_socket(socket.create_server(("127.0.0.1", 0)), server_side=True)
        self.port, self.got = self.socket.getsockname()[1], b""
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            with contextlib.suppress(OSError):
                connection, _ = self.socket.accept()
                self.got += connection.recv(4096)


class World(Pipeline):
    def __init__(self):
        self.receiver = Receiver()
        super().__init__("webhook", partitions=1, auspex__checkpoint_ms=200, actuator__webhook_timeout_ms=TIMEOUT_MS,
                         actuator__webhook_retry_ms=RETRY_MS, actuator__webhook_each=EACH)
        at = f"http://127.0.0.1:{self.receiver.port}"
        words = ("ok", "slow", "error", "busy", "cut", "headers", "body", "moved", "gone", "hold", "lazy")
        self.hooks = {word: f"{at}/{word}" for word in words}
        self.hooks |= {"down": f"http://127.0.0.1:{free_port()}/ok", "private": f"{at}/ok"}
        self.closed = {"private"}  # that allow no private address
        if private_name():
            self.hooks["named"] = f"http://{private_name()}:{self.receiver.port}/ok"
            self.closed.add("named")
        self.untrusted = Untrusted(self.dir) if shutil.which("openssl") else None
        if self.untrusted:
            self.hooks["untrusted"] = f"https://127.0.0.1:{self.untrusted.port}/ok"
        for name, url in self.hooks.items():
            self.options |= {f"webhooks__{name}.url": url, f"webhooks__{name}.secret": SECRET,
                             f"webhooks__{name}.allow_private": str(name not in self.closed).lower()}
        self.ini = self.write_ini("auspex.ini")
        self.offset, self.fired = 0, collections.Counter()

    def begin(self):
        self.ctl("topics", "apply")
        until("new topics have their leaders", lambda: "eader" not in self.ctl("policies", "list", status=None))
        for name in [*self.hooks, "nowhere"]:
            self.put_policy(name, {"fact": "product_id", "op": "=", "value": name}, channel="webhook", webhook=name,
                            max_age_s={"hold": 300, "lazy": 300, "gone": 300}.get(name, 8))
        control = self.kafka.read(f"{self.prefix}.control.v1", "control", 1)[0]
        self.control = control[-1].offset + 1
        return self

    def fire(self, name, n=1):
        """Predictions of n visitors, each of which makes the policy of a webhook fire."""
        lines, now_us = [], time.time_ns() // 1000
        for _ in range(n):
            self.offset += 1
            at = {"rec": 9, "epoch": 1, "origin": 4, "partition": 0, "offset": self.offset, "index": 0, "import_id": 0}
            event = {"received": now_us, "ts": now_us, "clock": now_us, "visitor": f"v{self.offset}", "site_id": 1,
                     "event_id": f"e{self.offset}", "type": "product_view", "session_id": f"s{self.offset}",
                     "control": self.control, "product_id": name}
            lines.append(json.dumps(at | event, separators=(",", ":")))  # as our programs write it
        self.fired[name] += n
        self.send(lines, "-p", "0", "-H", "content-type=application/json", topic="predictions")

    def records(self, word):
        return [r.fields for part in self.kafka.read(f"{self.prefix}.{word}.v1", word, 1) for r in part]

    def results(self, name):
        """Recorded results of a webhook, by intervention, in the order of attempts."""
        found = collections.defaultdict(list)
        for r in self.records("deliveries"):
            if r["webhook"] == name:
                found[r["intervention_id"]].append(r)
        return found

    def ended(self, name, result, n):
        """Waits until so many have this last result."""
        def is_so():
            last = [r[-1]["result"] for r in self.results(name).values()]
            return last.count(result) == n
        until(f"{n} {result} of {name}", is_so, 30)
        return self.results(name)


def faults(w, actuator):
    """Every receiver has its fault; those of `ok` come at once all the same."""
    r = w.receiver
    for name in ("slow", "down", "moved", "private", "error", "busy", "cut", "headers", "body", "nowhere", *w.closed,
                 *(["untrusted"] if w.untrusted else [])):
        w.fire(name, 3 * EACH if name == "slow" else 2)
    until("the slow one has all it may", lambda: r.now["slow"] == EACH)
    began_s = time.monotonic()
    w.fire("ok", 20)
    until("the well one has all of its own", lambda: r.done("ok") == 20, 10)
    took_s = time.monotonic() - began_s
    say(f"20 for the well receiver came in {took_s:.2f} s, beside {len(w.hooks) - 1} others")
    demand(took_s < 3, "the well receiver had to wait for the others")
    for name in ("error", "busy", "cut"):
        found = w.ended(name, "delivered", 2)
        demand(all([x["result"] for x in a] == ["retry", "delivered"] for a in found.values()), f"{name}: {found}")
        keys = collections.Counter(x.key for x in r.of(name))
        demand(list(keys.values()) == [2, 2], f"{name}: {keys}")
    busy = [a for a in w.results("busy").values() if a[0]["status"] == 429]
    waits_s = [(second["started_us"] - first["started_us"]) / 1e6 for first, second in busy]
    demand(waits_s and all(2 <= s < 4 for s in waits_s), f"Retry-After of 2 s became {waits_s}")
    for name in ("headers", "body"):
        w.ended(name, "delivered", 2)
        demand(len(r.of(name)) == 2, f"{name}: tried again")
    found = w.ended("private", "refused", w.fired["private"])
    demand(all(len(a) == 1 for a in found.values()), "a private address is refused at once")
    for name, detail, status in (("moved", "redirects are not followed", 307), ("nowhere", "no webhook", 0),
                                 ("down", "Couldn't connect", 0), ("slow", "Timeout", 0), ("named", "is private", 0),
                                 ("untrusted", "certificate", 0)):
        if name not in w.fired:
            say(f"this machine has nothing for: {name}")
            continue
        found = w.ended(name, "expired", w.fired[name])
        tried = [x for a in found.values() for x in a if x["result"] == "retry"]
        demand(tried and all(detail in x["detail"] and x["status"] == status for x in tried), f"{name}: {tried[:1]}")
    demand(not w.untrusted or not w.untrusted.got, "sent to a receiver whose certificate is not good")
    demand(r.most["slow"] < 2 * EACH, f"{r.most['slow']} at a time for the slow one")  # some are just hanging up
    demand(r.done("ok") == 20, "something went where it may not: followed, or to a private address")
    demand(actuator.counter("pending_deliveries") == 0, "something is pending still")


def gone(w):
    """410 ends all that is pending there, and what comes later."""
    w.fire("gone", 3 * EACH)
    w.ended("gone", "gone", 3 * EACH)
    demand(len(w.receiver.of("gone")) <= EACH, f"{len(w.receiver.of('gone'))} requests to one that is gone")
    before = len(w.receiver.of("gone"))
    w.fire("gone", 1)
    w.ended("gone", "gone", 3 * EACH + 1)
    demand(len(w.receiver.of("gone")) == before, "asked again one that is gone")


def resident_mib(actuator):
    with open(f"/proc/{actuator.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) // 1024 for line in file if line.startswith("VmRSS"))


def down_until_max_age(w, actuator):
    """All of a burst expires by its rule, and nothing of it stays."""
    before = resident_mib(actuator)
    w.fire("down", BURST)
    until("the burst is pending", lambda: actuator.counter("pending_deliveries") == BURST, 20)
    peak = resident_mib(actuator)
    found = w.ended("down", "expired", w.fired["down"])
    until("nothing is pending", lambda: actuator.counter("pending_deliveries") == 0)
    demand(all(sum(x["result"] in FINAL for x in a) == 1 for a in found.values()), "one final result each")
    say(f"{BURST} for a receiver that is down expired; {before} MiB before, {peak} MiB at their peak")


def killed(w, actuator):
    """Once before the answer, and once between the answer and its record."""
    r = w.receiver
    w.fire("hold")
    until("the receiver has it", lambda: r.done("hold") == 1)
    actuator.kill()
    r.open["hold"].set()
    ini = w.write_ini("late.ini", auspex__checkpoint_ms=600000)
    late = w.program("actuator", "a", ini).wait_ready()
    until("the same key comes again", lambda: len(r.of("hold")) == 2)
    until("it is answered", lambda: late.counter("deliveries_total", result="delivered") == 1)
    w.fire("hold")
    until("the next is answered", lambda: late.counter("deliveries_total", result="delivered") == 2)
    demand(all(x["result"] != "delivered" for a in w.results("hold").values() for x in a),
           "recorded already: the kill comes too late to show anything")
    late.kill()
    actuator.restart()
    actuator.wait_ready()
    found = w.ended("hold", "delivered", 2)
    demand(all(len(a) == 1 for a in found.values()), f"recorded twice: {found}")
    keys = collections.Counter(x.key for x in r.of("hold"))
    demand(sorted(keys.values()) == [2, 3] and r.done("hold") == 2, f"keys {keys}, effects {r.done('hold')}")
    bodies = {x.key: x.body for x in r.of("hold")}
    demand(all(bodies[x.key] == x.body for x in r.of("hold")), "another body under the same key")
    say("killed before the answer and before its record: the same keys again, one effect each")


def server(verb, *more):
    folder = f"{harness.environment('AUSPEX_TEST_DIR')}/kafka"
    harness.logs.run([str(harness.ROOT / "deploy/kafka/kafka"), verb, folder, *more], limit_s=90)


def kafka_down(w, actuator):
    """Deliveries go on through the outage, and are recorded after it; what no checkpoint knew of comes again."""
    r = w.receiver
    w.fire("lazy", 60)
    until("some are delivered", lambda: r.done("lazy") >= 5)
    server("stop")
    until("all that has a record is delivered", lambda: r.done("lazy") == 60, 30)
    server("start", w.brokers.split(":")[1])
    found = w.ended("lazy", "delivered", 60)
    demand(all([x["result"] for x in a] == ["delivered"] for a in found.values()), "one result each")
    demand(r.done("lazy") == len({x.key for x in r.of("lazy")}) == 60, f"{r.done('lazy')} effects of 60")
    until("it is ready again", lambda: actuator.page("/readyz")[0] == 200)
    say(f"Kafka was down: 60 effects of {len(r.of('lazy'))} requests, each recorded once")


def books_balance(w):
    """Of all that was fired: a record before each attempt, one final result, attempts counted without a gap."""
    told = {i["intervention_id"]: i for i in w.records("interventions")}
    demand(len(told) == sum(w.fired.values()), f"{len(told)} interventions for {sum(w.fired.values())}")
    suffix = "_" + w.prefix.replace(".", "_")
    keys = {r.key for r in w.receiver.requests}
    demand(keys <= {f"auspex_{i}{suffix}" for i in told}, "an attempt without a record")
    demand(not w.receiver.bad, f"{len(w.receiver.bad)} requests are not as specified")
    by_id = collections.defaultdict(list)
    for d in w.records("deliveries"):
        by_id[d["intervention_id"]].append(d)
    demand(by_id.keys() == told.keys(), "interventions without a result")
    for found in by_id.values():
        demand([d["attempt"] for d in found] == list(range(1, len(found) + 1)), f"attempts {found}")
        demand([d["result"] in FINAL for d in found] == [False] * (len(found) - 1) + [True], f"results {found}")
    say(f"{len(told)} interventions, {len(w.receiver.requests)} requests, {sum(map(len, by_id.values()))} results")


def main():
    w = World().begin()
    actuator = w.program("actuator").wait_ready()
    faults(w, actuator)
    gone(w)
    down_until_max_age(w, actuator)
    killed(w, actuator)
    kafka_down(w, actuator)
    actuator.stop()
    books_balance(w)


if __name__ == "__main__":
    sys.exit(harness.run(main))
