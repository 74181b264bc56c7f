#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""backfill_test - the shop live beside its past as an import, of the same visitors, with settings of the site, signals,
late events and a featurizer that is killed: afterwards the archive alone gives all features again, byte for byte; a
training set as known at an earlier time lacks what arrived later; a model trained from a backfill is that of what was
logged; and a single changed bit in an archived vector is found and named."""
import datetime
import json
import subprocess
import sys

import harness
import bodies  # test/chaos, on harness's path
from harness import Pipeline, binary, demand, say, until

IDLE_S, TAIL = 12, 8
END = "2026-01-31T00:00:00Z"  # of the shop's past
VECTOR = ('epoch, partition, "offset", received, visitor, site_id, event_id, user_id, type, ts, session_id, session_started,'
          ' event_index, late, of_import, control, features_n, features_hash, features, tail, product_id, value, currency,'
          ' order_id, channel, rating, summaries, consent')
SESSION = ('visitor, site_id, user_id, session_id, started, ended, ended_by, of_import, session_number, events, late_events,'
           ' pages, product_views, cart_adds, purchases, value, converted, entry_page, exit_page, channel, device')
PAST = ("--days", "3", "--sessions", "300", "--seed", "1", "--end", END)


def asked(p, *words, status=0, name="featurizer"):
    """Runs a program for a moment; what it printed."""
    done = subprocess.run([binary(f"auspex-{name}"), "-c", str(p.ini), *map(str, words)], capture_output=True, text=True,
                          timeout=180, check=False)
    demand(done.returncode == status, f"{name} {' '.join(map(str, words))}: status {done.returncode}\n"
                                      f"{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def unequal(p, columns, a, b):
    """How many rows one query has that the other has not."""
    return int(p.db.value(f"select count(*) from ((select {columns} from {a} except all select {columns} from {b}) union all"
                          f" (select {columns} from {b} except all select {columns} from {a})) d"))


def count(p, sql):
    return int(p.db.value(f"select count(*) from {sql}"))


def track(visitor, name, number, **more):
    return json.dumps({"type": "track", "event": name, "messageId": f"extra-{visitor}-{number}", "anonymousId": visitor,
                       "properties": {"product_id": f"p{number}", "price": 9.5, "currency": "USD"}} | more)


def signal(number, region):
    return json.dumps({"type": "track", "event": "external_signal", "messageId": f"signal-{number}", "anonymousId": "stray",
                       "properties": {"kind": "weather", "region": region, "value": 20.5 + number,
                                      "valid_from": "2026-01-01T00:00:00Z"}})


def extras(p, batch):
    """Events of our own: of one visitor who comes in order, and some that come late."""
    hour_ago = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)).isoformat()
    lines = [track("stray", "product_view", batch), track("stray", "add_to_cart", batch + 1),
             track("stray", "product_view", batch + 2, timestamp=hour_ago), signal(batch, "DE"),
             track("stray", "purchase", batch + 3, timestamp=hour_ago)]
    p.send([f"stray\t{line}" for line in lines], "-K", "\t")  # in one partition of raw, so in this order
    return lines


def buyers(p, when):
    """Visitors of our own, half of whom buy: else none of the newest sessions would convert, and nothing be trained."""
    found = []
    for n in range(60):
        names = ("product_view", "add_to_cart", "purchase")[:2 + n % 2]
        found += [(f"{when}{n}", track(f"{when}{n}", name, k)) for k, name in enumerate(names)]
    p.send([f"{visitor}\t{line}" for visitor, line in found], "-K", "\t")
    return [line for _, line in found]


def write_ledger(p, lines):
    """A ledger of the lines of our own, as the shop writes one of its own."""
    with open(p.dir / "extras.ledger", "w", encoding="utf-8") as file:
        for r in (r for part in p.kafka.read(f"{p.prefix}.raw.v1", "raw", p.partitions) for r in part):
            if r.value and r.value.decode() in lines:
                body = json.loads(r.value)
                print(body["messageId"], body["anonymousId"], f"{bodies.xxh3(r.value):x}", "ack", r.partition, r.offset,
                      sep=",", file=file)


def have_all_ended(p):
    """Whether each session that a vector tells of has ended, and all of it is archived."""
    return p.has_archived_all() and int(p.db.value(
        "select count(*) from (select session_id from features where session_id is not null except"
        " select session_id from sessions) d")) == 0


def live(p):
    """All that happens; the time in its middle, of which the archive is asked later."""
    programs = p.start()
    p.ctl("sites", "put", 1, "--timezone", "Europe/Berlin", "--currency", "EUR", "--exchange", "USD=0.9",
          "--consent", "necessary,analytics")
    past = p.dir / "past.ndjson"
    harness.logs.run([binary("auspex-shop"), "history", *PAST, "--out", str(past)])
    shop = p.shop(rate=150, events=2000, speed=20, days=3, sessions=300, end=END)
    until("the shop is open", lambda: sum(p.ends("features")) > 200)
    lines = extras(p, 10)
    programs["featurizer"].kill()
    programs["featurizer"].restart()
    p.ctl("sites", "put", 1, "--exchange", "USD=0.8")
    p.ctl("replay", past, "--format", "ndjson", "--site", 1, "--speed", "max")
    middle = p.db.value("select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    lines += extras(p, 20) + buyers(p, "early")
    until("the shop is half through", lambda: sum(p.ends("raw")) > 1200)
    lines += buyers(p, "late")
    shop.wait_end()
    lines += extras(p, 30) + buyers(p, "last")
    until("all sessions have ended", lambda: have_all_ended(p))
    p.drain(programs)
    write_ledger(p, lines)
    return middle


def backfills(p):
    say(asked(p, "--backfill", "--name", "all").strip())
    vectors = count(p, "features")
    demand(unequal(p, VECTOR, "features", "backfill_vectors where backfill = 'all'") == 0,
           "the backfill is not what was logged")
    demand(unequal(p, SESSION, "sessions", "backfill_sessions where backfill = 'all'") == 0,
           "the backfill's sessions are not those that were logged")
    for what, least in (("features", 2500), ("features where of_import > 0", 300), ("features where late", 6),
                        ("notices where rec = 19", 6), ("notices where rec = 5", 4), ("notices where rec = 4", 2)):
        demand(count(p, what) >= least, f"{what}: only {count(p, what)}")
    text = asked(p, "--backfill", "--name", "all", status=1)
    demand("--replace" in text, text)
    asked(p, "--backfill", "--name", "all", "--replace", "--site", 1, "--to", "2030-01-01")
    demand(count(p, "backfill_vectors where backfill = 'all'") == vectors, "another number of rows the second time")


def as_known_in(p, middle):
    """What arrived after the middle is not there, nor does it label anything."""
    asked(p, "--backfill", "--name", "then", "--known-at", middle)
    early = f"features where received <= '{middle}'"
    demand(0 < count(p, early) < count(p, "features"), "nothing arrived before, or nothing after")
    demand(unequal(p, VECTOR, early, "backfill_vectors where backfill = 'then'") == 0,
           "not what a program would have logged then")
    of_stray = "where backfill = '{}' and visitor = 'stray' and type = 'purchase'"
    demand(count(p, "backfill_vectors " + of_stray.format("then")) == 1 and
           count(p, "backfill_vectors " + of_stray.format("all")) == 3, "what came late is known too early")
    logged = f"(select {SESSION} from sessions where received <= '{middle}'"
    demand(count(p, f"{logged} except select {SESSION} from backfill_sessions where backfill = 'then') d") == 0,
           "a session had ended then, and is not known")


def trainings(p):
    models = []
    for name, words in (("logged", ()), ("again", ("--from-backfill", "all"))):
        path = p.dir / f"{name}.model"
        asked(p, "conversion", "--no-publish", "--rounds", 20, "--out", path, *words, name="trainer")
        models.append(path.read_bytes())
    demand(models[0] == models[1], "another model from the same data")
    say(f"the same model, {len(models[0])} bytes")
    text = asked(p, "export", "--from-backfill", "none", status=1, name="trainer")
    demand('no backfill "none"' in text, text)


def changed(p):
    """The place of a vector in which one bit was changed, and how to mend it."""
    partition, offset = p.db.value('select partition, "offset" from features where features_n > 60 and of_import = 0'
                                   ' order by 1, 2 offset 700 limit 1').split("|")
    at = f'partition = {partition} and "offset" = {offset}'
    flip = "set features = set_byte(features, 4 * 11, get_byte(features, 4 * 11) # 1)"  # of is_weekend
    p.db.ask(f"update features {flip} where {at}")
    return f"event 1-{partition}-{offset}: is_weekend", lambda: p.db.ask(f"update features {flip} where {at}")


def checks(p):
    text = asked(p, "--check-skew", "--sample", 100)
    say(text.strip().splitlines()[-1])
    demand(f"checked {count(p, 'features')}, mismatched 0, missing 0, older than the archive 0, of other features 0"
           in text, text)
    words, mend = changed(p)
    text = asked(p, "--check-skew", "--sample", 100, status=1)
    demand(words in text and "mismatched 1," in text and text.count("event 1-") == 1, text)
    say(words)
    mend()


def service(p):
    """It runs on, counts, tells and stops when it is asked to."""
    log = p.dir / "skew.log"
    program = harness.Program("skew", log, [binary("auspex-featurizer"), "-c", str(p.ini), "--check-skew", "--every", "1",
                                            "--sample", "100"]).wait_ready()
    until("it has checked all", lambda: program.counter("feature_skew_checked_total") >= count(p, "features"))
    demand(program.counter("feature_skew_mismatch_total") == 0, program.text())
    known = p.write_ini("skew.ini", featurizer__skew_port=program.port)
    demand(" computed anew, 0 differ" in p.ctl("status", ini=known, status=None), "status does not know of it")
    words, mend = changed(p)
    until("it has seen it", lambda: program.counter("feature_skew_mismatch_total") > 0)
    until("it has said so", lambda: "features differ" in program.text())
    demand(f"event={words.split()[1][:-1]}" in program.text() and "first=is_weekend" in program.text(), program.text())
    mend()
    program.stop()


def usage(p):
    for words, status, found in ((("--backfill", "--from", "soon"), 2, "--from takes a time"),
                                 (("--backfill", "--every", "5"), 2, 'what is "--every"'),
                                 (("--check-skew", "--sample", "0"), 2, "--sample takes"),
                                 (("--check-skew", "--help"), 0, "--period HOURS"),
                                 (("--backfill", "--help"), 0, "--known-at T")):
        text = asked(p, *words, status=status)
        demand(found in text, text)
    nowhere = p.write_ini("nowhere.ini", postgres__dsn="host=127.0.0.1 port=1 dbname=x connect_timeout=2")
    unset = p.write_ini("unset.ini", postgres__dsn="")
    for ini, status in ((nowhere, 69), (unset, 78)):
        done = subprocess.run([binary("auspex-featurizer"), "-c", str(ini), "--check-skew"], capture_output=True, text=True,
                              timeout=60, check=False)
        demand(done.returncode == status, f"status {done.returncode}, not {status}: {done.stderr}")


def main():
    p = Pipeline("backfill", featurizer__session_idle_s=IDLE_S, featurizer__tail=TAIL).apply()
    middle = live(p)
    checks(p)
    backfills(p)
    as_known_in(p, middle)
    trainings(p)
    service(p)
    usage(p)
    p.check()


if __name__ == "__main__":
    sys.exit(harness.run(main))
