# SPDX-License-Identifier: Apache-2.0
"""harness - what pipeline tests share: a pipeline with topics, groups and a database of its own, its programs as
processes, and waiting for what they say.

Needs the environment of test/servers. Nothing sleeps for a guessed time: until() asks again until its limit. Whatever
happens, every process that was started is ended."""
import base64
import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "chaos"))
import logs  # noqa: E402

SKIPPED = 77
PATHS = {"auspexctl": "ctl/auspexctl", "auspex-shop": "test/shop/auspex-shop"}
SPINE = ("collector", "featurizer", "scorer", "archiver")
PROGRAMS = ("collector", "featurizer", "scorer", "actuator", "archiver")  # in the order that events pass them
FEEDS = {"featurizer": "events", "scorer": "features", "actuator": "predictions"}
started = []  # every Program, in order


class Failed(Exception):
    """What a test says when it fails."""


class Skip(Exception):
    """Why a test cannot run here."""


def demand(claim, text):
    if not claim:
        raise Failed(text)


def until(what, ask, limit_s=60):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + limit_s
    while True:
        answer = ask()
        if answer:
            return answer
        dead = next((p for p in started if p.has_died()), None)
        if dead:
            raise Failed(f"{dead} left with status {dead.process.returncode} while waiting for: {what}")
        if time.monotonic() > end:
            raise Failed(f"not within {limit_s} s: {what}")
        time.sleep(0.05)


def environment(name):
    if name not in os.environ:
        raise Skip(f"{name} is not set: run me by test/servers")
    return os.environ[name]


def build():
    return pathlib.Path(os.environ.get("AUSPEX_TEST_BUILD") or ROOT / "build/test")


def binary(name):
    path = build() / PATHS.get(name, f"{name.removeprefix('auspex-')}/{name}")
    if not path.exists():
        raise Skip(f"{path} is not built")
    return str(path)


def say(text):
    print(f"[{time.monotonic() - BEGAN:6.1f}] {text}", flush=True)


class Program:
    """A process of ours with its log."""

    def __init__(self, name, log, arguments, env=None):
        self.name, self.log, self.arguments, self.env = name, pathlib.Path(log), arguments, env
        self.is_expected_to_end = False
        self.start()
        started.append(self)

    def __str__(self):
        return self.name

    def start(self):
        self.log_from = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                            env={**os.environ, **(self.env or {})})
        self.port = None

    def text(self):
        """What it has logged since it was started last."""
        with open(self.log, "rb") as file:
            file.seek(self.log_from)
            return file.read().decode(errors="replace")

    def has_died(self):
        return not self.is_expected_to_end and self.process.poll() is not None and self.process.returncode != 0

    def page(self, path):
        """(status, text) of a page of its admin port; (0, "") while there is none."""
        if self.port is None:
            found = re.search(r"admin port.*?port=(\d+)", self.text())
            if not found:
                return 0, ""
            self.port = int(found[1])
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()
        except OSError:
            return 0, ""

    def edge(self):
        """URL of its HTTP edge, which took a free port."""
        found = until(f"{self} says where its edge is", lambda: re.search(r'"edge is open" port=(\d+)', self.text()))
        return f"http://127.0.0.1:{found[1]}"

    def counter(self, name, **labels):
        """Sum over all lines of a metric whose labels include these; 0 while there is none."""
        total = 0.0
        for line in self.page("/metrics")[1].splitlines():
            found = re.fullmatch(r"auspex_(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and (found[1] == name or found[1].endswith("_" + name)) and \
                    all(f'{k}="{v}"' in (found[2] or "") for k, v in labels.items()):
                total += float(found[3])
        return total

    def wait_ready(self, limit_s=60):
        until(f"{self} is ready", lambda: self.page("/readyz")[0] == 200, limit_s)
        return self

    def wait_end(self, limit_s=60):
        self.is_expected_to_end = True
        try:
            return self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self} does not end within {limit_s} s") from None

    def kill(self):
        self.is_expected_to_end = True
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.is_expected_to_end = False
        self.start()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, limit_s=20):
        """SIGTERM; it must leave with 0."""
        self.is_expected_to_end = True
        if self.process.poll() is None:
            self.process.terminate()
        status = self.wait_end(limit_s)
        demand(status == 0, f"{self} left with status {status} at SIGTERM")


