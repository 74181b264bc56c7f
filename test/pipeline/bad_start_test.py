#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bad_start_test - programs that cannot start say why, with the exit code that belongs to it: wrong configuration,
topics that are missing or not as they must be, a broker or a database that is not there."""
import re
import subprocess
import sys
import time

import harness
import rdkafka
from harness import PROGRAMS, Pipeline, binary, demand, say, until

NOBODY = "127.0.0.1:1"  # nothing listens there


def leaves(p, name, ini, status, *words, limit_s=20):
    """A program leaves with this status, and its last line has each of these words."""
    began = time.monotonic()
    try:
        done = subprocess.run([binary(f"auspex-{name}"), "-c", str(ini), "--instance", "bad"], capture_output=True,
                              text=True, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as hung:
        raise harness.Failed(f"{name} does not leave; it said {(hung.stderr or b'').decode()[-1000:]}") from hung
    demand(done.returncode == status,
           f"{name} {ini.name}: status {done.returncode}, not {status}\n{done.stderr[-2000:]}")
    last = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""
    for word in words:
        demand(re.search(word, last), f"{name} {ini.name}: no {word!r} in: {last}")
    say(f"{name}: {status} after {time.monotonic() - began:.1f} s: {last[-160:]}")


def configuration(p):
    cases = {  # text -> what the last line must name
        "[auspex]\ntopic_prefx=x\n": ("topic_prefx", r":2\b", "topic_prefix"),
        "[auspx]\npartitions=2\n": ("auspx", r":1\b", "auspex"),
        "[auspex]\npartitions=none\n": ("partitions", r":2\b"),
        "[auspex]\npartitions=0\n": ("partitions", r":2\b"),
        "[auspex]\nno equals sign\n": (r":2\b",),
    }
    for i, (text, words) in enumerate(cases.items()):
        ini = p.dir / f"wrong{i}.ini"
        ini.write_text(text)
        for name in PROGRAMS:
            leaves(p, name, ini, 78, *words, limit_s=5)
    leaves(p, "collector", p.dir / "there_is_none.ini", 78, "there_is_none.ini", limit_s=5)


def topics(p):
    leaves(p, "collector", p.ini, 78, rf"{p.prefix}\.raw\.v1")
    leaves(p, "featurizer", p.ini, 78, rf"{p.prefix}\.events\.v1")
    p.apply()
    other = p.write_ini("other_n.ini", auspex__partitions=3)
    for name in PROGRAMS:
        leaves(p, name, other, 78, r"\b2\b", r"\b3\b")
    narrow = p.write_ini("narrow.ini", collector__edge_queue_kib=64, collector__edge_body_kib=512)
    leaves(p, "collector", narrow, 78, "edge_queue_kib", "512")
    rdkafka.make_topic(p.brokers, f"{p.prefix}.late.raw.v1", 2, message_timestamp_type="CreateTime")
    late = p.write_ini("late.ini", auspex__topic_prefix=f"{p.prefix}.late")
    said = p.ctl("topics", "apply", ini=late, status=None)
    demand("LogAppendTime" in said, f"topics apply says nothing of LogAppendTime: {said}")
    p.ctl("topics", "check", ini=late, status=78)
    leaves(p, "collector", late, 78, "LogAppendTime")


def servers(p):
    gone = p.write_ini("gone.ini", **{"kafka__bootstrap.servers": NOBODY, "auspex__start_wait_s": 1})
    for name in PROGRAMS:
        leaves(p, name, gone, 69, "127.0.0.1:1|broker|Kafka", limit_s=15)
    empty = p.write_ini("empty.ini", postgres__dsn="")
    leaves(p, "archiver", empty, 78, "dsn", limit_s=15)
    no_database(p)


def no_database(p):
    """Archiver waits for its database, says so, and goes on when it is there; meanwhile it can be stopped."""
    ini = p.write_ini("no_database.ini", postgres__dsn="postgresql://nobody@127.0.0.1:1/none")
    archiver = p.program("archiver", "bad", ini)
    status, text = until("archiver says that PostgreSQL is not there",
                         lambda: (lambda s, t: s == 503 and "PostgreSQL" in t and (s, t))(*archiver.page("/readyz")))
    say(f"archiver without its database: {status} {text.strip()!r}")
    archiver.stop(limit_s=5)


def main():
    p = Pipeline("bad", partitions=2, auspex__start_wait_s=5)
    configuration(p)
    topics(p)
    servers(p)


if __name__ == "__main__":
    sys.exit(harness.run(main))
