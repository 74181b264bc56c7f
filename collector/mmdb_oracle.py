#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mmdb_oracle - the tests' tiny database, as our writer makes it, read by MaxMind's own mmdblookup: each network has
what it was given, and an address beside it has nothing.

usage: mmdb_oracle.py TINY_MMDB"""
import ipaddress
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "test/pipeline"))
import mmdb  # noqa: E402

PATHS = (("country", "iso_code"), ("subdivisions", "0", "iso_code"), ("city", "names", "en"), ("location", "time_zone"))


def lookup(address, path):
    """The text there; None when there is none."""
    done = subprocess.run(["mmdblookup", "--file", sys.argv[1], "--ip", str(address), *path], capture_output=True)
    if done.returncode != 0:
        return None
    return done.stdout.decode().strip().removesuffix(" <utf8_string>").strip('"')


def wanted(place, path):
    for key in path:
        place = place.get(key) if isinstance(place, dict) else place[int(key)] if int(key) < len(place) else None
        if place is None:
            return None
    return place


def main():
    n, faults = 0, []
    for text, place in mmdb.TINY.items():
        network = ipaddress.ip_network(text)
        for path in PATHS:
            value = wanted(place, path)
            if value is not None and (not isinstance(value, str) or "\0" in value):
                continue  # mmdblookup prints these in ways of its own
            for address in (network[0], network[-1]):
                n += 1
                if lookup(address, path) != value:
                    faults.append(f"{address} {path}: {lookup(address, path)}, wanted {value}")
        n += 1
        behind = network[-1] + 1
        is_other = any(behind in ipaddress.ip_network(other) for other in mmdb.TINY)
        if not is_other and lookup(behind, PATHS[0]) is not None:
            faults.append(f"{behind} is known")
    print(f"{len(mmdb.TINY)} networks, {n} look-ups, {len(faults)} faults")
    print("\n".join(faults))
    return 1 if faults or n < 40 else 0


sys.exit(main())
