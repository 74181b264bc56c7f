#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""enrich_test - events get browser, system and place by uap-core's expressions and a GeoIP database; the database is
read again when it changes, and a bad one is not; and of senders' addresses only networks are to be found, in raw, in
events, in rejected and in the logs. Files that are no data are a wrong configuration."""
import json
import os
import subprocess
import urllib.error
import urllib.request

import harness
import mmdb
from harness import Pipeline, binary, demand, say, until

AGENT = ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/17.4 Mobile/15E148 Safari/604.1")
BOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"
ADDRESSES = {"203.0.113.77": "203.0.113.0", "198.51.100.77": "198.51.100.0",
             "2001:db8:1234:77::77": "2001:db8:1234::", "9.9.9.77": "9.9.9.0"}


def leaves(p, name, words, **options):
    """The collector leaves with 78 and its last line has each of the words."""
    done = subprocess.run([binary("auspex-collector"), "-c", str(p.write_ini(f"{name}.ini", **options))],
                          capture_output=True, text=True, timeout=30, check=False)
    last = (done.stderr.strip().splitlines() or [""])[-1]
    demand(done.returncode == 78 and all(word in last for word in words), f"{name}: {done.returncode}, {last}")
    say(f"{name}: {last[-150:]}")


def bad_files(p):
    broken = p.dir / "broken"
    for text in ("user_agent_parsers: [", "nothing"):
        broken.write_text(text)
        leaves(p, "agents", ("collector.user_agents", str(broken)), collector__user_agents=broken)
        leaves(p, "geo", ("collector.geoip", str(broken)), collector__geoip=broken)
    leaves(p, "no_agents", ("collector.user_agents", "/none.yaml", "No such file"), collector__user_agents="/none.yaml")
    leaves(p, "no_geo", ("collector.geoip", "/none.mmdb", "No such file"), collector__geoip="/none.mmdb")


def post(url, key, event, headers):
    request = urllib.request.Request(f"{url}/v1/track", json.dumps(event).encode(),
                                     {"Authorization": f"Bearer {key}", "Content-Type": "application/json"} | headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as answer:
        return answer.code


def events(p):
    """messageId -> event, as events has it."""
    found = {}
    for part in p.kafka.read(f"{p.prefix}.events.v1", "events", p.partitions):
        for record in part:
            if record.fields.get("rec") == "event":
                found[record.fields["event_id"]] = record.fields
    return found


def put_database(path, places):
    """In one step, as careful programs replace files."""
    mmdb.write(f"{path}.new", places)
    os.rename(f"{path}.new", path)


def send_all(p, url, key):
    for i, (address, _) in enumerate(ADDRESSES.items()):
        event = {"event": "Product Viewed", "anonymousId": f"v{i}", "messageId": f"f{i}",
                 "properties": {"product_id": "p"}}
        demand(post(url, key, event, {"X-Forwarded-For": f"10.1.1.77, {address}", "User-Agent": AGENT}) == 200, address)
        event = dict(event, messageId=f"c{i}", context={"ip": address, "userAgent": BOT})
        demand(post(url, key, event, {}) == 200, address)
        p.send([json.dumps(dict(event, messageId=f"k{i}", type="track"))])
    p.send([json.dumps({"event": "x", "type": "track", "context": {"ip": "203.0.113.77"}})])  # nobody's: rejected


def check_events(p):
    ids = [f"{kind}{i}" for kind in "fck" for i in range(len(ADDRESSES))]
    found = until("all events are there", lambda: (lambda e: e if all(i in e for i in ids) else None)(events(p)))
    for i, (address, network) in enumerate(ADDRESSES.items()):
        for kind in "fck":
            e = found[f"{kind}{i}"]
            demand(e.get("ip") == network, f"{kind}{i}: {e.get('ip')}, not {network}")
            place = mmdb.TINY.get(f"{network}/24", mmdb.TINY.get(f"{network}/22", mmdb.TINY.get(f"{network}/48", {})))
            country = place.get("country", {}).get("iso_code")
            zone = place.get("location", {}).get("time_zone")
            demand((e.get("country") or None) == country, f"{address}: {e.get('country')}, not {country}")
            demand((e.get("timezone") or None) == zone, f"{address}: {e.get('timezone')}, not {zone}")
    phone, bot = found["f0"], found["c0"]
    told = [phone.get(k) for k in ("device", "browser", "browser_version", "os", "os_version", "region", "city")]
    demand(told == ["mobile", "Mobile Safari", "17.4", "iOS", "17.4", "BE", "Berlin"], f"{told}")
    demand(phone.get("utc_offset_min") in (60, 120) and not phone.get("agent_marks"), f"{phone}")
    demand(bot.get("device") == "bot" and bot.get("agent_marks") == 1, f"{bot}")
    say(f"{len(found)} events: {told}")


def reload(p, collector, url, key, database):
    good, bad = (lambda: collector.counter("geo_reloads_total", result="good"),
                 lambda: collector.counter("geo_reloads_total", result="bad"))

    def country(message):
        event = {"event": "x", "anonymousId": "r", "messageId": message, "context": {"ip": "203.0.113.77"}}
        demand(post(url, key, event, {}) == 200, message)
        return until("the event is there", lambda: events(p).get(message)).get("country")

    put_database(database, {"203.0.113.0/24": {"country": {"iso_code": "AT"}}})
    until("the new database is read", lambda: good() == 1)
    demand(country("r1") == "AT", "the new database is not used")
    database.write_bytes(database.read_bytes()[:100])  # cut in place, under the hands of whoever uses it
    until("the bad database is found", lambda: bad() == 1)
    demand(country("r2") == "AT", "the old database does not go on")
    demand(collector.text().count("the old one goes on") == 1, "it is not told once")
    put_database(database, mmdb.TINY)
    until("the good one is read again", lambda: good() == 2)
    demand(country("r3") == "DE", "the good database is not used")


def no_address(p, collector):
    """No full address in what was stored, but for the bodies in rejected, and none in what was logged."""
    n = 0
    for word in ("raw", "events", "rejected"):
        for part in p.kafka.read(f"{p.prefix}.{word}.v1", word, p.partitions):
            for record in part:
                if word == "raw" and b'"siteId"' not in record.value:
                    continue  # sent through Kafka, past the edge
                value = record.value
                if word == "rejected":
                    value = value.replace(record.fields.get("body") or b"", b"")
                n += 1
                for text in (b".77", b":77", b"10.1.1", b"127.0.0.1"):
                    demand(text not in value, f"{word}: {text} in {value}")
    log = collector.text()
    demand(not any(address in log for address in ADDRESSES) and "10.1.1." not in log, "an address is in the log")
    demand(n > 8, f"{n} records")
    say(f"{n} records without an address")


def main():
    p = Pipeline("enrich", partitions=2).apply()
    bad_files(p)
    database = p.dir / "places.mmdb"
    put_database(database, mmdb.TINY)
    p.options |= {"collector__user_agents": "/usr/share/uap-core/regexes.yaml", "collector__geoip": database,
                  "collector__edge": "127.0.0.1:0", "collector__edge_proxies": 1}
    p.ini = p.write_ini("auspex.ini")
    key = p.put_site()
    collector = p.start(("collector",))["collector"]
    url = collector.edge()
    until("the collector knows the site", lambda: collector.counter("sites") >= 1)
    send_all(p, url, key)
    check_events(p)
    until("agents are found in the cache", lambda: collector.counter("agents_total", result="hit") > 0)
    until("two agents are looked up", lambda: collector.counter("agents_total", result="miss") == 2)
    until("networks are found", lambda: collector.counter("geo_total", result="found") == 9)
    until("unknown networks are counted", lambda: collector.counter("geo_total", result="unknown") == 3)
    reload(p, collector, url, key, database)
    no_address(p, collector)
    collector.stop()


harness.run(main)
