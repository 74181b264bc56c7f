# SPDX-License-Identifier: Apache-2.0
"""agents_oracle - every user agent that uap-core's package brings, told by agents_tell and by others: by uap-core's own
expectations where its tests have them, by Debian's ua_parser for all, and for some that are cut out of two. Families
and versions must be equal.

usage: agents_oracle.py AGENTS_TELL [REGEXES_YAML]"""
import multiprocessing
import os
import pathlib
import random
import subprocess
import sys

import yaml

DATA = pathlib.Path("/usr/share/uap-core")
FILE = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else DATA / "regexes.yaml")
os.environ["UA_PARSER_YAML"] = str(FILE)
from ua_parser import user_agent_parser  # noqa: E402 it reads the file as it is imported

SLICES = {"browser": slice(0, 4), "system": slice(4, 9), "device": slice(9, 10)}
KEYS = {"browser": ("family", "major", "minor", "patch"), "system": ("family", "major", "minor", "patch", "patch_minor"),
        "device": ("family",)}
OF_FILE = {"test_ua.yaml": "browser", "test_os.yaml": "system", "test_device.yaml": "device",
           "additional_os_tests.yaml": "system"}


def cases():
    """(file, case) of each test case of the package that names an agent of one line."""
    for path in sorted(DATA.glob("test*/*.yaml")):
        for case in yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)["test_cases"]:
            if case.get("user_agent_string") and "\n" not in case["user_agent_string"]:
                yield path.name, case


def spliced(agents):
    """Agents that nobody has seen: a part of one behind a part of another."""
    chance = random.Random(5)
    plain = [agent for agent in agents if agent.isascii()]
    for _ in range(3000):
        one, other = chance.choice(plain), chance.choice(plain)
        yield one[:chance.randrange(1, len(one) + 1)] + other[chance.randrange(len(other)):]


def told(program, agents):
    """{agent: its ten texts} as the program tells them."""
    out = subprocess.run([program, str(FILE)], input="\n".join(agents) + "\n", capture_output=True, text=True, check=True)
    first, *lines = out.stdout.split("\n")
    counts = [int(n) for n in first.split()]
    lines = [line.split("\x1f")[:10] for line in lines if line]
    if len(lines) != len(agents):
        sys.exit(f"{len(agents)} agents, {len(lines)} answers")
    return dict(zip(agents, lines)), counts


def by_ua_parser(agent):
    """The same ten texts as ua_parser has them."""
    parsers = (user_agent_parser._ParseUserAgent, user_agent_parser._ParseOS, user_agent_parser._ParseDevice)
    answers = [parse(agent, {}) for parse in parsers]
    return [texts(answer, KEYS[kind]) for kind, answer in zip(KEYS, answers)]


def texts(answer, keys):
    """Of an answer the values, None as "", and Other, which says nothing, too."""
    values = [str(answer.get(key) or "") for key in keys]
    return [""] * len(values) if values[0] == "Other" else values


def main():
    every = list(cases())
    agents = list(dict.fromkeys(case["user_agent_string"] for _, case in every))
    agents = list(dict.fromkeys([*agents, *spliced(agents)]))
    ours, (n_used, n_refused) = told(sys.argv[1], agents)
    n_expected, faults = 0, []
    for name, case in every:
        kind = OF_FILE.get(name)
        if kind is None:
            continue
        n_expected += 1
        agent, expected = case["user_agent_string"], texts(case, KEYS[kind])
        if ours[agent][SLICES[kind]] != expected:
            faults.append(f"{name}: {agent}: {ours[agent][SLICES[kind]]}, expected {expected}")
    with multiprocessing.Pool(2) as pool:
        for agent, theirs in zip(agents, pool.imap(by_ua_parser, agents, chunksize=200)):
            if ours[agent] != sum(theirs, []):
                faults.append(f"ua_parser: {agent}: {ours[agent]}, theirs {theirs}")
    longest = [max(len(ours[a][i].encode()) for a in agents) for i in (0, 4)]
    print(f"{n_used} expressions, {n_refused} refused; {n_expected} expectations, {len(agents)} agents, longest families "
          f"{longest[0]} and {longest[1]} bytes, {len(faults)} faults")
    for fault in faults[:20]:
        print(fault)
    if faults or n_refused or n_expected < 15000 or len(agents) < 30000:
        sys.exit(1)


main()
