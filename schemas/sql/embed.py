#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed - writes the migrations NNN_name.sql as a C table: embed.py OUT.c FILE.sql ...

They must be numbered from 001 without gaps and hold neither BEGIN nor COMMIT of their own: each
runs in the one transaction that also notes its version."""
import hashlib
import pathlib
import re
import sys


def quoted(text):
    lines = []
    for line in text.splitlines(keepends=True):
        safe = line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines.append(f'    "{safe}"')
    return "\n".join(lines)


def main(out, files):
    entries = []
    for number, path in enumerate(sorted(pathlib.Path(f) for f in files), 1):
        match = re.fullmatch(r"(\d{3})_([a-z0-9_]+)\.sql", path.name)
        if not match or int(match[1]) != number:
            sys.exit(f"{path.name}: expected {number:03d}_name.sql")
        text = path.read_text(encoding="utf-8")
        if re.search(r"^\s*(begin|commit)\s*;", text, re.IGNORECASE | re.MULTILINE):
            sys.exit(f"{path.name}: holds a BEGIN or COMMIT of its own")
        digest = hashlib.sha256(text.encode()).hexdigest()
        entries.append(f'    {{{number}, "{match[2]}",\n{quoted(text)},\n     "{digest}"}},\n')
    pathlib.Path(out).write_text(
        '/* Made by schemas/sql/embed.py. */\n#include "common/db/migrate.h"\n\n'
        "const struct migration migrations[] = {\n" + "".join(entries) + "};\n"
        f"const int migrations_n = {len(entries)};\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
