#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""zone_oracle - offsets and rules of every zone of this machine against Python's zoneinfo: at the instants around each
change that the rules tell, on a day of each month from 1990 to 2059, and at random ones."""
import datetime
import random
import subprocess
import sys
import zoneinfo

FROM, TO = 631152000, 2840140800
FIXED = {"+02:00": 120, "-0330": -210, "+2": 120, "UTC+5:45": 345, "gmt-1": -60, "Z": 0, "+18:00": 1080, "-18": -1080}
UNKNOWN = ["Europe/Atlantis", "../../../etc/passwd", "/etc/localtime", "posix/Europe/Berlin", "zone.tab", "+19:00", "+18:01",
           "+2:", "+02:60", "+:30", "+02:5", "+02:000", "UTC+", "2", "Europe", "Europe/", "E" * 5000]


def offset_min(zone, at_s):
    utc = datetime.datetime.fromtimestamp(at_s, datetime.timezone.utc)
    return utc.astimezone(zone).utcoffset().total_seconds() / 60


def instants(rules, chance):
    told = [int(rule.split("=")[0]) for rule in rules.split()][1:]
    found = {at + step for at in told for step in (-1, 0, 1)}
    found |= set(range(FROM, TO, 30 * 86400 + 4321))
    found |= {chance.randrange(FROM, TO) for _ in range(50)}
    return sorted(at for at in found if FROM <= at < TO)


def ask(program, lines):
    done = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def main(program):
    chance = random.Random(7)
    names = sorted(n for n in zoneinfo.available_timezones() if n[0].isupper())
    rules = [answer.partition("|")[2] for answer in ask(program, names)]
    asked = [instants(text, chance) for text in rules]
    told = ask(program, [" ".join([name, *map(str, at)]) for name, at in zip(names, asked)])
    n, most, faults = 0, 0, []
    for name, at, answer in zip(names, asked, told):
        zone = zoneinfo.ZoneInfo(name)
        pairs = [pair.split(",") for pair in answer.partition("|")[0].split()]
        if len(pairs) != len(at):
            faults.append(f"{name}: {answer[:80]}")
        for second, (by_zone, by_rules) in zip(at, pairs):
            wanted = offset_min(zone, second)
            n += 1
            if not float(by_zone) == float(by_rules) == wanted:
                faults.append(f"{name} at {second}: {by_zone} by zone, {by_rules} by rules, {wanted} by zoneinfo")
        most = max(most, answer.count("="))
    for name, wanted in FIXED.items():
        if not ask(program, [f"{name} 0"])[0].startswith(f"{wanted},{wanted} "):
            faults.append(f"{name} is not {wanted}")
    faults += [f"{name[:40]} is known" for name in UNKNOWN if ask(program, [f"{name} 0"]) != ["-"]]
    for fault in faults[:20]:
        print(fault, file=sys.stderr)
    print(f"{len(names)} zones, {n} instants, at most {most} rules a zone, {len(faults)} faults")
    return 1 if faults or len(names) < 300 or n < 100000 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
