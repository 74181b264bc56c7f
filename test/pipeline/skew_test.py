#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""skew_test - the shop live beside its past as an import, sites whose settings change, the weather, a featurizer that
is killed and restored: afterwards the features of all events, computed anew by the core, are those that were logged,
and the reference agrees on features and sessions."""
import json
import re
import subprocess
import sys

import harness
from harness import ROOT, Pipeline, binary, demand, say, until

IDLE_S, TAIL = 3, 16


def tapped(p, *words):
    """All records of some topics, as auspexctl tap prints them, in one file."""
    path = p.dir / f"{words[0]}.ndjson"
    with open(path, "w", encoding="utf-8") as out:
        for word in words:
            subprocess.run([binary("auspexctl"), "-c", str(p.ini), "tap", word, "--from", "beginning", "--until-end"],
                           stdout=out, check=True, timeout=120)
    return path


def agree_with_reference(p):
    reference = ROOT / "test/reference"
    want, got = p.dir / "want.ndjson", tapped(p, "features", "sessions", "rejected")
    with open(tapped(p, "events"), encoding="utf-8") as events, open(want, "w", encoding="utf-8") as out:
        subprocess.run([sys.executable, str(reference / "reference.py"), "--idle", str(IDLE_S), "--tail",
                        str(TAIL), "--ratings", "--summaries"], stdin=events, stdout=out, check=True, timeout=300)
    done = subprocess.run([sys.executable, str(reference / "compare.py"), str(want), str(got)], capture_output=True,
                          text=True, timeout=120, check=False)
    say(done.stdout.strip())
    demand(done.returncode == 0, f"the reference disagrees\n{done.stdout}{done.stderr}")
    demand_effect(got)


def change_what_holds(p):
    """Settings of the sites, and a signal."""
    p.ctl("sites", "put", 1, "--timezone", "America/New_York", "--currency", "USD", "--exchange", "EUR=1.1")
    p.ctl("sites", "put", 2, "--timezone", "Asia/Kathmandu", "--currency", "GBP", "--consent", "analytics")
    p.send([json.dumps({"type": "external_signal", "anonymousId": "observer", "siteId": 1, "properties": {
        "kind": "weather", "value": 21.5, "valid_from": "2020-01-01T00:00:00Z"}})], "-k", "observer")


def demand_effect(got):
    """That what was changed shows in features."""
    names = re.findall(r"^FEATURE\((\w+),", (ROOT / "schemas/features.def").read_text(), re.M)
    with open(got, encoding="utf-8") as lines:
        vectors = [dict(zip(names, r["features"])) for r in map(json.loads, lines) if "features" in r]
    weather = sum(v["signal_weather"] == 21.5 for v in vectors)
    worthless = sum(v["orders_ever"] > 0 and v["revenue_ever"] == 0 for v in vectors)
    say(f"of {len(vectors)} vectors {weather} with the weather, {worthless} with orders in a currency without a rate")
    demand(weather > 0 and worthless > 0, "settings or signals show nowhere")


def main():
    p = Pipeline("skew", featurizer__session_idle_s=IDLE_S, featurizer__tail=TAIL, featurizer__ratings="true",
                 featurizer__summaries="true").apply()
    programs = p.start(("collector", "featurizer"))
    past = p.dir / "past.ndjson"
    harness.logs.run([binary("auspex-shop"), "history", "--days", "3", "--sessions", "300", "--out", str(past)])
    shop = p.shop(rate=200, events=2000)
    until("the shop is open", lambda: sum(p.ends("features")) > 300)
    change_what_holds(p)
    programs["featurizer"].kill()
    programs["featurizer"].restart()
    p.ctl("replay", past, "--format", "ndjson", "--site", 2, "--speed", "max")
    shop.wait_end()
    until("sessions ended in silence", lambda: sum(p.ends("sessions")) > 320)
    p.drain(programs)
    done = subprocess.run([str(harness.build() / "test/pipeline/skew"), "-c", str(p.ini)], capture_output=True,
                          text=True, timeout=120, check=False)
    say(done.stdout.strip())
    demand(done.returncode == 0 and "mismatched 0, missing 0" in done.stdout, f"skew: {done.stdout}{done.stderr}")
    agree_with_reference(p)


if __name__ == "__main__":
    sys.exit(harness.run(main))
