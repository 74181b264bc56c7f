#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""twins_test - two copies of a program under one instance name: the group keeps the newer, and the older one leaves and
says why, also when it was away (stopped) while its place was taken. None goes on without a consumer."""
import signal

from harness import Pipeline, Program, binary, demand, run, say, until

AGAIN, CONFIG = 75, 78


def copy(p, number):
    words = [binary("auspex-scorer"), "-c", str(p.ini), "--instance", "twin"]
    return Program(f"copy {number}", p.dir / f"copy{number}.log", words)


def leaves(program, statuses):
    status = program.wait_end(30)
    demand(status in statuses, f"{program} left with {status} and not one of {statuses}")
    last = program.text().strip().splitlines()[-1]
    demand(f"code={status}" in last and "reason=" in last, f"{program} does not say why: {last}")
    say(f"{program} left with {status}: {last.split('reason=')[1][:120]}")


def main():
    p = Pipeline("twins", partitions=2, auspex__static_members="true").apply()
    first = copy(p, 1).wait_ready()
    first.is_expected_to_end = True  # as soon as the next one joins
    second = copy(p, 2)
    leaves(first, (CONFIG,))
    demand("--instance" in first.text(), "it does not say what to do")
    second.wait_ready()
    second.is_expected_to_end = True
    second.signal(signal.SIGSTOP)
    third = copy(p, 3).wait_ready()
    until("third has the partitions", lambda: "partitions assigned" in third.text())
    second.signal(signal.SIGCONT)
    leaves(second, (AGAIN, CONFIG))  # by whether its session or the twin's join is heard of first
    demand(third.page("/readyz")[0] == 200, "the newest is not ready")
    third.stop()


if __name__ == "__main__":
    run(main)
