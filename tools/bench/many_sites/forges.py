"""The two local forges as a process of their own: ``python -m tools.bench.many_sites.forges FOLDER``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from sandbox import github
from sandbox.daemon import Daemon
from sandbox.platforms import gitlab


def main(folder: Path) -> None:
    """Run until SIGTERM."""
    asyncio.run(Daemon(folder, 0, 1.0, lambda world: [github.twin(world), gitlab.twin(world)]).run())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
