#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""rees46_test - a real shop's log of 2019 is replayed into site 7, beside the live shop, and scored by a model trained
on the shop's history, its predictions in JSON. The counts are those of the file itself. A second time, also sent again
whole, it adds nothing.

Data: REES46 Marketing Platform, free with attribution (https://rees46.com)."""
import lzma
import sys

import harness
from harness import ROOT, Pipeline, Skip, demand, say, until

SAMPLE = ROOT.parent / "shared/data/rees46_sample/2019-Oct_prefix.csv.xz"
WANTED = {
    "select count(*) from events where site_id = 7": "17434",
    "select count(*) from events where site_id = 7 and type = 'product_view'": "17055",
    "select count(*) from events where site_id = 7 and type = 'add_to_cart'": "165",
    "select count(*) from events where site_id = 7 and type = 'purchase'": "214",
    "select round(sum(value)::numeric, 2) from events where site_id = 7 and type = 'purchase'": "59442.63",
    "select count(distinct visitor) from events where site_id = 7": "4504",
    "select count(*) from events_all where site_id = 7": "17434",
    "select count(*), min(reason), max(reason) from rejected where site_id = 7": "1|bad_row|bad_row",
    "select count(*) from features where site_id = 7": "17434",
    "select count(*) from sessions where site_id = 7": "4518",
    "select count(*) from sessions where site_id = 7 and converted": "193",
    "select sum(events) from sessions where site_id = 7": "17434",
    "select count(*), min(kind), max(kind) from predictions where site_id = 7": "17434|conversion|conversion",
    "select count(*) from predictions where site_id = 7 and (probability < lower or probability > upper)": "0",
}


def counts(p):
    for sql, wanted in WANTED.items():
        got = p.db.value(sql)
        demand(got == wanted, f"{sql}: {got}, not {wanted}")
    say(f"{len(WANTED)} counts are right")


def rows(p):
    return p.db.value("select (select count(*) from events_all where site_id = 7), (select count(*) from repeats "
                      "where site_id = 7), (select count(*) from rejected), "
                      "(select count(*) from sessions where site_id = 7)")


def main():
    if not SAMPLE.exists():
        raise Skip(f"{SAMPLE} is not there")
    p = Pipeline("rees46", partitions=2, scorer__predictions="json").apply()
    csv = p.dir / "rees46.csv"
    csv.write_bytes(lzma.decompress(SAMPLE.read_bytes()))
    programs = p.start()
    p.train()
    shop = p.shop(rate=50, events=100000)
    until("the shop is open", lambda: p.db.value("select count(*) from events where origin = 1") != "0")
    say(p.ctl("replay", csv, "--format", "rees46", "--site", 7, "--speed", "max").strip().splitlines()[-1])
    p.ctl("wait", "archived")
    counts(p)
    before = rows(p)
    for more in ((), ("--resend",)):
        p.ctl("replay", csv, "--format", "rees46", "--site", 7, "--speed", "max", *more)
        p.ctl("wait", "archived")
        demand(rows(p) == before, f"again {more}: {rows(p)}, not {before}")
    shop.stop()
    p.drain(programs)
    counts(p)
    p.check()


if __name__ == "__main__":
    sys.exit(harness.run(main))
