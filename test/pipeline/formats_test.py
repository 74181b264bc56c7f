#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""formats_test - files of every format that auspexctl makes events of are replayed into one site: CSV by a mapping, customers,
costs of advertisements, a web server's log, GA4's export. What they become stands in the archive, lines that do not fit in
rejected, a second time adds nothing, and no whole address of the log is anywhere."""
import json
import subprocess
import sys

import harness
from harness import Pipeline, binary, demand, say

SITE = "site_id = 4"
MAPPING = """# an old shop's orders
separator = ;
type = act
type[BUY] = purchase
type[LOOK] = product_view
anonymousId = "v-" [visitor no]
timestamp = day "T" time "Z"
properties.product_id = item
properties.price = price
properties.value = total
properties.currency = "EUR"
properties.* = *
"""
CSV = """Act;Visitor No;Day;Time;Item;Price;Total;Colour
LOOK;1;2024-05-01;10:00:00;p1;9.50;;red
BUY;1;2024-05-01;10:05:00;p1;;19.00;red
BUY;2;2024-05-01;11:00:00;p2;;5;"blue; light"
BUY;2;2024-05-01
BUY;2;yesterday;11:00:00;p2;;5;blue
"""
CRM = """customer_id,updated_at,plan,city
c1,2024-04-01,gold,Ulm
c2,2024-04-02,,Bonn
,2024-04-02,free,Kiel
"""
SPEND = """date,channel,campaign,cost,currency
2024-04-30,search,spring,120.50,EUR
2024-04-30,social,spring,80,EUR
2024-02-30,search,spring,1,EUR
"""
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"
LOG = f"""203.0.113.77 - - [02/May/2024:08:00:00 +0200] "GET /?utm_source=news&utm_medium=email HTTP/1.1" 200 512 "-" "{AGENT}"
203.0.113.77 - - [02/May/2024:08:00:05 +0200] "GET /boots HTTP/1.1" 200 512 "http://shop.example/" "{AGENT}"
203.0.113.77 - - [02/May/2024:08:00:06 +0200] "GET /gone HTTP/1.1" 404 0 "-" "{AGENT}"
198.51.100.9 - - [02/May/2024:09:00:00 +0200] "GET /robots.txt HTTP/1.1" 200 10 "-" "Mozilla/5.0 (compatible; Googlebot/2.1)"
this is no line of a log
203.0.113.77 - - [02/May/2024:08:00:00 +0200] cut off
"""
GA4 = "\n".join([json.dumps({
    "event_timestamp": "1714557600000000", "event_name": "view_item", "user_pseudo_id": "1.2",
    "event_params": [{"key": "page_location", "value": {"string_value": "https://shop.example/a"}}],
    "items": [{"item_id": "sku1", "price": 9.5, "quantity": 1}], "device": {"category": "mobile"}}), json.dumps({
        "event_timestamp": 1714557660000000, "event_name": "purchase", "user_pseudo_id": "1.2", "user_id": "u1",
        "event_params": [], "ecommerce": {"transaction_id": "T1", "purchase_revenue": 9.5},
        "items": [{"item_id": "sku1"}]}), "{}", ""])
FILES = {"csv": CSV, "crm": CRM, "ad_spend": SPEND, "weblog": LOG, "ga4": GA4}
WANTED = {
    f"select count(*) from events where {SITE}": "13",
    f"select string_agg(reason || ' ' || n, ', ' order by reason) from (select reason, count(*) n from rejected "
    f"where {SITE} group by reason) x": "bad_row 4, bad_timestamp 2, no_visitor 1",
    f"select type, price, ts, properties->>'Colour' from events where {SITE} and visitor = 'v-1' order by ts limit 1":
        "product_view|9.5|2024-05-01 10:00:00+00|red",
    f"select value, currency, properties->>'Colour' from events where {SITE} and visitor = 'v-2'": "5|EUR|blue; light",
    f"select user_id, plan, type, source from events where {SITE} and visitor = 'c1'": "c1|gold|profile_update|crm",
    f"select sum(amount), count(distinct visitor), min(day) from events where {SITE} and type = 'ad_spend'":
        "200.5|2|2024-04-30",
    f"select count(distinct visitor), count(*) from events where {SITE} and visitor like 'log-%'": "2|4",
    f"select type, path, utm_source, channel, browser, ip, ts from events where {SITE} and visitor like 'log-%' order by ts "
    "limit 1": "page_view|/|news|email|Chrome|203.0.113.0|2024-05-02 06:00:00+00",
    f"select code from events where {SITE} and type = 'error'": "404",
    f"select device from events where {SITE} and ip = '198.51.100.0'": "bot",
    f"select product_id, path, device from events where {SITE} and visitor = '1.2' order by ts limit 1": "sku1|/a|mobile",
    f"select order_id, value, user_id from events where {SITE} and visitor = '1.2' and type = 'purchase'": "T1|9.5|u1",
}


def replay_all(p):
    """Each file once; what the last lines say, without times."""
    said = []
    for word, text in FILES.items():
        (p.dir / word).write_text(text, encoding="utf-8")
        more = ["--mapping", p.dir / "old.map"] if word == "csv" else []
        out = p.ctl("replay", p.dir / word, "--format", word, "--site", 4, *more)
        said.append(next(line for line in out.splitlines() if line.startswith("accepted")))
        say(f"{word}: {said[-1]}")
    return said


def refusals(p):
    """Operators' mistakes, each with its words and exit code."""
    bad = p.dir / "bad.map"
    bad.write_text('userId = nobody\ntype = "click"\n', encoding="utf-8")
    demand("needs --mapping" in p.ctl("replay", p.dir / "csv", "--format", "csv", status=2), "no mapping")
    demand("is for csv" in p.ctl("replay", p.dir / "ga4", "--format", "ga4", "--mapping", bad, status=2), "a mapping too much")
    demand("no column for userId" in p.ctl("replay", p.dir / "csv", "--format", "csv", "--mapping", bad, status=1), "no column")


def main():
    p = Pipeline("formats", partitions=2).apply()
    (p.dir / "old.map").write_text(MAPPING, encoding="utf-8")
    programs = p.start()
    first = replay_all(p)
    p.ctl("wait", "archived")
    demand(replay_all(p) == first, "a second time something else became of them")
    p.ctl("wait", "archived")
    for sql, wanted in WANTED.items():
        got = p.db.value(sql)
        demand(got == wanted, f"{sql}: {got}, not {wanted}")
    say(f"{len(WANTED)} answers are right")
    refusals(p)
    p.drain(programs)
    for topic in ("imports", "events", "rejected"):
        words = [binary("auspexctl"), "-c", str(p.ini), "tap", topic, "--until-end", "--raw"]
        found = subprocess.run(words, capture_output=True, check=True, timeout=60).stdout
        demand(b"203.0.113.0" in found and b"203.0.113.77" not in found, f"a whole address is in {topic}")
    p.check()


if __name__ == "__main__":
    sys.exit(harness.run(main))
