#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""edge_test - auspex-shop against an HTTP server that answers by a script: what is sent again and when, in which
order, and what the ledger says.

edge_test.py AUSPEX_SHOP; prints TAP."""

import base64
import collections
import json
import pathlib
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

KEY = "a-write-key-of-the-test"
SHOP = pathlib.Path(sys.argv[1]).resolve()


def demand(claim, text):
    if not claim:
        raise AssertionError(text)


class Request:
    """One request as it came; `step` is its place among those that came."""

    def __init__(self, step, line, headers, body, at):
        self.step, self.line, self.headers, self.at = step, line, headers, at
        self.whole = json.loads(body)
        self.events = self.whole["batch"] if "batch" in self.whole else [self.whole]
        self.ids = [event["messageId"] for event in self.events]
        self.visitors = {event["anonymousId"] for event in self.events}


def read_request(file):
    line = file.readline().decode().split()
    headers = {}
    for text in iter(lambda: file.readline().decode().strip(), ""):
        name, value = text.split(":", 1)
        headers[name.lower()] = value.strip()
    return (line, headers, file.read(int(headers["content-length"]))) if line else None


class Server(socketserver.ThreadingTCPServer):
    """`script(server, request)` gives (status, headers, body), "reset" or "silence"."""

    allow_reuse_address, daemon_threads = True, True

    def __init__(self, script, port=0):
        self.script, self.requests, self.taken, self.connections = script, [], [], 0
        self.flying, self.overlaps, self.lock = collections.Counter(), 0, threading.Lock()
        self.done = threading.Event()
        super().__init__(("127.0.0.1", port), Peer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def begin(self, parts):
        with self.lock:
            request = Request(len(self.requests), *parts, time.monotonic())
            self.requests.append(request)
            self.overlaps += any(self.flying[v] for v in request.visitors)
            self.flying.update(request.visitors)
        return request

    def end(self, request, status):
        with self.lock:
            self.flying.subtract(request.visitors)
            if status == 200:
                self.taken += request.events


class Peer(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self):
        self.server.connections += 1
        try:
            while parts := read_request(self.rfile):
                if not self.answer(self.server.begin(parts)):
                    return
        except ConnectionError:
            pass

    def answer(self, request):
        answer = self.server.script(self.server, request)
        if answer == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if isinstance(answer, str):
            self.server.end(request, 0)
            if answer == "silence":
                self.server.done.wait(30)
            return False
        status, headers, body = answer
        self.server.end(request, status)
        lines = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(body)}"] + [f"{k}: {v}" for k, v in headers.items()]
        self.wfile.write("\r\n".join(lines + ["", body]).encode())
        return True


OK = (200, {}, "{}")


def run_shop(server, *words, verb=("live", "--start-now"), sessions="200"):
    """Its exit code, last lines, what it said on stderr, and the lines of its ledger."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = pathlib.Path(folder) / "ledger"
        past = ["--days", "1", "--sessions", sessions] if verb[0] == "live" else []
        done = subprocess.run([SHOP, *verb, *past, "--edge", server.url, "--write-key", KEY, "--ledger", ledger, *words],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, text=True, check=False)
        server.done.set()
        lines = [line.split(",") for line in ledger.read_text().splitlines()]
    return done.returncode, done.stdout.splitlines(), done.stderr, lines


def check_all_there(server, ran, n):
    code, told, said, lines = ran
    demand(code == 0, f"left with {code}: {said}")
    demand(told[0] == f"sent {n}, acknowledged {n}, failed 0", told)
    demand(len(lines) == n and all(line[3:] == ["ack", "-1", "-1"] for line in lines), "ledger")
    names = list(dict.fromkeys(event["messageId"] for event in server.taken))
    demand(sorted(names) == sorted(line[0] for line in lines), "what the server took is not what the ledger says")
    demand(server.overlaps == 0, f"{server.overlaps} times a visitor was on two ways at once")
    check_order(server, lines)


