# SPDX-License-Identifier: Apache-2.0
"""mutants - worlds with one fault each: a record of the checker's input dropped, doubled, swapped or flipped.

Topics may hold repeats that are equal byte for byte, so a double there has a bit changed, and records that stand in a
repeated run are not dropped or swapped: what is left would be sound. So would be deliveries in another order."""
import collections
import copy

from rules import is_heartbeat

DERIVED = ("events", "features", "sessions", "predictions", "rejected", "interventions", "outcomes", "deliveries")
TOPICS = ("raw", "imports", "control") + DERIVED
KINDS = ("drop", "double", "swap", "flip")


def streams(world):
    """Names of the streams that can be changed."""
    found = [f"topic {t}" for t in TOPICS if any(world.topics.get(t, []))]
    found += ["ledger"] if world.ledger else []
    return found + [f"table {t}" for t, rows in (world.tables or {}).items() if rows]


def mutant(world, stream, kind, rng):
    """A changed copy and what was done; None when this stream has no such mutant here."""
    w = copy.copy(world)
    what, _, name = stream.partition(" ")
    if what == "topic":
        w.topics, w.ends = dict(world.topics), dict(world.ends)
        return _topic(w, name, kind, rng)
    if what == "ledger":
        w.ledger = list(world.ledger)
        done = _list(w.ledger, kind, rng, _flip_line)
    else:
        w.tables = dict(world.tables)
        w.tables[name] = list(world.tables[name])
        done = _list(w.tables[name], kind, rng, _flip_row)
    return (w, f"{stream}: {kind} {done}") if done is not None else None


# --- topics ---

def _standing_once(part):
    """Indexes of the records whose position no other record of the partition has."""
    if part and part[0].topic in ("raw", "control"):
        return [i for i, r in enumerate(part) if not is_heartbeat(r)]
    counts = collections.Counter(r.position for r in part)
    return [i for i, r in enumerate(part) if counts[r.position] == 1]


def _flipped(record, rng):
    if record.key and rng.random() < 0.1:
        return record.changed(key=_flip_bit(record.key, rng))
    return record.changed(value=_flip_bit(record.value, rng))


def _flip_bit(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1:]


def _renumbered(part, first):
    return [r if r.offset == first + i else r.changed(offset=first + i) for i, r in enumerate(part)]


def _topic(w, name, kind, rng):
    p = rng.choice([p for p, part in enumerate(w.topics[name]) if part])
    part = list(w.topics[name][p])
    first, once = part[0].offset, _standing_once(part)
    full = [i for i, r in enumerate(part) if r.value]
    w.topics[name] = list(w.topics[name])
    w.ends[name] = list(w.ends[name])
    if kind == "drop":
        i = rng.choice(once) if once else None
        if i is None:
            return None
        gone = part.pop(i)
        if name in DERIVED and rng.random() < 0.5:  # never written, rather than lost
            part = _renumbered(part, first)
            w.ends[name][p] -= 1
    elif kind == "double":
        i = rng.choice(full)
        gone = part[i]
        part = _renumbered(part[:i + 1] + [_flipped(gone, rng)] + part[i + 1:], first)
        w.ends[name][p] += 1
    elif kind == "swap":
        if name == "deliveries":
            return None
        pairs = [i for i in once if i + 1 < len(part) and i + 1 in once and not _is_alike(part[i], part[i + 1])]
        if not pairs:
            return None
        i = rng.choice(pairs)
        gone, other = part[i], part[i + 1]
        part[i] = other.changed(offset=gone.offset, ts_ms=gone.ts_ms)
        part[i + 1] = gone.changed(offset=other.offset, ts_ms=other.ts_ms)
    else:
        i = rng.choice(full)
        gone = part[i]
        part[i] = _flipped(gone, rng)
    w.topics[name][p] = part
    done = f"topic {name}: {kind} at {gone.place}"
    if kind == "flip":
        done += f" {gone.key.hex()} {gone.value.hex()}, now {part[i].key.hex()} {part[i].value.hex()}"
    return w, done


def _is_alike(a, b):
    return (a.key, a.value, a.headers) == (b.key, b.value, b.headers)


# --- ledger and tables ---

def _list(rows, kind, rng, flip):
    i = rng.randrange(len(rows))
    if kind == "drop":
        return f"{rows.pop(i)}"
    if kind == "double":
        rows.insert(i, copy.copy(rows[i]))
        return f"{rows[i]}"
    if kind == "swap":
        return _swap(rows, rng)
    rows[i] = flip(rows[i], rng)
    return f"{rows[i]}"


def _swap(rows, rng):
    """Two lines of the ledger from one partition, or the places of two rows."""
    i = rng.randrange(len(rows))
    if isinstance(rows[i], dict):
        others = [k for k, row in enumerate(rows)  # notices of two partitions may be alike but for their places
                  if _place(row) != _place(rows[i]) and row | _place(rows[i]) != rows[i]]
        if not others:
            return None
        k = rng.choice(others)
        rows[i], rows[k] = rows[i] | _place(rows[k]), rows[k] | _place(rows[i])
    else:
        others = [k for k, line in enumerate(rows) if k != i and line[3:5] == rows[i][3:5] and line[6] == rows[i][6]]
        if not others:
            return None
        k = rng.choice(others)
        rows[i], rows[k] = rows[k], rows[i]
    return f"{i} and {k}"


def _place(row):
    return {name: row[name] for name in ("partition", "offset")}


def _flip_text(text, rng):
    at = rng.randrange(len(text)) if text else 0
    return text[:at] + ("x" if text[at:at + 1] != "x" else "y") + text[at + 1:]


def _flip_line(line, rng):
    name, visitor, digest, is_acked, partition, offset, file = line
    if name != "none" and rng.random() < 0.25:  # what has no id was refused
        return (_flip_text(name, rng), visitor, digest, is_acked, partition, offset, file)
    return rng.choice([
        (name, _flip_text(visitor, rng), digest, is_acked, partition, offset, file),
        (name, visitor, digest ^ 1 << rng.randrange(64), is_acked, partition, offset, file),
        (name, visitor, digest, is_acked, partition, offset ^ 1 << rng.randrange(16), file),
    ])


def _flip_row(row, rng):
    name = rng.choice(sorted(row))
    return row | {name: _other(row[name], rng)}


def _other(value, rng):
    if value is None:
        return 0
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value ^ 1 << rng.randrange(31)
    if isinstance(value, float):
        return value * (1 + 2.0 ** -rng.randrange(1, 52)) if value else 1.0
    if isinstance(value, bytes):
        return _flip_bit(value, rng) if value else b"x"
    if isinstance(value, str):
        return _flip_text(value, rng)
    return {"other": value}
