#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ctl_test - auspexctl as an operator uses it: what it says and with which code it leaves, for wrong words, wrong
configuration, topics that are not as they must be; imports that are broken off and go on; taps; models; status; sites
and policies; what was refused; the page of watch, and policies' report."""
import fcntl
import hashlib
import json
import math
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import harness
import msgpack
from harness import PROGRAMS, Pipeline, Receiver, binary, demand, say, until
from rdkafka import make_topic  # test/chaos, on harness's path

NOBODY = "127.0.0.1:1"  # nothing listens there
VERBS = ("topics apply", "topics check", "db apply", "db check", "replay", "tap", "status", "models list",
         "models promote", "models rollback", "config get", "wait", "sites put", "sites list", "sites off", "policies put",
         "policies list", "policies show", "policies off", "policies report", "rejected list", "rejected body", "watch")
KEY_SHA = hashlib.sha256(b"a-key-of-our-own-0123").hexdigest()
GREET = {"name": "greet", "action": "offer", "channel": "topic", "holdout": 0.5, "window_s": 5, "message": "hi {{visitor}}",
         "when": {"fact": "type", "op": "=", "value": "add_to_cart"}}


def says(p, status, words, *arguments, ini=None):
    """auspexctl leaves with this status and prints each of these words."""
    text = p.ctl(*arguments, ini=ini, status=status)
    for word in words:
        demand(word in text, f"auspexctl {' '.join(map(str, arguments))}: no {word!r} in: {text}")
    return text


def words(p):
    says(p, 2, ["usage:"])
    says(p, 2, ['no verb "tip"'], "tip")
    says(p, 2, ["no option --soon"], "tap", "raw", "--soon")
    says(p, 2, ["status has no option --from"], "status", "--from", "end")
    says(p, 2, ["--from needs a value"], "tap", "raw", "--from")
    says(p, 2, ["usage: auspexctl [-c FILE] tap TOPIC"], "tap")
    says(p, 2, ['no topic "rwa"'], "tap", "rwa")
    says(p, 2, ["--site must be a whole number"], "tap", "events", "--site", "x")
    says(p, 0, VERBS, "--help")
    for verb in VERBS:
        says(p, 0, [f"usage: auspexctl [-c FILE] {verb}"], *verb.split(), "--help")


def configuration(p):
    wrong = p.dir / "wrong.ini"
    for text, found in {
            "[featurizer]\nsesion_idle_s = 5\n":
                f'{wrong}:2: unknown key "sesion_idle_s" in [featurizer]; did you mean "session_idle_s"?',
            "[kafka]\nbootstrap.servers = x\nacks = 1\n": f"{wrong}:3: acks may not be set in [kafka]",
            "[auspex]\npartitions = 8\npartitions = 8\n": f'{wrong}:3: "partitions" stands twice'}.items():
        wrong.write_text(text)
        says(p, 78, [found], "topics", "check", ini=wrong)
    wrong.write_text("[kafka]\nbootstrap.servers = x\nno.such.thing = 1\n")
    says(p, 78, ["no.such.thing"], "topics", "check", ini=wrong)
    wrong.write_text("")
    says(p, 78, ["bootstrap.servers is not set"], "topics", "check", ini=wrong)
    says(p, 78, ["none.ini: No such file"], "topics", "check", ini=p.dir / "none.ini")
    demand(p.ctl("config", "get", "postgres.dsn") == p.dsn + "\n", "config get postgres.dsn")
    says(p, 1, ["neither an option nor set"], "config", "get", "postgres.dsm")


def topics(p):
    gone = p.write_ini("gone.ini", **{"kafka__bootstrap.servers": NOBODY})
    says(p, 69, ["no broker answered", NOBODY], "topics", "check", ini=gone)
    says(p, 78, [f"topic {p.prefix}.raw.v1 is missing", f"topic {p.prefix}.models.v1 is missing", "topics apply"],
         "topics", "check")
    says(p, 0, ["14 topics made", "as they must be"], "topics", "apply")
    text = says(p, 0, ["as they must be"], "topics", "apply")
    demand("made" not in text, "topics apply made something twice")
    three = p.write_ini("three.ini", auspex__partitions=3)
    says(p, 78, [f"topic {p.prefix}.events.v1 has 2 partitions", "[auspex] says 3"], "topics", "check", ini=three)
    odd = p.write_ini("odd.ini", auspex__topic_prefix=f"{p.prefix}.odd")
    make_topic(p.brokers, f"{p.prefix}.odd.raw.v1", 5)
    make_topic(p.brokers, f"{p.prefix}.odd.events.v1", 2, cleanup_policy="compact")
    make_topic(p.brokers, f"{p.prefix}.odd.visitors.v1", 2)
    make_topic(p.brokers, f"{p.prefix}.odd.control.v1", 1, message_timestamp_type="LogAppendTime")
    text = says(p, 78, ["odd.raw.v1 has message.timestamp.type=CreateTime and must have LogAppendTime",
                        "odd.events.v1 has cleanup.policy=compact and must not be compacted",
                        "odd.visitors.v1 has cleanup.policy=delete and must have compact",
                        "odd.control.v1 has retention.ms="], "topics", "apply", ini=odd)
    demand("raw.v1 has 5 partitions" not in text, f"any number of partitions is right for raw: {text}")


