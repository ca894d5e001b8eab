"""Runs one command and writes what it took as JSON: ``launcher.py RESULT SECONDS COMMAND…``. Standard library only.

A process of its own, because Linux counts the memory of whoever starts a program to that program's peak: this one is
small, whatever has been imported by who measures.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time


def main(result: str, seconds: str, *command: str) -> int:
    """The command's exit code; wall and CPU in seconds and peak memory in kilobytes go into the file ``result``.

    After ``seconds`` it is killed; 0: never.
    """
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    stopped = []

    def stop(*_: object) -> None:
        stopped.append(True)
        os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, float(seconds))
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - started
    code = os.waitstatus_to_exitcode(status)
    with open(result, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would cost memory
        used = {"cpu": usage.ru_utime + usage.ru_stime, "kilobytes": usage.ru_maxrss}
        json.dump({"wall": wall, **used, "code": code, "stopped": bool(stopped)}, file)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
