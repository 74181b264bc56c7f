# SPDX-License-Identifier: Apache-2.0
"""logs - topics, group offsets and tables as they stand, read with kcat and psql."""
import json
import re
import struct
import subprocess

import rdkafka
import schema

FORMAT = "%p %o %T %K %S %h\\n%k%s"
HEAD = re.compile(rb"(\d+) (\d+) (-?\d+) (-?\d+) (-?\d+) ?(.*)")
READS = {"collector": ("raw", "imports", "control"), "featurizer": ("events",), "scorer": ("features",),
         "actuator": ("predictions",)}
BEHIND = ("features", "sessions", "predictions", "rejected", "visitors", "interventions", "outcomes", "deliveries",
          "decisions")
TABLES = ("events_all", "repeats", "features", "sessions", "predictions", "rejected", "interventions", "outcomes",
          "deliveries", "notices")


class Record:
    """One record of a topic. `fields` is decoded once, when first asked for."""
    __slots__ = ("topic", "partition", "offset", "ts_ms", "key", "value", "headers", "_fields")

    def __init__(self, topic, partition, offset, ts_ms, key, value, headers=b""):
        self.topic, self.partition, self.offset, self.ts_ms = topic, partition, offset, ts_ms
        self.key, self.value, self.headers, self._fields = key, value, headers, None

    @property
    def fields(self):
        if self._fields is None:
            try:
                self._fields = schema.decode(self.topic.split(".")[-2] if "." in self.topic else self.topic, self.value)
            except schema.Bad as why:
                raise schema.Bad(f"{self.place} {why}") from None
        return self._fields

    @property
    def position(self):
        return tuple(self.fields[name] for name in schema.POSITION_NAMES)

    @property
    def place(self):
        return f"{self.topic} partition {self.partition} offset {self.offset}"

    def changed(self, **to):
        kept = {name: getattr(self, name) for name in self.__slots__ if name != "_fields"}
        return Record(**(kept | to))


def parse(topic, data):
    """Records out of what kcat wrote in FORMAT."""
    found, at = [], 0
    while at < len(data):
        end = data.index(b"\n", at)
        head = HEAD.fullmatch(data, at, end)
        partition, offset, ts_ms, key_len, value_len = (int(x) for x in head.groups()[:5])
        at = end + 1
        key = data[at:at + max(key_len, 0)]
        at += max(key_len, 0)
        value = data[at:at + value_len] if value_len >= 0 else None
        at += max(value_len, 0)
        found.append(Record(topic, partition, offset, ts_ms, key, value, head[6]))
    return found


def run(arguments, limit_s=120):
    done = subprocess.run(arguments, capture_output=True, timeout=limit_s, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments[:6])} ...: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


class Kafka:
    def __init__(self, brokers):
        self.brokers, self.groups = brokers, {}

    def _kcat(self, *arguments):
        return run(["kcat", "-b", self.brokers, "-X", "topic.metadata.refresh.interval.ms=5000", *arguments])

    def topics(self):
        """Partition counts by name."""
        found = json.loads(self._kcat("-L", "-J"))
        return {t["topic"]: len(t["partitions"]) for t in found["topics"]}

    def ends(self, name, n):
        """First offset that is not there yet, of each partition."""
        if n == 0:
            return []
        asked = [x for p in range(n) for x in ("-t", f"{name}:{p}:-1")]
        text = self._kcat("-Q", *asked).decode()
        ends = {int(p): int(o) for p, o in re.findall(r"\[(\d+)\] offset (\d+)", text)}
        return [ends[p] for p in range(n)]

    def read(self, name, short, n):
        """A list of records for each of n partitions, from the beginning to the end there is now."""
        parts = [[] for _ in range(n)]
        data = self._kcat("-C", "-q", "-e", "-o", "beginning", "-X", "isolation.level=read_committed", "-X",
                          "check.crcs=true", "-X", "fetch.wait.max.ms=10", "-t", name, "-f", FORMAT)
        for record in parse(short, data):
            parts[record.partition].append(record)
        return parts

    def committed(self, group, words):
        """{(topic, partition): offset} of a group, for topics by name with their partition counts."""
        if group not in self.groups:
            self.groups[group] = rdkafka.Group(self.brokers, group)
        return self.groups[group].committed([(name, p) for name, n in words.items() for p in range(n)])


