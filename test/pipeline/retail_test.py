#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""retail_test - two years' invoices of a real shop are replayed into site 9, each invoice as one event. Counts and sums
are those of the file itself, to the penny, customer by customer, item by item. A second time, also sent again whole, it
adds nothing; broken off, it goes on where it ended. With AUSPEX_TEST_FAST the first 100,000 lines only.

Data: Online Retail, UCI Machine Learning Repository (D. Chen, 2015), https://doi.org/10.24432/C5BW33, CC BY 4.0."""
import collections
import csv
import decimal
import lzma
import os
import signal
import subprocess
import sys

import harness
from harness import ROOT, Pipeline, Skip, binary, demand, say, until

FILE = ROOT.parent / "shared/data/onlineretail/online_retail.csv.xz"
SITE = "site_id = 9"
TYPES = ("purchase", "refund", "stock_adjustment", "bad_debt_adjustment")
WANTED = {
    f"select count(*) from events where {SITE}": "25900",
    f"select count(*), sum(value::numeric) from events where {SITE} and type = 'purchase'": "20725|10655622.48",
    f"select count(*) from events where {SITE} and type = 'purchase' and value = 0": "766",
    f"select count(*), sum(value::numeric) from events where {SITE} and type = 'refund'": "3836|-896812.49",
    f"select count(*), sum(value::numeric) from events where {SITE} and type = 'stock_adjustment'": "1336|0",
    f"select count(*), sum(value::numeric) from events where {SITE} and type = 'bad_debt_adjustment'": "3|-11062.06",
    f"select sum(value::numeric) from events where {SITE}": "9747747.93",
    f"select count(distinct visitor) from events where {SITE} and user_id is not null": "4372",
    f"select count(*), count(distinct anonymous_id) from events where {SITE} and user_id is null": "3710|3710",
    f"select sum(jsonb_array_length(items)) from events where {SITE}": "541909",
    f"select order_id, jsonb_array_length(items) from events where {SITE} order by 2 desc limit 1": "573585|1114",
    f"select jsonb_array_length(items), ts from events where {SITE} and order_id = '542806'": "39|2011-02-01 11:19:00+00",
    f"select min(ts), max(ts) from events where {SITE}": "2010-12-01 08:26:00+00|2011-12-09 12:50:00+00",
    f"select count(distinct order_id), count(distinct country) from events where {SITE}": "25900|35",
    f"select count(*) from events where {SITE} and (currency <> 'GBP' or source <> 'import')": "0",
    f"select count(*) from rejected where {SITE}": "0",
    f"select count(*) from features where {SITE} and features is not null": "25900",
    f"select sum(events) from sessions where {SITE}": "25900",
}


def expected(text):
    """What the file holds, by Python's reader and decimals: (type, visitor, value) by invoice."""
    invoices = collections.OrderedDict()
    for row in csv.DictReader(text.splitlines()):
        invoices.setdefault(row["InvoiceNo"], []).append(row)
    found = {}
    for number, rows in invoices.items():
        value = sum(decimal.Decimal(r["Quantity"]) * decimal.Decimal(r["UnitPrice"]) for r in rows)
        has_none = rows[0]["CustomerID"] == "NA"
        kind = TYPES[1] if number[0] == "C" else TYPES[3] if number[0] == "A" else \
            TYPES[2] if any(int(r["Quantity"]) < 0 for r in rows) else TYPES[0]
        pounds = value.quantize(decimal.Decimal("0.01"), decimal.ROUND_HALF_UP)
        found[number] = (kind, f"invoice-{number}" if has_none else rows[0]["CustomerID"], pounds, len(rows))
    return found


def same_invoices(p, text):
    """Each event against the file."""
    wanted = expected(text)
    got = p.db.value("select string_agg(concat_ws(',', order_id, type, visitor, value::numeric, "
                     f"jsonb_array_length(items)), ' ') from events where {SITE}")
    lines = [x.split(",") for x in got.split()]
    demand(len(lines) == len(wanted), f"{len(lines)} events for {len(wanted)} invoices")
    for number, kind, visitor, value, n in lines:
        mine = (kind, visitor, decimal.Decimal(value).quantize(decimal.Decimal("0.01")), int(n))
        demand(wanted[number] == mine, f"invoice {number}: {mine}, not {wanted[number]}")
    say(f"{len(wanted)} invoices are as in the file")


def counts(p):
    for sql, wanted in WANTED.items():
        got = p.db.value(sql)
        demand(got == wanted, f"{sql}: {got}, not {wanted}")
    say(f"{len(WANTED)} counts and sums are right")


def rows(p):
    return p.db.value(f"select (select count(*) from events_all where {SITE}), (select count(*) from repeats where "
                      f"{SITE}), (select count(*) from rejected), (select count(*) from sessions where {SITE})")


def break_off(p, file):
    """Begins the import and interrupts it when some of it has gone through."""
    words = [binary("auspexctl"), "-c", str(p.ini), "replay", str(file), "--format", "onlineretail", "--site", "9"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as begun:
        until("some invoices are in imports", lambda: p.ends("imports")[0] > 500)
        begun.send_signal(signal.SIGINT)
        said = begun.communicate(timeout=60)[1]
    demand(begun.returncode == 75 and "goes on from there" in said, f"status {begun.returncode}: {said}")
    say(f"broken off behind {p.ends('imports')[0]} invoices")


def bad_lines(p):
    """A small file whose second invoice has a line that is none."""
    file = p.dir / "bad.csv"
    head = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\r\n"
    line = "{},S,N,{},2010-12-01 08:26:00,{},5,EIRE\r\n"
    file.write_text(head + line.format(1, 1, 2) + line.format(2, 1, 3) + line.format(2, "x", 3) + line.format(3, 1, 4))
    said = p.ctl("replay", file, "--format", "onlineretail", "--site", 8)
    demand("accepted 2, rejected 1 (bad_row 1)" in said, said)
    p.ctl("wait", "archived")
    got = p.db.value("select reason, detail, convert_from(body, 'UTF8') from rejected where site_id = 8")
    demand(got.startswith("bad_row|line 2 of the invoice: Quantity|2,S,N,1,"), got)


def main():
    if not FILE.exists():
        raise Skip(f"{FILE} is not there")
    p = Pipeline("retail", partitions=2).apply()
    text = lzma.decompress(FILE.read_bytes()).decode()
    is_part = "AUSPEX_TEST_FAST" in os.environ
    if is_part:
        text = "".join(text.splitlines(keepends=True)[:100001])
    file = p.dir / "retail.csv"
    file.write_text(text)
    programs = p.start()
    break_off(p, file)
    say(p.ctl("replay", file, "--format", "onlineretail", "--site", 9, "--speed", "max").strip().splitlines()[-1])
    p.ctl("wait", "archived")
    same_invoices(p, text)
    if not is_part:
        counts(p)
    before = rows(p)
    for more in ((), ("--resend",)):
        p.ctl("replay", file, "--format", "onlineretail", "--site", 9, *more)
        p.ctl("wait", "archived")
        demand(rows(p) == before, f"again {more}: {rows(p)}, not {before}")
    say("twice more: nothing is added")
    bad_lines(p)
    p.drain(programs)
    p.check()
    say("data: Online Retail, UCI Machine Learning Repository (D. Chen, 2015), CC BY 4.0")


if __name__ == "__main__":
    sys.exit(harness.run(main))