def end_all():
    for p in reversed(started):
        if p.process.poll() is None:
            with contextlib.suppress(OSError):
                p.process.kill()
            p.process.wait()


class Receiver:
    """Takes webhooks on a free loopback port, answers 200 and keeps their ids in order. Its section [webhooks] calls
    it `receiver`."""

    def __init__(self):
        kept = self.ids = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):  # pylint: disable=invalid-name
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                kept.append(self.headers.get("webhook-id"))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.options = {"webhooks__receiver.url": f"http://127.0.0.1:{self.server.server_port}/",
                        "webhooks__receiver.secret": "whsec_" + base64.b64encode(bytes(range(32))).decode(),
                        "webhooks__receiver.allow_private": "true"}


class Pipeline:
    """Topics with a prefix of their own, groups with a suffix of their own, a database of their own."""

    def __init__(self, name, partitions=2, **options):
        self.name, self.partitions, self.options = name, partitions, options
        self.prefix, self.suffix = f"t{os.getpid()}.{name}", f".t{os.getpid()}.{name}"
        self.output_prefix = self.prefix
        self.ran = set()  # names of the programs that were started
        self.brokers = environment("AUSPEX_TEST_KAFKA")
        self.dir = pathlib.Path(environment("AUSPEX_TEST_DIR")) / name
        shutil.rmtree(self.dir, ignore_errors=True)
        self.dir.mkdir(parents=True)
        self.kafka = logs.Kafka(self.brokers)
        base = environment("AUSPEX_TEST_DSN")
        self.database = re.sub(r"\W", "_", name)
        admin = logs.Database(base)
        admin.ask(f"drop database if exists {self.database} with (force)")
        admin.ask(f"create database {self.database}")
        self.dsn = re.sub(r"/[^/?]*(\?|$)", rf"/{self.database}\1", base, count=1)
        self.db = logs.Database(self.dsn)
        self.ini = self.write_ini("auspex.ini")

    def write_ini(self, file, **other):
        """Options are section__key; those given here stand above those of the pipeline."""
        values = {"auspex__topic_prefix": self.prefix, "auspex__partitions": self.partitions,
                  "auspex__group_suffix": self.suffix, "auspex__session_timeout_ms": 3000,
                  "auspex__checkpoint_ms": 500, "collector__heartbeat_ms": 300,
                  "collector__user_agents": "",  # a start with sanitizers takes two seconds less
                  "kafka__bootstrap.servers": self.brokers, "postgres__dsn": self.dsn} | self.options | other
        sections = {}
        for key, value in values.items():
            section, _, option = key.partition("__")
            sections.setdefault(section, []).append(f"{option}={value}")
        path = self.dir / file
        path.write_text("".join(f"[{s}]\n" + "\n".join(lines) + "\n\n" for s, lines in sections.items()))
        return path

    def ctl(self, *arguments, ini=None, limit_s=180, status=0):
        """Runs auspexctl and returns what it printed; status None takes any."""
        command = [binary("auspexctl"), "-c", str(ini or self.ini), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
        demand(status is None or done.returncode == status,
               f"auspexctl {' '.join(map(str, arguments))}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def apply(self):
        self.ctl("topics", "apply")
        self.ctl("db", "apply")
        until("control answers", self._has_control)  # a broker may deny for a moment that it leads a new topic
        return self

    def _has_control(self):
        try:
            return self.ends("control")
        except RuntimeError:
            return False

    def put_site(self, site=1, *arguments):
        """Opens the edge to a site; its write key."""
        return re.search(r"new key +(\S+)", self.ctl("sites", "put", site, "--new-key", *arguments))[1]

    def put_policy(self, name, when, **more):
        """Sets a policy, of the channel topic unless told."""
        path = self.dir / f"{name}.policy"
        path.write_text(json.dumps({"name": name, "when": when, "action": "offer", "channel": "topic",
                                    "message": "for {{visitor}}: " + name} | more), encoding="utf-8")
        self.ctl("policies", "put", path)

    def program(self, name, instance="a", ini=None, env=None):
        self.ran.add(name)
        label = f"{name}-{instance}" + (f"-{pathlib.Path(ini).stem}" if ini else "")
        return Program(label, self.dir / f"{label}.log",
                       [binary(f"auspex-{name}"), "-c", str(ini or self.ini), "--instance", instance], env)

    def start(self, names=SPINE, instance="a", ini=None):
        """Starts programs and waits until all are ready; {name: Program}."""
        found = {name: self.program(name, instance, ini) for name in names}
        for p in found.values():
            p.wait_ready()
        return found

    def shop(self, rate, events, seed=1, instance="shop", **more):
        """The simulated shop, live; keeps a ledger."""
        self.ledger = self.dir / f"{instance}.ledger"
        words = [binary("auspex-shop"), "live", "--brokers", self.brokers, "--topic", f"{self.prefix}.raw.v1",
                 "--rate", str(rate), "--events", str(events), "--seed", str(seed), "--start-now", "--ledger",
                 str(self.ledger)]
        for key, value in more.items():
            words += [f"--{key.replace('_', '-')}", str(value)]
        return Program(instance, self.dir / f"{instance}.log", words)

    def past(self, sessions, seed=1):
        """A file of the shop's history."""
        path = self.dir / f"past{sessions}.ndjson"
        logs.run([binary("auspex-shop"), "history", "--days", "14", "--sessions", str(sessions), "--seed", str(seed),
                  "--out", str(path)])
        return path

    def train(self, into=None):
        """A model from three thousand sessions of the shop's past, active from here on, in another pipeline if told."""
        self.ctl("replay", self.past(3000), "--format", "ndjson", "--site", 1, "--speed", "max")
        self.ctl("wait", "archived")
        ini = into.write_ini("train.ini", postgres__dsn=self.dsn) if into else self.ini
        say(logs.run([binary("auspex-trainer"), "-c", str(ini), "conversion"]).decode().strip().splitlines()[-1])
        self.ctl("models", "promote", "conversion", ini=ini)

    def send(self, lines, *arguments, topic="raw"):
        """Appends lines to a topic, each a record's value."""
        done = subprocess.run(["kcat", "-P", "-b", self.brokers, "-t", f"{self.prefix}.{topic}.v1", "-l", "/dev/stdin",
                               *arguments], input="".join(x + "\n" for x in lines), text=True, capture_output=True,
                              timeout=60, check=False)
        demand(done.returncode == 0, f"kcat: {done.stderr}")

    # --- where things stand ---

    def ends(self, word, prefix=None):
        name = f"{prefix or self.prefix}.{word}.v1"
        return self.kafka.ends(name, self.kafka.topics().get(name, 0))

    def offsets(self, program, word, suffix=None, prefix=None):
        """What a group has committed, for each partition of a topic."""
        name = f"{prefix or self.prefix}.{word}.v1"
        n = self.kafka.topics().get(name, 0)
        group = f"auspex.{program}{self.suffix if suffix is None else suffix}"
        found = self.kafka.committed(group, {name: n})
        return [found.get((name, p), 0) for p in range(n)]

    def has_read_all(self, program, word, suffix=None, prefix=None):
        """Whether a group has committed the end of each partition of a topic."""
        at = self.offsets(program, word, suffix, prefix)
        return all(o >= end for o, end in zip(at, self.ends(word, prefix), strict=True))

    def wait_read(self, program, word, limit_s=120, suffix=None, prefix=None):
        until(f"{program} has read {word}", lambda: self.has_read_all(program, word, suffix, prefix), limit_s)

    def has_archived_all(self):
        words = ("events", "rejected", "features", "sessions", "predictions", "interventions", "outcomes")
        ends = {(f"{self.prefix}.{w}.v1", p): end for w in words for p, end in enumerate(self.ends(w))}
        name = f"{self.prefix}.deliveries.v1"  # written in transactions: behind its last record stand their marks
        for p, part in enumerate(self.kafka.read(name, "deliveries", len(self.ends("deliveries")))):
            ends[name, p] = part[-1].offset + 1 if part else 0
        rows = {(r["topic"], r["partition"]): r["next_offset"] for r in self.db.rows("archive_offsets")}
        return all(rows.get(at, 0) >= end for at, end in ends.items())

    def drain(self, programs, limit_s=180):
        """Ends the programs from the front to the back, each when it has used all that those before it gave."""
        for word in ("raw", "imports", "control"):
            ends = self.ends(word)  # raw goes on to grow by heartbeats
            until(f"collector has read {word}", lambda w=word, to=ends: self._is_past("collector", w, to), limit_s)
        programs["collector"].stop()
        for name, word in FEEDS.items():
            if name in programs:
                self.wait_read(name, word, limit_s)
                programs[name].stop()
        if "archiver" in programs:
            until("all is archived", self.has_archived_all, limit_s)
            programs["archiver"].stop()

    def _is_past(self, program, word, ends):
        return all(at >= end for at, end in zip(self.offsets(program, word), ends, strict=True))

    def check(self, *arguments):
        """The checker, over all that this pipeline has left; the programs have ended."""
        words = [sys.executable, str(ROOT / "test/chaos/check"), "--brokers", self.brokers, "--prefix", self.prefix,
                 "--suffix", self.suffix, "--dsn", self.dsn, "--stopped", *arguments]
        if "actuator" not in self.ran:
            words += ["--without", "actuator"]
        for ledger in sorted(self.dir.glob("*.ledger")):
            words += ["--ledger", str(ledger)]
        self._judge(words)

    def compare(self, a, b, *topics):
        self._judge([sys.executable, str(ROOT / "test/chaos/compare"), "--brokers", self.brokers, a, b, *topics])

    def _judge(self, words):
        done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
        demand(done.returncode == 0, f"{pathlib.Path(words[1]).name}: {done.stdout[-4000:]}{done.stderr[-2000:]}")
        say(f"{pathlib.Path(words[1]).name}: {done.stdout.strip()}")

    def replay(self, name, instances=1, **options):
        """A second set of groups over the same events, with outputs of its own; ends when all is through. Has an
        actuator if the first has."""
        prefix, suffix = f"{self.prefix}.{name}", f"{self.suffix}.{name}"
        ini = self.write_ini(f"{name}.ini", auspex__output_prefix=prefix, auspex__group_suffix=suffix, **options)
        self.ctl("topics", "apply", ini=ini)
        feeds = {p: word for p, word in FEEDS.items() if p in self.ran}
        found = [self.program(p, f"i{i}", ini) for p in feeds for i in range(instances)]
        for program, word in feeds.items():
            self.wait_read(program, word, 180, suffix, None if word == "events" else prefix)
        for p in found:
            p.stop()
        return prefix


def put_policies(p, *names):
    """Policies that keep actuator busy on the shop's events: some held out, windows that end within the test."""
    known = {
        "likely": ({"prediction": "conversion", "op": ">=", "value": 0.1}, {"holdout": 0.3, "window_s": 4}),
        "cart": ({"all": [{"fact": "type", "op": "=", "value": "add_to_cart"},
                          {"not": {"fact": "identified", "op": "=", "value": True}}]},
                 {"imports": True, "window_s": 3, "cap_per_day": 2}),
        "curious": ({"any": [{"feature": "product_views", "op": ">", "value": 2},
                             {"fact": "type", "op": "in", "value": ["search_performed", "checkout_start"]}]},
                    {"message": "{{product_views}} views of {{product_id}}", "window_s": 600, "holdout": 0.5}),
        "told": ({"fact": "type", "op": "=", "value": "checkout_start"},
                 {"channel": "webhook", "webhook": "receiver", "holdout": 0.2, "cap_per_day": 1, "window_s": 5}),
    }
    for name in names:
        p.put_policy(name, known[name][0], **known[name][1])


def borrow_model(p):
    """A model for a pipeline, trained in another one, so that its own logs stay small."""
    school = Pipeline(f"{p.name}school", partitions=2).apply()
    pupils = school.start()
    school.train(into=p)
    for pupil in pupils.values():
        pupil.stop()


def tails():
    for p in started:
        with contextlib.suppress(OSError):
            lines = p.text().splitlines()[-8:]
            print(f"--- last lines of {p} (status {p.process.poll()}):", *(line[:400] for line in lines), sep="\n    ")


def leave(number, _frame):
    raise SystemExit(128 + number)


def run(main):
    """Runs a test and leaves with 0, 1 or 77."""
    signal.signal(signal.SIGTERM, leave)
    status = 1
    try:
        main()
        status = 0
    except Skip as why:
        print(f"skipped: {why}")
        status = SKIPPED
    except Failed as why:
        print(f"FAILED: {why}")
        tails()
    except Exception:  # pylint: disable=broad-except
        traceback.print_exc()
        tails()
    finally:
        end_all()
    say({0: "passed", SKIPPED: "skipped"}.get(status, "failed"))
    sys.exit(status)


BEGAN = time.monotonic()
