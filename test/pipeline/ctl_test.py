#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ctl_test - auspexctl as an operator uses it: what it says and with which code it leaves, for wrong words, wrong
configuration, topics that are not as they must be; imports that are broken off and go on; taps; models; status."""
import hashlib
import json
import os
import signal
import subprocess
import sys

import harness
import msgpack
from harness import Pipeline, binary, demand, say, until
from rdkafka import make_topic  # test/chaos, on harness's path

NOBODY = "127.0.0.1:1"  # nothing listens there
VERBS = ("topics apply", "topics check", "db apply", "db check", "replay", "tap", "status", "models list",
         "models promote", "models rollback", "config get", "wait")


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
    says(p, 0, ["10 topics made", "as they must be"], "topics", "apply")
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
    says(p, 1, [":1: the first line of a rees46 file must be"], "replay", file, "--format", "rees46")
    file.write_bytes(b"\xfd7zXZ\0")
    says(p, 1, ["is compressed (xz)", "xzcat"], "replay", file, "--format", "ndjson")
    says(p, 2, ["no regular file"], "replay", p.dir, "--format", "ndjson")
    says(p, 74, ["No such file"], "replay", p.dir / "none", "--format", "ndjson")
    says(p, 2, ["--format must be ndjson or rees46"], "replay", file)


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
    says(p, 0, ["toy 1 predicts toying from control offset 0 on; before: nothing"], "models", "promote", "toy", "1")
    says(p, 0, ["toy 1 is active already"], "models", "promote", "toy", "1")
    says(p, 0, ["toy 2 predicts toying from control offset 1 on; before: toy 1"], "models", "promote", "toy", "2")
    says(p, 0, ["toy 1 predicts toying from control offset 2 on; before: toy 2"], "models", "rollback", "toy")
    listed = [json.loads(x) for x in p.ctl("models", "list", "--json").splitlines()]
    demand([(m["version"], m["active"], m["metrics"]["auc"]) for m in listed] ==
           [(1, True, 0.75), (2, False, 0.75), (3, False, 0.75)], f"models list: {listed}")
    says(p, 0, ["0.7500", "active"], "models", "list")
    controls = [json.loads(x) for x in p.ctl("tap", "control", "--until-end").splitlines()]
    demand([(r["what"], r["name"], r["version"], r["kind"]) for r in controls] ==
           [("model", "toy", v, "toying") for v in (1, 2, 1)], f"control: {controls}")


def status(p):
    """Down before the programs run; good while all of them do; not any more when one has gone."""
    says(p, 1, ["collector", "down"], "status")
    running = p.start()
    report = until("all is well", lambda: report_of(p))
    demand(all(x["good"] for x in report["programs"].values()), f"status: {report}")
    return running


def report_of(p):
    done = subprocess.run([binary("auspexctl"), "-c", str(p.ini), "status", "--json"], capture_output=True, text=True,
                          timeout=60, check=False)
    demand(done.returncode in (0, 1), f"status: {done.returncode} {done.stderr}")
    report = json.loads(done.stdout)
    demand(report["good"] == (done.returncode == 0), f"status {done.returncode}: {report}")
    return report if report["good"] and report["clock_age_seconds"] is not None else None


def main():
    p = Pipeline("ctl", partitions=2)
    os.environ.pop("AUSPEX_KAFKA__BOOTSTRAP_SERVERS", None)
    for step in (words, configuration, topics, database):
        step(p)
        say(f"{step.__name__}: ok")
    running = status(p)
    for step in (replay, tap):
        step(p)
        say(f"{step.__name__}: ok")
    says(p, 0, [], "wait", "archived", "--timeout", "120")
    demand(p.db.value("select count(*) from events where site_id = 3") == "2997", "rows of site 3")
    running["featurizer"].stop()
    says(p, 1, ["featurizer", "down"], "status")
    says(p, 75, ["featurizer"], "wait", "featurized", "--timeout", "2")
    for name in ("collector", "scorer", "archiver"):
        running[name].stop()
    models(p)
    say("models, status, wait: ok")


if __name__ == "__main__":
    sys.exit(harness.run(main))
