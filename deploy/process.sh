# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# process.sh - start, recognise and end background processes; to be sourced.
#
# Whatever we start carries AUSPEX_OWNED=PIDFILE in its environment, PIDFILE being an absolute path. A number in
# a pid file is believed only while /proc/PID/environ says the same, so a pid that the system has given to a
# stranger since is never signalled, and a process whose pid file was lost can still be found (process_sweep).

# Succeeds when process $1 lives and carries the mark $2. Zombies have no environment and count as gone.
process_is()
{
    [[ $1 =~ ^[0-9]+$ ]] && grep -zqxF -- "AUSPEX_OWNED=$2" "/proc/$1/environ" 2>/dev/null
}

# Prints the pid that pid file $1 names, if that process is still ours; fails otherwise.
process_pid()
{
    local pid
    { read -r pid <"$1"; } 2>/dev/null || return 1
    process_is "$pid" "$1" && echo "$pid"
}

# Writes pid $2, a process just started with the mark $1, to pid file $1, whole or not at all. Until "env" has become
# the program the mark does not show, so that is waited for.
process_record()
{
    echo "$2" >"$1.new"
    mv -f "$1.new" "$1"
    until process_is "$2" "$1" || ! kill -0 "$2" 2>/dev/null; do
        sleep 0.01
    done
}

# Closes what a background process must not hold open: locks, pipes and logs of whoever started it.
close_inherited()
{
    local fd
    for fd in /proc/"$BASHPID"/fd/*; do
        fd=${fd##*/}
        if ((fd > 2 && fd < 255)); then
            eval "exec $fd>&-"
        fi
    done
}

# process_start PIDFILE LOG COMMAND...: runs COMMAND in a session of its own, its output added to LOG.
process_start()
{
    local pidfile=$1 log=$2
    shift 2
    (
        close_inherited
        exec setsid env --default-signal=INT,QUIT,HUP "AUSPEX_OWNED=$pidfile" "$@" >>"$log" 2>&1 </dev/null
    ) &
    process_record "$pidfile" $!
}

# Waits up to $3 seconds for process $1 with mark $2 to be gone.
process_wait_gone()
{
    local deadline=$((SECONDS + $3))
    while process_is "$1" "$2"; do
        ((SECONDS <= deadline)) || return 1
        sleep 0.05
    done
}

# process_stop PIDFILE GRACE_S: SIGTERM, SIGKILL after GRACE_S seconds (at once when it is 0); returns when the
# process is gone. Nothing to stop is a success.
process_stop()
{
    local pidfile=$1 grace_s=$2 pid
    if pid=$(process_pid "$pidfile"); then
        if ((grace_s > 0)); then
            kill -TERM "$pid" 2>/dev/null || true
        fi
        if ((grace_s == 0)) || ! process_wait_gone "$pid" "$pidfile" "$grace_s"; then
            kill -KILL "$pid" 2>/dev/null || true
            process_wait_gone "$pid" "$pidfile" 10 || return 1
        fi
    fi
    rm -f "$pidfile"
}

# process_find TEXT [BUT]: prints the pids of all processes, this one apart, whose environment holds TEXT (and not BUT).
process_find()
{
    local file pid
    while read -r file; do
        pid=${file#/proc/}
        pid=${pid%/environ}
        if [[ $pid == "$$" || $pid == "$BASHPID" ]]; then
            continue
        fi
        if [[ -z ${2:-} ]] || ! grep -qzF -- "$2" "$file" 2>/dev/null; then
            echo "$pid"
        fi
    done < <(env -i "PATH=$PATH" grep -lzF -- "$1" /proc/[0-9]*/environ 2>/dev/null) # env: not to find itself
}

# process_sweep TEXT [BUT]: kills those processes; prints how many there were.
process_sweep()
{
    local round pid n=0
    local -a found
    for round in 1 2 3 4 5; do
        mapfile -t found < <(process_find "$@")
        ((${#found[@]} > 0)) || break
        ((round > 1)) || n=${#found[@]}
        for pid in "${found[@]}"; do
            kill -KILL "$pid" 2>/dev/null || true
        done
        sleep 0.1
    done
    echo "$n"
}

# Succeeds when something listens on loopback port $1.
port_answers()
{
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# Prints a loopback port on which nothing listens, below the range that outgoing connections use.
port_free()
{
    local port round
    for ((round = 0; round < 100; round++)); do
        port=$((20000 + RANDOM % 12000))
        if ! port_answers "$port" && ! port_answers $((port + 1)); then
            echo "$port"
            return 0
        fi
    done
    return 1
}

# only_one LOCK SCRIPT [ARGUMENT]...: returns at once inside the lock; else runs SCRIPT again inside it and leaves with
# its status. flock keeps the lock itself, so that nothing started below holds it on.
only_one()
{
    local lock=$1 rc=0
    shift
    if [[ ${AUSPEX_LOCKED:-} == "$lock" ]]; then
        return
    fi
    AUSPEX_LOCKED=$lock flock --nonblock --close --conflict-exit-code 75 "$lock" "$@" || rc=$?
    if ((rc == 75)); then
        echo "another deploy/up or deploy/down of this checkout is at work (lock: $lock)" >&2
    fi
    exit "$rc"
}
