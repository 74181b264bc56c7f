# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# servers.sh - a Kafka and a PostgreSQL for tests, on free loopback ports, in a fresh folder; to be sourced.
#
# servers_start exports AUSPEX_TEST_KAFKA (host:port), AUSPEX_TEST_DSN and AUSPEX_TEST_DIR; the servers' folders are
# $AUSPEX_TEST_DIR/kafka and /postgres, for tests that stop and start them with deploy/kafka/kafka and
# deploy/postgres/postgres. However the caller ends, SIGKILL included, test/watch ends them, and with them every
# process that has inherited AUSPEX_TEST_DIR.
# The caller sets root (of the checkout) and has sourced deploy/process.sh.
# shellcheck disable=SC2154

servers_kafka_port=
servers_postgres_port=

# Starts what server $1 (kafka, postgres) of a test needs; tries other ports when one was taken meanwhile.
servers_start_one()
{
    local name=$1 try port
    for try in 1 2 3; do
        port=$(port_free)
        if AUSPEX_PG_FAST=1 "$root/deploy/$name/$name" start "$AUSPEX_TEST_DIR/$name" "$port" >&2; then
            echo "$port"
            return
        fi
        echo "test servers: $name did not start on port $port (try $try of 3)" >&2
    done
    return 1
}

servers_start()
{
    "$root/deploy/kafka/kafka" install >/dev/null
    AUSPEX_TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/auspex-test.XXXXXX")
    chmod 711 "$AUSPEX_TEST_DIR" # PostgreSQL's user must pass
    (
        close_inherited
        exec setsid env -u AUSPEX_TEST_DIR "$root/test/watch" $$ "$AUSPEX_TEST_DIR" >/dev/null 2>&1 </dev/null
    ) &
    export AUSPEX_TEST_DIR PYTHONDONTWRITEBYTECODE=1
    servers_kafka_port=$(servers_start_one kafka) || return 1
    servers_postgres_port=$(servers_start_one postgres) || return 1
    AUSPEX_TEST_KAFKA=127.0.0.1:$servers_kafka_port
    AUSPEX_TEST_DSN=$("$root/deploy/postgres/postgres" dsn "$AUSPEX_TEST_DIR/postgres")
    export AUSPEX_TEST_KAFKA AUSPEX_TEST_DSN
}

# Starts again whatever a test has left stopped.
servers_ensure()
{
    "$root/deploy/kafka/kafka" start "$AUSPEX_TEST_DIR/kafka" "$servers_kafka_port" &&
        AUSPEX_PG_FAST=1 "$root/deploy/postgres/postgres" start "$AUSPEX_TEST_DIR/postgres" "$servers_postgres_port"
}

# Kills every process that a test has left behind, the servers apart; prints how many there were.
servers_sweep()
{
    process_sweep "AUSPEX_TEST_DIR=$AUSPEX_TEST_DIR" "AUSPEX_OWNED=$AUSPEX_TEST_DIR/"
}

# Ends servers and leftovers of the test folder $1 and deletes it.
servers_clean()
{
    process_sweep "AUSPEX_TEST_DIR=$1" >/dev/null
    "$root/deploy/kafka/kafka" kill "$1/kafka" || true
    "$root/deploy/postgres/postgres" wipe "$1/postgres" || true
    rm -rf "$1"
}

servers_stop()
{
    if [[ -n ${AUSPEX_TEST_DIR:-} ]]; then
        servers_clean "$AUSPEX_TEST_DIR"
        unset AUSPEX_TEST_DIR AUSPEX_TEST_KAFKA AUSPEX_TEST_DSN
    fi
}
