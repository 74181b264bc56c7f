# SPDX-License-Identifier: Apache-2.0
"""codes - times, words and numbers as records and vectors have them; the tables of schemas/."""
import datetime
import json
import math
import pathlib
import re
import struct

SCHEMAS = pathlib.Path(__file__).resolve().parents[2] / "schemas"
SECOND, MINUTE, HOUR, DAY = 10**6, 60 * 10**6, 3600 * 10**6, 86400 * 10**6
MOST_TEXT, MOST_COUNT = 256, 65535
TEXT = r'("(?:[^"\\]|\\.)*")'
LINE = re.compile(rf"^FEATURE\((\w+), f32, [^,]+, (\w+), {TEXT}, {TEXT}, {TEXT}\)$", re.M)
DEFINITIONS = {name: (group, *(json.loads(text) for text in texts))  # group, absent value, meaning, rule
               for name, group, *texts in LINE.findall((SCHEMAS / "features.def").read_text())}
FEATURES = list(DEFINITIONS)
CODES = {table: {name: int(number) for number, name in
                 re.findall(rf"^{table}\((\d+), (\w+)\)", (SCHEMAS / "codes.def").read_text(), re.M)}
         for table in ("EVENT_TYPE", "DEVICE", "CHANNEL")}
VIEWS = "page_view", "screen_view"
CONVERSIONS = "purchase", "signup", "subscription"
VIDEO = tuple(name for name in CODES["EVENT_TYPE"] if name.startswith("video_"))
EPOCH = datetime.datetime(1970, 1, 1)


def micros(text):
    if not text:
        return 0
    whole = datetime.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S") - EPOCH
    fraction = text[19:].rstrip("Z").lstrip(".")
    return (whole.days * 86400 + whole.seconds) * SECOND + int((fraction + "000000")[:6] or 0)


def text_of(us):
    """As the C programs write it."""
    return (EPOCH + datetime.timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def code(table, word):
    return CODES[table].get(word, 1) if word else 0


def name(table, word):
    return word if not word or word in CODES[table] else "other"


def fnv(word):
    h = 2166136261
    for byte in word if isinstance(word, bytes) else word.encode():
        h = (h ^ byte) * 16777619 % 2**32
    return h


def free_code(word):
    return 1 + fnv(word) % 255 if word else 0


def wide_code(word):
    return 1 + fnv(word) % 65535 if word else 0


def small(word):
    """In small letters, as far as they are A to Z."""
    return re.sub("[A-Z]", lambda found: found[0].lower(), word)


def page_code(path):
    """Of the first segment: what stands between the leading slash and the next."""
    return 1 + fnv(path.removeprefix("/").split("/")[0]) % 255 if path else 0


def page_depth(path):
    return sum(segment != "" for segment in path.split("/"))


def cut(text, most=MOST_TEXT):
    return text.encode()[:most].decode(errors="ignore")


def f32(x):
    """The float32 nearest to x, held at the largest; None = NaN."""
    if x is None or math.isnan(x):
        return None
    most = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
    return struct.unpack("<f", struct.pack("<f", max(-most, min(most, x))))[0]


def number(x):
    """What a vector holds. Counts and codes stay whole, which tells compare.py that they are exact."""
    whole = isinstance(x, int) and abs(x) <= 2**24
    return int(x) if whole else f32(x)


def since(t, when, unit):
    return max(t - when, 0) / unit if when else None


def mean(total, n):
    return total / n if n else None


def added(values):
    total = 0.0
    for value in values:
        total += value
    return total