def check_order(server, lines):
    """A visitor's events arrive in the order of their times, the first time they are taken."""
    first = {}
    for event in server.taken:
        first.setdefault(event["messageId"], event)
    last = {}
    for event in first.values():
        who = event["anonymousId"]
        demand(event["timestamp"] >= last.get(who, ""), f"{event['messageId']} out of order")
        last[who] = event["timestamp"]
    demand({line[1] for line in lines} == set(last), "visitors of the ledger")


def goes_well():
    """Plain requests, over connections that stay; every part of the form is right."""
    server = Server(lambda s, r: OK)
    ran = run_shop(server, "--rate", "1000", "--events", "600", "--connections", "4")
    check_all_there(server, ran, 600)
    demand(server.connections <= 4 and len(server.requests) == 600, f"{server.connections} connections")
    request = server.requests[0]
    demand(all(r.line == ["POST", "/v1/" + r.events[0]["type"], "HTTP/1.1"] for r in server.requests), request.line)
    demand({"/v1/track", "/v1/page"} <= {r.line[1] for r in server.requests}, "paths")
    demand(request.headers["authorization"] == "Basic " + base64.b64encode(f"{KEY}:".encode()).decode(), "key")
    demand(request.headers["content-type"] == "application/json" and "expect" not in request.headers, request.headers)
    demand(ran[1][1].startswith("delay p50 ") and ran[1][1].endswith("resent 0"), ran[1])


def every_trouble_passes():
    """503, 429, resets and answers cut short: the same bytes again, in order, until they are taken."""
    def script(_, request):
        kind = request.step % 7
        return {1: (503, {}, "full"), 2: (429, {}, "slow"), 3: "reset", 5: (500, {}, "oops")}.get(kind, OK)
    server = Server(script)
    ran = run_shop(server, "--rate", "300", "--events", "80", "--connections", "8")
    check_all_there(server, ran, 80)
    sent = collections.defaultdict(set)
    for request in server.requests:
        sent[request.ids[0]].add(json.dumps(request.whole))
    demand(all(len(bodies) == 1 for bodies in sent.values()), "sent again, but not the same")
    demand(len(server.requests) > 110, "nothing was sent again")
    again = int(ran[1][1].split()[-1])  # libcurl itself tries once more where a kept connection was reset
    demand(20 < again <= len(server.requests) - 80, f"{again} of {len(server.requests) - 80} resends counted")


def pauses_grow():
    """Five times 503, the last two asking for 1 s: later each time, and not before it was asked."""
    at = []
    def script(_, request):
        at.append(request.at)
        headers = {"Retry-After": "1"} if len(at) in (4, 5) else {}
        return (503, headers, "") if len(at) <= 5 else OK
    server = Server(script)
    check_all_there(server, run_shop(server, "--rate", "100", "--events", "1", "--connections", "1"), 1)
    gaps = [b - a for a, b in zip(at, at[1:])]
    least = [.025, .05, .1, 1, 1]
    demand(len(gaps) == 5 and all(gap >= low for gap, low in zip(gaps, least)), gaps)
    demand(gaps[2] < .9, gaps)


def time_out_resends():
    """No answer at all: given up after some seconds, sent again."""
    server = Server(lambda s, r: "silence" if r.step == 0 else OK)
    check_all_there(server, run_shop(server, "--rate", "100", "--events", "20", "--connections", "2"), 20)
    demand(len(server.requests) == 21, f"{len(server.requests)} requests")


def refusal_is_told():
    """400 and 401: not tried again, in the ledger as failed, told, exit 1; the rest goes on."""
    server = Server(lambda s, r: (400, {}, '{"title":"bad_type"}') if r.step == 2 else OK)
    code, told, said, lines = run_shop(server, "--rate", "200", "--events", "30")
    demand(code == 1 and told[0] == "sent 30, acknowledged 29, failed 1", (code, told))
    demand("1 events were never acknowledged" in said and "400" in said and "bad_type" in said, said)
    demand([line[3:] for line in lines].count(["fail", "-1", "-1"]) == 1 and len(server.requests) == 30, lines)


