# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# steps.sh - one line per step of a long script: what, how it ended, how long it took; to be sourced.
#
# The caller sets steps_n (how many there will be; 0: not counted) and steps_log_dir (where each step's output goes).
# While a step runs, its time and its last line of output are shown: rewritten in place on a terminal, a line
# every ten seconds elsewhere.

export LC_ALL=C.UTF-8 # EPOCHREALTIME and the tools' messages are read below
steps_n=0
steps_at=0
steps_log_dir=

now_ms()
{
    echo $((${EPOCHREALTIME/./} / 1000))
}

# Prints the milliseconds $1 as seconds with one decimal.
seconds_text()
{
    printf '%d.%d s' $(($1 / 1000)) $(($1 % 1000 / 100))
}

step_label()
{
    if ((steps_n > 0)); then
        printf '[%d/%d] %s ...' "$steps_at" "$steps_n" "$1"
    else
        printf '%s ...' "$1"
    fi
}

# The last line of file $1 that says something: progress bars rewrite a line with \r, tools colour theirs.
last_words()
{
    tail -c 2000 "$1" 2>/dev/null | tr '\r' '\n' | sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/[[:space:]]*$//' | grep -v '^$' |
        tail -n 1 | cut -c 1-"$2" || true
}

# Shows the progress of a running step, until killed or left alone: $1 its label, $2 its log.
step_watch()
{
    local start=$SECONDS spent never
    exec {never}<> <(:) # nothing ever comes: a pause without a process, which could outlive this one
    while { read -r -t 1 -u "$never" || true; } && kill -0 $$ 2>/dev/null; do
        spent=$((SECONDS - start))
        if [[ -t 1 ]]; then
            printf '\r\033[K%s %d s  %s' "$1" "$spent" "$(last_words "$2" 60)"
        elif ((spent > 0 && spent % 10 == 0)); then
            printf '%s %d s: %s\n' "$1" "$spent" "$(last_words "$2" 100)"
        fi
    done
}

step_failed()
{
    local title=$1 log=$2
    if [[ -s $log ]]; then
        printf '%s failed. The last lines of %s:\n' "$title" "$log"
        tail -n 25 "$log" | tr '\r' '\n' | tail -n 25 | sed 's/^/    /'
        printf 'The whole log: %s\n' "$log"
    else
        printf '%s failed and said nothing (%s is empty).\n' "$title" "$log"
    fi >&2
}

# step TITLE LOGNAME COMMAND...: runs COMMAND (a function, maybe) with errexit on, output to LOGNAME.log.
# A failure shows the end of the log and leaves the script with status 1.
step()
{
    local title=$1 log=$steps_log_dir/$2.log label start watcher rc
    shift 2
    steps_at=$((steps_at + 1))
    label=$(step_label "$title")
    start=$(now_ms)
    : >"$log"
    if [[ -t 1 ]]; then
        printf '%s' "$label"
    fi
    step_watch "$label" "$log" &
    watcher=$!
    set +e # "if (...)" would turn errexit off inside as well
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null
    rc=$?
    set -e
    kill "$watcher" 2>/dev/null || true
    wait "$watcher" 2>/dev/null || true
    step_end "$label" "$rc" "$start"
    if ((rc != 0)); then
        step_failed "$title" "$log"
        exit 1
    fi
}

# The same for a command that shows its own progress and speaks for itself: step_shown TITLE COMMAND...
step_shown()
{
    local title=$1 label start rc=0
    shift
    steps_at=$((steps_at + 1))
    label=$(step_label "$title")
    start=$(now_ms)
    "$@" || rc=$?
    step_end "$label" "$rc" "$start"
    ((rc == 0)) || exit 1
}

# Counts a step that has nothing to do, and says why: $1 title, $2 reason.
step_skip()
{
    steps_at=$((steps_at + 1))
    printf '%s %s\n' "$(step_label "$1")" "$2"
}

step_end()
{
    local verdict=ok
    (($2 == 0)) || verdict=failed
    if [[ -t 1 ]]; then
        printf '\r\033[K'
    fi
    printf '%s %s (%s)\n' "$1" "$verdict" "$(seconds_text $(($(now_ms) - $3)))"
}
