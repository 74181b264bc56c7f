# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# pipeline.sh - the steps of deploy/up, one function each; to be sourced with process.sh, steps.sh and settings.sh.
#
# Each step finds out what is done already and does the rest, so running all of them again repairs what is down.
# The caller sets root (of the checkout) and run (its run folder).
# shellcheck disable=SC2154

# Their admin ports go by this order: a new one stands at the end. What `skew` runs is a mode of featurizer.
programs=(collector featurizer scorer archiver actuator)
services=("${programs[@]}" skew)
skew_every_s=300
targets=(collector/auspex-collector featurizer/auspex-featurizer scorer/auspex-scorer archiver/auspex-archiver
    actuator/auspex-actuator trainer/auspex-trainer ctl/auspexctl test/shop/auspex-shop)
history_days=14
history_sessions=20000
ready_limit_s=60

bin()
{
    echo "$root/build/release/$1"
}

ctl()
{
    "$(bin ctl/auspexctl)" -c "$run/auspex.ini" "$@"
}

admin_port()
{
    local i
    for i in "${!services[@]}"; do
        if [[ ${services[$i]} == "$1" ]]; then
            echo $((setting[admin_port] + i))
        fi
    done
}

is_done()
{
    [[ -e $run/state/$1 ]]
}

mark_done()
{
    date -u +%FT%TZ >"$run/state/$1"
}

build_release()
{
    if [[ ! -e $root/build/release/build.ninja ]]; then
        rm -rf "$root/build/release"
        meson setup "$root/build/release" "$root" --buildtype=release
    fi
    ninja -C "$root/build/release" "${targets[@]}"
}

write_ini()
{
    (
        umask 077
        cat >"$run/auspex.ini.new" <<END
# Written by deploy/up at each run; settings of your own belong in local.ini beside it, which is put behind this.
[auspex]
topic_prefix=auspex
partitions=${setting[partitions]}
# one copy of each program, which the supervisor brings back under the same name
static_members=true

[kafka]
bootstrap.servers=127.0.0.1:${setting[kafka_port]}

[postgres]
dsn=$("$root/deploy/postgres/postgres" dsn "$run/postgres")

[collector]
admin_port=$(admin_port collector)
edge=127.0.0.1:${setting[edge_port]}

[featurizer]
admin_port=$(admin_port featurizer)
skew_port=$(admin_port skew)

[scorer]
admin_port=$(admin_port scorer)
predictions=json

[archiver]
admin_port=$(admin_port archiver)

[actuator]
admin_port=$(admin_port actuator)
interventions=json
END
        if [[ -e $run/local.ini ]]; then
            cat "$run/local.ini" >>"$run/auspex.ini.new"
        fi
    )
    if cmp -s "$run/auspex.ini.new" "$run/auspex.ini"; then
        rm "$run/auspex.ini.new"
    else
        mv -f "$run/auspex.ini.new" "$run/auspex.ini"
        date -u +%FT%TZ >"$run/state/ini-changed"
    fi
}

make_topics()
{
    ctl topics apply --partitions "${setting[partitions]}"
    mark_done topics-made
}

make_tables()
{
    ctl db apply
}

# Succeeds when program $1 runs what is on disk now: its binary as last built, the ini as last written.
is_current()
{
    local pid
    pid=$(process_pid "$run/pid/$1") || return 0 # just being started again
    [[ $(readlink "/proc/$pid/exe") != *' (deleted)' ]] || return 1
    [[ ! $run/state/ini-changed -nt $run/pid/$1 ]]
}

# keep_running NAME COMMAND...: under the supervisor, restarted when it is not current.
keep_running()
{
    if ! is_current "$1"; then
        echo "$1: its program or its settings have changed, restarting it"
        "$root/deploy/supervise" --stop "$1"
    fi
    "$root/deploy/supervise" "$@"
}

start_programs()
{
    local name
    for name in "${programs[@]}"; do
        keep_running "$name" "$(bin "$name/auspex-$name")" -c "$run/auspex.ini" --instance 1
    done
    keep_running skew "$(bin featurizer/auspex-featurizer)" -c "$run/auspex.ini" --check-skew --every $skew_every_s
}

show_log()
{
    echo "The last lines of $run/log/$1.log:"
    tail -n 12 "$run/log/$1.log" | cut -c 1-300 | sed 's/^/    /'
}

# Waits until every program says that it is ready; names the one that does not.
wait_ready()
{
    local name deadline=$((SECONDS + ready_limit_s)) state
    for name in "${services[@]}"; do
        until curl -sf -m 2 -o /dev/null "http://127.0.0.1:$(admin_port "$name")/readyz"; do
            state=$("$root/deploy/supervise" --status "$name") || {
                echo "$name does not run: $state"
                show_log "$name"
                return 1
            }
            if ((SECONDS > deadline)); then
                echo "$name is not ready after $ready_limit_s s ($state); /readyz on port $(admin_port "$name") says:"
                curl -s -m 2 "http://127.0.0.1:$(admin_port "$name")/readyz" || echo "    nothing"
                show_log "$name"
                return 1
            fi
            sleep 0.2
        done
        echo "$name is ready"
    done
}

# The file is made once: an import that was interrupted goes on only with the same bytes.
make_history()
{
    if [[ -e $run/history.ndjson ]]; then
        return
    fi
    date -u +%FT%TZ >"$run/state/history-end"
    "$(bin test/shop/auspex-shop)" history --days $history_days --sessions $history_sessions \
        --seed "${setting[seed]}" --end "$(cat "$run/state/history-end")" --out "$run/history.ndjson.new"
    mv "$run/history.ndjson.new" "$run/history.ndjson"
}

import_history()
{
    make_history
    ctl replay "$run/history.ndjson" --format ndjson --site 1 --speed max
    mark_done history-imported
}

wait_archived()
{
    ctl wait archived
    mark_done history-archived
}

train()
{
    "$(bin trainer/auspex-trainer)" -c "$run/auspex.ini" conversion
    mark_done model-trained
}

promote()
{
    ctl models promote conversion
    mark_done model-active
}

# The key is told once; whoever lost it gets another one.
make_site()
{
    local key
    if [[ -s $run/state/edge-key ]]; then
        return
    fi
    key=$(ctl sites put 1 --name shop --new-key --origin '*' | sed -n 's/^new key  *//p')
    [[ -n $key ]] || {
        echo "sites put told no key"
        return 1
    }
    (
        umask 077
        echo "$key" >"$run/state/edge-key.new"
    )
    mv -f "$run/state/edge-key.new" "$run/state/edge-key"
}

put_policy()
{
    ctl policies put "$root/deploy/demo/discount.json"
    mark_done policy-put
}

start_shop()
{
    if setting_changed rate || setting_changed seed; then
        "$root/deploy/supervise" --stop shop
    fi
    # told the same past as the history, so that the visitors who come back are those who were imported
    keep_running shop "$(bin test/shop/auspex-shop)" live --rate "${setting[rate]}" --seed "${setting[seed]}" \
        --days $history_days --sessions $history_sessions --end "$(cat "$run/state/history-end")" --start-now \
        --edge "http://127.0.0.1:${setting[edge_port]}" --write-key "$(cat "$run/state/edge-key")" \
        --react --brokers "127.0.0.1:${setting[kafka_port]}" --interventions auspex.interventions.v1
}
