"""Runs a command of tools.deploy on another project: ``python -m tests.tools.deploy.drive ROOT COMMAND``."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from tools.deploy.commands import Commands, friendly, stack_of
from tools.deploy.engine_process import stop_with_make
from tools.deploy.errors import Refused
from tools.deploy.places import Places

if __name__ == "__main__":
    root = Path(sys.argv[1])
    stop_with_make()
    try:
        with friendly():
            run = Commands(stack_of("sandbox", Places(root, root / ".sandbox")), Console(), Console(stderr=True))
            sys.exit(getattr(run, sys.argv[2])() or 0)
    except Refused as refused:
        refused.show()
        sys.exit(refused.exit_code)
