# SPDX-License-Identifier: Apache-2.0
"""mmdb - writes small databases in MaxMind's format (its specification, version 2.0), for tests and benchmarks.

usage: mmdb.py OUT tiny     the places of TINY
       mmdb.py OUT many     30,000 networks of 24 bits and 5,000 of 48 in 5,000 places"""
import ipaddress
import random
import struct
import sys

TINY = {
    "203.0.113.0/24": {"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "BE"}],
                       "city": {"names": {"de": "Berlin", "en": "Berlin"}}, "location": {"time_zone": "Europe/Berlin"}},
    "198.51.100.0/22": {"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "CA"}, {"iso_code": "SF"}],
                        "city": {"names": {"en": "San Francisco"}},
                        "location": {"latitude": 37.77, "time_zone": "America/Los_Angeles"}},
    "192.0.2.0/25": {"country": {"iso_code": "FR"}, "traits": {"is_anycast": True}},
    "2001:db8:1234::/48": {"country": {"iso_code": "JP"}, "city": {"names": {"en": "T\u014dky\u014d"}}},
    "100.64.0.0/24": {"traits": {"autonomous_system_number": 64512}},
    "100.64.1.0/24": {"country": {"iso_code": 7}, "subdivisions": [], "city": {"names": {"en": "x" * 300}},
                      "location": {"time_zone": "a\0b"}},
    "100.64.2.0/24": {"country": {"iso_code": b"\xff\xfe"}},
}


def control(kind, size):
    """The bytes before a value: 7 map, 11 array, and so on."""
    extra = b""
    if size >= 65821:
        size, extra = 31, (size - 65821).to_bytes(3, "big")
    elif size >= 285:
        size, extra = 30, (size - 285).to_bytes(2, "big")
    elif size >= 29:
        size, extra = 29, bytes([size - 29])
    if kind > 7:
        return bytes([size, kind - 7]) + extra
    return bytes([kind << 5 | size]) + extra


def value(v):
    if isinstance(v, bool):
        return control(14, int(v))
    if isinstance(v, int):
        raw = v.to_bytes((v.bit_length() + 7) // 8, "big")
        return control(9 if v >= 1 << 32 else 6, len(raw)) + raw
    if isinstance(v, float):
        return control(3, 8) + struct.pack(">d", v)
    if isinstance(v, (str, bytes)):  # bytes: a text that is no UTF-8
        raw = v.encode() if isinstance(v, str) else v
        return control(2, len(raw)) + raw
    if isinstance(v, dict):
        return control(7, len(v)) + b"".join(value(k) + value(w) for k, w in v.items())
    return control(11, len(v)) + b"".join(value(w) for w in v)


def bits_of(network):
    """The network's bits from the root; IPv4 stands below ::/96."""
    n = ipaddress.ip_network(network)
    bits, skipped = int(n.network_address), 96 if n.version == 4 else 0
    width = 128 - skipped
    return [0] * skipped + [bits >> (width - 1 - i) & 1 for i in range(n.prefixlen)]


def write(path, places, epoch=1700000000):
    """places: network -> what is known of it. Networks must not lie within each other."""
    nodes, data, offsets = [[None, None]], bytearray(), {}
    for network, place in places.items():
        raw = value(place)
        if raw not in offsets:
            offsets[raw] = len(data)
            data += raw
        *way, last = bits_of(network)
        at = 0
        for bit in way:
            if nodes[at][bit] is None:
                nodes[at][bit] = len(nodes)
                nodes.append([None, None])
            at = nodes[at][bit]
        nodes[at][last] = ("data", offsets[raw])
    n = len(nodes)

    def record(r):
        number = n if r is None else r if isinstance(r, int) else n + 16 + r[1]
        return number.to_bytes(4, "big")

    about = {"binary_format_major_version": 2, "binary_format_minor_version": 0, "build_epoch": epoch,
             "database_type": "Auspex-Test-City", "description": {"en": "made by test/pipeline/mmdb.py"},
             "ip_version": 6, "languages": ["en"], "node_count": n, "record_size": 32}
    kinds = {"binary_format_major_version": 5, "binary_format_minor_version": 5, "ip_version": 5, "record_size": 5,
             "build_epoch": 9}
    meta = control(7, len(about))
    for key, v in about.items():
        meta += value(key)
        raw = v.to_bytes((v.bit_length() + 7) // 8, "big") if key in kinds else b""
        meta += control(kinds[key], len(raw)) + raw if key in kinds else value(v)
    with open(path, "wb") as out:
        out.write(b"".join(record(left) + record(right) for left, right in nodes))
        out.write(bytes(16) + bytes(data) + b"\xab\xcd\xefMaxMind.com" + meta)


def many():
    chance = random.Random(3)
    cities = [{"country": {"iso_code": chance.choice(["DE", "US", "FR", "GB", "IN", "BR", "JP"]),
                           "names": {"de": f"Land {i % 7}", "en": f"Country {i % 7}"}},
               "subdivisions": [{"iso_code": f"R{i % 40}", "names": {"en": f"Region {i % 40}"}}],
               "city": {"geoname_id": i, "names": {"de": f"Stadt {i}", "en": f"City {i}", "fr": f"Ville {i}"}},
               "location": {"latitude": i / 100, "longitude": -i / 100, "time_zone": f"Europe/Zone{i % 30}"}}
              for i in range(5000)]
    v4 = chance.sample(range(1 << 16, 224 << 16), 30000)
    v6 = chance.sample(range(1 << 28), 5000)
    places = {f"{i >> 16}.{i >> 8 & 255}.{i & 255}.0/24": chance.choice(cities) for i in v4}
    places.update({str(ipaddress.ip_network((0x2 << 124 | i << 80, 48))): chance.choice(cities) for i in v6})
    return places


if __name__ == "__main__":
    write(sys.argv[1], TINY if sys.argv[2] == "tiny" else many())
