# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# settings.sh - what deploy/up was told, kept in run/settings between runs; to be sourced.
#
# An option stands above the environment (AUSPEX_KAFKA_PORT, AUSPEX_POSTGRES_PORT), that above what was remembered,
# that above the default. The file is read, never executed.

declare -A setting=(
    [partitions]=8
    [kafka_port]=19392
    [postgres_port]=15432
    [admin_port]=19401
    [edge_port]=19400
    [seed]=1
    [rate]=20
)
declare -A setting_min=([partitions]=1 [kafka_port]=1024 [postgres_port]=1024 [admin_port]=1024 [edge_port]=1024
    [seed]=0 [rate]=1)
declare -A setting_max=([partitions]=1024 [kafka_port]=65534 [postgres_port]=65535 [admin_port]=65530
    [edge_port]=65535 [seed]=4294967295 [rate]=100000)
declare -A setting_before=() # as remembered, to see what has changed

settings_read()
{
    local file=$1 key value
    [[ -e $file ]] || return 0
    while IFS='=' read -r key value; do
        if [[ -n ${setting[$key]:-} && $value =~ ^[0-9]{1,10}$ ]]; then
            setting[$key]=$value
            setting_before[$key]=$value
        fi
    done <"$file"
}

settings_write()
{
    local file=$1 key
    for key in $(printf '%s\n' "${!setting[@]}" | sort); do
        echo "$key=${setting[$key]}"
    done >"$file.new"
    mv -f "$file.new" "$file"
}

# setting_set KEY VALUE NAME: NAME is what the user calls it. A value that cannot be is a usage error.
setting_set()
{
    if ! [[ $2 =~ ^[0-9]{1,10}$ ]] || ((10#$2 < setting_min[$1] || 10#$2 > setting_max[$1])); then
        echo "$3 must be a number from ${setting_min[$1]} to ${setting_max[$1]}, not '$2'" >&2
        exit 2
    fi
    setting[$1]=$((10#$2))
}

settings_from_environment()
{
    if [[ -n ${AUSPEX_KAFKA_PORT:-} ]]; then
        setting_set kafka_port "$AUSPEX_KAFKA_PORT" AUSPEX_KAFKA_PORT
    fi
    if [[ -n ${AUSPEX_POSTGRES_PORT:-} ]]; then
        setting_set postgres_port "$AUSPEX_POSTGRES_PORT" AUSPEX_POSTGRES_PORT
    fi
}

# Succeeds when KEY was remembered with another value.
setting_changed()
{
    [[ -n ${setting_before[$1]:-} && ${setting_before[$1]} != "${setting[$1]}" ]]
}
