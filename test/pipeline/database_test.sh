#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# database_test - the unit tests that need a PostgreSQL: meson's suite "database".
set -euo pipefail

if [[ -z ${AUSPEX_TEST_DSN:-} ]]; then
    echo "AUSPEX_TEST_DSN names no server"
    exit 77
fi
# These tests put a database of their own behind the string, which only its key=value form allows.
if [[ $AUSPEX_TEST_DSN =~ ^postgresql://([^:]+):([^@]+)@([^:]+):([0-9]+)/(.+)$ ]]; then
    AUSPEX_TEST_DSN="user=${BASH_REMATCH[1]} password=${BASH_REMATCH[2]} host=${BASH_REMATCH[3]} port=${BASH_REMATCH[4]}"
    export AUSPEX_TEST_DSN="$AUSPEX_TEST_DSN dbname=${BASH_REMATCH[5]}"
fi
meson test -C "$AUSPEX_TEST_BUILD" --no-rebuild --num-processes 1 --timeout-multiplier 4 --print-errorlogs \
    --suite database