def database(p):
    says(p, 78, [], "db", "check")
    says(p, 0, ["version"], "db", "apply")
    says(p, 0, ["version"], "db", "check")
    gone = p.write_ini("nodb.ini", postgres__dsn="postgresql://nobody@127.0.0.1:1/none")
    says(p, 69, [], "db", "apply", ini=gone)
    none = p.write_ini("nodsn.ini", postgres__dsn="")
    says(p, 78, ["dsn is not set"], "db", "apply", ini=none)


def event_line(i, **more):
    return json.dumps({"type": "page", "anonymousId": f"v{i % 7}",
                       "timestamp": f"2025-01-01T{i // 3600:02}:{i // 60 % 60:02}:{i % 60:02}Z", **more})


def bad_files(p):
    file = p.dir / "bad.csv"
    file.write_text("a,b\n1,2\n")
    says(p, 1, [":1: the first line of a file of rees46 must be"], "replay", file, "--format", "rees46")
    file.write_bytes(b"\xfd7zXZ\0")
    says(p, 1, ["is compressed (xz)", "xzcat"], "replay", file, "--format", "ndjson")
    says(p, 2, ["no regular file"], "replay", p.dir, "--format", "ndjson")
    says(p, 74, ["No such file"], "replay", p.dir / "none", "--format", "ndjson")
    says(p, 2, ["--format must be ndjson, csv"], "replay", file)


