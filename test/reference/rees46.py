#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rees46 - the sample of REES46 as the topic `events` holds it after an import into site 7, as
`auspexctl tap events` would print it: rees46.py FILE.csv.xz"""
import csv
import json
import lzma
import sys

IMPORT, PARTITIONS = 1234567890123456789, 2
TYPES = {"view": "product_view", "cart": "add_to_cart", "remove_from_cart": "remove_from_cart", "purchase": "purchase"}
RECEIVED = "2026-01-05T00:00:00.000000Z"


def main():
    offsets = [0] * PARTITIONS

    def put(partition, record):
        record.update(epoch=1, origin=2, partition=0, index=0, import_id=IMPORT, received=RECEIVED,
                      _topic="events", _partition=partition, _offset=offsets[partition])
        offsets[partition] += 1
        print(json.dumps(record))

    line = 0
    with lzma.open(sys.argv[1], "rt", newline="") as rows:
        for line, row in enumerate(csv.reader(rows), 1):
            if line == 1 or len(row) != 9:
                continue
            time, kind, product, category_id, category, brand, price, user, hint = row
            e = {"rec": 1, "offset": line, "event_id": f"i{IMPORT:x}-{line}", "body_hash": line, "visitor": user,
                 "site_id": 7, "user_id": user, "session_hint": hint, "type": TYPES[kind], "source": "import",
                 "ts": time.replace(" UTC", ".000000Z").replace(" ", "T"), "product_id": product,
                 "category": category or category_id, "price": float(price)}
            if brand:
                e["brand"] = brand
            if kind == "purchase":
                e.update(value=float(price), quantity=1.0)
            put(int(user) % PARTITIONS, e)
    for partition in range(PARTITIONS):
        put(partition, {"rec": 4, "offset": line + 1, "of_import": IMPORT, "site_id": 7, "lines": line})


main()
