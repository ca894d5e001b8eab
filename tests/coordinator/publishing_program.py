"""A small program that publishes as ``up`` does: what is live stands in a file. Its folder is the first argument."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

HOSTS = ("aws", "netlify")


def append(path: Path, line: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def main(folder: Path) -> int:
    tip = os.environ["PEACEFULROBOT_CONTENT"].rpartition("#")[2]
    append(folder / "begun", tip)
    append(folder / "steps", "begins")
    while (folder / "held").exists():
        time.sleep(0.01)
    slow = folder / "slow"
    if slow.exists():
        time.sleep(float(slow.read_text()))
    fails = (folder / "fails").exists()
    rows = [
        {"name": name, "url": f"https://{name}.example", "release": "r0", "trouble": "down" if fails and n else ""}
        for n, name in enumerate(HOSTS)
    ]
    Path(os.environ["PEACEFULROBOT_OUTCOME"]).write_text(json.dumps({"platforms": rows}))
    print("published", tip)  # noqa: T201
    if fails:
        return 1
    new = folder / f"live.{os.getpid()}"
    new.write_text(tip)
    new.rename(folder / "live")
    append(folder / "live.log", tip)
    append(folder / "steps", "ends")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