def batches_are_of_one_visitor():
    """What waits for a visitor while the server is slow goes together; a result tells what was refused."""
    def script(server, request):
        if request.step == 0: # until there is something to go together
            while len(server.requests) < 2 and not server.done.wait(.01):
                pass
        results = [{"reason": "bad_type"} if server.refuse == name else {"status": "accepted"} for name in request.ids]
        return 200, {}, json.dumps({"results": results}, separators=(",", ":"))
    server = Server(script)
    server.refuse = None
    few = ("stream", "--kind", "hostile", "--end", "2024-06-01T00:00:00Z")  # 50 visitors, the same at each run
    code, told, said, lines = run_shop(server, "--rate", "20000", "--events", "1500", "--batch", "5", verb=few)
    demand(code == 0 and told[0] == "sent 1500, acknowledged 1500, failed 0", (told, said))
    sizes = collections.Counter(len(request.events) for request in server.requests)
    demand(set(sizes) <= set(range(1, 6)) and sizes[5] > 20, sizes)
    demand(all(len(request.visitors) == 1 for request in server.requests), "visitors mixed")
    demand(server.requests[0].line[1] == "/v1/batch" and server.overlaps == 0, "path, overlaps")
    counts = collections.Counter(line[0] for line in lines)
    again = Server(script)
    again.refuse = next(name for name, n in counts.items() if n == 1)
    code, told, said, lines = run_shop(again, "--rate", "20000", "--events", "1500", "--batch", "5", verb=few)
    failed = [line[0] for line in lines if line[3] == "fail"]
    demand(failed == [again.refuse] and "bad_type" in said and code == 1, (failed, said))


def outage_is_waited_out():
    """Nobody listens at first, then somebody does: nothing is lost, and the ledger is whole."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    found = []
    class Later:  # takes the port once the shop has knocked in vain
        url = f"http://127.0.0.1:{port}"
        done = threading.Event()
    def open_later():
        Later.done.wait(1.5)
        found.append(Server(lambda s, r: OK, port))
    threading.Thread(target=open_later, daemon=True).start()
    ran = run_shop(Later, "--rate", "200", "--events", "100")
    check_all_there(found[0], ran, 100)
    demand(int(ran[1][1].split()[-1]) > 0, ran[1])


def stops_within_seconds():
    """SIGTERM while nobody listens: gone within 6 s, with what was never acknowledged as failed."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with tempfile.TemporaryDirectory() as folder:
            ledger = pathlib.Path(folder) / "ledger"
            with subprocess.Popen([SHOP, "live", "--days", "1", "--sessions", "50", "--edge", url, "--write-key", KEY,
                                   "--ledger", ledger, "--start-now", "--rate", "50", "--duration", "0.5"],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as shop:
                try:
                    shop.wait(1)
                    raise AssertionError("it went without an answer")
                except subprocess.TimeoutExpired:
                    began = time.monotonic()
                    shop.send_signal(signal.SIGTERM)
                told = shop.stdout.read().splitlines()
                demand(shop.wait() == 1 and time.monotonic() - began < 6, "slow to stop")
            lines = ledger.read_text().splitlines()
    demand(told[0].startswith("sent ") and told[0].endswith(f"acknowledged 0, failed {len(lines)}"), told)
    demand(lines and all(line.endswith("fail,-1,-1") for line in lines), lines)


TESTS = [goes_well, every_trouble_passes, pauses_grow, time_out_resends, refusal_is_told, batches_are_of_one_visitor,
         outage_is_waited_out, stops_within_seconds]


def main():
    failed = 0
    print(f"1..{len(TESTS)}")
    for number, test in enumerate(TESTS, 1):
        began = time.monotonic()
        try:
            test()
            print(f"ok {number} - {test.__name__} # {time.monotonic() - began:.1f} s", flush=True)
        except AssertionError as why:
            failed += 1
            print(f"not ok {number} - {test.__name__}\n# {why}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