def replay(p):
    """3,000 lines: one blank, one that is no JSON, one longer than Kafka takes; broken off, gone on with, again."""
    bad_files(p)
    lines = [event_line(i) for i in range(3000)]
    lines[10], lines[20] = "", "no json"
    lines[30] = event_line(30, properties={"long": "x" * 2_000_000})
    file = p.dir / "events.ndjson"
    file.write_text("\n".join(lines))
    command = [binary("auspexctl"), "-c", str(p.ini), "replay", str(file), "--format", "ndjson", "--site", "3"]
    with subprocess.Popen([*command, "--speed", "600"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as slow:
        until("some lines are there", lambda: sum(p.ends("imports")) > 100)
        slow.send_signal(signal.SIGINT)
        text = slow.communicate(timeout=30)[0]
        demand(slow.returncode == 75 and "the same command goes on from there" in text,
               f"interrupted: status {slow.returncode}: {text}")
    result = "accepted 2997, rejected 2 (malformed 1, too_large 1), late 0, repeats 0"
    says(p, 0, ["goes on behind line", result, "3000 lines"], *command[3:])
    says(p, 0, ["imported before, as a whole", result], *command[3:])
    says(p, 0, ["sends all again", result], *command[3:], "--resend")
    ids = {json.loads(x)["offset"] for x in p.ctl("tap", "events", "--site", "3", "--kind", "event", "--until-end").splitlines()}
    demand(len(ids) == 2997, f"{len(ids)} lines of site 3 in events")


def tap(p):
    def lines(*arguments):
        return [json.loads(x) for x in p.ctl("tap", *arguments).splitlines()]
    some = lines("events", "--site", "3", "--visitor", "v3", "--until-end")
    demand(some and all(r["visitor"] == "v3" and r["site_id"] == 3 and r["_topic"] == "events" for r in some),
           "tap by visitor")
    demand(not lines("events", "--site", "4", "--until-end"), "tap by a site that has nothing")
    demand(all(r["_record"] == "import_end" for r in lines("imports", "--kind", "import_end", "--until-end")), "--kind")
    one = lines("features", "--count", "1", "--partition", "1", "--kind", "vector")
    demand(len(one) == 1 and one[0]["_partition"] == 1 and isinstance(one[0]["features"], list), f"--count 1: {one}")
    p.send(['{"type": "page",\t"anonymousId": "raw one"}'], "-k", "key")
    raw = until("the raw record is there", lambda: [r for r in lines("raw", "--until-end") if r.get("_key") == "key"])
    demand(raw[0]["value"] == {"type": "page", "anonymousId": "raw one"}, f"tap raw: {raw}")
    raw = p.ctl("tap", "raw", "--raw", "--until-end")
    demand('{"type": "page",\t"anonymousId": "raw one"}\n' in raw, f"tap raw --raw: {raw}")
    with subprocess.Popen([binary("auspexctl"), "-c", str(p.ini), "tap", "events"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as closed:
        closed.stdout.readline()
        closed.stdout.close()
        demand(closed.wait(30) == 0 and not closed.stderr.read(), "tap into a pipe that nobody reads any more")


def model_send(p, version, is_whole=True):
    """A model of two chunks; its bytes are none that a scorer could use, which auspexctl does not judge."""
    pieces = [b"first piece %d" % version, b"second piece"]
    digest = hashlib.sha256(b"".join(pieces)).digest()
    records = [(f"toy/{version}/{i}", {0: 13, 1: 1, 10: "toy", 11: version, 12: i, 13: piece})
               for i, piece in enumerate(pieces) if is_whole or i == 0]
    records.append((f"toy/{version}", {0: 12, 1: 1, 10: "toy", 11: "toying", 12: version, 13: digest,
                                       14: sum(map(len, pieces)), 15: 2, 16: '{"auc":0.75,"n":1}'}))
    for key, value in records:
        file = p.dir / "record"
        file.write_bytes(msgpack.packb(value))
        harness.logs.run(["kcat", "-P", "-b", p.brokers, "-t", f"{p.prefix}.models.v1", "-k", key, str(file)])


def models(p):
    says(p, 0, ["none yet"], "models", "list")
    says(p, 1, ["there is no model toy"], "models", "promote", "toy")
    model_send(p, 1)
    model_send(p, 2)
    model_send(p, 3, is_whole=False)
    says(p, 1, ["toy 3 is not whole: chunk 1 of 2 is missing"], "models", "promote", "toy")
    says(p, 1, ["there is no model toy 9"], "models", "promote", "toy", "9")
    says(p, 1, ["no other version of toy was active"], "models", "rollback", "toy")
    at = sum(p.ends("control"))
    says(p, 0, [f"toy 1 predicts toying from control offset {at} on; before: nothing"], "models", "promote", "toy", "1")
    says(p, 0, ["toy 1 is active already"], "models", "promote", "toy", "1")
    says(p, 0, [f"toy 2 predicts toying from control offset {at + 1} on; before: toy 1"], "models", "promote", "toy", "2")
    says(p, 0, [f"toy 1 predicts toying from control offset {at + 2} on; before: toy 2"], "models", "rollback", "toy")
    listed = [json.loads(x) for x in p.ctl("models", "list", "--json").splitlines()]
    demand([(m["version"], m["active"], m["metrics"]["auc"]) for m in listed] ==
           [(1, True, 0.75), (2, False, 0.75), (3, False, 0.75)], f"models list: {listed}")
    says(p, 0, ["0.7500", "active"], "models", "list")
    controls = [r for r in control_of(p) if r["what"] == "model"]
    demand([(r["what"], r["name"], r["version"], r["kind"]) for r in controls] ==
           [("model", "toy", v, "toying") for v in (1, 2, 1)], f"control: {controls}")


def control_of(p):
    return [json.loads(x) for x in p.ctl("tap", "control", "--until-end").splitlines()]


def sites(p):
    says(p, 0, ["none yet"], "sites", "list")
    says(p, 2, ["SITE must be a whole number"], "sites", "put", "0")
    says(p, 2, ["a key has 16 to 128 characters"], "sites", "put", "4", "--key", "short")
    says(p, 2, ["https://shop.example"], "sites", "put", "4", "--origin", "https://a.example/page")
    says(p, 1, ["site 4 is not on"], "sites", "off", "4")
    at = sum(p.ends("control"))
    text = says(p, 0, [f"site 4 holds from control offset {at} on; before: nothing", "not told again"], "sites", "put", "4",
                "--name", "a shop", "--new-key", "--origin", "https://a.example", "--origin", "http://localhost:8080",
                "--rate", "50")
    made = re.search(r"^new key +(wk_[0-9A-Za-z]{32})$", text, re.M)[1]
    says(p, 0, [f"holds from control offset {at + 1} on; before: from {at} on"], "sites", "put", "4", "--key",
         "a-key-of-our-own-0123")
    says(p, 0, [f"site 4 holds so already, from control offset {at + 1} on"], "sites", "put", "04", "--rate", "50")
    text = p.ctl("tap", "control", "--until-end")
    demand(made not in text and "a-key-of-our-own-0123" not in text, "a key stands in control")
    wanted = {"site": 4, "name": "a shop", "origins": "https://a.example http://localhost:8080", "rate": 50, "keys": [
        {"prefix": made[:8], "sha256": hashlib.sha256(made.encode()).hexdigest()},
        {"prefix": "a-key-o", "sha256": KEY_SHA}]}
    record = control_of(p)[-1]
    demand((record["what"], record["name"], record["version"], record["body"]) == ("site", "4", 1, wanted), f"{record}")
    listed = json.loads(p.ctl("sites", "list", "--json"))
    demand(listed == {"site": 4, "control_offset": at + 1, "holds": True, "settings": wanted}, f"sites list: {listed}")
    says(p, 0, ["a shop", f"{made[:8]}...", "https://a.example"], "sites", "list")
    says(p, 2, ['0 keys of the site begin with "zz"'], "sites", "put", "4", "--remove-key", "zz")
    file = p.dir / "site.json"
    file.write_text(json.dumps(wanted | {"name": "other"}))
    text = says(p, 0, ["name     other"], "sites", "put", "4", "--from", file, "--remove-key", made[:8], "--origin", "")
    demand(made[:8] not in text and "no web page may send" in text, f"sites put --from: {text}")
    says(p, 78, ["it is of site 4, not 5"], "sites", "put", "5", "--from", file)
    file.write_text('{"site": 5, "rate": "fast"}')
    says(p, 78, ["site.json: not an object as JSON, or a member of a wrong type"], "sites", "put", "5", "--from", file)
    site_events(p)
    says(p, 0, ["is off"], "sites", "off", "4")
    says(p, 0, ["off"], "sites", "list")
    demand(not control_of(p)[-1].get("version"), "sites off")
    says(p, 0, ["before: nothing", "none: nobody can send"], "sites", "put", "4")


def site_events(p):
    """What becomes of the events of a site that is there."""
    for said, options in {
            'no time zone "Europe/Berlim"; the nearest is "Europe/Berlin"': ("--timezone", "Europe/Berlim"),
            "is no code of ISO 4217": ("--currency", "eur"), "without a currency": ("--exchange", "USD=0.92"),
            "as in USD=0.92": ("--exchange", "USD:0.92"), "--consent must be none": ("--consent", "ads"),
            "session_gap_s: not from 60": ("--session-gap", "59"), "from 0 to 86400": ("--session-gap", "86401"),
            "from 0 to 36500": ("--keep-days", "36501"),
            "either --known-types-only": ("--known-types-only", "--any-types")}.items():
        says(p, 2, [said], "sites", "put", "4", *options)
    text = says(p, 0, ["timezone Asia/Kathmandu (1 offset), currency EUR (USD=0.92 GBP=1.17), sessions end after 900 s, "
                       "consent necessary,analytics, visitors kept 30 days, known types only"], "sites", "put", "4",
                "--timezone", "asia/kathmandu", "--currency", "EUR", "--exchange", "USD=0.92", "--exchange", "GBP=1.17",
                "--session-gap", "900", "--consent", "necessary,analytics", "--keep-days", "30", "--known-types-only")
    demand("name     other" in text, f"a setting of before is gone: {text}")
    body = control_of(p)[-1]["body"]
    wanted = {"timezone": "Asia/Kathmandu", "zone_rules": "0=345", "currency": "EUR", "rates": "USD=0.92 GBP=1.17",
              "session_gap_s": 900, "consent": 3, "keep_days": 30, "known_types_only": True}
    demand({k: body.get(k) for k in wanted} == wanted, f"sites put: {body}")
    says(p, 0, ["timezone Asia/Kathmandu", "known types only"], "sites", "list")
    says(p, 0, ["timezone Europe/Berlin (141 offsets)"], "sites", "put", "4", "--timezone", "Europe/Berlin")
    rules = control_of(p)[-1]["body"]["zone_rules"]
    demand(rules.startswith("0=60 638326800=120 654656400=60 ") and " 1711846800=120 1729990800=60 " in rules, rules)
    text = says(p, 0, ["name     other"], "sites", "put", "4", "--timezone", "", "--currency", "", "--session-gap", "0",
                "--consent", "none", "--keep-days", "0", "--any-types")
    demand("events  " not in text and not wanted.keys() & control_of(p)[-1]["body"].keys(), f"taken back: {text}")


def policies(p):
    says(p, 0, ["none yet"], "policies", "list")
    says(p, 74, ["No such file"], "policies", "put", p.dir / "none")
    file = p.dir / "policy.json"
    for text, found in {"{": "policy.json: ", json.dumps(GREET | {"actoin": 1}): 'the nearest is "action"',
                        json.dumps(GREET | {"when": {"fact": "tpye", "op": "=", "value": "x"}}): '"type"'}.items():
        file.write_text(text)
        says(p, 78, [found], "policies", "put", file)
    at = sum(p.ends("control"))
    file.write_text(json.dumps(GREET))
    text = says(p, 0, [f"policy greet, version {at + 1}, holds from control offset {at} on; before: nothing", "50 % of visitors held out"],
                "policies", "put", file)
    demand("warning" not in text, f"a warning for the channel topic: {text}")
    says(p, 0, [f"policy greet holds so already, from control offset {at} on"], "policies", "put", file)
    file.write_text(json.dumps(GREET | {"name": "hook", "channel": "webhook", "webhook": "crm"}))
    says(p, 0, ["warning: this configuration has no crm.url in [webhooks]"], "policies", "put", file)
    hooks = p.write_ini("hooks.ini", **{"webhooks__crm.url": "https://crm.example/"})
    text = says(p, 0, ["holds so already"], "policies", "put", file, ini=hooks)
    demand("warning" not in text, f"a warning for a webhook that is there: {text}")
    shown = p.ctl("policies", "show", "greet")
    demand(json.loads(shown) == json.loads(shown) | GREET, f"policies show: {shown}")
    file.write_text(shown)
    says(p, 0, ["holds so already"], "policies", "put", file)
    says(p, 0, ["policy hook is off"], "policies", "off", "hook")
    says(p, 1, ["no policy hook holds"], "policies", "off", "hook")
    says(p, 1, ["no policy hook holds"], "policies", "show", "hook")
    listed = {x["policy"]: x for x in map(json.loads, p.ctl("policies", "list", "--json").splitlines())}
    demand(listed["greet"]["holds"] and not listed["hook"]["holds"] and listed["greet"]["policy_version"] == at + 1 and
           listed["greet"]["settings"]["window_s"] == 5, f"policies list: {listed}")
    says(p, 0, ["greet", "offer", "off"], "policies", "list")


def rejected(p):
    """Of the import: a line that is no JSON and one that is too long; of raw: one that would steer a terminal."""
    hostile = '{"type": "page", "anonymousId": \x1b]0;owned\x07'
    p.send([hostile])
    until("three are refused", lambda: sum(p.ends("rejected")) >= 3)
    text = says(p, 0, ["3 refused: malformed 2, too_large 1", "\\x1b]0;owned\\x07", "collector malformed of imports 0/21"],
                "rejected", "list", "--since", "1h")
    demand("\x1b" not in text and "\x07" not in text, "rejected list shows an escape sequence raw")
    text = says(p, 0, ["1 refused: too_large 1"], "rejected", "list", "--reason", "too_large")
    demand(len(text.splitlines()) == 3 and "bytes)" in text, f"--reason: {text}")
    demand(p.ctl("rejected", "list", "--limit", "0").splitlines() == ["", "3 refused: malformed 2, too_large 1"], "--limit 0")
    demand(len(p.ctl("rejected", "list", "--limit", "1").splitlines()) == 3, "--limit 1")
    demand(p.ctl("rejected", "list", "--site", "99").splitlines() == ["0 refused"], "--site 99")
    *records, summary = [json.loads(x) for x in p.ctl("rejected", "list", "--json").splitlines()]
    demand(summary == {"_refused": 3, "_reasons": {"malformed": 2, "too_large": 1}}, f"--json: {summary}")
    demand([r["received"] for r in records] == sorted(r["received"] for r in records), "the newest last")
    raw = next(r for r in records if r["origin"] == 1)
    body = p.ctl("rejected", "body", f"{raw['_partition']}/{raw['_offset']}")
    demand(body == hostile, f"rejected body: {body!r}")
    says(p, 2, ['there is no reason "bad"', "malformed"], "rejected", "list", "--reason", "bad")
    says(p, 2, ["--since must be a span like 90s"], "rejected", "list", "--since", "1 h")
    says(p, 2, ["POSITION must be PARTITION/OFFSET"], "rejected", "body", "12")
    says(p, 1, [], "rejected", "body", "0/99999999")
    with subprocess.Popen([binary("auspexctl"), "-c", str(p.ini), "rejected", "list", "--follow"], stdout=subprocess.PIPE,
                          text=True) as following:
        for _ in range(3):
            following.stdout.readline()
        p.send(["no json either"])
        demand("no json either" in following.stdout.readline(), "rejected list --follow")
        following.send_signal(signal.SIGINT)
        demand("4 refused" in following.stdout.read() and following.wait(30) == 0, "rejected list --follow, interrupted")


def act(p, visitor, kind, **properties):
    p.send([json.dumps({"type": kind, "anonymousId": visitor, "siteId": 7, "properties": properties})])


class Lines:
    """A program's lines as they come."""

    def __init__(self, *arguments, env=None):
        self.process = subprocess.Popen([binary("auspexctl"), *map(str, arguments)], stdout=subprocess.PIPE, text=True,
                                        env=os.environ | (env or {}))
        self.seen = []

    def until(self, words):
        end = time.monotonic() + 60
        while not any(all(w in line for w in words) for line in self.seen):
            demand(time.monotonic() < end, f"no line with {words} in {self.seen[-20:]}")
            if select.select([self.process.stdout], [], [], 1)[0]:
                self.seen.append(self.process.stdout.readline())

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        demand(self.process.wait(60) == 0, f"left with {self.process.returncode}")


def watch(p):
    """Half of the visitors are held out; some buy and the others let the five seconds of the window pass."""
    lines = Lines("-c", p.ini, "watch", "--site", "7")
    lines.until(["events/s"])  # it reads from here on
    for i in range(12):
        act(p, f"w{i}", "page")
        act(p, f"w{i}", "add_to_cart", product_id=f"P{i}")
        if i < 6:
            act(p, f"w{i}", "purchase", order_id=f"o{i}", value=10, currency="EUR")
    for words_ in (["greet", "fired offer by topic: hi w"], ["greet", "held out from offer"], ["converted", "10.00 EUR after 0m"],
                   ["ignored"], ["events/s", "archiver="]):
        lines.until(words_)
    lines.stop()
    once(p)
    screen(p)


def once(p):
    with subprocess.Popen([binary("auspexctl"), "-c", str(p.ini), "watch", "--once", "5"], stdout=subprocess.PIPE, text=True,
                          env=os.environ | {"LC_ALL": "C.UTF-8", "COLUMNS": "80", "LINES": "24"}) as page:
        i = 0
        while page.poll() is None:
            act(p, f"\x1b[31mo{i % 3}", ("page", "add_to_cart")[i % 2], product_id="靴")
            i += 1
        text = page.stdout.read()
    print(text)
    demand(page.returncode == 0 and len(text.splitlines()) == 24 and "\x1b" not in text, f"watch --once: {text}")
    demand(re.search(r"^\N{REPLACEMENT CHARACTER}\[31mo0 +(page_view|add_to_cart) +靴 ", text, re.M), f"watch --once: {text}")
    demand(re.search(r"behind collector=\d+ featurizer=\d+ scorer=\d+ actuator=\d+ archiver=\d+", text), f"lags: {text}")


class Terminal:
    """auspexctl watch in a terminal of its own."""

    def __init__(self, p):
        self.master, self.slave = pty.openpty()
        self.size(24, 80)
        self.before = termios.tcgetattr(self.slave)
        self.text = b""
        self.process = subprocess.Popen([binary("auspexctl"), "-c", str(p.ini), "watch"], stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, env=os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8"},
                                        start_new_session=True)

    def size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, what):
        end = time.monotonic() + 60
        while what not in self.text:
            demand(time.monotonic() < end, f"no {what} in {self.text[-3000:]}")
            self.read(1)

    def read(self, limit_s=0.0):
        while select.select([self.master], [], [], limit_s)[0]:
            self.text += os.read(self.master, 65536)
            limit_s = 0

    def left(self):
        """It has ended well, and given the terminal back."""
        demand(self.process.wait(60) == 0, f"watch left with {self.process.returncode}")
        self.read()
        demand(self.text.endswith(b"\x1b[0m\x1b[?25h\x1b[?1049l"), f"the screen is not given back: {self.text[-200:]}")
        demand(termios.tcgetattr(self.slave) == self.before, "the terminal is not as it was")
        os.close(self.slave)
        os.close(self.master)


def screen(p):
    t = Terminal(p)
    t.until(b"\x1b[?1049h\x1b[?25l")
    demand(not termios.tcgetattr(t.slave)[3] & (termios.ECHO | termios.ICANON), "the terminal echoes")
    while b"terminal1" not in t.text:
        act(p, "terminal1", "add_to_cart")
        t.read(0.5)
    for word in (b"last action", b"behind", b"interventions and outcomes"):
        t.until(word)
    t.text = b""
    t.size(30, 100)
    t.process.send_signal(signal.SIGWINCH)
    t.until(b"\x1b[2J")
    t.until(b"\x1b[30;1H")
    t.process.send_signal(signal.SIGTSTP)
    t.until(b"\x1b[?1049l")
    until("it rests", lambda: "T (stopped)" in (harness.pathlib.Path(f"/proc/{t.process.pid}/status").read_text()))
    demand(termios.tcgetattr(t.slave) == t.before, "the terminal is not as it was while it rests")
    t.text = b""
    t.process.send_signal(signal.SIGCONT)
    t.until(b"\x1b[?1049h")
    os.write(t.master, b"q")
    t.left()
    t = Terminal(p)
    t.until(b"last action")
    t.process.send_signal(signal.SIGTERM)
    t.left()


def delivered(p, receiver):
    """The ends of deliveries are marks of transactions: neither wait nor status takes them for records that are still to come."""
    p.put_policy("told", {"fact": "type", "op": "=", "value": "signup"}, channel="webhook", webhook="receiver")
    for i in range(5):
        act(p, f"s{i}", "signup")
    until("five are told", lambda: len(receiver.ids) == 5)
    until("the attempts are committed", lambda: sum(p.ends("deliveries")) > 5)
    says(p, 0, [], "wait", "archived", "--timeout", "120")
    demand(p.db.value("select count(*) from deliveries where policy = 'told'") == "5", "deliveries are not all archived")
    found = json.loads(p.ctl("policies", "report", "told", "--json"))
    demand((found["crossings"], found["webhook"], found["delivered"], found["pending"]) == (5, 5, 5, 0), f"told: {found}")
    says(p, 0, ["Nobody is held out"], "policies", "report", "told")
    until("archiver is not behind", lambda: json.loads(p.ctl("status", "--json"))["programs"]["archiver"]["lag_records"] == 0)


def newcombe(a, m, b, n):
    def wilson(hits, trials):
        z, share = 1.959963984540054, hits / trials
        middle, half = share + z * z / 2 / trials, z * math.sqrt(share * (1 - share) / trials + z * z / 4 / trials ** 2)
        return (middle - half) / (1 + z * z / trials), (middle + half) / (1 + z * z / trials)
    (la, ua), (lb, ub) = wilson(a, m), wilson(b, n)
    d = a / m - b / n
    return d, d - math.hypot(a / m - la, ub - b / n), d + math.hypot(ua - a / m, b / n - lb)


def staged(p):
    """Visitors of a policy as rows: 200, 18 of them held out where 20 were due; each crosses twice, and what came of the second
    time would tell another story. One of an import, which is not compared."""
    p.db.ask("select archive_ensure_day('2025-06-01')")
    fired, known, tried = [], [], []
    for v, again in ((v, again) for v in range(200) for again in range(2)):
        held, name = v % 11 == 0 and v < 198, f"9-0-{v}-{again}"
        here, of = f"9, 0, {v}, {again}", f"'v{v}', 1, '{name}', 'staged'"
        fired.append(f"({here}, '2025-06-01 0{again}:00Z', {of}, 0, 0, 1, {held}, {0.1 if held else 0.9}, 'webhook', 60)")
        converted = again or v % 3 == 0 or not held and v % 2 == 0
        if v != 199 or again:  # the first one of the last is not known yet
            known.append(f"({here}, '2025-06-01 0{again}:30Z', {of}, 0, 1, {held}, " +
                         (f"'converted', {20 + v % 5}, 'EUR')" if converted else "'ignored', null, null)"))
        if not held and v < 190:
            tried += [f"({here}, '2025-06-01 02:00Z', {of}, {n}, '{how}', 200, 5)"
                      for n, how in ((1, "retry"), (2, ("delivered", "expired", "gone", "retry")[v % 4]))]
    fired.append("(9, 1, 0, 0, '2025-06-01 00:00Z', 'imported', 1, '9-1-0-0', 'staged', 5, 0, 1, false, 0.9, 'topic', 60)")
    for v, held in enumerate((False, True)):  # quick, but their windows are open: nothing is known of this policy
        fired.append(f"(9, 2, {v}, 0, now(), 'y{v}', 1, '9-2-{v}-0', 'young', 0, 0, 1, {held}, 0.5, 'topic', 86400)")
        known.append(f"(9, 2, {v}, 0, now(), 'y{v}', 1, '9-2-{v}-0', 'young', 0, 1, {held}, 'converted', 20, 'EUR')")
    place, who = 'epoch, partition, "offset", index', "visitor, site_id, intervention_id, policy"
    for table, columns, rows in (
            ("interventions", f"received, {who}, of_import, control, policy_version, holdout, propensity, channel, window_s", fired),
            ("outcomes", f"received, {who}, of_import, policy_version, holdout, result, value, currency", known),
            ("deliveries", f"started, {who}, attempt, result, status, took_ms", tried)):
        p.db.ask(f"insert into {table} ({place}, {columns}) values " + ", ".join(rows))


def report(p):
    says(p, 1, ["no interventions of policy none are in the archive"], "policies", "report", "none")
    staged(p)
    held = [v for v in range(198) if v % 11 == 0]
    treated = [v for v in range(199) if v not in held]
    bought = [[v for v in arm if v % 3 == 0 or arm is treated and v % 2 == 0] for arm in (treated, held)]
    d, lower, upper = newcombe(len(bought[0]), len(treated), len(bought[1]), len(held))
    found = json.loads(p.ctl("policies", "report", "staged", "--json"))
    ends = [sum(2 for v in treated if v < 190 and v % 4 == k) for k in range(4)]
    for name, value in {"crossings": 401, "visitors": 201, "held_out": 36, "imported": 1, "webhook": 364, "delivered": ends[0],
                        "expired": ends[1], "gone": ends[2], "pending": 364 - sum(ends[:3]), "refused": 0}.items():
        demand(found[name] == value, f"{name} is {found[name]} and not {value}")
    demand(found["treated"] | {"visitors": 182, "known": 181, "converted": len(bought[0])} == found["treated"], f"{found}")
    demand(found["held"] | {"visitors": 18, "known": 18, "converted": len(bought[1])} == found["held"], f"{found}")
    for name, value in {"value": d, "lower": lower, "upper": upper}.items():
        demand(abs(found["rate_difference"][name] - value) < 1e-9, f"rate_difference {name}: {found}")
    demand(abs(found["treated"]["value_per_visitor"] - sum(20 + v % 5 for v in bought[0]) / 181) < 1e-9, f"value: {found}")
    demand(abs(found["held_z"] - (18 - 20) / math.sqrt(200 * .09)) < 1e-9, f"held_z: {found}")
    text = says(p, 0, ["policy staged", "181", "18", "Distinguishable from nothing" if lower > 0 else "Not distinguishable",
                       "9.0 % of visitors were held out, 10.0 % was due", "by its first intervention"], "policies", "report", "staged")
    print(text)
    young = json.loads(p.ctl("policies", "report", "young", "--json"))
    for arm in ("treated", "held"):
        demand(young[arm] | {"visitors": 1, "known": 0, "converted": 0} == young[arm], f"windows that are open count: {young}")
    says(p, 0, ["Nothing can be told yet"], "policies", "report", "young")
    says(p, 1, ["of that time"], "policies", "report", "staged", "--since", "1h")
    live = json.loads(p.ctl("policies", "report", "greet", "--json", "--since", "1h"))
    rows = p.db.value("select count(*) from interventions where policy = 'greet'")
    demand(live["crossings"] == int(rows) >= 12 and live["treated"]["visitors"] > 0 and live["held"]["visitors"] > 0 and
           live["treated"]["converted"] + live["held"]["converted"] == 6, f"greet: {live}")


def status(p):
    """Down before the programs run; good while all of them do; not any more when one has gone."""
    says(p, 1, ["collector", "down"], "status")
    running = p.start(PROGRAMS)
    good = until("all is well", lambda: report_of(p))
    demand(all(x["good"] for x in good["programs"].values()), f"status: {good}")
    return running


def report_of(p):
    done = subprocess.run([binary("auspexctl"), "-c", str(p.ini), "status", "--json"], capture_output=True, text=True,
                          timeout=60, check=False)
    demand(done.returncode in (0, 1), f"status: {done.returncode} {done.stderr}")
    found = json.loads(done.stdout)
    demand(found["good"] == (done.returncode == 0), f"status {done.returncode}: {found}")
    demand(set(found["programs"]) == set(PROGRAMS), f"status: {found}")
    return found if found["good"] and found["clock_age_seconds"] is not None else None


def main():
    receiver = Receiver()
    p = Pipeline("ctl", partitions=2, **receiver.options)
    os.environ.pop("AUSPEX_KAFKA__BOOTSTRAP_SERVERS", None)
    for step in (words, configuration, topics, database):
        step(p)
        say(f"{step.__name__}: ok")
    running = status(p)
    for step in (sites, policies, replay, tap, rejected, watch):
        step(p)
        say(f"{step.__name__}: ok")
    says(p, 0, [], "wait", "decided", "--timeout", "120")
    says(p, 0, [], "wait", "archived", "--timeout", "120")
    delivered(p, receiver)
    report(p)
    say("delivered, report: ok")
    demand(p.db.value("select count(*) from events where site_id = 3") == "2997", "rows of site 3")
    running["featurizer"].stop()
    says(p, 1, ["featurizer", "down"], "status")
    until("a tick has come that featurizer has not read",
          lambda: any(end > at for at, end in zip(p.offsets("featurizer", "events"), p.ends("events"), strict=True)))
    says(p, 75, ["featurizer"], "wait", "featurized", "--timeout", "2")
    for name in ("collector", "scorer", "actuator", "archiver"):
        running[name].stop()
    models(p)
    say("models, status, wait: ok")


if __name__ == "__main__":
    sys.exit(harness.run(main))