class Database:
    def __init__(self, dsn):
        self.dsn = dsn

    def ask(self, sql):
        return run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", self.dsn, "-c", sql]).decode()

    def value(self, sql):
        return self.ask(sql).strip()

    def rows(self, table, order="1"):
        """Rows as dictionaries; times as microseconds, bytea as bytes, the rest as JSON has it."""
        columns = [c.split("|") for c in self.ask(
            "select column_name, data_type from information_schema.columns "
            f"where table_schema = current_schema() and table_name = '{table}' order by ordinal_position").splitlines()]
        picked = ", ".join(_column(name, kind) for name, kind in columns)
        blobs = [name for name, kind in columns if kind == "bytea"]
        floats = [name for name, kind in columns if kind == "double precision"]
        found = []
        text = self.ask(f'select row_to_json(t) from (select {picked} from "{table}" order by {order}) t')
        for line in text.splitlines():
            row = json.loads(line)
            for name in blobs:
                row[name] = bytes.fromhex(row[name]) if row[name] is not None else None
            for name in floats:
                row[name] = struct.unpack(">d", bytes.fromhex(row[name]))[0] if row[name] is not None else None
            found.append(row)
        return found


def _column(name, kind):
    if kind == "timestamp with time zone":
        return f'(extract(epoch from "{name}") * 1000000)::bigint as "{name}"'
    if kind == "double precision":
        return f"encode(float8send(\"{name}\"), 'hex') as \"{name}\""
    if kind == "bytea":
        return f"encode(\"{name}\", 'hex') as \"{name}\""
    return f'"{name}"'


def read_ledger(path):
    """Lines id, visitor, hash, ack|fail, partition, offset; and the file."""
    found = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            word = line.rstrip("\n").split(",")
            if len(word) == 6:
                name, visitor, digest, answer, partition, offset = word
                found.append((name, visitor, int(digest, 16), answer == "ack", int(partition), int(offset), str(path)))
    return found


class World:
    """All that the rules look at."""

    def __init__(self):
        self.topics = {}  # word -> list of lists of records
        self.ends = {}  # word -> end offsets
        self.ledger = None  # lines, or None when nobody kept one
        self.tables = None  # name -> rows, or None without a database
        self.view_n = None  # rows of the view events
        self.archive_offsets = []
        self.groups = {}  # (program, topic word, partition) -> offset
        self.has_stopped = False  # all programs have drained and left
        self.without = ()  # programs that never ran


def load(brokers, prefix, dsn=None, ledgers=(), suffix="", output_prefix=None):
    w = World()
    kafka = Kafka(brokers)
    there = kafka.topics()
    words = {}
    for word in ("raw", "imports", "control", "events") + BEHIND:
        words[f"{(output_prefix or prefix) if word in BEHIND else prefix}.{word}.v1"] = word
    for name, word in words.items():
        n = there.get(name, 0)
        w.topics[word] = kafka.read(name, word, n) if n else []
        w.ends[word] = kafka.ends(name, n)
    for program, read in READS.items():
        names = {name: there.get(name, 0) for name, word in words.items() if word in read}
        for (name, p), offset in kafka.committed(f"auspex.{program}{suffix}", names).items():
            w.groups[program, words[name], p] = offset
    if ledgers:
        w.ledger = [line for path in ledgers for line in read_ledger(path)]
    if dsn:
        db = Database(dsn)
        w.tables = {table: db.rows(table) for table in TABLES}
        w.view_n = int(db.value("select count(*) from events"))
        group = f"auspex.archiver{suffix}"
        w.archive_offsets = [(words.get(r["topic"]), r["partition"], r["next_offset"])
                             for r in db.rows("archive_offsets") if r["grp"] == group]
    return w
