# SPDX-License-Identifier: Apache-2.0
"""bodies - the bytes of the events in a sender's record, and the hash that an event's body_hash must be: XXH3 over the
members of the event's object but sentAt, each from its key's quote to its value's end, as sent and one behind another;
of a CSV row the whole row."""
import ctypes
import json

_xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
_xxh3.restype, _xxh3.argtypes = ctypes.c_uint64, (ctypes.c_char_p, ctypes.c_size_t)
_value = json.JSONDecoder().raw_decode
BLANK = " \t\r\n"


def xxh3(data):
    return _xxh3(data, len(data))


def _skip(text, at):
    while text[at] in BLANK:
        at += 1
    return at


def members(text):
    """(key, the member's text, its value's text) of each member of a JSON object."""
    at = _skip(text, _skip(text, 0) + 1)
    while text[at] != "}":
        start = at
        key, at = _value(text, at)
        from_ = _skip(text, _skip(text, at) + 1)
        _, at = _value(text, from_)
        yield key, text[start:at], text[from_:at]
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)


def elements(text):
    """The texts of an array's elements."""
    at = _skip(text, 1)
    while text[at] != "]":
        start = at
        _, at = _value(text, at)
        yield text[start:at]
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)


def events(value):
    """The texts of the events in a record that is JSON; None when it is not."""
    try:
        text = value.decode()
        if not isinstance(json.loads(text), dict):
            return None
        batch = next((inner for key, _, inner in members(text) if key == "batch"), None)
        return [text] if batch is None or batch[0] != "[" else list(elements(batch))
    except (ValueError, IndexError):
        return None


def body_hash(text):
    kept = "".join(member for key, member, _ in members(text) if key not in ("sentAt", "sent_at"))
    return xxh3(kept.encode())
